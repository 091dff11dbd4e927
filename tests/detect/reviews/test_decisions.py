"""Decisions are checked row by row, and the message says where and what."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.core.errors import BadInput
from consentinel.detect.reviews.decisions import COLUMNS, DECISIONS, Decision, checked

TODAY = date(2026, 11, 22)
CLAIM = "c_0123456789abcdef01234567.0a1b2c"
GOOD = {"claim": CLAIM, "decision": "waived", "reviewer": "privacy counsel", "reason": "why", "expires": "2027-01-31"}


def check(*rows: dict[str, object], reviewer: str = "") -> list[Decision]:
    return checked(((f"row {n}", row) for n, row in enumerate(rows, 2)), where="d.csv", today=TODAY, reviewer=reviewer)


@pytest.mark.parametrize(
    ("changed", "wanted"),
    [
        ({}, {"expires": date(2027, 1, 31)}),
        ({"expires": "31.01.2027"}, {"expires": date(2027, 1, 31)}),
        ({"expires": date(2027, 1, 31)}, {"expires": date(2027, 1, 31)}),
        ({"expires": "2026-11-22"}, {"expires": TODAY}),
        ({"decision": "Waived "}, {"decision": "waived"}),
        ({"decision": "Not violation", "expires": ""}, {"decision": "not_violation", "expires": None}),
        ({"decision": "NOT-VIOLATION", "expires": None}, {"decision": "not_violation"}),
        ({"decision": "violation", "expires": "", "reason": ""}, {"decision": "violation", "reason": ""}),
        ({"decision": "undecided", "expires": "", "reason": None}, {"decision": "undecided"}),
        ({"reviewer": " Privacy   Counsel"}, {"reviewer": "privacy counsel"}),
        ({"reviewer": ""}, {"reviewer": "default role"}),
        ({"reason": "'=1+1"}, {"reason": "=1+1"}),
        ({"reason": "'quoted'"}, {"reason": "'quoted'"}),
        ({"reason": "a\r\nb\x00\u202ec"}, {"reason": "a b\ufffd\ufffdc"}),
        ({"more": object()}, {}),
    ],
)
def test_what_is_taken(changed: dict[str, object], wanted: dict[str, object]) -> None:
    (one,) = check(GOOD | changed, reviewer="Default role")
    assert {name: getattr(one, name) for name in wanted} == wanted
    assert one.row == "row 2"


@pytest.mark.parametrize(
    ("changed", "column", "said"),
    [
        ({"claim": ""}, "claim", "wanted the id of a claim as it stands in the queue; got nothing"),
        ({"claim": CLAIM[:-1]}, "claim", "got 'c_0123"),
        ({"claim": "=cmd|' /C calc'!A0"}, "claim", "got '=cmd"),
        ({"claim": 5}, "claim", "wanted a text; got '5'"),
        ({"decision": "maybe"}, "decision", "wanted violation, not_violation, waived or undecided; got 'maybe'"),
        ({"decision": ["waived"]}, "decision", "wanted a text"),
        ({"reviewer": ""}, "reviewer", "wanted a role"),
        ({"reviewer": "jane@example.com"}, "reviewer", "no address"),
        ({"reviewer": "x" * 41}, "reviewer", "2 to 40"),
        ({"reviewer": "=1+1"}, "reviewer", "role"),
        ({"reason": " "}, "reason", "wanted the reason, as the decision is waived"),
        ({"reason": "x" * 501}, "reason", "at most 500 characters"),
        ({"decision": "not_violation", "expires": "", "reason": ""}, "reason", "as the decision is not_violation"),
        ({"expires": ""}, "expires", "from 2026-11-22 to 2027-11-23; got nothing"),
        ({"expires": "2026-11-21"}, "expires", "wanted the last day of the waiver"),
        ({"expires": "2027-11-24"}, "expires", "to 2027-11-23"),
        ({"expires": "9999-12-31"}, "expires", "to 2027-11-23"),
        ({"expires": "2027-02-30"}, "expires", "got '2027-02-30'"),
        ({"expires": "01/02/2027"}, "expires", "YYYY-MM-DD"),
        ({"decision": "violation"}, "expires", "only a waiver ends"),
    ],
)
def test_what_is_refused(changed: dict[str, object], column: str, said: str) -> None:
    with pytest.raises(BadInput) as why:
        check(GOOD, GOOD | changed)
    assert str(why.value).startswith(f"d.csv: row 3, column '{column}': wanted ")
    assert said in str(why.value)
    assert "Nothing was taken in" in str(why.value)


def test_rows_without_a_decision_are_still_open() -> None:
    assert check({"claim": CLAIM}, {"claim": "anything", "decision": " "}, {}) == []


def test_the_same_twice_counts_once_and_two_answers_are_refused() -> None:
    assert len(check(GOOD, dict(GOOD))) == 1
    assert len(check(GOOD, GOOD | {"reviewer": "engineer"})) == 2
    with pytest.raises(BadInput, match=r"row 3, column 'claim': wanted one decision of a reviewer.*row 2 has another"):
        check(GOOD, GOOD | {"decision": "violation", "expires": ""})
    with pytest.raises(BadInput, match="row 2 has another"):  # another version of the same class
        check(GOOD, GOOD | {"claim": CLAIM[:-1] + "d"})


def test_many_faults_are_told_in_a_few_words() -> None:
    with pytest.raises(BadInput, match="and 95 more") as why:
        check(*[GOOD | {"decision": "x" * 10_000}] * 100)
    assert len(str(why.value)) < 1500


CELLS = st.one_of(st.none(), st.text(max_size=60), st.integers(), st.lists(st.integers(), max_size=2), st.booleans())
ROWS = st.dictionaries(st.sampled_from(COLUMNS), CELLS | st.sampled_from([CLAIM, *DECISIONS, "2027-01-31", "counsel"]))


@settings(deadline=None)
@given(st.lists(ROWS, max_size=4))
def test_any_row_is_taken_or_refused_with_its_place(rows: list[dict[str, object]]) -> None:
    taken, why = _tried(rows)
    for said in ("d.csv: row ", "column '"):
        assert why is None or said in str(why)
    assert "\n" not in str(why)
    for one in taken:
        assert one.claim == CLAIM
        assert one.decision in DECISIONS
        assert "@" not in one.reviewer
        assert (one.expires is not None) == (one.decision == "waived")
        assert one.reason or one.decision in ("violation", "undecided")


def _tried(rows: list[dict[str, object]]) -> tuple[list[Decision], BadInput | None]:
    try:
        return check(*rows), None
    except BadInput as why:
        return [], why
