"""Check the decisions that people hand in, row by row, before any of them counts.

A row has `claim` (the id that the queue gave), `decision`, `reviewer` (a role, such as privacy counsel; never a
person's name or address), `reason` and `expires`. Rows without a decision are left out: they are still open. Nothing of
a file is taken when a row of it is wrong.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from consentinel.core.errors import BadInput
from consentinel.core.text import one_line, plain_cell

__all__ = ["COLUMNS", "DECISIONS", "LONGEST_WAIVER", "Decision", "checked"]

COLUMNS = ("claim", "decision", "reviewer", "reason", "expires")
DECISIONS = ("violation", "not_violation", "waived", "undecided")
LONGEST_WAIVER = 366  # days; what is to hold for longer is a matter for the policy
LONGEST_REASON = 500  # characters
_FAULTS_TOLD = 5
_CLAIM = re.compile(r"c_[0-9a-f]{24}\.[0-9a-f]{6}")
_ROLE = re.compile(r"[^\W_][\w &./-]{1,39}")
_DATES = ((re.compile(r"(\d{4})-(\d{2})-(\d{2})"), (0, 1, 2)), (re.compile(r"(\d{2})\.(\d{2})\.(\d{4})"), (2, 1, 0)))


@dataclass(frozen=True, slots=True)
class Decision:
    """What one reviewer says about one claim of a queue."""

    claim: str
    decision: str  # one of DECISIONS
    reviewer: str  # a role
    reason: str = ""
    expires: date | None = None  # the last day of a waiver
    row: str = ""  # where it stood, for messages


class _Wrong(Exception):
    """A cell is wrong: its column, what was wanted."""

    def __init__(self, column: str, wanted: str) -> None:
        self.column, self.wanted = column, wanted
        super().__init__(column)


def checked(
    rows: Iterable[tuple[str, Mapping[str, object]]], *, where: str, today: date, reviewer: str = ""
) -> list[Decision]:
    """Return the decisions in ROWS, each with the name of its row; REVIEWER speaks for rows that name none.

    Dates are YYYY-MM-DD, or DD.MM.YYYY as spreadsheets write them in many countries. Raises BadInput that names row,
    column, what was wanted and what was there, for the first few faults.
    """
    found: dict[tuple[str, str], Decision] = {}
    faults: list[str] = []
    for row, cells in rows:
        try:
            told = _decision({**cells}, row, today, reviewer)
            if told is None:
                continue
            key = (told.claim.partition(".")[0], told.reviewer)
            before = found.setdefault(key, told)
            if _said(before) != _said(told):
                raise _Wrong("claim", f"one decision of a reviewer about a claim; {before.row} has another")
        except _Wrong as why:
            got = cells.get(why.column)
            quoted = f"'{one_line(str(got), 40)}'" if got not in (None, "") else "nothing"
            faults.append(f"{row}, column '{why.column}': wanted {why.wanted}; got {quoted}")
    if faults:
        more = f"; and {len(faults) - _FAULTS_TOLD:,} more" if len(faults) > _FAULTS_TOLD else ""
        told_ = "; ".join(faults[:_FAULTS_TOLD]) + more
        raise BadInput(told_, where=where, todo="Nothing was taken in: correct these rows and give the file again")
    return list(found.values())


def _said(told: Decision) -> tuple[object, ...]:
    return (told.claim, told.decision, told.reason, told.expires)


def _decision(cells: Mapping[str, object], row: str, today: date, reviewer: str) -> Decision | None:
    texts = {name: _text(cells, name) for name in COLUMNS}
    said = re.sub(r"[\s-]+", "_", texts["decision"].lower())
    if not said:
        return None
    if not _CLAIM.fullmatch(texts["claim"]):
        raise _Wrong("claim", "the id of a claim as it stands in the queue")
    if said not in DECISIONS:
        raise _Wrong("decision", f"{', '.join(DECISIONS[:-1])} or {DECISIONS[-1]}")
    role = (texts["reviewer"] or one_line(reviewer)).lower()
    if not _ROLE.fullmatch(role):
        raise _Wrong("reviewer", "a role of 2 to 40 letters, such as privacy counsel, and no address")
    if len(texts["reason"]) > LONGEST_REASON:
        raise _Wrong("reason", f"at most {LONGEST_REASON} characters")
    if said in ("not_violation", "waived") and not texts["reason"]:  # it lets a finding pass: say why
        raise _Wrong("reason", f"the reason, as the decision is {said}")
    return Decision(texts["claim"], said, role, texts["reason"], _expires(texts["expires"], said, today), row)


def _text(cells: Mapping[str, object], name: str) -> str:
    value = cells.get(name)
    if value is None:
        return ""
    if isinstance(value, date):
        return value.isoformat()[:10]
    if not isinstance(value, str):
        raise _Wrong(name, "a text")
    return plain_cell(value)


def _expires(text: str, said: str, today: date) -> date | None:
    last = today + timedelta(days=LONGEST_WAIVER)
    if said != "waived":
        if text:
            raise _Wrong("expires", f"nothing, as the decision is {said} and only a waiver ends")
        return None
    wanted = f"the last day of the waiver as YYYY-MM-DD, from {today} to {last}"
    for pattern, order in _DATES:
        if found := pattern.fullmatch(text):
            try:
                day = date(*(int(found.groups()[at]) for at in order))
            except ValueError:
                break
            if today <= day <= last:
                return day
    raise _Wrong("expires", wanted)
