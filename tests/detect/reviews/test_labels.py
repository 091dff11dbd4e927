"""Decisions become labels with weights; waivers and abstentions do not."""

import pytest

from consentinel.core.state import State
from consentinel.detect.reviews.classes import classes
from consentinel.detect.reviews.labels import LABELS, labels
from consentinel.detect.reviews.reviewing import take
from tests.detect.reviews.made_reviews import findings, told, waiting


def test_labels_and_weights(state: State) -> None:
    found = findings(*({"recipient": f"{n}.test", "p": 0.5, "proof": "P4"} for n in range(5)))
    claim = {row["recipient"]: row["claim"] for row in waiting(state, found, model="m1")}
    take(
        state,
        [
            told(claim["0.test"], "violation"),
            *(told(claim["1.test"], "violation", reviewer=who) for who in ("one", "two")),
            told(claim["1.test"], "not_violation"),
            told(claim["2.test"], "waived"),
            told(claim["3.test"], "undecided"),
        ],
    )
    take(state, [told(claim["0.test"], "not_violation")])
    table = labels(state)
    assert table.schema == LABELS
    got = {(r["recipient"], r["label"]): (r["weight"], r["n_reviewers"]) for r in table.to_pylist()}
    assert got == {
        ("0.test", "not_violation"): (1.0, 1),
        ("1.test", "violation"): (pytest.approx(2 / 3), 3),
        ("1.test", "not_violation"): (pytest.approx(1 / 3), 3),
    }
    assert {(r["rule_version"], r["model_version"]) for r in table.to_pylist()} == {("1", "m1")}
    assert set(table["class"].to_pylist()) <= set(classes(found)["class"].to_pylist())


def test_labels_of_earlier_versions_stay(state: State) -> None:
    for version, said in (("1", "violation"), ("2", "not_violation")):
        (row,) = waiting(state, findings({"rule_version": version}))
        take(state, [told(row["claim"], said)])
    assert {(r["rule_version"], r["label"], r["weight"]) for r in labels(state).to_pylist()} == {
        ("1", "violation", 1.0),
        ("2", "not_violation", 1.0),
    }


def test_no_reviews_no_labels(state: State) -> None:
    assert labels(state).num_rows == 0
    assert labels(state).schema == LABELS
