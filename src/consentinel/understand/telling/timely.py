"""Tell what is due: each story and alert once for each of its times, and again only where it did not succeed."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from consentinel.core.errors import BadInput, ConsentinelError, UsageError
from consentinel.core.run import Outcome, Run, atomic
from consentinel.understand.telling.alerts import deliver, judged
from consentinel.understand.telling.building import build
from consentinel.understand.telling.phrasing import Complete
from consentinel.understand.telling.schedule import Alert, Schedule, Task, read
from consentinel.understand.telling.tables import opened

__all__ = ["TOLD", "timely"]

TOLD = "told.json"  # what was told, and for which time


def timely(run: Run, file: Path, *, now: bool, as_of: str, complete: Complete | None) -> Outcome:
    """Say what of the schedule in FILE is due, and tell it where NOW; AS_OF (a day or a time) stands for the clock.

    Ends in 1 where an alert is an alarm, in 5 where something could not be told; the rest is told all the same.
    """
    schedule, clock = read(run.read(file)), _clock(as_of)
    told, worst = _read(run.out), 0
    lines: list[str] = []
    whole: list[Task | Alert] = [*schedule.stories, *schedule.alerts]
    for one in whole:
        due = _due(one, told, clock)
        if not due:
            lines.append(f"{one.name}: nothing is due")
            continue
        slot, missed = due[0], len(due) - 1
        late = f"; {missed} earlier {'time was' if missed == 1 else 'times were'} missed and {'is' if missed == 1 else 'are'} not told" if missed else ""  # fmt: skip  # noqa: E501
        if not now:
            lines.append(f"{one.name}: due since {slot:%Y-%m-%d %H:%M} UTC{late}")
            continue
        try:
            code, said = _tell(run, one, schedule, slot, complete, told)
        except ConsentinelError as why:
            code, said = 5, f"could not be told: {why}"
        else:
            told.setdefault(one.name, {})["done"] = slot.isoformat()
            _write(run.out, told)
        worst = max(worst, code)
        lines.append(f"{one.name}, {slot:%Y-%m-%d %H:%M} UTC: {said}{late}")
    return Outcome(run, worst, {}, "\n".join(lines))


def _due(one: Task | Alert, told: dict[str, Any], clock: datetime) -> list[datetime]:
    """Return the times of ONE that nobody told yet, the latest first; before the first run that is the latest alone."""
    done = told.get(one.name, {}).get("done")
    return one.when.between(datetime.fromisoformat(done), clock) if done else [one.when.last(clock)]


def _tell(
    run: Run, one: Task | Alert, schedule: Schedule, slot: datetime, complete: Complete | None, told: dict[str, Any]
) -> tuple[int, str]:
    day = slot.date().isoformat()
    if isinstance(one, Task):
        asked = {"story": one.story, "as_of": day, "formats": one.formats}
        with Run.open("understand.tell", one.to / f"{one.name}-{day}", inputs=list(one.inputs), **asked) as own:
            outcome = build(own, list(one.inputs), **asked, complete=complete)
        return 0, f"{outcome.text.splitlines()[1]} ({one.name}-{day})"
    with opened(run, one.inputs) as tables:
        found = judged(one, tables)
        read_by = tables.read_by(one.sql)
        digests = {table.name: table.sha256 for table in tables.tables if table.name in read_by}
    record = {
        "alert": one.name, "time": slot.isoformat(), "verdict": found.verdict, "value": found.value, "low": found.low,
        "high": found.high, "level": one.level, "above": one.above, "below": one.below, "sentence": found.sentence,
        "sql": one.sql, "tables": digests,
    }  # fmt: skip
    if found.verdict == "alarm" or (found.verdict == "watch" and one.watch):
        _deliver(run, one, schedule, record, told)
    return int(found.verdict == "alarm"), f"{found.verdict}. {found.sentence}"


def _deliver(run: Run, one: Alert, schedule: Schedule, record: dict[str, Any], told: dict[str, Any]) -> None:
    """Send RECORD to everybody who has not got it yet; whoever got it is noted before the next is tried."""
    sent = told.setdefault(one.name, {}).setdefault("sent", {})
    failed: ConsentinelError | None = None
    for to in one.to:
        if sent.get(to) == record["time"]:
            continue
        try:
            deliver(record, to, schedule.webhooks, schedule.folder)
        except ConsentinelError as why:
            failed = failed or why
        else:
            sent[to] = record["time"]
            _write(run.out, told)
    if failed:
        raise failed


def _clock(as_of: str) -> datetime:
    if not as_of:
        return datetime.now(UTC)
    try:
        given = datetime.fromisoformat(as_of)
    except ValueError:
        raise UsageError(f"--as-of '{as_of[:40]}' is no day or time, such as 2026-01-31 or 2026-01-31T07:00") from None
    if len(as_of) == 10:
        given = given.replace(hour=23, minute=59)
    return given if given.tzinfo else given.replace(tzinfo=UTC)


def _read(folder: Path) -> dict[str, Any]:
    file = folder / TOLD
    if not file.exists():
        return {}
    try:
        found = json.loads(file.read_text("utf-8"))
        for one in found.values():
            if "done" in one:
                datetime.fromisoformat(one["done"])
    except (OSError, ValueError, AttributeError, TypeError):
        raise BadInput(
            "does not say what was told", where=TOLD, todo="Restore it, or remove it to start again"
        ) from None
    state: dict[str, Any] = found
    return state


def _write(folder: Path, told: dict[str, Any]) -> None:
    with atomic(folder / TOLD) as beside:
        beside.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", "utf-8")
