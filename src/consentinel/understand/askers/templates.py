"""Understand the question by its words and the live schema; what is not fully understood is refused."""

from consentinel.understand.askers._setting import Proposal, Setting
from consentinel.understand.asking.live import Live
from consentinel.understand.asking.parsing import parsed
from consentinel.understand.asking.query import written

__all__ = ["TRIES", "propose"]

TRIES = 1  # it says the same every time


def propose(question: str, live: Live, setting: Setting) -> Proposal:
    """Return the SQL that QUESTION means; raises Refused with the reason."""
    query, notes = parsed(question, live, setting.today)
    return Proposal(written(query), query, (*notes, *query.notes))
