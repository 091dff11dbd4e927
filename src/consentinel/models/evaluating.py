"""Measure a model, or a part on a split of one file, beside simple baselines, with intervals."""

from collections.abc import Callable
from pathlib import Path

from consentinel.core.errors import UsageError
from consentinel.core.run import Outcome, Run
from consentinel.models import kept, reading
from consentinel.models.asked import told
from consentinel.models.evaluation import splits
from consentinel.models.evaluation.comparing import text
from consentinel.models.measures import (
    classified,
    effects,
    linked,
    pictured,
    ranked,
    recommended,
    segmented,
)
from consentinel.models.measures.sides import Asked, Measured, Sides

__all__ = ["evaluate"]

OF_ROWS = (classified.measured, effects.measured, pictured.measured)  # several rows may be of one person


def evaluate(run: Run, model: str, path: Path, asked: Asked) -> Outcome:
    """Measure MODEL, a file or a part "shelf/name", on the rows of PATH; keep metrics.parquet and what
    goes with its kind: per_query of rankings, uplift_curve, segments.

    Raises UsageError, BadInput; ContractBroken where the model does not answer as promised.
    """
    if asked.k < 0 or asked.seeds < 1 or asked.sampled < 0:
        raise UsageError("k and sampled are at least 0, seeds at least 1")
    sides = _sides(run, model, path, asked)
    kind = sides.models[0].kind
    measure = _measure(sides.name, sides.shelf, kind)
    if asked.sampled and measure is not recommended.measured:
        raise UsageError(f"sampled candidates are for recommenders; {sides.name} is measured on all rows")
    if asked.person and measure not in OF_ROWS:
        raise UsageError(f"intervals of {sides.name} are over those who ask; leave out --person")
    found = measure(run, sides, asked)
    files = {"metrics": run.keep("metrics", found.metrics)}
    files |= {name: run.keep(name, table) for name, table in found.tables.items()}
    if asked.sampled:
        run.note(
            f"metrics over {asked.sampled} sampled candidates do not keep the order of models; prefer full ranking"
        )
    return Outcome(run, 0, files, "\n".join([text(found.metrics), *(f"note: {note}" for note in run.notes)]))


def _sides(run: Run, model: str, path: Path, asked: Asked) -> Sides:
    more = (asked.person,) if asked.person else ()
    if model.partition("/")[0] in kept.SHELVES and not Path(model).is_file():
        if asked.split == "none" or asked.train is not None:
            raise UsageError(
                f"to measure the part {model[:60]}, say with --split how to hold rows out; no --train then"
            )
        shelf, trainer, chosen = kept.trainer(model, asked.settings)
        rows = reading.rows(run, path, shelf, asked.columns, more)
        learned, held = splits.split(
            rows,
            asked.split,
            reading.shape(shelf, trainer.kind),
            share=asked.share,
            seed=asked.seed,
            person=asked.person,
        )
        run.assume(split=asked.split, learned=learned.num_rows, held_out=held.num_rows)
        wanted = range(asked.seed, asked.seed + asked.seeds)
        models = [trainer.train(learned, seed=seed) for seed in run.each(wanted, "training", asked.seeds)]
        return Sides(shelf, model, models, learned, held, told(chosen))
    if asked.split != "none" or asked.settings or asked.seeds != 1:
        raise UsageError(
            f"{Path(model).name} is trained already: --split, --settings and --seeds go with a part's name"
        )
    opened = kept.opened(run, Path(model))
    shelf = opened.shelf
    held = reading.rows(run, path, shelf, asked.columns, more)
    learned = None if asked.train is None else reading.rows(run, asked.train, shelf, asked.columns, more)
    return Sides(shelf, f"{shelf}/{opened.name}", [opened.model], learned, held, opened.card)


def _measure(name: str, shelf: str, kind: str) -> Callable[[Run, Sides, Asked], Measured]:
    """Return what measures the part NAME of a SHELF whose models are of a KIND."""
    single = {"ads/uplift": effects.measured, "users/segments": segmented.measured, "vision/nearest": pictured.measured}
    if name in single:
        return single[name]
    if kind == "ranking":
        return linked.measured if shelf == "graph" else ranked.measured
    return recommended.measured if kind == "recsys" else classified.measured
