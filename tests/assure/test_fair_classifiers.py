from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from consentinel.assure.fair import abroca, conditional, group, inequality, intersectional, subset_scan
from consentinel.assure.measure import Measure, Plan
from consentinel.assure.subject import MISSING, Subject
from tests.assure.made_subjects import classifier

PLAN = Plan(draws=500)
PROBES = [group, intersectional, inequality, conditional, subset_scan, abroca]


def one(found: list[Measure], metric: str, place: str = "", against: str = "") -> Measure:
    """Return the only measure of METRIC at PLACE."""
    (measure,) = [m for m in found if (m.metric, m.slice, m.against) == (metric, place, against)]
    return measure


def regrouped(subject: Subject, **columns: list[str]) -> Subject:
    """Return SUBJECT with other attributes of people."""
    return replace(subject, groups=pa.table({"unit": subject.groups["unit"], **columns}))


@pytest.mark.parametrize("part", PROBES)
def test_every_estimate_lies_in_its_interval_and_every_gap_has_a_test(part: object) -> None:
    found = list(part.probe(classifier(400, 0.1), PLAN))  # type: ignore[attr-defined]
    assert found
    for measure in found:
        assert (measure.estimate is None) == (measure.why != "" and measure.p is None and measure.null is None) or (
            measure.estimate is not None
        )
        if measure.estimate is not None:
            assert measure.estimate.low <= measure.estimate.value + 1e-12
            assert measure.estimate.value <= measure.estimate.high + 1e-12
            assert (measure.null is None) == (measure.p is None)


def test_a_planted_gap_is_found_and_none_is_not() -> None:
    found = list(group.probe(classifier(3000, 0.2), PLAN))
    gap = one(found, "accuracy_gap", "group=b", "group=a")
    assert gap.estimate is not None
    assert gap.estimate.low < -0.15 < 0.0
    assert gap.p is not None
    assert gap.p < 1e-6
    worst = one(found, "equalized_odds_difference", "group", "between groups")
    assert worst.estimate is not None
    assert worst.estimate.low > 0.05
    other = one(found, "equalized_odds_difference", "age", "between groups")
    assert other.estimate is not None
    assert other.estimate.low == 0


def test_missing_attributes_are_shown_and_not_compared() -> None:
    subject = classifier(300)
    labels = [MISSING if at < 40 else "ab"[at % 2] for at in range(300)]
    found = list(group.probe(regrouped(subject, group=labels), PLAN))
    shown = one(found, "share", f"group={MISSING}")
    assert "40 of 300" in shown.why
    assert not [m for m in found if MISSING in m.slice + m.against and m.null is not None]


def test_a_group_of_one_is_told_and_the_rest_goes_on() -> None:
    subject = classifier(300)
    labels = ["alone" if at == 0 else "ab"[at % 2] for at in range(300)]
    found = list(group.probe(regrouped(subject, group=labels), PLAN))
    told = one(found, "accuracy", "group=alone")
    assert told.estimate is None
    assert "only 1 units" in told.why
    assert one(found, "accuracy_difference", "group", "between groups").estimate is not None


def test_constant_answers_and_labels_are_told() -> None:
    subject = classifier(200)
    constant = replace(subject, rows=subject.rows.set_column(0, "label", pa.array(["1"] * 200)))
    for part in (group, intersectional, abroca):
        assert [m for m in part.probe(constant, PLAN) if m.estimate is None and m.why]
    never = pa.table({"score": subject.answers["score"], "label": ["0"] * 200})
    found = list(group.probe(subject.answered(never), PLAN))
    assert one(found, "demographic_parity_ratio", "group", "between groups").estimate is None
    same = one(found, "demographic_parity_difference", "group", "between groups")
    assert same.estimate is not None
    assert same.estimate.value == 0


def test_without_a_yes_there_is_accuracy() -> None:
    subject = replace(classifier(300), positive="")
    metrics = {m.metric for m in group.probe(subject, PLAN)}
    assert metrics == {"accuracy", "accuracy_gap", "accuracy_difference", "accuracy_ratio"}


def test_rows_of_one_person_count_as_one() -> None:
    subject = classifier(200)
    twice = pa.concat_tables([subject.rows] * 4), pa.concat_tables([subject.answers] * 4)
    many = replace(subject, rows=twice[0], answers=twice[1], unit=np.tile(np.arange(200), 4))
    first, second = (
        one(list(group.probe(s, PLAN)), "accuracy_gap", "group=b", "group=a").estimate for s in (subject, many)
    )
    assert first is not None
    assert second is not None
    assert second.value == pytest.approx(first.value)
    assert second.high - second.low == pytest.approx(first.high - first.low, rel=0.05)


def test_one_attribute_has_no_intersections() -> None:
    subject = regrouped(classifier(100), group=["ab"[at % 2] for at in range(100)])
    (told,) = intersectional.probe(subject, PLAN)
    assert "give another" in told.why


def test_small_intersections_are_drawn_to_the_rest() -> None:
    found = list(intersectional.probe(classifier(400), PLAN))
    cells = [m for m in found if m.metric == "accuracy" and m.estimate is not None]
    seen = [float(m.why.split()[1].rstrip(";")) for m in cells]
    assert np.std([m.estimate.value for m in cells if m.estimate is not None]) < np.std(seen)


def test_equal_benefits_have_no_inequality() -> None:
    subject = classifier(100)
    right = pa.table({"score": subject.answers["score"], "label": subject.rows["label"]})
    found = list(inequality.probe(subject.answered(right), PLAN))
    assert "same benefit" in one(found, "theil_index").why


def test_disparity_that_a_column_explains_is_gone_within_it() -> None:
    rng = np.random.default_rng(0)
    hard = rng.random(4000) < 0.5
    member = np.where(rng.random(4000) < np.where(hard, 0.8, 0.2), "b", "a")
    said = rng.random(4000) < np.where(hard, 0.2, 0.8)
    rows = pa.table({"label": said.astype(int).astype(str), "task": np.where(hard, "hard", "easy")})
    answers = pa.table({"score": said * 1.0, "label": said.astype(int).astype(str)})
    who = pa.table({"unit": [str(at) for at in range(4000)], "group": member})
    found = list(conditional.probe(Subject("tabular", "made", rows, answers, np.arange(4000), who, positive="1"), PLAN))
    plain = one(found, "demographic_disparity", "group=b").estimate
    within = one(found, "conditional_demographic_disparity", "group=b", "same task").estimate
    assert plain is not None
    assert within is not None
    assert plain.low > 0.25
    assert within.low < 0 < within.high


def test_the_scan_finds_the_planted_subset() -> None:
    rng = np.random.default_rng(0)
    a, b, c = (rng.integers(0, 3, 6000) for _ in range(3))
    planted = (a == 1) & (b != 0)
    true = rng.random(6000) < np.where(planted, 0.7, 0.4)
    rows = pa.table({"label": true.astype(int).astype(str)})
    answers = pa.table({"score": np.full(6000, 0.4), "label": ["0"] * 6000})
    who = {name: column.astype(str) for name, column in (("a", a), ("b", b), ("c", c))}
    groups = pa.table({"unit": [str(at) for at in range(6000)], **who})
    found = list(
        subset_scan.probe(Subject("tabular", "made", rows, answers, np.arange(6000), groups, positive="1"), PLAN)
    )
    low = one(found, "scores_too_low", "a=1 & b=1|2", "its scores")
    assert low.estimate is not None
    assert low.estimate.low < 0.3 < low.estimate.high
    assert low.p == pytest.approx(0.005)


def test_abroca_of_known_curves() -> None:
    diagonal = (np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    perfect = (np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0]))
    bent = (np.array([0.0, 0.5, 1.0]), np.array([0.0, 0.2, 1.0]))
    assert abroca.area(diagonal, perfect) == pytest.approx(0.5)
    assert abroca.area(diagonal, bent) == pytest.approx(0.15)
    crossing = (np.array([0.0, 0.25, 0.75, 1.0]), np.array([0.0, 0.5, 0.5, 1.0]))
    assert abroca.area(diagonal, crossing) == pytest.approx(0.125)


def test_same_seed_same_audit() -> None:
    subject = regrouped(classifier(200, 0.1), group=["ab"[at % 2] for at in range(200)])
    for part in (group, subset_scan, abroca):
        assert list(part.probe(subject, PLAN)) == list(part.probe(subject, PLAN))
