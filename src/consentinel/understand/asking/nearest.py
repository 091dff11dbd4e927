"""Questions near to one that was refused, each of which can be answered."""

from collections.abc import Iterator
from datetime import date

from consentinel.understand.asking.lexicon import FEW, names
from consentinel.understand.asking.live import Live, Table
from consentinel.understand.asking.parsing import parsed
from consentinel.understand.asking.refusal import Refused
from consentinel.understand.asking.words import COLUMNS, folded, rows_of

__all__ = ["nearest"]


def nearest(question: str, live: Live, today: date, most: int = 3) -> list[str]:
    """Return at most MOST questions that share most words with QUESTION."""
    words = set(folded(question))
    tables = [t for t in live.tables.values() if names(question, t)] or list(live.tables.values())
    made = [one for table in tables for one in _made(table, live)]
    ranked = sorted(
        ((len(words & set(folded(one))) / (3 + len(folded(one))), one) for one in made), key=lambda x: -x[0]
    )
    found: list[str] = []
    for _, one in ranked[:40]:
        try:
            parsed(one, live, today)
        except Refused:
            continue
        found.append(one)
        if len(found) == most:
            break
    return found


def _made(table: Table, live: Live) -> Iterator[str]:
    """Yield questions that make sense of TABLE: by columns of a few values, of numbers that are not all alike."""
    noun = rows_of(table.name)
    called = {c: (names_[0] if names_ else c).lstrip("~") for c, names_ in COLUMNS.get(table.name, {}).items()}
    columns = [c for c in table.columns.values() if c.filled and c.name not in ("run_id", "source_row")]
    labels = [called.get(c.name, c.name.replace("_", " ")) for c in columns
              if c.role == "label" and 1 < len(live.values(table.name, c.name)) <= FEW]  # fmt: skip
    numbers = [called.get(c.name, c.name.replace("_", " ")) for c in columns
               if c.role == "number" and len(live.values(table.name, c.name)) > 1]  # fmt: skip
    yield f"How many {noun} are there?"
    for label in labels:
        yield f"How many {noun} by {label}?"
        yield f"Top 5 {label} by number of {noun}"
        yield f"What share of {noun} by {label}?"
    for number in numbers:
        yield f"What is the average {number} of {noun}?"
        for label in labels:
            yield f"What is the median {number} of {noun} by {label}?"
            yield f"Top 5 {label} by {number} of {noun}"
    if any(c.role == "time" for c in columns):
        for unit in ("year", "quarter", "month", "week", "day", "weekday"):
            yield f"How many {noun} per {unit}?"
