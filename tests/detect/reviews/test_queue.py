"""The queue is ranked by what a decision is expected to settle."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentinel.core.state import State
from consentinel.detect.reviews.queue import WEIGHTS, uncertainty
from consentinel.detect.reviews.reviewing import take
from tests.detect.reviews.made_reviews import findings, told, waiting


def test_uncertainty_is_the_entropy_in_bits() -> None:
    assert uncertainty(0.5) == 1
    assert uncertainty(0.25) == pytest.approx(0.8112781, abs=1e-7)  # 2 - 3/4 log2 3
    assert uncertainty(0) == uncertainty(1) == uncertainty(-1) == 0
    assert uncertainty(0.1) == pytest.approx(uncertainty(0.9))


@given(st.floats(0, 1))
def test_uncertainty_is_largest_in_the_middle(p: float) -> None:
    assert 0 <= uncertainty(p) <= 1
    assert uncertainty(p) <= uncertainty((p + 0.5) / 2) + 1e-12


def test_gain_is_bits_times_weight_times_size(state: State) -> None:
    rows = waiting(
        state,
        findings(
            *({"subject": f"{n}.test", "p": p, "severity": "high"} for n, p in enumerate((0.8, 0.9, 1.0))),
            {"recipient": "critical.test", "severity": "critical", "p": 0.99},
            {"recipient": "open.test", "severity": "low", "outcome": "no signal", "p": 0.99},
            {"recipient": "unknown.test", "severity": "medium"},
            {"recipient": "sure.test", "severity": "critical", "p": 1.0},
            {"recipient": "fine.test", "outcome": "allowed"},
        ),
    )
    gains = {row["recipient"]: row["gain"] for row in rows}
    assert gains == {
        "posthog.test": pytest.approx(3 * 4 * uncertainty(0.9), abs=1e-5),
        "critical.test": pytest.approx(8 * uncertainty(0.99), abs=1e-5),
        "open.test": 1.0,
        "unknown.test": 2.0,
        "sure.test": 0.0,
    }
    assert [row["gain"] for row in rows] == sorted(gains.values(), reverse=True)
    assert [row["rank"] for row in rows] == [1, 2, 3, 4, 5]


def test_what_reviewers_always_confirm_sinks(state: State) -> None:
    first = waiting(state, findings(*({"recipient": f"{n}.test", "rule": "tcf_denied"} for n in range(6))))
    take(state, [told(row["claim"], "violation") for row in first])
    rows = waiting(state, findings({"rule": "tcf_denied", "recipient": "new.test"}, {"rule": "gpc_ignored"}))
    assert [(row["rule"], row["p"]) for row in rows] == [("gpc_ignored", 0.5), ("tcf_denied", 0.875)]


def test_equal_gain_puts_the_severe_first_and_the_order_is_always_the_same(state: State) -> None:
    rows = [{"recipient": f"{n}.test", "p": 1.0, "severity": list(WEIGHTS)[n % 4]} for n in range(12)]
    one = waiting(state, findings(*rows))
    two = waiting(state, findings(*reversed(rows)))
    assert [row["severity"] for row in one] == [name for name in WEIGHTS for _ in range(3)]
    assert [row["claim"] for row in one] == [row["claim"] for row in two]


def test_nothing_found_and_nothing_known(state: State) -> None:
    assert waiting(state, findings()) == []
    (row,) = waiting(state, findings(dict.fromkeys(("rule", "type", "severity", "outcome", "keys", "basis", "p"))))
    assert row["severity"] == "low"
    assert math.isfinite(row["gain"])
