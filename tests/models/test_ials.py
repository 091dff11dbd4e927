"""iALS against implicit called directly, and the vectors of strangers against the equations that they solve."""

from importlib import import_module
from typing import Any

import numpy as np
import pyarrow as pa
from threadpoolctl import threadpool_limits

from consentinel.models.pieces.logs import Log, csr, log_of
from consentinel.models.recommend import ials


def made() -> Log:
    rng = np.random.default_rng(2)
    user, item = np.nonzero(rng.random((50, 12)) < 0.3)
    weight = rng.integers(1, 4, len(user)).astype(float)
    return log_of(pa.table({"user": [f"u{u}" for u in user], "item": [f"i{i}" for i in item], "weight": weight}))


def test_factors_are_those_of_implicit_on_any_number_of_threads() -> None:
    log = made()
    with threadpool_limits(1, "blas"):
        direct: Any = import_module("implicit.cpu.als").AlternatingLeastSquares(
            factors=5, regularization=2, alpha=3, iterations=4, random_state=7, num_threads=1
        )
        direct.fit(log.matrix, show_progress=False)
    for threads in (1, 2):
        found = ials.fit(log, ials.SETTINGS(factors=5, reg=2, alpha=3, iterations=4, threads=threads), 7)
        np.testing.assert_allclose(found.people, direct.user_factors, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(found.items, direct.item_factors, rtol=1e-5, atol=1e-6)


def test_a_strangers_vector_solves_the_normal_equations() -> None:
    found = ials.fit(made(), ials.SETTINGS(factors=5, reg=2.0, alpha=3.0, iterations=4), 7)
    history = csr(np.ones(3, np.float32), np.array([0, 4, 5]), np.array([0, 3]), (1, 12))
    scores = found.scores(np.array([-1], np.int32), history)
    confidence, y = np.where(history.toarray()[0] > 0, 3.0, 1.0), found.items.astype(float)
    wanted = np.linalg.solve(y.T @ (confidence[:, None] * y) + 2 * np.eye(5), y.T @ (3.0 * history.toarray()[0]))
    np.testing.assert_allclose(scores[0], y @ wanted, rtol=1e-4)
