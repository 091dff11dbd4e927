"""Trainers without privacy take no tickets: nothing private would be done with what was paid."""

from collections.abc import Sequence

from consentinel.core.errors import UsageError

__all__ = ["no_ticket"]


def no_ticket(tickets: Sequence[bytes], who: str) -> None:
    """Raise UsageError where TICKETS are given to the plain trainer WHO; none of them is used up."""
    if tickets:
        raise UsageError(f"{who} trains without privacy and takes no ticket; private parts of the shelves do")
