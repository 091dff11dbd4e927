"""Mitigation from the command line, and examples of explanations: in the table, the page, JSON and the gate."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from consentinel.assure import masked_examples, measuring, mitigating, results, verbs
from consentinel.assure.measure import Plan
from consentinel.cli.app import run as command
from consentinel.core.errors import UsageError
from tests.assure.made_files import put
from tests.assure.made_subjects import recommender


def unfair(n: int = 800) -> tuple[pa.Table, pa.Table]:
    """Return people whose group b is tested too strictly, and what a model says of them."""
    rng = np.random.default_rng(4)
    group = np.where(rng.random(n) < 0.5, "a", "b")
    able = rng.normal(size=n)
    score = 1 / (1 + np.exp(-3 * (able - 1.0 * (group == "b"))))
    rows = pa.table({"id": np.arange(n), "group": group.tolist(), "label": (able > 0).astype(int)})
    return rows, pa.table({"id": np.arange(n), "score": score, "prediction": (score > 0.5).astype(int)})


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, Path]:
    rows, said = unfair()
    return str(put(said, tmp_path / "answers.parquet")), put(rows, tmp_path / "data.parquet")


def audited(files: tuple[str, Path], out: Path, **more: Any) -> Any:
    wanted: dict[str, Any] = {"groups": "group", "probes": "fair/group", "mitigate": "thresholds:equal_opportunity"}
    return verbs.audit(*files, kind="tabular", out=out, draws=200, **(wanted | more))


def test_gap_and_utility_stand_before_and_after_in_table_page_and_json(tmp_path: Path, files: tuple[str, Path]) -> None:
    got = audited(files, tmp_path / "a", attribute="group")
    rows = {row["metric"]: row for row in pq.read_table(got.tables["audits"]).to_pylist()
            if row["probe"] == "mitigate/thresholds"}  # fmt: skip
    gap = "equal_opportunity_difference"
    assert {f"{gap}_before", f"{gap}_after", f"{gap}_change", "accuracy_before", "accuracy_after"} <= set(rows)
    assert rows[f"{gap}_after"]["value"] < rows[f"{gap}_before"]["value"] / 2
    assert rows[f"{gap}_change"]["better"] == "lower"
    assert rows[f"{gap}_change"]["q"] < 0.05
    page = got.tables["html"].read_text()
    for words in ('<h2 id="mitigation-h">Mitigation', "Thresholds over group", "before", "Before, after, change"):
        assert words in page
    assert "equal opportunity difference: better" in page
    again = results.opened(tmp_path / "a")
    assert any(row["probe"] == "mitigate/thresholds" for row in again.rows)


def test_a_gate_bounds_what_is_left_of_the_gap(tmp_path: Path, files: tuple[str, Path]) -> None:
    policy = tmp_path / "gate.toml"
    policy.write_text('[[rule]]\nmetric = "equal_opportunity_difference_{}"\nat_most = 0.2\n'.format("before"))
    assert audited(files, tmp_path / "a", policy=policy).exit_code == 1
    policy.write_text('[[rule]]\nmetric = "equal_opportunity_difference_{}"\nat_most = 0.2\n'.format("after"))
    assert audited(files, tmp_path / "a", policy=policy).exit_code == 0


def test_what_was_mitigated_is_kept_for_the_same_audit(
    tmp_path: Path, files: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "asked_for", lambda *what: "the same")
    first = audited(files, tmp_path / "a")

    def never(*given: Any) -> Any:
        raise AssertionError

    monkeypatch.setattr(mitigating, "found", never)
    again = audited(files, tmp_path / "a")
    told = [pq.read_table(got.tables["audits"]).drop_columns(["run_id"]).to_pylist() for got in (first, again)]
    assert told[0] == told[1]


def test_what_cannot_be_mitigated_is_told(tmp_path: Path, files: tuple[str, Path]) -> None:
    for more, said in (
        ({"mitigate": "magic"}, "magic"),
        ({"mitigate": "rerank"}, "is for recsys models"),
        ({"mitigate": "thresholds:a:b:c"}, "takes criterion and objective"),
        ({"attribute": "age"}, "there is: group"),
        ({"groups": ""}, "there is: none"),
    ):
        with pytest.raises(UsageError, match=said):
            audited(files, tmp_path / "a", **more)
    got = audited(files, tmp_path / "a", mitigate="reweigh")  # needs a trainer, which a table of predictions has not
    assert "mitigation (group) could not be done: to train anew needs the learned rows" in got.text
    assert got.exit_code == 0
    out = str(tmp_path / "c")
    line = ["assure", "audit", files[0], str(files[1]), "--kind", "tabular", "--groups", "group", "--out", out]
    assert command([*line, "--probes", "fair/group", "--mitigate", "thresholds", "--attribute", "group"]) == 0


# Examples


def test_examples_name_no_person_and_no_item() -> None:
    subject = recommender()
    made = masked_examples.examples(subject, Plan(), "linear_recommender")
    assert {one["about"] for one in made} == {f"person {at}" for at in range(1, 6)}
    assert all(str(one[name]).startswith("item ") for one in made for name in ("answer", "reason"))
    assert all(isinstance(one["contribution"], float) for one in made)
    assert masked_examples.examples(subject, Plan(), "stability") == []
    assert masked_examples.examples(subject, Plan(), "gradients") == []  # which has nothing to look into


def test_examples_say_which_group_an_item_is_of(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    subject = recommender()
    items = [f"i{at}" for at in range(40)]
    known = pa.table({"item": items, "title": [f"t{at}" for at in range(40)], "genre": ["x", "y"] * 20})
    made = masked_examples.examples(replace(subject, items=known), Plan(), "linear_recommender")
    assert all(str(one["answer"]).endswith(("(genre=x)", "(genre=y)")) for one in made)
    assert not any("t1" in str(one.values()) for one in made)


def code(rows: pa.Table) -> dict[str, Any]:
    """Answer by the column x alone."""
    score = 1 / (1 + np.exp(-np.asarray(rows["x"])))
    return {"score": score, "label": np.where(score > 0.5, "1", "0").tolist()}


def test_examples_stand_on_the_page_and_in_json(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    rows = put(pa.table({"x": x, "y": rng.normal(size=200), "label": (x > 0).astype(int)}), tmp_path / "d.parquet")
    got = verbs.audit(
        f"{__name__}:code", rows, kind="tabular", probes="explain", rows=20, draws=200, out=tmp_path / "a"
    )
    said = json.loads(got.tables["json"].read_text())["examples"]
    assert {one["probe"] for one in said} == {"sampling", "counterfactual"}
    assert {one["reason"] for one in said if one["probe"] == "counterfactual"} == {"x"}
    page = got.tables["html"].read_text()
    assert "Answers and their reasons" in page
    assert "x, were it another" in page
    again = results.opened(tmp_path / "a")
    assert len(again.examples) == len(said)
