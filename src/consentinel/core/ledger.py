"""Privacy spent: what a charge is, the signed ticket that it buys, and what every ledger promises.

A charge is priced from exact parameters and written before anything is drawn; the ticket that it buys carries the
same parameters, and a mechanism reads its noise from there, so paid and drawn cannot differ. Tickets are bytes, so
that a worker can hold one without opening a ledger. Both have exactly one encoding: canonical JSON, numbers as text.

Ticket bytes: b"CTK1", 32 bytes of HMAC-SHA-256 over everything else, body. The signature needs the ledger's key and
is checked by whoever holds it (ledger and redeeming mechanism); a key is at least 32 secret bytes from `core/rng`.
"""

import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from hashlib import sha256
from typing import Any, Protocol, TypeVar

from consentinel.core.accounting import exact, written
from consentinel.core.errors import BadInput, BudgetRefused, UsageError

__all__ = ["Charge", "Ledger", "Ticket", "canonical"]

Params = tuple[tuple[str, Fraction], ...]
MAGIC, MAC_BYTES, LARGEST, MOST_SHARES = b"CTK1", 32, 16_384, 10_000
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,99}", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True)
class Charge:
    """One expense: which mechanism, with which exact parameters, for whom, why, on what, and its price.

    Arguments: mechanism and parameter names ([A-Za-z0-9_.:-], at most 100 characters); params as (name, number) pairs
    or a mapping, numbers as `accounting.exact` reads them; unit, who is protected (person, device, event); purpose in
    words; principal, who asks; dataset and epoch that the budget belongs to; micro_rho from `accounting.micro_rho`.
    Raises UsageError.
    """

    mechanism: str
    params: Params
    unit: str
    purpose: str
    principal: str
    dataset: str
    epoch: str
    micro_rho: int

    def __post_init__(self) -> None:
        for what in ("mechanism", "unit", "principal", "dataset", "epoch"):
            _name(getattr(self, what), what)
        if not self.purpose.strip() or len(self.purpose) > 500 or not self.purpose.isprintable():
            raise UsageError("a charge says its purpose in 1 to 500 printable characters")
        object.__setattr__(self, "params", _params(self.params))
        if not _whole(self.micro_rho, 1, 10**18):
            raise UsageError(f"a price is a whole number of micro-rho in [1, 10^18], got {self.micro_rho!r}")

    def to_bytes(self) -> bytes:
        """Return the one encoding of this charge."""
        return canonical(asdict(self) | {"params": _texts(self.params)})

    @classmethod
    def from_bytes(cls, data: bytes) -> "Charge":
        """Return the charge that DATA encodes; raises BadInput for anything but the bytes of `to_bytes`."""
        return _decode(Charge, data, "a charge")

    @property
    def digest(self) -> str:
        """SHA-256 of the encoding, in hexadecimal."""
        return sha256(self.to_bytes()).hexdigest()


@dataclass(frozen=True)
class Ticket:
    """The right to run one mechanism once, with exactly the parameters that were paid.

    Arguments: ledger, its identifier; charge, what identifies the paid entry in it; mechanism and params as charged;
    question, SHA-256 in hexadecimal of what may be asked; share k of n; enough, how many honest surviving shares
    together must carry the whole noise; not_after, microseconds since 1970 UTC.
    """

    ledger: str
    charge: str
    mechanism: str
    params: Params
    question: str
    not_after: int
    share: int = field(default=1, kw_only=True)
    shares: int = field(default=1, kw_only=True)
    enough: int = field(default=1, kw_only=True)

    def __post_init__(self) -> None:
        for what in ("ledger", "charge", "mechanism"):
            _name(getattr(self, what), what)
        object.__setattr__(self, "params", _params(self.params))
        if not isinstance(self.question, str) or not _DIGEST.fullmatch(self.question):
            raise UsageError("a ticket's question is a SHA-256 digest: 64 lower-case hexadecimal digits")
        if not _whole(self.not_after, 0, 2**63 - 1):
            raise UsageError("a ticket's not_after is microseconds since 1970 UTC, a whole number from 0 to 2^63 - 1")
        whole = _whole(self.shares, 1, MOST_SHARES) and _whole(self.share, 1, self.shares)
        if not whole or not _whole(self.enough, 1, self.shares):
            raise UsageError(f"shares are k of n with 1 <= k <= n <= {MOST_SHARES} and 1 <= enough <= n")

    @property
    def noise_part(self) -> Fraction:
        """The part of the whole noise variance that this share must carry: 1 / enough."""
        return Fraction(1, self.enough)

    def param(self, name: str) -> Fraction:
        """Return the exact parameter NAME; raises BudgetRefused when it was not paid for."""
        for have, value in self.params:
            if have == name:
                return value
        have_all = ", ".join(have for have, _ in self.params)
        raise BudgetRefused(f"the ticket of '{self.mechanism}' has no parameter '{name}'; it has: {have_all}")

    def split(self, n: int, min_survivors: int, colluding: int) -> tuple["Ticket", ...]:
        """Return N tickets, one per party, whose noise suffices while MIN_SURVIVORS of them stay to the end.

        Up to COLLUDING of the survivors may subtract their own noise, so each share carries
        1 / (min_survivors - colluding) of the variance. Raises UsageError unless
        0 <= colluding < min_survivors <= n <= 10,000; BudgetRefused for a ticket that is a share already.
        """
        if self.shares != 1:
            raise BudgetRefused(f"this ticket is share {self.share} of {self.shares}; only a whole ticket is split")
        if not _whole(n, 1, MOST_SHARES) or not _whole(min_survivors, 1, n) or not _whole(colluding, 0, n):
            raise UsageError(f"a split needs whole numbers with 1 <= min_survivors <= n <= {MOST_SHARES}")
        if colluding >= min_survivors:
            raise UsageError(f"with {colluding} colluding of {min_survivors} survivors nobody is left to add noise")
        enough = min_survivors - colluding
        return tuple(replace(self, share=k, shares=n, enough=enough) for k in range(1, n + 1))

    def to_bytes(self, key: bytes) -> bytes:
        """Return this ticket signed with KEY."""
        body = canonical(asdict(self) | {"params": _texts(self.params)})
        return MAGIC + _sign(key, body) + body

    @classmethod
    def from_bytes(cls, data: bytes, key: bytes, *, now: int) -> "Ticket":
        """Return the ticket in DATA after checking its signature with KEY and its time against NOW (microseconds).

        Raises BadInput for bytes that are no ticket; BudgetRefused for a wrong signature or one that has expired.
        """
        if data[:4] != MAGIC or not len(MAGIC) + MAC_BYTES < len(data) <= LARGEST:
            raise BadInput("these bytes are not a ticket", todo="pass the bytes that Ticket.to_bytes made, unchanged")
        body = data[len(MAGIC) + MAC_BYTES :]
        if not hmac.compare_digest(data[len(MAGIC) : len(MAGIC) + MAC_BYTES], _sign(key, body)):
            raise BudgetRefused("the ticket's signature is wrong: it was changed, or another ledger issued it")
        ticket = _decode(Ticket, body, "a ticket")
        if now > ticket.not_after:
            raise BudgetRefused("the ticket has expired; what it cost stays spent. Spend again for a new one")
        return ticket


class Ledger(Protocol):
    """What every ledger promises: nothing is drawn that was not written first, and every ticket is used once."""

    def spend(self, charge: Charge, *, question: str, not_after: int) -> bytes:
        """Write CHARGE in one transaction and only then return its signed ticket; raises BudgetRefused.

        There is no refund: a crash after this wastes budget, never privacy.
        """
        ...

    def redeem(self, ticket: bytes) -> Ticket:
        """Check TICKET and mark it used by one compare-and-set; raises BudgetRefused the second time."""
        ...

    def verify(self) -> int:
        """Check the hash chain from its first entry and return how many entries hold; raises BadInput at a break."""
        ...


def _name(text: Any, what: str) -> None:
    if not isinstance(text, str) or not _NAME.fullmatch(text):
        raise UsageError(f"{what} is a name of 1 to 100 characters from A-Z a-z 0-9 _ . : -, got {text!r:.60}")


def _whole(number: Any, least: int, most: int) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and least <= number <= most


def _params(given: Any) -> Params:
    pairs = tuple(given.items() if isinstance(given, Mapping) else given)
    if not pairs or len(pairs) > 32:
        raise UsageError("a mechanism has 1 to 32 parameters")
    for name, _ in pairs:
        _name(name, "a parameter")
    found = tuple(sorted((name, exact(value, name)) for name, value in pairs))
    if len({name for name, _ in found}) != len(found):
        raise UsageError("a parameter is given twice")
    return found


def _texts(params: Params) -> dict[str, str]:
    return {name: written(value) for name, value in params}


def canonical(record: dict[str, Any]) -> bytes:
    """Return the one encoding of RECORD: JSON in ASCII, keys sorted, no spaces; raises ValueError for NaN."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


Record = TypeVar("Record", Charge, Ticket)


def _decode(kind: type[Record], data: bytes, what: str) -> Record:
    try:
        record = kind(**json.loads(data[: LARGEST + 1]))
    except (ValueError, TypeError, RecursionError, UsageError):
        record = None
    if record is None or canonical(asdict(record) | {"params": _texts(record.params)}) != data:
        raise BadInput(f"these bytes are not {what} in its one encoding")
    return record


def _sign(key: bytes, body: bytes) -> bytes:
    if len(key) < 32:
        raise UsageError("a ledger key is at least 32 secret bytes")
    return hmac.digest(key, b"consentinel ticket 1\n" + MAGIC + body, "sha256")
