"""SLIM against scikit-learn's elastic net."""

import numpy as np
import pyarrow as pa
import pytest
from sklearn.linear_model import ElasticNet

from consentinel.models.pieces.logs import Log, log_of
from consentinel.models.recommend import slim


def made() -> Log:
    rng = np.random.default_rng(8)
    taste = rng.random((80, 2)) @ rng.random((2, 10))
    user, item = np.nonzero(rng.random((80, 10)) < taste * 0.6)
    return log_of(pa.table({"user": [f"u{u:02}" for u in user], "item": [f"i{i}" for i in item]}))


@pytest.mark.parametrize("dense", [True, False])
@pytest.mark.parametrize("negative", [True, False])
def test_weights_are_those_of_the_elastic_net(dense: bool, negative: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slim, "_DENSE", 6_000 if dense else 0)
    monkeypatch.setattr(slim, "_CELLS", 400)  # several batches
    log = made()
    x = log.seen().toarray().astype(float)
    asked = slim.SETTINGS(l1=1.5, l2=4.0, neighbours=9, sweeps=300, negative=negative)
    found = slim.fit(log, asked, 0).weights.toarray()
    for j in range(10):
        others = np.arange(10) != j
        net = ElasticNet(alpha=5.5 / len(x), l1_ratio=1.5 / 5.5, positive=not negative, fit_intercept=False, tol=1e-10,
                         max_iter=20_000).fit(x[:, others], x[:, j])  # fmt: skip
        np.testing.assert_allclose(found[others, j], net.coef_, atol=1e-3)
        assert found[j, j] == 0


def test_an_item_is_regressed_on_its_neighbours_only() -> None:
    found = slim.fit(made(), slim.SETTINGS(l1=0.0, l2=1.0, neighbours=2), 0).weights.toarray()
    assert ((found != 0).sum(axis=0) <= 2).all()
    assert (found != 0).any()
