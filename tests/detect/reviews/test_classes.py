"""Which findings are one question."""

import pytest

from consentinel.detect.reviews.classes import classes, versions
from tests.detect.reviews.made_reviews import findings


@pytest.mark.parametrize(
    "changed",
    [
        {"subject": "other.test"}, {"scenario": "accept"}, {"n": 99}, {"n_visits": 7}, {"first": 1, "last": 2},
        {"location": None, "line": None}, {"rule_version": "2"}, {"severity": "low"}, {"p": 0.3}, {"run_id": "x"},
        {"fingerprint": "x"}, {"proof": "P0"}, {"owner": None}, {"keys": ["b", "a"]}, {"outcome": "no signal"},
    ],
    ids=str,
)  # fmt: skip
def test_what_does_not_make_another_question(changed: dict[str, object]) -> None:
    one, two = classes(findings({"keys": ["a", "b"]}, {"keys": ["a", "b"]} | changed))["class"].to_pylist()
    assert one == two


@pytest.mark.parametrize(
    "changed",
    [
        {"rule": "tcf_denied"}, {"recipient": "x.test"}, {"party": "first"}, {"type": "device.os"}, {"type": None},
        {"carrier": "url"}, {"consent_state": "denied"}, {"keys": ["a"]}, {"keys": ["a", "b", "c"]}, {"keys": ["a, b"]},
    ],
    ids=str,
)  # fmt: skip
def test_what_makes_another_question(changed: dict[str, object]) -> None:
    table = classes(findings({"keys": ["a", "b"]}, {"keys": ["a", "b"]} | changed))
    assert len(set(table["class"].to_pylist())) == len(set(table["alike"].to_pylist())) == 2


def test_another_law_is_another_question_that_is_alike() -> None:
    table = classes(findings({}, {"basis": "CCPA"}))
    assert len(set(table["class"].to_pylist())) == 2
    assert len(set(table["alike"].to_pylist())) == 1


def test_without_fields_the_scenario_counts() -> None:
    rows = [{"keys": [], "scenario": "reject"}, {"keys": [], "scenario": "withdraw"}, {"keys": ["reject"]}]
    reject, withdraw, named = classes(findings(*rows))["class"].to_pylist()
    assert len({reject, withdraw, named}) == 3


def test_ids_stay_what_they_are() -> None:
    """Ids are kept in databases of other people: they may not change."""
    assert classes(findings({}))["class"].to_pylist() == ["c_f996bfabda1f56a17918b14a"]
    assert versions("1", "") == "e49c54"
