"""Spans of texts: tokens, learning to mark, chances, model files and the verb."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentinel.core.errors import BadInput, UsageError
from consentinel.understand.classifying import marking
from consentinel.understand.classifying.marked import scored
from consentinel.understand.classifying.marking import Spans
from consentinel.understand.classifying.tokens import COLUMNS, LONGEST, Tokens, runs
from consentinel.understand.verbs import classify

DATA = ("your email address", "phone numbers", "browsing history", "location data")
VERBS = (("collect", "We collect {} when you sign up."), ("share", "We share {} with our partners."),
         ("", "You may delete {} in your settings."))  # fmt: skip


def made(n: int = 60) -> tuple[list[str], list[list[dict[str, Any]]]]:
    texts, marks = [], []
    for i in range(n):
        kind, words = VERBS[i % 3]
        what = DATA[i // 3 % 4]
        text = words.format(what) + (" It was last changed in May." if i % 2 else "")
        at = text.index(what)
        texts.append(f"{text} Case {i}")
        marks.append([{"label": kind, "start": at, "end": at + len(what)}] if kind else [])
    return texts, marks


def spans(rows: list[list[dict[str, Any]]]) -> tuple[Spans, list[str]]:
    kinds = sorted({one["label"] for row in rows for one in row})
    each = [(at, one["start"], one["end"], kinds.index(one["label"])) for at, row in enumerate(rows) for one in row]
    text, start, end, kind = np.array(each, np.int64).T
    return Spans(text, start, end, kind, np.ones(len(each))), kinds


def written(path: Path, texts: list[str], marks: list[Any]) -> Path:
    rows = [{"id": f"r{at}", "text": f"  {text}", "labels": [one | {"start": one["start"] + 2, "end": one["end"] + 2}
             for one in said] if said is not None else None}
            for at, (text, said) in enumerate(zip(texts, marks, strict=True))]  # fmt: skip
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return path


@given(st.lists(st.text(max_size=80), max_size=5))
def test_tokens_stand_where_they_are_said_to(texts: list[str]) -> None:
    held = Tokens.of(texts)
    cut = [texts[at][a:b] for at, a, b in zip(held.text.tolist(), held.start.tolist(), held.end.tolist(), strict=True)]
    assert all(one and not one.isspace() for one in cut)
    assert "".join(cut) == "".join("".join(text.split()) for text in texts)
    assert held.sentences[-1] == len(cut)
    assert (np.diff(held.sentences) > 0).all()
    assert held.features().shape == (len(cut), COLUMNS) if cut else True
    if cut:
        assert (np.diff(held.text)[held.sentence[1:] == held.sentence[:-1]] == 0).all()


def test_sentences_end_and_are_not_endless() -> None:
    held = Tokens.of(["One two. Three!", "four " * 250])
    assert np.diff(held.sentences).tolist() == [3, 2, LONGEST, LONGEST, 50]
    assert held.beside(held.words, 1)[2] == 0


def test_runs_end_where_sentences_do() -> None:
    first, last = runs(np.array([1, 1, 1, 0, 1], bool), np.array([0, 0, 1, 1, 1]))
    assert (first.tolist(), last.tolist()) == ([0, 2, 4], [1, 2, 4])
    assert runs(np.zeros(0, bool), np.zeros(0, np.int64))[0].size == 0


def test_spans_are_learnt_and_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts, rows = made()
    true, kinds = spans(rows)
    one = marking.trained(texts, true, kinds, np.arange(len(texts)), 0)
    new = [
        "We collect location data when you sign up. We share phone numbers with our partners.",
        "",
        "You may delete phone numbers.",
    ]
    found = one.spans(new)
    assert [(new[at][a:b], kinds[kind]) for at, a, b, kind in found.listed()] == [
        ("location data", "collect"), ("phone numbers", "share")]  # fmt: skip
    assert (found.p > 0.6).all()
    again = marking.load(one.save(tmp_path / "a.safetensors")).spans(new)
    assert (again.listed(), again.p.tolist()) == (found.listed(), found.p.tolist())
    assert not len(one.spans([""]).p)
    assert not len(one.spans([]).p)
    monkeypatch.setattr(marking, "BLOCK", 40)
    assert one.spans(new).listed() == found.listed()


def test_a_damaged_marker_is_refused(tmp_path: Path) -> None:
    texts, rows = made(12)
    true, kinds = spans(rows)
    one = marking.trained(texts, true, kinds, np.arange(12), 0)
    short = marking.Marker(kinds[:1], one.arrays, one.threshold, one.odds)
    with pytest.raises(BadInput, match="does not fit"):
        marking.load(short.save(tmp_path / "a.safetensors"))


def test_a_span_is_right_when_kind_and_ends_are() -> None:
    true, kinds = spans([[{"label": "a", "start": 0, "end": 4}], [{"label": "b", "start": 2, "end": 3}]])
    found, _ = spans([[{"label": "a", "start": 0, "end": 4}, {"label": "b", "start": 0, "end": 4}],
                      [{"label": "b", "start": 2, "end": 4}]])  # fmt: skip
    assert found.right(true).tolist() == [True, False, False]
    measures = {(one.name, one.label): one.found.value for one in scored(found, true, kinds, np.arange(2), 0)}
    assert measures["span precision", ""] == pytest.approx(1 / 3)
    assert measures["span recall", ""] == pytest.approx(1 / 2)
    assert measures["span F1", ""] == pytest.approx(2 / 5)
    assert measures["F1", "b"] == 0


def test_classify_marks_spans(tmp_path: Path) -> None:
    texts, rows = made(48)
    given: list[Any] = [*rows[:42], *[None] * 6]
    done = classify(written(tmp_path / "a.jsonl", texts, given), out=tmp_path / "out", folds=3)
    table = pq.read_table(done.tables["spans"]).to_pylist()
    by_text = {row["text_id"]: row for row in table}
    assert by_text["r42"]["words"] == f"{texts[42][by_text['r42']['start'] - 2 : by_text['r42']['end'] - 2]}"
    assert by_text["r43"]["label"] == "share"
    assert "r44" not in by_text
    measured = {row["measure"]: row["value"] for row in pq.read_table(done.tables["measures"]).to_pylist()}
    assert measured["span F1"] > 0.9
    assert "Marked texts" in done.tables["page"].read_text("utf-8")
    again = classify(tmp_path / "a.jsonl", out=tmp_path / "again", model=done.tables["model"])
    assert "r43" in pq.read_table(again.tables["spans"])["text_id"].to_pylist()


@pytest.mark.parametrize(("mark", "asked", "error"), [
    ({"label": "a", "start": 0, "end": 999}, {}, "outside its text"),
    ({"label": "a", "start": 5, "end": 5}, {}, "outside its text"),
    (None, {}, "kinds of spans"),
    ({"label": "a", "start": 0, "end": 2}, {"taxonomy": "veris"}, "without taxonomy"),
])  # fmt: skip
def test_spans_that_cannot_be_learnt_are_told(mark: Any, asked: dict[str, Any], error: str, tmp_path: Path) -> None:
    texts, rows = made(12)
    given: list[Any] = [[mark], *rows[1:]] if mark else [rows[0], *[None] * 11]
    with pytest.raises((BadInput, UsageError), match=error):
        classify(written(tmp_path / "a.jsonl", texts, given), out=tmp_path / "out", **asked)
