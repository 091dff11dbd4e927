"""Triage of launch reviews: tiers, reasons that cite, answers that are missing, and what is unsure."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentinel.core.errors import BadInput
from consentinel.understand.classifying.triage import Review, criteria, triaged
from consentinel.understand.verbs import triage

BY = criteria()
NO = {one.id: "no" for one in BY.each}


def tier(text: str = "", **answers: str) -> str:
    return triaged(
        Review("a", text, {**NO, **{key.replace("_", "-"): value for key, value in answers.items()}}), BY
    ).tier


def test_answers_make_the_tier() -> None:
    assert tier() == "low"
    assert tier(monitoring="yes") == "medium"
    assert tier(monitoring="yes", vulnerable="Yes") == "high"
    assert tier(automated_decision="yes") == "high"
    assert tier(third_parties="yes") == "low"


def test_silence_is_not_a_no() -> None:
    one = triaged(Review("a", "", {}), BY)
    assert (one.tier, one.at_least, one.at_most, one.needs_review) == ("unsure", "low", "high", True)
    assert one.missing[0].alone
    assert tier(scoring="maybe") == "unsure"


def test_text_says_what_the_form_does_not() -> None:
    one = triaged(Review("a", "We track users with children's tablets.", {}), BY)
    assert [reason.criterion.id for reason in one.reasons] == ["monitoring", "vulnerable"]
    assert (one.tier, one.reasons[0].said) == ("high", "text")
    assert all(reason.criterion.cites for reason in one.reasons)


def test_a_negation_is_no_finding() -> None:
    assert tier("We do not use biometric data and never any medical records.") == "low"
    assert tier("We do not sell it; biometric data are stored.") == "unsure"


def test_a_form_against_its_text_is_unsure() -> None:
    one = triaged(Review("a", "Biometric templates of staff are stored.", NO), BY)
    assert (one.tier, one.reasons[0].state) == ("unsure", "doubt")


@given(st.text(max_size=300), st.dictionaries(st.sampled_from(sorted(NO)), st.text(max_size=5)))
def test_any_review_is_triaged(text: str, answers: dict[str, str]) -> None:
    one = triaged(Review("a", text, answers), BY)
    assert all(text[why.start : why.end] for why in one.reasons if why.start >= 0)
    assert (one.tier == "unsure") == (one.at_least != one.at_most)


def test_the_verb_keeps_tiers_and_a_page(tmp_path: Path) -> None:
    forms: list[dict[str, Any]] = [
        {"name": "safe", "answers": NO},
        {"name": "score", "text": "<b>Automated decisions</b> about credit.", "answers": {}},
    ]
    (tmp_path / "forms.json").write_text(json.dumps(forms))
    done = triage(tmp_path / "forms.json", out=tmp_path / "out")
    rows = pq.read_table(done.tables["triage"]).to_pylist()
    assert [row["tier"] for row in rows] == ["low", "high"]
    assert rows[1]["reasons"][0]["words"] == "Automated decisions"
    assert done.exit_code == 1
    assert "<b>Automated" not in done.tables["page"].read_text("utf-8")


def test_forms_in_toml_and_tables_say_the_same(tmp_path: Path) -> None:
    toml = "[[review]]\nname = 'a'\ntext = 'x'\n[review.answers]\n" + "".join(f'{one} = "no"\n' for one in NO)
    (tmp_path / "a.toml").write_text(toml)
    (tmp_path / "a.csv").write_text("name,text," + ",".join(NO) + "\na,x," + ",".join(NO.values()) + "\n")
    ends = [triage(tmp_path / name, out=tmp_path / name[2:]).exit_code for name in ("a.toml", "a.csv")]
    assert ends == [0, 0]
    (tmp_path / "b.json").write_text('[{"name": "b", "text": "something"}]')
    assert triage(tmp_path / "b.json", out=tmp_path / "b").exit_code == 3


@pytest.mark.parametrize(
    "content", ["", "[", "[1]", '{"review": 1}', '[{"answers": []}, {"answers": 1}]', "[]", "[" * 9999]
)
def test_a_form_that_is_none_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(BadInput, match=r"a\.json"):
        triage(tmp_path / "a.json", out=tmp_path / "out")


@pytest.mark.parametrize("content", ["", "[tiers]\nhigh = 2\nmedium = 1", "[[criterion]]\nid = 'a'"])
def test_criteria_that_are_none_are_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(content)
    with pytest.raises(BadInput, match=r"own\.toml"):
        criteria(tmp_path / "own.toml")
