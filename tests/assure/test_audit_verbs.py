"""Audit, gate, compare and card as a person uses them: files, exit codes, what is kept, what is told."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from jsonschema import Draft7Validator

from consentinel.assure import auditing, results, verbs
from consentinel.assure.measure import Measure, Plan
from consentinel.assure.subject import Subject
from consentinel.cli.app import run as command
from consentinel.core.errors import BadInput, UsageError
from consentinel.core.stats import Interval
from tests.assure.made_files import Shelf, people, predicted, put


def wanting(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Never runs: predictions cannot be asked again."""
    yield Measure("never", None)


wanting.needs = ("ask",)  # type: ignore[attr-defined]


def failing(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Fail after a first measure."""
    yield Measure("before", Interval(0.5, 0.4, 0.6, 10, plan.level, "made"))
    raise ValueError("secret")


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """The shelf of fairness, with made-up probes; the other pillars are empty."""
    made = Shelf(wanting=wanting, failing=failing)
    empty = Shelf()
    empty.parts = {}
    for pillar in auditing.PILLARS:
        monkeypatch.setitem(auditing.PILLARS, pillar, made if pillar == "fair" else empty)
    return made


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, Path]:
    rows = people(400)
    return str(put(predicted(rows), tmp_path / "answers.parquet")), put(rows, tmp_path / "data.parquet")


def audited(files: tuple[str, Path], out: Path, **asked: Any) -> Any:
    return verbs.audit(*files, kind="tabular", out=out, **({"groups": "group"} | asked))


def test_an_audit_keeps_a_table_a_page_json_and_a_card(tmp_path: Path, shelf: Shelf, files: tuple[str, Path]) -> None:
    got = audited(files, tmp_path / "a")
    assert got.exit_code == 0
    assert {"audits", "html", "json", "card", "per_unit"} <= set(got.tables)
    rows = pq.read_table(got.tables["audits"]).to_pylist()
    assert [row["metric"] for row in rows] == ["before", "failing", "accuracy", "accuracy", "accuracy"]
    assert {row["verdict"] for row in rows} == {"effect", "", "not measured"}
    assert all(row["run_id"] for row in rows)
    assert "the model raised ValueError" in next(row["why"] for row in rows if row["metric"] == "failing")
    assert "fair/wanting needs a model that can be asked again" in got.text
    assert "secret" not in got.text
    page = got.tables["html"].read_text()
    for words in (
        "What stands out",
        "Fairness",
        "Robustness",
        "What was not run",
        "The q-value of a measure is",
        "failing",
    ):
        assert words in page
    assert "secret" not in page
    record = json.loads((tmp_path / "a" / "run.json").read_text())
    assert record["asked"]["model"] == "answers.parquet"
    assert len(record["read"]) == 2
    per_unit = pq.read_table(got.tables["per_unit"])
    assert per_unit.column_names == ["unit", "accuracy"]
    assert np.mean(per_unit["accuracy"].to_pylist()) == pytest.approx(rows[2]["value"])


def test_what_was_written_reads_back_the_same(tmp_path: Path, shelf: Shelf, files: tuple[str, Path]) -> None:
    audited(files, tmp_path / "a")
    whole = results.opened(tmp_path / "a")
    bare = results.opened(tmp_path / "a" / "audits.parquet")
    assert [dict(row) | {"run_id": ""} for row in bare.rows] == [dict(row) | {"run_id": ""} for row in whole.rows]
    assert whole.left == (("fair", "wanting", "needs a model that can be asked again; a table of predictions cannot"),)
    assert whole.facts.data_sha256
    for text in (
        "{}",
        "[]",
        "not json",
        '{"schema": "consentinel.audit/1", "facts": {}, "measures": 3}',
        "[" * 100_000,
    ):
        (tmp_path / "bad.json").write_text(text)
        with pytest.raises(BadInput):
            results.opened(tmp_path / "bad.json")
    with pytest.raises(BadInput, match="no audit in this folder"):
        results.opened(tmp_path)


def test_a_stopped_audit_goes_on_where_it_was(tmp_path: Path, shelf: Shelf, files: tuple[str, Path]) -> None:
    def stopped(subject: Subject, plan: Plan) -> Iterator[Measure]:
        raise KeyboardInterrupt
        yield

    shelf.parts["right2"] = stopped
    got = audited(files, tmp_path / "a")
    assert got.exit_code == 130
    assert "stopped before 1 probes were done" in got.text
    assert pq.read_table(got.tables["audits"]).num_rows == 5
    assert json.loads((tmp_path / "a" / "run.json").read_text())["outcome"]["state"] == "stopped"
    shelf.calls.clear()
    shelf.parts["right2"] = shelf.parts["right"]
    again = audited(files, tmp_path / "a")
    assert shelf.calls == ["right2"]
    assert again.exit_code == 0
    assert pq.read_table(again.tables["audits"]).num_rows == 8
    shelf.calls.clear()
    audited(files, tmp_path / "a", level=0.9)
    assert set(shelf.calls) == {"right", "right2", "failing"}
    shelf.calls.clear()
    audited(files, tmp_path / "a", level=0.9, fresh=True)
    assert set(shelf.calls) == {"right", "right2", "failing"}


def test_probes_are_chosen_by_name(tmp_path: Path, shelf: Shelf, files: tuple[str, Path]) -> None:
    got = audited(files, tmp_path / "a", probes="fair/right")
    assert pq.read_table(got.tables["audits"]).num_rows == 3
    with pytest.raises(UsageError, match="no 'fair/wrong'"):
        audited(files, tmp_path / "a", probes="fair/wrong")


POLICY = '[[rule]]\nname = "accurate"\nmetric = "accuracy"\nslice = "group=*"\nat_least = {least}\nwhy = "agreed"\n'


@pytest.mark.parametrize(("least", "code"), [(0.5, 0), (0.99, 1), (0.74, 3)])
def test_a_policy_decides_the_exit_code(
    tmp_path: Path, shelf: Shelf, files: tuple[str, Path], least: float, code: int
) -> None:
    policy = tmp_path / "gate.toml"
    policy.write_text(POLICY.format(least=least))
    got = audited(files, tmp_path / "a", policy=policy)
    by_itself = verbs.gate(tmp_path / "a", policy, out=tmp_path / "g")
    assert got.exit_code == by_itself.exit_code == code
    word = {0: "pass", 1: "fail", 3: "insufficient evidence"}[code]
    assert word in pq.read_table(by_itself.tables["audits"])["verdict"].to_pylist()
    log = json.loads((tmp_path / "g" / "gate.sarif").read_text())
    assert log["version"] == "2.1.0"
    kinds = [one["kind"] for one in log["runs"][0]["results"]]
    assert kinds == {0: [], 1: ["fail", "fail"]}.get(code, kinds)
    junit = (tmp_path / "g" / "gate.junit.xml").read_text()
    assert f'failures="{2 if code == 1 else 0}"' in junit
    assert f"gate: {word}" in (tmp_path / "a" / "report.html").read_text()


def test_two_audits_are_compared_in_pairs_where_the_units_are_the_same(
    tmp_path: Path, shelf: Shelf, files: tuple[str, Path]
) -> None:
    audited(files, tmp_path / "a")
    worse = pq.read_table(files[0])
    flip = np.asarray(worse["prediction"]).copy()
    flip[:120] = 1 - flip[:120]
    put(worse.set_column(2, "prediction", pa.array(flip)), tmp_path / "worse.parquet")
    audited((str(tmp_path / "worse.parquet"), files[1]), tmp_path / "b")
    got = verbs.compare(tmp_path / "a", tmp_path / "b", out=tmp_path / "c")
    rows = pq.read_table(got.tables["differences"]).to_pylist()
    paired = [row for row in rows if row["method"].startswith("paired")]
    assert [row["verdict"] for row in paired] == ["worse"]
    assert paired[0]["difference"] < 0
    assert all("same units" in row["why"] for row in rows if row not in paired)
    same = verbs.compare(tmp_path / "a", tmp_path / "a", out=tmp_path / "d")
    assert set(pq.read_table(same.tables["differences"])["verdict"].to_pylist()) == {"no difference shown"}
    other = put(people(400, seed=9), tmp_path / "other.parquet")
    audited((str(put(predicted(people(400, seed=9)), tmp_path / "o.parquet")), other), tmp_path / "e")
    apart = pq.read_table(verbs.compare(tmp_path / "a", tmp_path / "e", out=tmp_path / "f").tables["differences"])
    assert set(apart["method"].to_pylist()) == {"independent, MOVER"}
    assert set(apart["why"].to_pylist()) == {""}


def test_a_card_has_front_matter_that_yaml_reads(tmp_path: Path, shelf: Shelf, files: tuple[str, Path]) -> None:
    audited(files, tmp_path / "a")
    got = verbs.card(tmp_path / "a", out=tmp_path / "card", name="Made [up]: 1", license="apache-2.0", dataset="people")
    text = got.tables["card"].read_text()
    yaml = pytest.importorskip("yaml", reason="reads the front matter in this test: pip install pyyaml")
    front = yaml.safe_load(text.split("---\n")[1])
    assert front["license"] == "apache-2.0"
    entry = front["model-index"][0]
    assert entry["name"] == "Made [up]: 1"
    metrics = entry["results"][0]["metrics"]
    assert {metric["type"] for metric in metrics} == {"before", "accuracy"}
    assert all(metric["args"]["confidence_interval"][0] <= metric["value"] for metric in metrics)
    Draft7Validator({"required": ["task", "dataset", "metrics"]}).validate(entry["results"][0])
    assert "# Made \\[up\\]: 1" in text
    assert "not run" in text


def test_commands_end_as_they_should(
    tmp_path: Path, shelf: Shelf, files: tuple[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "a")
    assert (
        command(["assure", "audit", files[0], str(files[1]), "--kind", "tabular", "--groups", "group", "--out", out])
        == 0
    )
    (tmp_path / "gate.toml").write_text(POLICY.format(least=0.99))
    assert command(["assure", "gate", out, str(tmp_path / "gate.toml"), "--out", str(tmp_path / "g")]) == 1
    assert command(["assure", "card", out, "--out", str(tmp_path / "c")]) == 0
    assert command(["assure", "compare", out, out, "--out", str(tmp_path / "d")]) == 0
    assert command(["assure", "audit", "model.pkl", str(files[1]), "--kind", "tabular", "--out", out]) == 2
    assert "can hold code" in capsys.readouterr().err
