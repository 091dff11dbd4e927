"""Claims, decisions and memories for the tests of reviews."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa

from consentinel.core.state import State
from consentinel.core.tables import FINDINGS
from consentinel.detect.reviews.memory import Memory, recall, remember
from consentinel.detect.reviews.queue import queue
from consentinel.detect.reviews.standing import standings
from tests.detect.reports.made_scans import finding

TODAY = datetime.now(UTC).date()
SOON = (TODAY + timedelta(days=30)).isoformat()


def findings(*changed: dict[str, object]) -> pa.Table:
    """Return FINDINGS, one for each of the mappings, which change a plain finding."""
    return pa.Table.from_pylist([finding(n, **row) for n, row in enumerate(changed)], FINDINGS)


def waiting(state: State, found: pa.Table, *, model: str = "", today: date = TODAY) -> list[dict[str, Any]]:
    """Return the rows of the queue of FOUND, remembered as an export does."""
    memory = recall(state)
    made = queue(found, standings(found, memory, model=model, today=today), memory, model=model)
    remember(state, made)
    return made.to_pylist()


def told(claim: str, decision: str = "not_violation", **more: object) -> dict[str, object]:
    """Return one decision as a reviewer hands it in."""
    row: dict[str, object] = {"claim": claim, "decision": decision, "reviewer": "privacy counsel", "reason": "checked"}
    return row | ({"expires": SOON} if decision == "waived" else {}) | more


def stand(state_or_memory: State | Memory, found: pa.Table, **how: Any) -> list[tuple[str, str]]:
    """Return (status, why) of each of FOUND, in order."""
    memory = state_or_memory if isinstance(state_or_memory, Memory) else recall(state_or_memory)
    by_id = standings(found, memory, **how)
    return [(by_id[key].status, by_id[key].why) for key in found["finding_id"].to_pylist()]
