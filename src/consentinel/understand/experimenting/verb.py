"""What the verb experiment does: read an experiment by one method, or plan one; keep a table and a page."""

import json
from math import isfinite
from pathlib import Path

import pyarrow as pa

from consentinel.core.errors import UsageError
from consentinel.core.run import Outcome, Run, atomic
from consentinel.core.tables import LABEL, TEXT
from consentinel.understand.experimenting.planning import planned
from consentinel.understand.experimenting.reading import Asked, Metric, adjusted, asked_of, assigned, trials
from consentinel.understand.experimenting.report import plan_page, reading_page, said_of, said_of_plan
from consentinel.understand.experimenting.trial import Reading
from consentinel.understand.given import read_table
from consentinel.understand.shelves import EXPERIMENTS

__all__ = ["EFFECTS", "experiment"]

NUMBER = pa.float64()
# One row is one effect of one outcome: the answer, or another reading kept beside it.
EFFECTS = pa.schema([
    ("run_id", LABEL), ("outcome", TEXT), ("effect", TEXT), ("answer", pa.bool_()), ("value", NUMBER), ("low", NUMBER),
    ("high", NUMBER), ("level", NUMBER), ("null", NUMBER), ("p", NUMBER), ("adjusted", NUMBER), ("control", NUMBER),
    ("treated", NUMBER), ("method", TEXT), ("n_control", pa.int64()), ("n_treated", pa.int64()),
])  # fmt: skip
# One row is one check of what a reading rests on.
CHECKS = pa.schema([("run_id", LABEL), ("outcome", TEXT), ("check", TEXT), ("holds", pa.bool_()), ("said", TEXT)])


def experiment(
    run: Run, table: Path | None, *, method: str, share: float, level: float, seed: int, effect: float,
    deviation: float, rate: float, power: float, size: int, correlation: float, **columns: str,
) -> Outcome:  # fmt: skip
    """Read the experiment in TABLE, or plan one where there is none; arguments are those of the verb, which see."""
    if table is not None:
        return _read(run, table, asked_of(**columns), method=method, share=share, level=level, seed=seed)
    return _plan(run, effect=effect, deviation=deviation, rate=rate, level=level, power=power, size=size,
                 correlation=correlation)  # fmt: skip


def _read(run: Run, path: Path, asked: Asked, *, method: str, share: float, level: float, seed: int) -> Outcome:
    """Read the experiment in the table PATH.

    Ends in 3 when arms do not have the planned sizes: an experiment that lost units decides nothing.
    """
    if not asked.outcomes:
        raise UsageError("name the outcome, for example --outcome clicks")
    part = EXPERIMENTS.take(method)
    missing = [name for name in part.NEEDS if not getattr(asked, name)]
    if missing:
        raise UsageError(f"{method} needs the column --{missing[0]}")
    found = trials(run, read_table(run, path), asked)
    sizes = {name: (int((~one.treated).sum()), int(one.treated.sum())) for name, one in found.items()}
    readings = {}
    for name, one in found.items():
        reading = part.read(one, level, seed)
        readings[name] = Reading(reading.effects, [assigned(one, share), *reading.checks])
    metrics = adjusted(readings)
    kept = {"effects": run.keep("effects", pa.Table.from_pylist(_rows(metrics, sizes, level), EFFECTS)),
            "checks": run.keep("checks", pa.Table.from_pylist(_checks(metrics), CHECKS))}  # fmt: skip
    with atomic(run.out / "experiment.html") as beside:
        said = EXPERIMENTS.summary(method)
        beside.write_text(reading_page(metrics, sizes, method=said, level=level, notes=run.notes), "utf-8")
    with atomic(run.out / "experiment.json") as beside:
        beside.write_text(_json(metrics, level), "utf-8")
    kept |= {"page": run.kept(run.out / "experiment.html"), "facts": run.kept(run.out / "experiment.json")}
    lost = any(metric.reading.checks[0].holds is False for metric in metrics)
    return Outcome(run, 3 if lost else 0, kept, "\n".join(said_of(metric, level) for metric in metrics))


def _plan(
    run: Run, *, effect: float, deviation: float, rate: float, level: float, power: float, size: int, correlation: float
) -> Outcome:
    found = planned(
        effect, deviation=deviation, rate=rate, level=level, power=power, size=size, correlation=correlation
    )
    with atomic(run.out / "plan.html") as beside:
        beside.write_text(plan_page(found, level=level), "utf-8")
    with atomic(run.out / "plan.json") as beside:
        record = {"units": found.units, "clusters": found.clusters, "effect": found.effect, "power": found.power,
                  "design_effect": found.design, "level": level, "around": found.around}  # fmt: skip
        beside.write_text(json.dumps(record, indent=2) + "\n", "utf-8")
    kept = {"page": run.kept(run.out / "plan.html"), "facts": run.kept(run.out / "plan.json")}
    return Outcome(run, 0, kept, said_of_plan(found, level))


def _rows(metrics: list[Metric], sizes: dict[str, tuple[int, int]], level: float) -> list[dict[str, object]]:
    return [
        {
            "outcome": metric.outcome, "effect": one.name, "answer": at == 0, "value": one.value,
            "low": _known(one.low), "high": _known(one.high), "level": level, "null": one.null, "p": one.p,
            "adjusted": metric.adjusted if at == 0 else None, "control": _known(one.control),
            "treated": _known(one.treated), "method": one.method, "n_control": sizes[metric.outcome][0],
            "n_treated": sizes[metric.outcome][1],
        }
        for metric in metrics
        for at, one in enumerate(metric.reading.effects)
    ]  # fmt: skip


def _checks(metrics: list[Metric]) -> list[dict[str, object]]:
    return [
        {"outcome": metric.outcome, "check": one.what, "holds": one.holds, "said": one.said}
        for metric in metrics
        for one in metric.reading.checks
    ]


def _json(metrics: list[Metric], level: float) -> str:
    record = [
        {
            "outcome": metric.outcome, "sentence": said_of(metric, level), "value": metric.reading.effects[0].value,
            "low": _known(metric.reading.effects[0].low), "high": _known(metric.reading.effects[0].high),
            "p": metric.reading.effects[0].p, "adjusted": metric.adjusted,
            "failed": [one.what for one in metric.reading.checks if one.holds is False],
        }
        for metric in metrics
    ]  # fmt: skip
    return json.dumps(record, indent=2, ensure_ascii=False) + "\n"


def _known(value: float) -> float | None:
    return value if isfinite(value) else None
