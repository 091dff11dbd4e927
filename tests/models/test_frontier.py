"""The frontier: private trainers between the ceiling and the floor, and what a probability is worth."""

import numpy as np
import pyarrow as pa
import pytest

from consentinel.core.errors import UsageError
from consentinel.core.rng import generator
from consentinel.models.frontier_asked import epsilons, ways
from consentinel.models.frontier_curve import POINTS, Way, curve
from consentinel.models.frontier_value import bid_clicks, cut_off_profit


def rows(n: int = 4000) -> pa.Table:
    """Rows of which one column says how likely label 1 is."""
    rng = generator(0, "tests.frontier")
    a, b = rng.integers(0, 5, n), rng.integers(0, 2, n)
    label = rng.random(n) < np.array([0.05, 0.1, 0.3, 0.6, 0.9])[a]
    return pa.table({"a": [f"a{v}" for v in a], "b": [f"b{v}" for v in b], "label": label.astype(int)})


def test_more_epsilon_comes_nearer_to_the_ceiling() -> None:
    pytest.importorskip("opendp")
    asked = ways("logistic aggregate_logistic", given="categories=public,buckets=4", delta="1e-6")
    found = curve(rows(), asked, epsilons("0.02 5"), seeds=2)
    assert found.schema == POINTS
    by = {(row["trainer"], row["epsilon"], row["measure"]): row for row in found.to_pylist()}
    assert len(by) == 4 * (1 + 1 + 2)
    for measure in ("explained_entropy", "auc", "cut_off_profit"):
        little, much = (by["aggregate_logistic", epsilon, measure] for epsilon in (0.02, 5.0))
        assert much["loss"] < 0.1 < little["loss"]
        assert by["base rate", None, measure]["loss"] == pytest.approx(1.0)
        assert by["logistic", None, measure]["loss"] == pytest.approx(0.0)
        assert much["low"] <= much["value"] <= much["high"]
    assert by["base rate", None, "auc"]["value"] == pytest.approx(0.5)


def test_what_is_no_frontier_is_refused() -> None:
    for trainers in ("private_logistic", ""):
        if trainers:
            with pytest.raises(UsageError, match="as ceiling"):
                curve(rows(100), ways(trainers), ["1"], seeds=2)
    with pytest.raises(UsageError, match="two seeds"):
        curve(rows(100), ways("logistic"), ["1"], seeds=1)
    plain = ways("logistic")[0]
    with pytest.raises(UsageError, match="stands as private"):
        curve(rows(100), [plain, Way("other", plain.made)], ["1"], seeds=2)
    with pytest.raises(UsageError, match="named twice"):
        ways("logistic logistic")
    with pytest.raises(UsageError, match="no setting"):
        ways("logistic:clip=1")
    for text in ("", "1 1", "many"):
        with pytest.raises(UsageError):
            epsilons(text)


def test_profit_and_clicks_of_known_scores() -> None:
    label = np.tile([1.0, 0.0, 0.0, 0.0], 2500)
    assert cut_off_profit(label, label) == pytest.approx(1.0)
    assert cut_off_profit(label, np.zeros(10_000)) == 0.0
    assert cut_off_profit(label, np.ones(10_000)) == pytest.approx(0.0, abs=1e-9)
    assert cut_off_profit(label, 1 - label) < 0
    assert bid_clicks(label, label, seed=0) == pytest.approx(4 * (1 - 0.75**10), rel=0.03)
    assert bid_clicks(label, np.zeros(10_000), seed=0) == pytest.approx(1.0, abs=0.2)
    with pytest.raises(UsageError, match="same label"):
        cut_off_profit(np.ones(5), np.ones(5))
    with pytest.raises(UsageError, match="slates of 10"):
        bid_clicks(np.array([0.0, 1.0]), np.zeros(2), seed=0)
