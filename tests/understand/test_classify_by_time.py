"""Classes of texts over time: newer texts weigh more, and what came later is predicted from what came before."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from consentinel.core.errors import UsageError
from consentinel.understand.classifying import calibration, conformal
from consentinel.understand.classifying.examined import blocks
from consentinel.understand.verbs import classify


def test_newer_texts_weigh_more() -> None:
    assert calibration.recency(np.array([365.25, 0.0, 730.5])).tolist() == [0.5, 0.25, 1]
    rng = np.random.default_rng(6)
    margins = rng.normal(size=(4000, 2))
    late = np.arange(4000) >= 2000
    first = np.where(late, rng.random(4000) < 0.9, rng.random(4000) < 0.5)
    targets = np.stack([first, ~first], axis=1)
    weights = np.where(late, 1.0, 1e-6)
    p = calibration.fitted(margins, targets, True, weights).of(margins)[late]
    assert p[:, 0].mean() == pytest.approx(first[late].mean(), abs=0.02)
    assert calibration.fitted(margins, targets, True).of(margins)[:, 0].mean() == pytest.approx(0.7, abs=0.02)


def test_sets_by_weights_of_one_are_those_without() -> None:
    rng = np.random.default_rng(7)
    p = rng.dirichlet((1, 1, 1), 150)
    targets = np.eye(3, dtype=bool)[rng.integers(0, 3, 150)]
    for single in (True, False):
        plain = conformal.cuts(p, targets, single, 0.9)
        assert conformal.cuts(p, targets, single, 0.9, np.ones(150)).tolist() == plain.tolist()
    few = np.where(np.arange(150) < 5, 1.0, 1e-9)
    assert (conformal.cuts(p, targets, True, 0.9, few) <= p[targets][:5].min()).all()
    assert (conformal.fewest(0.9), conformal.fewest(0.95)) == (9, 19)


def test_folds_by_time_look_ahead() -> None:
    place = blocks(np.repeat(np.arange(10.0), 3), 5)
    assert place.tolist() == np.repeat(np.arange(5), 6).tolist()
    with pytest.raises(UsageError, match="2 days"):
        blocks(np.array([1.0, 1, 2, 2]), 3)


def test_classify_by_time_is_examined_on_what_came_later(tmp_path: Path) -> None:
    said = (("theft", "laptop stolen from a car"), ("hacking", "hacker accessed the server"))
    rows = [{"id": at, "text": f"{said[at % 2][1]} case {at}", "labels": said[at % 2][0],
             "when": f"20{10 + at // 4}-03-01" if at else None} for at in range(40)]  # fmt: skip
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    done = classify(tmp_path / "a.jsonl", out=tmp_path / "out", classifier="tfidf_linear", time="when", folds=4)
    measured = pq.read_table(done.tables["measures"]).to_pylist()
    assert {row["n"] for row in measured if row["measure"] == "all labels right"} == {32}
    assert "1 texts have no when" in done.text
