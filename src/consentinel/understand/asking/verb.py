"""What the verb ask does: open tables, turn the question into SQL, check and run it, keep the answer or the refusal."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from consentinel.core.errors import UsageError
from consentinel.core.run import Outcome, Run, atomic
from consentinel.understand.askers._setting import Setting
from consentinel.understand.asking.checking import Answer, checked, ran
from consentinel.understand.asking.cross import crossed, kept_to
from consentinel.understand.asking.doubts import doubted
from consentinel.understand.asking.live import Live, opened
from consentinel.understand.asking.nearest import nearest
from consentinel.understand.asking.query import Query
from consentinel.understand.asking.refusal import Refused
from consentinel.understand.asking.sentence import plain, sentence
from consentinel.understand.shelves import ASKERS

__all__ = ["Limits", "Told", "ask", "told"]

CLEAR = 3  # a refusal of at least this rank is about the question, not about the templates: no model is asked
REFUSED = 3


@dataclass(frozen=True)
class Limits:
    """What an answer may take: rows and seconds."""

    rows: int = 1000
    seconds: float = 30.0


@dataclass(frozen=True)
class Told:
    """An answer with its SQL, the query it was read as, who made it, and notes; or the reason that there is none."""

    by: str = ""
    sql: str = ""
    answer: Answer | None = None
    query: Query | None = None
    notes: tuple[str, ...] = ()
    reason: str = ""
    near: tuple[str, ...] = ()


def ask(
    run: Run, question: str, *, tables: list[Path], sql: bool, model: str, rows: int, seconds: float, memory_mb: int,
    today: str,
) -> Outcome:  # fmt: skip
    """Answer QUESTION about TABLES; arguments are those of the verb, which see."""
    if not question.strip() or len(question) > (20_000 if sql else 500):
        raise UsageError("a question has 1 to 500 characters; one in SQL up to 20,000")
    if rows < 1 or seconds <= 0 or memory_mb < 64:
        raise UsageError("rows is at least 1, seconds above 0 and memory-mb at least 64")
    live = opened(run, tables, memory_mb=memory_mb)
    run.assume(tables={name: table.rows for name, table in live.tables.items()})
    found = told(question, live, sql=sql, model=model, limits=Limits(rows, seconds), today=_day(today))
    return _kept(run, question, live, found)


def told(question: str, live: Live, *, sql: bool, model: str, limits: Limits, today: date) -> Told:
    """Return the answer to QUESTION about the tables of LIVE, or why there is none."""
    if sql:
        statement = checked(question, live)
        return Told("sql", statement, ran(statement, live, rows=limits.rows, seconds=limits.seconds))
    try:
        return _templates(question, live, limits, today)
    except Refused as why:
        refused = why
    if model != "none" and refused.rank < CLEAR:
        try:
            return _model(question, live, model, limits, today)
        except Refused as why:
            refused = Refused(f"{refused.reason}; and {why.reason}")
    return Told(reason=refused.reason, near=tuple(nearest(question, live, today)))


def _templates(question: str, live: Live, limits: Limits, today: date) -> Told:
    proposal = ASKERS.take("templates").propose(question, live, Setting(today))
    statement = checked(proposal.sql, live)
    if proposal.query:
        doubted(proposal.query, live)
    answer = ran(statement, live, rows=limits.rows, seconds=limits.seconds)
    return Told("templates", statement, answer, proposal.query, proposal.notes)


def _model(question: str, live: Live, model: str, limits: Limits, today: date) -> Told:
    """Ask a model several times; only what all of its tries agree on, and what keeps to the question, is an answer."""
    name = "local" if model == "local" else "endpoint"
    part, tries = ASKERS.take(name), []
    for seed in range(part.TRIES):
        setting = Setting(today, model, max(limits.seconds, 60.0), seed)
        tries.append(_tried(part, question, live, setting, limits))
        if len({tuple(sorted(map(repr, answer.rows))) for _, answer in tries}) > 1:  # rows come in any order
            raise Refused("the tries of the model do not agree")
    statement, answer = tries[0]
    kept_to(statement, answer, question, live, today, limits.seconds)
    return Told(name, statement, answer, notes=("a model wrote this SQL; read it before the answer is used",))


def _tried(part: Any, question: str, live: Live, setting: Setting, limits: Limits) -> tuple[str, Answer]:
    """Return checked SQL of the model with its answer; what does not run is sent back once."""
    proposal = part.propose(question, live, setting)
    try:
        statement = checked(proposal.sql, live)
    except UsageError as why:
        again = Setting(setting.today, setting.model, setting.seconds, setting.seed, (proposal.sql, str(why)))
        try:
            statement = checked(part.propose(question, live, again).sql, live)
        except UsageError:
            raise Refused("what the model wrote does not run") from None
    crossed(statement, question, live, setting.today)
    try:
        return statement, ran(statement, live, rows=limits.rows, seconds=limits.seconds)
    except UsageError as why:
        raise Refused(f"what the model wrote does not run: {why}") from None


def _kept(run: Run, question: str, live: Live, found: Told) -> Outcome:
    answer = found.answer
    for note in found.notes:
        run.note(note)
    identity = "q-" + hashlib.sha256(f"{found.sql}\n{live.digest}".encode()).hexdigest()[:12] if answer else ""
    said = sentence(answer, found.query) if answer else f"Not answered: {found.reason}."
    record: dict[str, Any] = {
        "question": question, "answered": answer is not None, "query_id": identity, "sql": found.sql, "by": found.by,
        "sentence": said, "reason": found.reason, "nearest": list(found.near), "notes": list(found.notes),
        "columns": list(answer.columns) if answer else [], "rows": len(answer.rows) if answer else 0,
        "more": bool(answer and answer.more), "tables": {name: table.rows for name, table in live.tables.items()},
    }  # fmt: skip
    kept: dict[str, Path] = {}
    if answer:
        if answer.more:
            run.note(f"there are more rows than the {len(answer.rows):,} that are kept; --rows raises that")
        kept["answer"] = run.keep("answer", answer.table)
    with atomic(run.out / "answer.json") as beside:
        beside.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", "utf-8")
    kept["json"] = run.kept(run.out / "answer.json")
    return Outcome(run, 0 if answer else REFUSED, kept, _text(said, identity, found))


def _text(said: str, identity: str, found: Told) -> str:
    if found.answer is None:
        near = "\n".join(f"  {one}" for one in found.near)
        return said + (f"\nThese can be answered:\n{near}" if near else "")
    lines = [said, f"[{identity}] {found.sql}"]
    if len(found.answer.rows) > 1:
        lines += _grid(found.answer.columns, found.answer.rows[:20])
    return "\n".join(lines)


def _grid(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    cells = [list(columns), *([plain(value) for value in row] for row in rows)]
    widths = [max(len(line[at]) for line in cells) for at in range(len(columns))]
    return ["  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in cells]


def _day(text: str) -> date:
    if not text:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--today is a day such as 2026-11-22, got '{text[:20]}'") from None
