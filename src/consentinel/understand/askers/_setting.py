"""What an asker is told beside the question, and what it proposes."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from consentinel.understand.asking.query import Query

__all__ = ["Proposal", "Setting"]


@dataclass(frozen=True)
class Setting:
    """The model (a URL, or nothing), the day that 'last month' counts from, seconds to wait, which try it is, and the
    SQL of the last try with what was wrong with it."""

    today: date
    model: str = ""
    seconds: float = 60.0
    seed: int = 0
    fault: tuple[str, str] | None = None


@dataclass(frozen=True)
class Proposal:
    """SQL that may answer the question; what the question asks, where it was understood; notes on how it was taken."""

    sql: str
    query: "Query | None" = None
    notes: tuple[str, ...] = ()
