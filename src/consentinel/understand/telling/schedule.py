"""A schedule: which stories and alerts are told when, read from a TOML file; times are UTC."""

import re
import tomllib
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from consentinel.core.errors import BadInput, UsageError

__all__ = ["Alert", "Schedule", "Task", "When", "read"]

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WHEN = re.compile(rf"(?:(daily)|(weekly) ({'|'.join(DAYS)})|(monthly) (\d|1\d|2[0-8])) ([01]\d|2[0-3]):([0-5]\d)")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")


@dataclass(frozen=True)
class When:
    """A time that comes again: every day, or one day of the week (0: Monday) or month, at a minute of the day."""

    every: Literal["daily", "weekly", "monthly"]
    day: int
    minute: int

    def last(self, now: datetime) -> datetime:
        """Return the latest such time that is not after NOW."""
        at = now.replace(hour=self.minute // 60, minute=self.minute % 60, second=0, microsecond=0)
        if self.every == "weekly":
            at -= timedelta(days=(at.weekday() - self.day) % 7)
        elif self.every == "monthly":
            at = at.replace(day=self.day)
        return at if at <= now else self._before(at)

    def between(self, after: datetime, until: datetime) -> list[datetime]:
        """Return such times later than AFTER and up to UNTIL, the latest first, at most a thousand."""
        at = self.last(until)
        found: list[datetime] = []
        while at > after and len(found) < 1000:
            found.append(at)
            at = self._before(at)
        return found

    def _before(self, at: datetime) -> datetime:
        if self.every == "monthly":
            return (at.replace(day=1) - timedelta(days=1)).replace(day=self.day)
        return at - timedelta(days=7 if self.every == "weekly" else 1)


@dataclass(frozen=True)
class Task:
    """A story that is told at its time: of which inputs, in which formats, into which folder."""

    name: str
    when: When
    inputs: tuple[Path, ...]
    story: str
    formats: str
    to: Path


@dataclass(frozen=True)
class Alert:
    """A threshold: a SELECT with one row (n, or n and of), the value that it must not pass, and who is told."""

    name: str
    when: When
    inputs: tuple[Path, ...]
    sql: str
    above: float | None
    below: float | None
    interval: Literal["auto", "none"]
    level: float
    watch: bool
    to: tuple[str, ...]


@dataclass(frozen=True)
class Schedule:
    """Stories, alerts, and the beginnings of the addresses that alerts may be posted to."""

    stories: tuple[Task, ...]
    alerts: tuple[Alert, ...]
    webhooks: tuple[str, ...]
    folder: Path  # that paths in the file start from


def read(file: Path) -> Schedule:
    """Return the schedule in FILE; raises BadInput where it is no TOML, UsageError where it says something else."""
    try:
        found = tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as why:
        said = str(why) if isinstance(why, tomllib.TOMLDecodeError) else "it cannot be read"
        raise BadInput(f"is no TOML ({said})", where=file.name, todo="Correct the file") from None
    _known(found, ("story", "alert", "webhooks"), file.name)
    here = file.resolve().parent
    stories = [_task(one, here, f"{file.name}: story {at + 1}") for at, one in enumerate(_list(found, "story", file))]
    alerts = [_alert(one, here, f"{file.name}: alert {at + 1}") for at, one in enumerate(_list(found, "alert", file))]
    names = [task.name for task in stories] + [alert.name for alert in alerts]
    if twice := {name for name in names if names.count(name) > 1}:
        raise UsageError(f"{file.name}: the name '{min(twice)}' is there twice")
    if not names:
        raise UsageError(f"{file.name}: there is neither a [[story]] nor an [[alert]]")
    return Schedule(tuple(stories), tuple(alerts), _texts(found.get("webhooks", []), f"{file.name}: webhooks"), here)


def _task(found: Any, here: Path, where: str) -> Task:
    _known(found, ("name", "when", "inputs", "story", "formats", "to"), where)
    to = here / _text(found.get("to"), f"{where}, to")
    return Task(_name(found, where), _when(found, where), _inputs(found, here, where),
                _text(found.get("story", "weekly"), f"{where}, story"),
                _text(found.get("formats", "html,markdown"), f"{where}, formats"), to)  # fmt: skip


def _alert(found: Any, here: Path, where: str) -> Alert:
    _known(found, ("name", "when", "inputs", "sql", "above", "below", "interval", "level", "watch", "to"), where)
    ends = [_number(found[name], f"{where}, {name}") if name in found else None for name in ("above", "below")]
    if (ends[0] is None) == (ends[1] is None):
        raise UsageError(f"{where}: say either above or below")
    interval, level, watch = found.get("interval", "auto"), found.get("level", 0.95), found.get("watch", False)
    if interval not in ("auto", "none"):
        raise UsageError(f"{where}: interval is auto or none")
    if not isinstance(watch, bool):
        raise UsageError(f"{where}: watch is true or false")
    level = _number(level, f"{where}, level")
    if not 0.5 <= level < 1:
        raise UsageError(f"{where}: level is a share of at least 0.5 and less than 1")
    to = _texts(found.get("to", []), f"{where}, to")
    if not to:
        raise UsageError(f"{where}: to names nobody; give file:NAME.jsonl or the address of a webhook")
    return Alert(_name(found, where), _when(found, where), _inputs(found, here, where),
                 _text(found.get("sql"), f"{where}, sql"), ends[0], ends[1], interval, level, watch, to)  # fmt: skip


def _list(found: dict[str, Any], key: str, file: Path) -> list[Any]:
    value = found.get(key, [])
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise UsageError(f"{file.name}: {key} is written as [[{key}]]")
    return value


def _known(found: dict[str, Any], names: tuple[str, ...], where: str) -> None:
    for key in found:
        if key not in names:
            near = get_close_matches(key, names, n=1)
            raise UsageError(f"{where}: unknown key '{key[:40]}'; " + (f"did you mean '{near[0]}'?" if near else f"there is: {', '.join(names)}"))  # fmt: skip  # noqa: E501


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{where}: a text is missing")
    return value


def _texts(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        raise UsageError(f"{where}: is a list of texts")
    return tuple(value)


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value or abs(value) == float("inf"):
        raise UsageError(f"{where}: is a number")
    return float(value)


def _name(found: dict[str, Any], where: str) -> str:
    name = _text(found.get("name"), f"{where}, name")
    if not _NAME.fullmatch(name):
        raise UsageError(f"{where}: a name has small letters, digits and hyphens, at most 41 of them")
    return name


def _inputs(found: dict[str, Any], here: Path, where: str) -> tuple[Path, ...]:
    texts = _texts(found.get("inputs", []), f"{where}, inputs")
    if not texts:
        raise UsageError(f"{where}: inputs names no folder")
    return tuple(here / text for text in texts)


def _when(found: dict[str, Any], where: str) -> When:
    text = _text(found.get("when"), f"{where}, when")
    match = _WHEN.fullmatch(text.strip().lower())
    if not match:
        raise UsageError(
            f"{where}: '{text[:40]}' is no time; write daily 07:00, weekly monday 07:00 or monthly 1 07:00 (UTC)"
        )
    minute = 60 * int(match[6]) + int(match[7])
    if match[1]:
        return When("daily", 0, minute)
    return When("weekly", DAYS.index(match[3]), minute) if match[2] else When("monthly", int(match[5]), minute)
