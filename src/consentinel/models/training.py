"""Train a part on the rows of a file, all of them or all but a held-out share, and keep the model."""

from pathlib import Path

import pyarrow as pa

from consentinel.core.run import Outcome, Run, atomic
from consentinel.models import kept, reading
from consentinel.models.asked import told
from consentinel.models.evaluation import splits
from consentinel.models.paying import Payer, paid

__all__ = ["train"]


def train(
    run: Run,
    part: str,
    path: Path,
    *,
    settings: str,
    seed: int,
    split: splits.Wish,
    share: float,
    person: str,
    columns: str,
    payer: Payer,
) -> Outcome:
    """Train PART on the rows of PATH and keep model.safetensors; with SPLIT also what was learned from and held out.

    Raises UsageError, BadInput; BudgetRefused where a private part is not paid for.
    """
    shelf, trainer, chosen = kept.trainer(part, settings)
    rows = reading.rows(run, path, shelf, columns, (person,) if person else ())
    files: dict[str, Path] = {}
    if split != "none":
        rows, held = splits.split(
            rows, split, reading.shape(shelf, trainer.kind), share=share, seed=seed, person=person
        )
        files = {"training": run.keep("training", rows), "held_out": run.keep("held_out", held)}
        run.assume(split=split, held_out=held.num_rows)
    run.assume(part=part, settings=told(chosen), rows=rows.num_rows)
    for _ in run.each([part], "training"):
        with paid(run, trainer, rows, payer) as (ready, tickets):
            model = ready.train(rows, seed=seed, tickets=tickets)
    file = run.out / "model.safetensors"
    with atomic(file) as beside:
        model.save(beside)
    files["model"] = run.kept(file, kind=f"models.{part.replace('/', '.')}")
    return Outcome(run, 0, files, _text(part, rows, files))


def _text(part: str, rows: pa.Table, files: dict[str, Path]) -> str:
    said = f"{part}: trained on {rows.num_rows:,} rows, kept in {files['model'].name}"
    if "held_out" not in files:
        return f"{said}. These rows were all learned from: measure it on others, or train with --split."
    given = f"{files['model']} {files['held_out']} --train {files['training']}"
    return f"{said}\nMeasure it on what it has not seen:\n  consentinel models evaluate {given}"
