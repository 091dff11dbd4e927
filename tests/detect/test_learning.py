"""Training from a scan with labels: equal bytes, held-out figures, judges that use the model, clear refusals."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from consentinel.core import modelfile
from consentinel.core.errors import BadInput, UsageError
from consentinel.detect.evaluating import UNITS, at_coverage, curve, figures
from consentinel.detect.judges._claim_training import FOLDS, folds, right
from consentinel.detect.labelled import LABELLED
from consentinel.detect.learning import TRAINING, teachers, votes
from consentinel.detect.verbs import evaluate, train
from tests.detect.made_claims import FAMILIES, STRANGER, labels, scan

pytest.importorskip("lightgbm", reason="needs consentinel[learn]")
pytest.importorskip("sklearn", reason="needs consentinel[learn]")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with scan, labels and a finished training run."""
    folder = tmp_path_factory.mktemp("learning")
    scan(folder / "scan"), labels(folder / "labels")
    outcome = train(folder / "scan", labels=folder / "labels", out=folder / "out", risk=0.2)
    assert outcome.exit_code == 0
    assert "accuracy_90" in outcome.text
    return folder


def test_the_table_has_every_unit_and_what_labels_know(trained: Path) -> None:
    table = pq.read_table(trained / "out" / "training.parquet")
    assert table.schema.equals(TRAINING)
    rows = [r for r in table.to_pylist() if r["repeats"] is None]
    truth = [(r["type"], r["truth"], r["seen"]) for r in rows if r["recipient"] == "family0.test"]
    assert sorted(truth) == [
        ("contact.email", "yes", False), ("contact.phone", "undecidable", False), ("device.id", "yes", True),
        ("device.screen", "yes", True), ("user.id", "absent", True),
    ]  # fmt: skip
    stranger = [r for r in rows if r["subject"] == STRANGER]
    assert [r["truth"] for r in stranger] == ["unlabelled"]
    assert stranger[0]["p_there"] > 0.5  # the label model has learnt whom to trust


def test_claims_are_learnt_as_fewer_repeats_show_them_too(trained: Path) -> None:
    rows = pq.read_table(trained / "out" / "training.parquet").to_pylist()
    assert {r["repeats"] for r in rows} == {None, 2, 1}
    assert all(r["seen"] for r in rows if r["repeats"])  # what needs more repeats to be seen is no miss of these
    unit = ("subject", "recipient", "type", "consent_state")
    visits = {most: {tuple(r[n] for n in unit): r["n_visits"] for r in rows if r["repeats"] == most and r["seen"]}
              for most in (None, 2, 1)}  # fmt: skip
    assert visits[1].keys() <= visits[2].keys() <= visits[None].keys()
    assert all(visits[1][u] < visits[2][u] < visits[None][u] for u in visits[1] if u[0] != STRANGER)
    units = pq.read_table(trained / "out" / "claim_model_held_out_units.parquet")
    assert units.num_rows == units.select(list(unit)).group_by(list(unit)).aggregate([]).num_rows  # each once


def test_the_table_makes_the_same_models_to_the_byte(trained: Path, tmp_path: Path) -> None:
    train(trained / "out" / "training.parquet", out=tmp_path / "again", risk=0.2)
    for name in ("claim_model", "claim_logistic"):
        first, again = ((folder / f"{name}.model").read_bytes() for folder in (trained / "out", tmp_path / "again"))
        assert first == again


def test_held_out_units_are_right(trained: Path) -> None:
    units = pq.read_table(trained / "out" / "claim_model_held_out_units.parquet")
    assert units.schema.equals(UNITS)
    told = {(r["type"], r["seen"]): set() for r in units.to_pylist()}
    for row in units.to_pylist():
        told[row["type"], row["seen"]].add((row["label"], row["right"]))
    assert told["device.id", True] == {("potential violation", True)}
    assert told["contact.email", False] == {("not there", False)}  # what nobody saw counts as judged "no"
    assert ("contact.phone", False) not in told


def test_a_model_is_evaluated(trained: Path, tmp_path: Path) -> None:
    asked = {"labels": trained / "labels", "model": trained / "out" / "claim_model.model"}
    outcome = evaluate(trained / "scan", out=tmp_path / "out", **asked)
    units = pq.read_table(outcome.tables["evaluated_units"])
    assert units.num_rows == 2 * FAMILIES + 1 + sum(r["type"] == "user.id" for r in units.to_pylist())
    page = outcome.tables["evaluated"].read_text("utf-8")
    assert "<polyline" in page
    assert pq.read_table(outcome.tables["evaluated_curve"])["coverage"].to_pylist()[-1] == 1.0
    with pytest.raises(BadInput, match="no label in group 'test'"):
        evaluate(trained / "scan", out=tmp_path / "test", group="test", **asked)


@pytest.mark.parametrize("judge", ["claim_rules", "claim_filter_list"])
def test_a_baseline_is_evaluated_without_a_model(trained: Path, tmp_path: Path, judge: str) -> None:
    outcome = evaluate(trained / "scan", labels=trained / "labels", judge=judge, out=tmp_path / "out")
    assert "coverage: 1.0000" in outcome.text


def test_a_model_of_another_part_is_refused(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="claim_logistic"):
        evaluate(
            trained / "scan", labels=trained / "labels", out=tmp_path / "out",
            model=trained / "out" / "claim_logistic.model",
        )  # fmt: skip


def test_wrong_use_is_told(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--labels"):
        train(trained / "scan", out=tmp_path / "a")
    with pytest.raises(BadInput, match=r"labels\.parquet"):
        train(trained / "scan", labels=tmp_path, out=tmp_path / "b")
    with pytest.raises(BadInput, match=r"visits\.parquet"):
        train(tmp_path, labels=trained / "labels", out=tmp_path / "c")
    with pytest.raises(UsageError, match="--risk"):
        train(trained / "scan", labels=trained / "labels", out=tmp_path / "d", risk=0.0)
    with pytest.raises(UsageError, match="claim_logistic, claim_model"):
        train(trained / "scan", labels=trained / "labels", out=tmp_path / "e", parts="claim_rules")
    with pytest.raises(UsageError, match="judges a"):
        evaluate(trained / "scan", labels=trained / "labels", out=tmp_path / "f", judge="datum_rules")


def test_the_model_has_a_card(trained: Path) -> None:
    model = modelfile.load(trained / "out" / "claim_model.model", kind="detect.claim")
    assert int(model.card["families"]) >= FAMILIES
    assert len(model.card["training_table"]) == 64
    assert 0 < float(model.card["held_out_accuracy"]) <= 1


def test_folds_hold_whole_families() -> None:
    families = np.array([f"f{n % 17}" for n in range(400)])
    fold = folds(families, 1)
    assert set(fold.tolist()) == set(range(FOLDS))
    assert all(len(set(fold[families == name].tolist())) == 1 for name in set(families.tolist()))
    assert np.array_equal(fold, folds(families, 1))


def test_what_is_right() -> None:
    truth = np.array(["yes", "yes", "no", "absent", "no_signal", "no_signal", "no_signal"], object)
    said = ["potential violation", "not there", "allowed", "potential violation", "no signal", "not there"]
    label = np.array([*said, "potential violation"], object)
    assert right(truth, label).tolist() == [True, False, True, False, True, False, False]


def test_each_teacher_has_a_column(trained: Path) -> None:
    table = pq.read_table(trained / "out" / "training.parquet").select(LABELLED.names)
    said = votes(table)
    assert said.shape == (table.num_rows, len(teachers()))
    assert set(np.unique(said).tolist()) <= {-1, 0, 1}


def made(confidence: list[float], right_: list[bool]) -> pa.Table:
    n = len(right_)
    rows = {f.name: pa.nulls(n, f.type) for f in UNITS} | {
        "component": pa.array([f"c{i}" for i in range(n)]), "family": pa.array([f"f{i % 3}" for i in range(n)]),
        "label": pa.array(["potential violation" if r else "not there" for r in right_]),
        "truth": pa.array(["yes"] * n),
        "confidence": pa.array(confidence), "undecided": pa.array([c < 0.8 for c in confidence]),
        "right": pa.array(right_),
    }  # fmt: skip
    return pa.table([rows[f.name] for f in UNITS], schema=UNITS)


def test_figures_and_curve_of_known_units() -> None:
    found = made([0.99] * 8 + [0.7] * 2, [True] * 7 + [False] * 2 + [True])
    told = figures(found, seed=1, draws=100)
    assert (told["coverage"].value, told["accuracy"].value, told["accuracy_all"].value) == (0.8, 0.875, 0.8)
    assert at_coverage(found, 0.5).sum() == 8  # ties go together
    assert np.isnan(told["false_positives"].value)  # nothing that is no violation
    drawn = curve(found, seed=1, draws=100)
    assert drawn["coverage"].to_pylist() == [0.8, 1.0]
    assert drawn["accuracy"].to_pylist() == [0.875, 0.8]
