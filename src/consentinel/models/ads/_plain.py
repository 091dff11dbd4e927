"""What the plain parts share: a ticket is refused, as nothing private would be done with it."""

from collections.abc import Sequence

from consentinel.core.errors import UsageError

__all__ = ["refused"]


def refused(tickets: Sequence[bytes], part: str) -> None:
    """Raise UsageError for any ticket given to the plain PART; none of them is used up."""
    if tickets:
        raise UsageError(f"'{part}' trains without privacy and takes no ticket; private parts of the shelf do")
