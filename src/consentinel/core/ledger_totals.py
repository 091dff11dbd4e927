"""Entries of a ledger, chained by keyed hashes, and what all of them together amount to.

Each entry is canonical JSON and carries HMAC-SHA-256 over the code of the entry before and its own bytes. Whoever can
write to the database but has no key can neither change, insert, reorder nor leave out an entry: the next check of the
chain fails there. Cutting off the end is found with the witness (`ledger_witness`). Whoever has the key can write any
history; the chain does not stop that.

Every entry names the opening that wrote it, a random number, so that two copies of one ledger differ from the first
entry on that they do not share. `Totals` follows the entries one by one and checks that each was allowed; an entry of
the kind "totals" holds all of it, so that a ledger opens without reading its whole history.
"""

import hmac
import json
from dataclasses import asdict, dataclass, field
from typing import Any

from consentinel.core.accounting import exact, written
from consentinel.core.errors import UsageError
from consentinel.core.ledger import Ticket, canonical
from consentinel.core.ledger_epoch import span
from consentinel.core.ledger_filter import Account, Budget, forfeited, granted, paid

__all__ = ["BEGIN", "Entry", "Open", "Totals", "chained", "sealed"]

BEGIN = bytes(32)  # stands where the code of the entry before the first would be
EVERY = 256  # entries between two that hold the totals, at least


@dataclass(frozen=True)
class Entry:
    """One line of the ledger: its number from 1, kind, bytes and code, and what the bytes say."""

    seq: int
    kind: str  # opened, granted, spent, redeemed, moved, forfeited, totals
    body: bytes
    mac: bytes
    says: dict[str, Any]

    @property
    def id(self) -> str:
        """What a ticket calls the entry that paid for it: its number and 128 bits of its code."""
        return f"{self.seq}.{self.mac.hex()[:32]}"


def sealed(key: bytes, before: bytes, seq: int, kind: str, time: int, opening: str, **says: Any) -> Entry:
    """Return the entry number SEQ that follows the one whose code is BEFORE."""
    record = {"seq": seq, "kind": kind, "time": time, "opening": opening, **says}
    body = canonical(record)
    return Entry(seq, kind, body, _code(key, before, body), record)


def chained(key: bytes, before: bytes, seq: int, kind: str, body: bytes, mac: bytes) -> Entry:
    """Return the entry with these columns; raises ValueError unless it is what followed BEFORE as number SEQ."""
    if not hmac.compare_digest(_code(key, before, body), mac):
        raise ValueError("it was changed, or the entry before it was changed or is missing")
    says = json.loads(body)
    if says["seq"] != seq or says["kind"] != kind:
        raise ValueError("its columns were changed")
    return Entry(seq, kind, body, mac, says)


def _code(key: bytes, before: bytes, body: bytes) -> bytes:
    return hmac.digest(key, b"consentinel ledger entry 1\n" + before + body, "sha256")


@dataclass
class Open:
    """A paid ticket that can still be redeemed; the first redemption settles how it is shared."""

    not_after: int
    shares: int = 0
    enough: int = 0
    used: int = 0  # bit k-1 is share k


@dataclass
class Totals:
    """What the entries so far amount to."""

    ledger: str = ""
    accounts: dict[Account, Budget] = field(default_factory=dict)
    open: dict[str, Open] = field(default_factory=dict)
    forfeited: int = 0  # when an older copy was last put to use, microseconds; 0: never
    since: int = 0  # entries since the last that holds the totals

    def follow(self, entry: Entry) -> None:
        """Take ENTRY into account; raises ValueError, UsageError or KeyError where it should never have been made."""
        says = entry.says
        self.since += 1
        if entry.kind == "spent":
            self._spend(entry.id, says)
        elif entry.kind == "redeemed":
            self._redeem(says["charge"], says["share"], says["shares"], says["enough"])
        elif entry.kind == "granted":
            account = Account(*says["account"])
            self.accounts[account] = self.after_grant(account, **_limits(says))
        elif entry.kind == "totals":
            if self.record(says["time"]) != says["totals"]:
                raise ValueError("the totals are not those of the entries before")
            self.open = {name: one for name, one in self.open.items() if one.not_after >= says["time"]}
            self.since = 0
        elif entry.kind == "forfeited":
            self.accounts = {account: forfeited(budget) for account, budget in self.accounts.items()}
            self.open, self.forfeited = {}, says["time"]
        elif entry.kind == "opened":
            self.ledger = says["ledger"]
        elif entry.kind != "moved":
            raise ValueError("its kind is not known; a newer version may have written it")

    def after_grant(self, account: Account, **limits: Any) -> Budget:
        """Return the budget of ACCOUNT under new limits (see `ledger_filter.granted`)."""
        before, when = self.accounts.get(account), span(account.epoch)
        if before is None and self.forfeited and (when is None or when[0] <= self.forfeited):
            raise UsageError(
                "this ledger lost entries once, and an account of that time may have been among them: "
                "grant to an epoch of the calendar that begins later"
            )
        return granted(before, **limits)

    def refusal(self, ticket: Ticket) -> str:
        """Return why TICKET, genuine and in time, cannot be redeemed; empty when it can."""
        found = self.open.get(ticket.charge)
        if found is None:
            return "it was used already, has expired, or was lost with an older copy of the ledger"
        if found.shares and (found.shares, found.enough) != (ticket.shares, ticket.enough):
            return f"the paid charge is in use as {found.shares} share(s) already; it cannot be shared in another way"
        return f"share {ticket.share} of {ticket.shares} was used already" if found.used >> ticket.share - 1 & 1 else ""

    def due(self) -> bool:
        """Return whether an entry with the totals should come next: the larger they are, the less often."""
        return self.since >= max(EVERY, 4 * len(self.accounts) + len(self.open) // 4)

    def record(self, now: int) -> dict[str, Any]:
        """Return all of it as plain values for JSON, without the tickets that had expired by NOW."""
        accounts = [[*account, asdict(b) | {"delta": written(b.delta)}] for account, b in sorted(self.accounts.items())]
        alive = [(name, one) for name, one in self.open.items() if one.not_after >= now]
        opened = [[name, one.not_after, one.shares, one.enough, f"{one.used:x}"] for name, one in alive]
        return {"ledger": self.ledger, "accounts": accounts, "open": sorted(opened), "forfeited": self.forfeited}

    @classmethod
    def of(cls, entry: Entry) -> "Totals":
        """Return the totals that ENTRY, of that kind, holds."""
        says = entry.says["totals"]
        accounts = {Account(*name): _budget(budget) for *name, budget in says["accounts"]}
        opened = {name: Open(end, n, enough, int(used, 16)) for name, end, n, enough, used in says["open"]}
        return cls(says["ledger"], accounts, opened, says["forfeited"])

    def _spend(self, name: str, says: dict[str, Any]) -> None:
        charge, pays, plan = says["charge"], says["pays"], says.get("plan")
        account = Account(charge["dataset"], charge["unit"], charge["epoch"])
        if pays:
            self.accounts[account] = paid(self.accounts[account], charge["principal"], charge["purpose"], pays)
        if pays != (charge["micro_rho"] if plan is None else plan["pays"] if plan["part"] == 1 else 0):
            raise ValueError("it pays another price than its charge names")
        self.open[name] = Open(says["not_after"])

    def _redeem(self, name: str, share: int, shares: int, enough: int) -> None:
        found = self.open[name]
        if found.used >> share - 1 & 1 or (found.shares and (found.shares, found.enough) != (shares, enough)):
            raise ValueError("it redeems a ticket a second time")
        found.shares, found.enough, found.used = shares, enough, found.used | 1 << share - 1
        if found.used.bit_count() == shares:
            del self.open[name]


def _limits(says: dict[str, Any]) -> dict[str, Any]:
    limits: dict[str, Any] = says["limits"]
    return limits | {"delta": exact(limits["delta"])}


def _budget(record: dict[str, Any]) -> Budget:
    values: dict[str, Any] = record | {"delta": exact(record["delta"])}
    return Budget(**values)
