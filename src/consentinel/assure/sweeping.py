"""What `assure sweep` does: every setting trained and audited with every seed, the front of them, table and page."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pyarrow as pa

from consentinel.assure.answering import labels
from consentinel.assure.classified_rows import YES
from consentinel.assure.given import Given, Wish
from consentinel.assure.kept_probes import KeptProbes, asked_for
from consentinel.assure.measure import Found, Measure, Plan
from consentinel.assure.reading import known, tables
from consentinel.assure.sweeps import report
from consentinel.assure.sweeps.axes import Axis, axes
from consentinel.assure.sweeps.knobs import Setting, settings
from consentinel.assure.sweeps.points import Point, measured, together
from consentinel.assure.sweeps.told import Sweep, compared, text
from consentinel.core import meeting
from consentinel.core.errors import UsageError
from consentinel.core.model_contracts import Trainer
from consentinel.core.run import Outcome, Run
from consentinel.core.stats import tail

__all__ = ["SWEEPS", "sweep"]

STOPPED = 130
_TEXT = pa.string()
SWEEPS = pa.schema(
    [
        ("run_id", pa.dictionary(pa.int32(), _TEXT)), ("setting", _TEXT), ("trainer", _TEXT), ("axis", _TEXT),
        ("metric", _TEXT), ("slice", _TEXT), ("value", pa.float64()), ("low", pa.float64()), ("high", pa.float64()),
        ("level", pa.float64()), ("n", pa.int64()), ("seeds", pa.int64()), ("method", _TEXT), ("better", _TEXT),
        ("cost", pa.float64()), ("on_front", pa.bool_()), ("undominated", pa.float64()), ("knee", pa.bool_()),
        ("knee_chance", pa.float64()), ("why", _TEXT),
    ]
)  # fmt: skip


def sweep(
    run: Run, trainers: str, data: Path, wish: Wish, plan: Plan, *, knobs: str, attribute: str, asked: str, seeds: int,
    delta: str, fresh: bool,
) -> Outcome:  # fmt: skip
    """Train TRAINERS at every value of KNOBS with SEEDS seeds and keep sweep.parquet, a page and JSON.

    Raises UsageError, BadInput. What one setting cannot do is told of it, and the others go on.
    """
    tail(plan.level)
    if seeds < 1 or plan.draws < 100:
        raise UsageError(f"seeds are at least 1 and draws at least 100; got {seeds} and {plan.draws}")
    known(wish)
    if not attribute:
        named = [word.strip() for word in wish.groups.split(",") if word.strip()]
        attribute = named[0] if named else ""
    chosen = settings(trainers, knobs, wish.kind)
    given = tables(run, data, replace(wish, groups=attribute))
    wish = replace(wish, groups=attribute, positive=_positive(given, wish))
    if given.learned is None:
        raise UsageError("a sweep trains: give the rows to learn from with --learned")
    ways = axes(wish.kind, asked, attribute=attribute, positive=bool(wish.positive), shadows=plan.shadows)
    run.assume(settings=[one.name for one in chosen], axes=[f"{a.name}: {a.probe} {a.metric}" for a in ways])
    run.assume(payment="private parts pay from a ledger that is thrown away: rows are public, past or simulated")
    kept = KeptProbes(run.out, asked_for(run.digests(), _plain(wish), _plain(plan), delta, [vars(a) for a in ways]))
    runs: dict[Setting, list[Sequence[Measure]]] = {one: [] for one in chosen}
    todo = [(one, seed) for seed in range(plan.seed, plan.seed + seeds) for one in chosen]
    reached = 0
    try:
        with meeting.rehearsal() as paid:
            for one, seed in run.each(todo, "trainings"):
                trainer = paid(one.named, delta) if "/" in one.trainer else None
                runs[one].append(
                    _measured(given, wish, one, trainer, ways, attribute, replace(plan, seed=seed), kept, fresh)
                )
                reached += 1
    except KeyboardInterrupt:
        run.interrupted = True
        run.note(f"stopped before {len(todo) - reached} of {len(todo)} trainings; the same command goes on from there")
    points = [together(one, found, plan.level) for one, found in runs.items() if found]
    if not points:
        return Outcome(run, STOPPED, {}, "\n".join(run.notes))
    found = compared(points, [one.name for one in ways], plan, notes=_notes(given, points, seeds))
    for note in found.notes:
        run.note(note)
    files = {"sweep": run.keep("sweep", pa.Table.from_pylist(rows(found), SWEEPS))}
    files |= {name: run.kept(path) for name, path in report.written(found, run, data.name).items()}
    return Outcome(run, STOPPED if run.interrupted else 0, files, text(found))


def _measured(
    given: Given, wish: Wish, one: Setting, trainer: Trainer | None, ways: Sequence[Axis], attribute: str, plan: Plan,
    kept: KeptProbes, fresh: bool,
) -> list[Measure]:  # fmt: skip
    name = sha256(f"{one}".encode()).hexdigest()[:16]
    before = None if fresh else kept.load("sweep", f"{name}.{plan.seed}")
    if before is not None and len(before) == len(ways):
        return [found.measure for found in before]
    made = measured(given, wish, one, trainer, ways, attribute, plan)
    if any(measure.estimate is not None for measure in made):  # what is missing may be there next time
        kept.keep("sweep", f"{name}.{plan.seed}", [Found("sweep", name, measure) for measure in made])
    return made


def _positive(given: Given, wish: Wish) -> str:
    """Return the label that counts as yes, as an audit would take it."""
    if wish.positive or "label" not in given.rows.column_names or wish.kind in ("recsys", "ranking"):
        return wish.positive
    there = set(labels(given.rows["label"]).drop_null().to_pylist())
    return next((word for word in YES if word in there and len(there) == 2), "")


def _notes(given: Given, points: Sequence[Point], seeds: int) -> list[str]:
    made = list(given.notes)
    if any("/" in one.setting.trainer and meeting.private(one.setting.trainer) for one in points):
        made.append("private parts were paid from a ledger that is thrown away: no budget is spent, and nothing that a "
                    "sweep says of its rows is private")  # fmt: skip
    if seeds < 2:
        made.append("one seed only: intervals do not hold what trainings vary by; give --seeds 3 or more")
    lost: dict[str, list[str]] = {}
    axes = range(len(points[0].found))
    some = [at for at in axes if any(one.found[at].estimate is not None for one in points)] or list(axes)
    for one in points:
        for why in dict.fromkeys(one.found[at].why for at in some if one.found[at].estimate is None):
            lost.setdefault(why, []).append(one.setting.name)
    for why, names in lost.items():
        more = f" and {len(names) - 1} more settings" if len(names) > 1 else ""
        made.append(f"{names[0]}{more}: {why}")
    return list(dict.fromkeys(made))


def rows(found: Sweep) -> list[dict[str, object]]:
    """Return one row for each setting and axis of FOUND."""
    made: list[dict[str, object]] = []
    for at, point in enumerate(found.points):
        place = found.place(at)
        for axis, measure in zip(found.axes, point.found, strict=True):
            one = measure.estimate
            numbers = {n: None if one is None else getattr(one, n) for n in ("value", "low", "high", "level", "n")}
            made.append(numbers | {
                "run_id": "", "setting": point.setting.name, "trainer": point.setting.named, "axis": axis,
                "metric": measure.metric, "slice": measure.slice, "seeds": point.seeds,
                "method": "" if one is None else one.method, "better": measure.better,
                "cost": found.cost(at, axis), "why": measure.why,
            } | place)  # fmt: skip
    return made


def _plain(asked: object) -> dict[str, str]:
    return {name: str(value) for name, value in vars(asked).items()}
