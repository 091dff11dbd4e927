"""The graph filter against its definition over a full singular value decomposition."""

import numpy as np
import pyarrow as pa

from consentinel.models.pieces.logs import log_of
from consentinel.models.recommend import graph_filter


def test_scores_are_the_linear_and_the_ideal_filter() -> None:
    rng = np.random.default_rng(6)
    user, item = np.nonzero(rng.random((70, 14)) < (rng.random((70, 3)) @ rng.random((3, 14))) * 0.4)
    log = log_of(pa.table({"user": [f"u{u:02}" for u in user], "item": [f"i{i:02}" for i in item]}))
    x = log.seen().toarray().astype(float)
    rows, columns = x.sum(axis=1), x.sum(axis=0)
    normal = x / np.sqrt(rows)[:, None] / np.sqrt(columns)
    _, _, right = np.linalg.svd(normal)
    low = right[:3].T @ right[:3]
    wanted = x @ (normal.T @ normal + 0.4 * np.diag(columns**-0.5) @ low @ np.diag(columns**0.5))
    everyone = np.arange(len(rows), dtype=np.int32)
    found = graph_filter.fit(log, graph_filter.SETTINGS(rank=3, weight=0.4), 5)
    np.testing.assert_allclose(found.scores(everyone, log.seen()), wanted, rtol=2e-4)
    plain = graph_filter.fit(log, graph_filter.SETTINGS(rank=0), 5)
    np.testing.assert_allclose(plain.scores(everyone, log.seen()), x @ normal.T @ normal, rtol=1e-4)
