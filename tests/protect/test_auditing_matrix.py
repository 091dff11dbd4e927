"""The detection matrix: every planted bug is refuted, every right double passes, and the page says so."""

import pytest

from consentinel.protect.auditing._finding import Finding
from docs.reference import write_matrix
from tests.protect.doubles.matrix import BUGS, CASES, Case, caught, passed


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.bug}-{case.double}")
def test_a_planted_bug_is_refuted_and_a_right_double_passes(case: Case) -> None:
    found = case.run()
    assert found.verdict == ("refuted" if case.planted else "consistent"), found.why
    assert case.bug in case.part.CATCHES
    assert case.says.endswith(".")
    assert write_matrix.row(case, found) in write_matrix.FILE.read_text("utf-8"), "make docs"


def test_every_class_has_planted_and_right_doubles() -> None:
    for planted in (True, False):
        assert {case.bug for case in CASES if case.planted == planted} == set(BUGS)


def test_the_page_names_no_other_doubles_and_its_counts_hold() -> None:
    text = write_matrix.FILE.read_text("utf-8")
    assert text.count(" (planted) |") == sum(case.planted for case in CASES)
    assert text.count(" (right) |") == sum(not case.planted for case in CASES)
    assert f"{len(BUGS)} of {len(BUGS)} classes are caught" in text


def test_one_missed_double_loses_its_class() -> None:
    case = next(case for case in CASES if case.bug == "C6" and case.planted)
    missed = Finding(0.0, (0.0, 1.0), 1.0, "consistent", "", 1.0, 0.0, 1.0, "epsilon", 1, 0.0)
    assert "C6" not in caught([(case, missed)])
    assert passed([(case, missed)]) == []
