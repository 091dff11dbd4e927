"""The gate: bounds on intervals, failures that stand a correction, policies that say what is wrong with them."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentinel.assure import gating
from consentinel.assure.comparing import difference
from consentinel.assure.measure import Found, Measure, table
from consentinel.assure.policy_file import Policy, Rule, read
from consentinel.assure.results import Facts, Result
from consentinel.core.errors import BadInput, UsageError
from consentinel.core.stats import Interval, wilson


def result(*measures: Measure) -> Result:
    """Return an audit that found MEASURES."""
    return Result.of(table([Found("fair", "group", one) for one in measures], 0.95), facts=Facts("made", "tabular"))


def measure(value: float, half: float, p: float | None = None, slice: str = "g", metric: str = "gap") -> Measure:
    return Measure(metric, Interval(value, value - half, value + half, 100, 0.95, "made"), slice, null=0.0, p=p)


@pytest.mark.parametrize(
    ("bound", "limit", "value", "half", "verdict"),
    [
        ("at_most", 0.1, 0.05, 0.02, "pass"), ("at_most", 0.1, 0.2, 0.02, "fail"),
        ("at_most", 0.1, 0.1, 0.02, "insufficient evidence"), ("at_most", 0.1, 0.05, math.inf, "insufficient evidence"),
        ("at_least", 0.8, 0.9, 0.02, "pass"), ("at_least", 0.8, 0.7, 0.02, "fail"),
        ("at_least", 0.8, 0.8, 0.02, "insufficient evidence"), ("within", 0.1, -0.05, 0.02, "pass"),
        ("within", 0.1, -0.3, 0.02, "fail"), ("within", 0.1, 0.3, 0.02, "fail"),
        ("within", 0.1, 0.05, 0.1, "insufficient evidence"), ("within", 0.0, 0.1, 0.02, "fail"),
    ],
)  # fmt: skip
def test_bounds_are_held_against_ends(bound: Any, limit: float, value: float, half: float, verdict: str) -> None:
    found = gating.judged(result(measure(value, half)), Policy("p", (Rule("r", "gap", bound, limit),)))
    assert [one.verdict for one in found] == [verdict]
    assert gating.exit_code(found) == {"pass": 0, "fail": 1, "insufficient evidence": 3}[verdict]


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(-1, 1))
def test_one_measure_alone_is_never_corrected_away(value: float, half: float, limit: float) -> None:
    rules = (Rule("r", "gap", "at_most", limit),)
    both = [gating.judged(result(measure(value, half)), Policy("p", rules, adjust)) for adjust in ("holm", "none")]
    assert both[0][0].verdict == both[1][0].verdict


def test_failures_by_chance_do_not_stand_among_many() -> None:
    weak, strong = measure(0.1, 0.095, slice="weak"), measure(0.1, 0.03, slice="strong")
    many = [measure(0.0, 0.1, slice=f"s{at}") for at in range(18)]
    rules = (Rule("r", "gap", "at_most", 0.0),)
    plain = gating.judged(result(weak, strong, *many), Policy("p", rules, "none"))
    held = gating.judged(result(weak, strong, *many), Policy("p", rules))
    assert [one.verdict for one in plain[:2]] == ["fail", "fail"]
    assert [one.verdict for one in held[:2]] == ["insufficient evidence", "fail"]
    assert "by chance" in held[0].why


def test_a_test_of_its_own_is_preferred_to_the_width() -> None:
    told = gating.judged(result(measure(0.1, 0.05, p=0.03)), Policy("p", (Rule("r", "gap", "at_most", 0.0),)))
    assert told[0].p == pytest.approx(0.03)


def test_fair_measures_rarely_fail_together() -> None:
    rng = np.random.default_rng(0)
    rules = Policy("p", (Rule("r", "gap", "within", 0.0),))
    failed = 0
    for _ in range(400):
        noise = rng.normal(0, 1, 5)
        failed += gating.exit_code(gating.judged(result(*(measure(x, 1.96, slice=f"{x}") for x in noise)), rules)) == 1
    assert failed <= 400 * 0.08


def test_what_is_missing_is_no_pass_unless_the_rule_says_so() -> None:
    none = Measure("gap", None, "g", why="a group of one")
    for measures, words in (((none,), "a group of one"), ((), "nothing in the audit fits")):
        for required, verdict in ((True, "insufficient evidence"), (False, "pass")):
            rules = (Rule("r", "gap", "at_most", 0.1, required=required),)
            found = gating.judged(result(*measures), Policy("p", rules))
            assert [one.verdict for one in found] == [verdict]
            assert words in found[0].why


def test_patterns_choose_measures_and_the_worst_verdict_marks_a_row() -> None:
    audit = result(measure(0.3, 0.01, slice="sex"), measure(0.3, 0.01, slice="age"), measure(0.3, 0.01, metric="odds"))
    policy = Policy("p", (Rule("a", "gap", "at_most", 0.1, slice="s*"), Rule("b", "*", "at_most", 0.5)))
    found = gating.judged(audit, policy)
    assert [one.verdict for one in found] == ["fail", "pass", "pass", "pass"]
    marked = gating.marked(audit, found, policy)
    assert [row["verdict"] for row in marked.rows] == ["fail", "pass", "pass"]
    claims, rules = gating.claims(marked)
    assert [one.kind for one in claims] == ["fail", "pass", "pass", "pass"]
    assert [rule.id for rule in rules] == ["a", "b"]
    assert len({one.fingerprint for one in claims}) == 4


def test_the_level_of_a_policy_has_to_be_that_of_the_audit() -> None:
    counted = Measure("share", Interval(0.1, 0.1, 0.1, 10, 1.0, "counted"))
    audit = result(measure(0.1, 0.01), measure(0.1, 0.01), counted)
    rules = (Rule("r", "*", "at_most", 0.05),)
    assert gating.exit_code(gating.judged(audit, Policy("p", rules, level=0.95))) == 1
    with pytest.raises(UsageError, match=r"0\.99"):
        gating.judged(audit, Policy("p", rules, level=0.99))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "there is no rule"), ("rule = 3", "there is no rule"), ("[[rule]]", "metric is missing"),
        ('[[rule]]\nmetric = "a"', "say one of"), ('[[rule]]\nmetric = "a"\nat_most = 1\nat_least = 0', "say one of"),
        ('[[rule]]\nmetric = "a"\nat_most = "1"', "finite number"), ('[[rule]]\nmetric = "a"\nat_most = nan', "finite"),
        ('[[rule]]\nmetric = "a"\nwithin = -1', "at least 0"), ('[[rule]]\nmetrics = "a"', "did you mean 'metric'"),
        ('[gate]\nadjust = "no"\n[[rule]]\nmetric = "a"\nat_most = 1', "holm or none"),
        ('[[rule]]\nmetric = "a"\nat_most = 1\nseverity = "bad"', "severity"), ("[gates]", "did you mean 'gate'"),
        ('[[rule]]\nmetric = "a"\nat_most = 1\nrequired = "no"', "true or false"), ('rule = [3]', "table of keys"),
        ('[[rule]]\nmetric = "a"\nat_most = 1\n[[rule]]\nmetric = "a"\nat_most = 1', "same name"),
        ("[gate]\nlevel = 2.0", r"in \(0, 1\)"),
    ],
)  # fmt: skip
def test_a_wrong_policy_says_what_is_wrong(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "gate.toml").write_text(text)
    with pytest.raises(UsageError, match=says):
        read(tmp_path / "gate.toml")


def test_a_file_that_is_no_policy_is_told(tmp_path: Path) -> None:
    for data in (b"[[rule", b"\xff\xfe"):
        (tmp_path / "gate.toml").write_bytes(data)
        with pytest.raises(BadInput):
            read(tmp_path / "gate.toml")


def test_a_difference_of_independent_audits_covers_the_truth() -> None:
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(2000):
        rows = []
        for p, n in ((0.1, 200), (0.2, 150)):
            one = wilson(int(rng.binomial(n, p)), n)
            rows.append(
                {"pillar": "", "probe": "", "metric": "m", "slice": "", "against": "", "better": ""} | vars(one)
            )
        found = difference(rows[0], rows[1], 0.95)
        hits += found["low"] <= 0.1 <= found["high"]
        assert (found["p"] < 0.05) == (not found["low"] <= 0 <= found["high"])
    assert 0.935 <= hits / 2000 <= 0.965
