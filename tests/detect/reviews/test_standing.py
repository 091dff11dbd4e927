"""What was decided holds over scans, until a version changes, a waiver ends, or somebody disagrees."""

from datetime import timedelta

import pytest

from consentinel.core.errors import BadInput
from consentinel.core.state import State
from consentinel.detect.reviews.memory import recall
from consentinel.detect.reviews.reviewing import take
from tests.detect.reviews.made_reviews import SOON, TODAY, findings, stand, told, waiting

TWO_SITES = ({"subject": "a.test"}, {"subject": "b.test", "scenario": "reject"}, {"recipient": "other.test"})


def test_one_decision_closes_its_class_and_nothing_else(state: State) -> None:
    found = findings(*TWO_SITES)
    large, small = waiting(state, found)
    assert (large["closes"], large["subjects"], small["closes"]) == (2, 2, 1)
    assert take(state, [told(large["claim"])]) == (1, 0)
    assert [status for status, _ in stand(state, found)] == ["not_violation", "not_violation", "open"]
    assert stand(state, found)[0][1] == f"not_violation by privacy counsel on {TODAY}: checked"
    assert [row["claim"] for row in waiting(state, found)] == [small["claim"]]


@pytest.mark.parametrize("decision", ["violation", "not_violation", "waived", "undecided"])
def test_another_rule_version_makes_it_stale(state: State, decision: str) -> None:
    (row,) = waiting(state, findings({}))
    take(state, [told(row["claim"], decision)])
    assert stand(state, findings({"n": 3}))[0][0] == decision
    newer = findings({"rule_version": "2"})
    status, why = stand(state, newer)[0]
    assert status == "stale"
    assert why.startswith("rule version 1 -> 2; was: ")
    (again,) = waiting(state, newer)
    assert (again["status"], again["because"]) == ("stale", why)
    assert again["claim"] != row["claim"]
    take(state, [told(again["claim"], decision)])
    assert stand(state, newer)[0][0] == decision
    # a file that was exported for version 1 says nothing about version 2
    take(state, [told(row["claim"], "not_violation", reason="late")])
    assert stand(state, newer)[0][0] == "stale"


def test_another_model_matters_where_a_model_could_decide(state: State) -> None:
    found = findings(*({"proof": proof, "recipient": f"{proof}.test", "p": 0.8} for proof in ("P3", "P4", "P0", "P1")))
    take(state, [told(row["claim"]) for row in waiting(state, found, model="aaa")])
    assert {status for status, _ in stand(state, found, model="aaa")} == {"not_violation"}
    for model, said in (("bbb", "aaa -> bbb"), ("", "aaa -> none")):
        one, two, *proved = stand(state, found, model=model)
        assert one[0] == two[0] == "stale"
        assert one[1].startswith(f"model version {said}; was: ")
        assert [status for status, _ in proved] == ["not_violation"] * 2


def test_a_waiver_ends_after_its_last_day(state: State) -> None:
    found = findings({})
    (row,) = waiting(state, found)
    take(state, [told(row["claim"], "waived")])
    last = TODAY + timedelta(days=30)
    assert stand(state, found, today=last) == [
        ("waived", f"waived until {SOON} by privacy counsel on {TODAY}: checked")
    ]
    status, why = stand(state, found, today=last + timedelta(days=1))[0]
    assert status == "expired"
    assert why.startswith(f"the waiver ended on {SOON}; was: waived until")
    (again,) = waiting(state, found, today=last + timedelta(days=1))
    assert again["status"] == "expired"


def test_reviewers_who_disagree_close_nothing_until_they_agree(state: State) -> None:
    found = findings({})
    (row,) = waiting(state, found)
    take(state, [told(row["claim"]), told(row["claim"], "violation", reviewer="engineer")])
    assert stand(state, found) == [("conflict", "privacy counsel says not_violation, engineer says violation")]
    (again,) = waiting(state, found)
    assert (again["status"], again["p"]) == ("conflict", 0.5)
    take(state, [told(row["claim"], "undecided", reviewer="engineer")])  # an abstention
    assert stand(state, found)[0][0] == "not_violation"
    take(state, [told(row["claim"], "violation", reviewer="engineer"), told(row["claim"], "violation")])
    assert stand(state, found)[0][0] == "violation"
    assert waiting(state, found) == []
    assert [line.decision for line in recall(state).journal] == [
        "not_violation", "violation", "undecided", "violation", "violation",
    ]  # fmt: skip


def test_a_waiver_that_ended_leaves_what_others_said(state: State) -> None:
    found = findings({})
    (row,) = waiting(state, found)
    take(state, [told(row["claim"], "waived"), told(row["claim"], "violation", reviewer="engineer")])
    assert stand(state, found)[0][0] == "conflict"
    assert stand(state, found, today=TODAY + timedelta(days=31))[0][0] == "violation"


def test_another_law_is_asked_again_and_says_what_was_said(state: State) -> None:
    (row,) = waiting(state, findings({"basis": "GDPR"}))
    take(state, [told(row["claim"])])
    assert stand(state, findings({"basis": "CCPA"})) == [("open", "decided under another basis: GDPR")]


def test_the_same_file_twice_changes_nothing(state: State) -> None:
    (row,) = waiting(state, findings({}))
    assert take(state, [told(row["claim"])]) == (1, 0)
    assert take(state, [told(row["claim"])]) == (0, 1)
    assert take(state, [told(row["claim"], reason="better")]) == (1, 0)
    assert [(line.seq, line.reason, line.source) for line in recall(state).journal] == [
        (1, "checked", "python"),
        (2, "better", "python"),
    ]


def test_a_claim_that_nobody_was_asked_about_is_refused_with_its_row(state: State) -> None:
    (row,) = waiting(state, findings({}))
    unknown = "c_0123456789abcdef01234567.0a1b2c"
    with pytest.raises(BadInput, match=f"decisions: item 2, column 'claim': wanted a claim of a queue.*{unknown}"):
        take(state, [told(row["claim"]), told(unknown)])
    assert recall(state).journal == ()


def test_hostile_names_are_kept_and_known_again(state: State) -> None:
    nasty = "\x00\u202e=cmd|'; DROP TABLE review_claims; --\U0001f600"
    found = findings({"recipient": nasty, "keys": [nasty, ";"], "basis": nasty, "type": None, "owner": nasty})
    (row,) = waiting(state, found)
    take(state, [told(row["claim"])])
    assert stand(state, found)[0][0] == "not_violation"
