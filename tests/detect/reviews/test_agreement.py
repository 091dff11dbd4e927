"""Kappa is that of an independent implementation; conflicts are all told."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.detect.reviews.agreement import agreements, conflicts
from consentinel.detect.reviews.memory import Given, Memory

SAID = ("violation", "not_violation", "waived")


inter_rater = pytest.importorskip("statsmodels.stats.inter_rater", reason="pip install 'consentinel[dev]'")


def memory(*answers: dict[str, str], versions: tuple[str, ...] = ()) -> Memory:
    """Return a memory of one class for each of ANSWERS: reviewer -> decision."""
    said = {}
    for n, one in enumerate(answers):
        said[f"c_{n}"] = {
            who: Given(
                n, f"c_{n}.{dict(enumerate(versions)).get(at, 'v')}", f"c_{n}", "a", "r", "1", "", "b", what, who, "",
                None, 0, "python",
            )
            for at, (who, what) in enumerate(one.items())
        }  # fmt: skip
    return Memory(said=said)


@settings(deadline=None)  # the oracle is slow at first
@given(st.lists(st.tuples(st.sampled_from(SAID), st.sampled_from(SAID)), min_size=1, max_size=40))
def test_kappa_is_that_of_statsmodels(pairs: list[tuple[str, str]]) -> None:
    (pair,) = agreements(memory(*({"one": a, "two": b} for a, b in pairs)))
    counts = [[sum(p == (a, b) for p in pairs) for b in SAID] for a in SAID]
    assert (pair.n, pair.agreed) == (len(pairs), sum(a == b for a, b in pairs))
    if len({a for a, _ in pairs} | {b for _, b in pairs}) == 1:
        assert pair.kappa is None
    else:
        with np.errstate(invalid="ignore", divide="ignore"):  # of its test statistic, which is not used
            wanted = inter_rater.cohens_kappa(counts).kappa
        assert pair.kappa == pytest.approx(wanted, abs=1e-12)


def test_a_worked_example() -> None:
    """20 yes-yes, 15 no-no, 5 and 10 apart: 0.7 observed, 0.5 expected."""
    table = [("violation", "violation")] * 20 + [("not_violation", "not_violation")] * 15
    table += [("violation", "not_violation")] * 5 + [("not_violation", "violation")] * 10
    (pair,) = agreements(memory(*({"a": one, "b": two} for one, two in table)))
    assert pair.kappa == pytest.approx(0.4)


def test_who_did_not_decide_is_not_compared() -> None:
    found = memory(
        {"a": "violation", "b": "undecided", "c": "violation"}, {"a": "waived", "b": "violation", "c": "undecided"}
    )
    assert [(p.first, p.second, p.n, p.agreed) for p in agreements(found)] == [("a", "b", 1, 0), ("a", "c", 1, 1)]
    assert [[(g.reviewer, g.decision) for g in group] for group in conflicts(found)] == [
        [("a", "waived"), ("b", "violation")]
    ]


def test_other_versions_are_not_compared() -> None:
    found = memory({"a": "violation", "b": "not_violation"}, versions=("v1", "v2"))
    assert agreements(found) == []
    assert conflicts(found) == []
