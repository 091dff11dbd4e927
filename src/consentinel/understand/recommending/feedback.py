"""What people said of recommendations: an append-only journal of accepted and rejected ones, and what it adds up to.

Each line is about one incident and one mitigation; who thinks again adds a line, and the last one of each reviewer
counts. A decision is a label with a weight: it teaches the model as WEIGHT cases that are known for this mitigation
only, and it moves the share that a rule starts from.
"""

import csv
import io
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from consentinel.core.errors import BadInput
from consentinel.core.state import Area, State, opened
from consentinel.core.text import one_line, plain_cell

__all__ = ["AREA", "DECISIONS", "WEIGHT", "Decision", "append", "feedback_at", "read_decisions", "recall", "tally"]

DECISIONS = ("accept", "reject")
WEIGHT = 3.0
LONGEST = 500
AREA = Area(
    "recommendation feedback",
    (
        (
            "CREATE TABLE recommendation_feedback (seq BIGINT PRIMARY KEY, incident TEXT NOT NULL, "
            "mitigation TEXT NOT NULL, rule_ TEXT NOT NULL, decision TEXT NOT NULL, reviewer TEXT NOT NULL, "
            "reason TEXT NOT NULL, decided BIGINT NOT NULL)",
        ),
    ),
)
_COLUMNS = "incident, mitigation, rule_, decision, reviewer, reason, decided"
_SELECT = f"SELECT {_COLUMNS} FROM recommendation_feedback ORDER BY seq"


@dataclass(frozen=True)
class Decision:
    """One line: what a reviewer said of one mitigation for one incident."""

    incident: str
    mitigation: str
    rule: str  # that had recommended it; empty where past cases had
    decision: str
    reviewer: str  # a role
    reason: str
    decided: int = 0  # microseconds since 1970 UTC


def feedback_at(where: str) -> AbstractContextManager[State]:
    """Open the feedback at WHERE, a file or postgresql://..., made on first use."""
    return opened(where, AREA)


def recall(state: State) -> list[Decision]:
    """Return the last decision of each reviewer about each incident and mitigation, in the order they were made."""
    with state.read() as now:
        lines = [Decision(*row) for row in now.rows(_SELECT)]
    return list({(one.incident, one.mitigation, one.reviewer): one for one in lines}.values())


def append(state: State, decisions: Sequence[Decision]) -> int:
    """Add those of DECISIONS that say something new, all or none, and return how many that were."""
    with state.write() as turn:
        lines = [Decision(*row) for row in turn.rows(_SELECT)]
        last = {(one.incident, one.mitigation, one.reviewer): (one.decision, one.reason) for one in lines}
        new = [one for one in decisions
               if last.get((one.incident, one.mitigation, one.reviewer)) != (one.decision, one.reason)]  # fmt: skip
        rows: list[Mapping[str, object]] = [
            {"seq": seq, "incident": one.incident, "mitigation": one.mitigation, "rule": one.rule,
             "decision": one.decision, "reviewer": one.reviewer, "reason": one.reason,
             "decided": time.time_ns() // 1000}
            for seq, one in enumerate(new, len(lines) + 1)
        ]  # fmt: skip
        turn.run(
            f"INSERT INTO recommendation_feedback (seq, {_COLUMNS}) "
            "VALUES (:seq, :incident, :mitigation, :rule, :decision, :reviewer, :reason, :decided)",
            rows,
        )
    return len(new)


def tally(decisions: Sequence[Decision]) -> dict[tuple[str, str], tuple[int, int]]:
    """Return how often each mitigation was accepted and rejected, by (rule, mitigation)."""
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for one in decisions:
        yes, no = found.get((one.rule, one.mitigation), (0, 0))
        found[one.rule, one.mitigation] = (yes + (one.decision == "accept"), no + (one.decision == "reject"))
    return found


def read_decisions(path: Path, mitigations: Collection[str], reviewer: str) -> list[Decision]:
    """Return the filled rows of the CSV file PATH: incident_id, mitigation, decision, and rule, reviewer and reason
    where they are. REVIEWER speaks for rows that name none; a row without a decision stays open. Raises BadInput.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise BadInput("cannot be read as UTF-8", where=path.name, todo="Save it as CSV in UTF-8") from None
    mark = max(",;\t", key=text.partition("\n")[0].count)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=mark)
    missing = {"incident_id", "mitigation", "decision"} - set(rows.fieldnames or ())
    if missing:
        raise BadInput(f"has no column {', '.join(sorted(missing))}", where=path.name, todo="Use feedback.csv of a run")
    made = []
    for line, row in enumerate(rows, 2):
        said: dict[str, Any] = {k: plain_cell(v).strip() for k, v in row.items() if isinstance(v, str) and k}
        if not said.get("decision"):
            continue
        decision = said["decision"].lower()
        if decision not in DECISIONS:
            raise _wrong(path, line, f"decision is accept or reject, got '{one_line(decision, 20)}'")
        if said.get("mitigation") not in mitigations:
            raise _wrong(path, line, f"there is no mitigation '{one_line(said.get('mitigation', ''), 40)}'")
        who = said.get("reviewer") or reviewer
        if not who or not said.get("incident_id"):
            raise _wrong(path, line, "needs an incident_id, and a reviewer here or with --reviewer")
        rule, reason = one_line(said.get("rule", ""), 100), one_line(said.get("reason", ""), LONGEST)
        incident = one_line(said["incident_id"], 300)
        made.append(Decision(incident, said["mitigation"], rule, decision, one_line(who, 100), reason))
    return made


def _wrong(path: Path, line: int, what: str) -> BadInput:
    return BadInput(f"line {line}: {what}", where=path.name, todo="Correct the row; nothing was taken from the file")
