"""Item-kNN against similarities written out."""

import numpy as np
import pyarrow as pa
import pytest

from consentinel.models.pieces.logs import log_of
from consentinel.models.recommend import _item_weights, item_knn


@pytest.mark.parametrize(("shrink", "asymmetry", "power"), [(0.0, 0.5, 0.0), (3.0, 0.2, 0.0), (1.0, 0.5, 0.5)])
def test_similarities_are_shrunk_cosines_of_the_nearest(
    shrink: float, asymmetry: float, power: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_item_weights, "_CELLS", 24)  # blocks of three items
    user, item = np.nonzero(np.random.default_rng(4).random((30, 8)) < 0.4)
    log = log_of(pa.table({"user": [f"u{u:02}" for u in user], "item": [f"i{i}" for i in item]}))
    x = log.seen().toarray().astype(float)
    x /= x.sum(axis=1, keepdims=True) ** power
    gram = x.T @ x
    own = np.diag(gram)
    wanted = gram / (own[:, None] ** asymmetry * own ** (1 - asymmetry) + shrink)
    np.fill_diagonal(wanted, 0)
    asked = item_knn.SETTINGS(neighbours=3, shrink=shrink, asymmetry=asymmetry, person_power=power)
    found = item_knn.fit(log, asked, 0).weights.toarray()
    assert ((found > 0).sum(axis=0) <= 3).all()
    assert (found > 0).any()
    np.testing.assert_allclose(found[found > 0], wanted[found > 0], rtol=1e-5)
    for j in range(8):  # nothing that was left out is larger than what was kept
        assert np.max(wanted[found[:, j] == 0, j], initial=0) <= found[found[:, j] > 0, j].min() + 1e-6


def test_of_equal_neighbours_the_more_popular_is_kept() -> None:
    blocks = iter([(slice(0, 1), np.array([[0, 1, 1, 1]], np.float32)), (slice(1, 4), np.zeros((3, 4), np.float32))])
    assert _item_weights.strongest(blocks, 2, 4).toarray()[:, 0].tolist() == [0, 1, 1, 0]
