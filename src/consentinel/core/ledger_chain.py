"""One chain of entries as a process sees it: followed, checked against its witnesses, and written in turns.

The order of a write is what makes it safe: the entry is committed, then the witnesses are told, then the caller goes
on. A process that is killed before the commit leaves nothing; after it, an entry that no witness knows yet, which the
next process finds and follows. So a database that is ahead of its witnesses is well, and one that is behind was set
back.
"""

from collections.abc import Callable, Sequence
from secrets import token_hex
from typing import Any

from consentinel.core.errors import BadInput, ConsentinelError
from consentinel.core.ledger import Charge, canonical
from consentinel.core.ledger_store import PAGE, Row, Store, columns
from consentinel.core.ledger_totals import BEGIN, Entry, Totals, chained, sealed
from consentinel.core.ledger_witness import Mark, Witness

__all__ = ["Chain", "Draft"]

NONE = BEGIN.hex()  # stands where the code of an entry would be when there is none
Draft = tuple[str, dict[str, Any]]  # kind and content of an entry that is still to be numbered


class Chain:
    """Entries in STORE under KEY; `totals` are those of every entry followed so far."""

    def __init__(self, store: Store, witness: Witness, key: bytes, clock: Callable[[], int]) -> None:
        self.store, self.witness, self.key, self.clock = store, witness, key, clock
        self.opening = token_hex(8)
        self.totals, self.seq, self.mac = Totals(), 0, BEGIN
        self._seen: list[Mark] = []

    def follow(self, *, witnessed: bool = True) -> None:
        """Take into account what others wrote since, after checking it against the chain and the witnesses."""
        seen = self.witness.read() if witnessed else []  # before the entries, so that it cannot be ahead of them
        known = self.seq or max(0, self.store.last_totals() - 1)  # what comes later is followed entry by entry
        codes = {mark.seq: NONE for mark in seen} | {known: NONE}
        seq = min(codes)
        mac = BEGIN if seq == 0 else None  # the code of the entry before, once it is known
        seq = max(seq, 1)
        try:
            while rows := self.store.since(seq, PAGE):
                for row in rows:
                    entry = self._checked(row, seq, mac) if mac else None
                    if row[0] != seq or (seq == self.seq and row[3] != self.mac):
                        raise ValueError("it is missing" if row[0] != seq else "it is not the one seen before")
                    if entry and seq > known:
                        self._take(entry)
                    if seq in codes:
                        codes[seq] = row[3].hex()
                    mac, seq = row[3], seq + 1
                if len(rows) < PAGE:
                    break
            if seq <= self.seq:
                raise _behind(self.store.name, seq - 1, self.seq)
            self.check(seen, seq - 1, self.totals.ledger, codes)
            self.seq, self.mac, self._seen = seq - 1, mac or BEGIN, seen
        except BaseException as why:
            self._forget()  # nothing may rest on what was followed only in part
            if isinstance(why, ValueError | KeyError | TypeError):
                raise _broken(self.store.name, seq, why) from None
            raise

    def write(self, judged: Callable[[], list[Draft]], *, witnessed: bool = True) -> list[Entry]:
        """Write what JUDGED still allows when all others are heard, in one transaction, and tell the witnesses.

        Nothing is written that cannot be followed: whoever came later would take it for damage.
        """
        entries: list[Entry] = []
        try:
            with self.store.turn():
                self.follow(witnessed=witnessed)
                time = self.clock()

                def add(kind: str, says: dict[str, Any]) -> None:
                    seq, mac = (entries[-1].seq, entries[-1].mac) if entries else (self.seq, self.mac)
                    entries.append(sealed(self.key, mac, seq + 1, kind, time, self.opening, **says))
                    self.totals.follow(entries[-1])

                if self.totals.due():  # first, as tickets that expired while this waited for its turn end with it
                    add("totals", {"totals": self.totals.record(time)})
                for draft in judged():
                    add(*draft)
                self.store.append(entries)
            self.seq, self.mac = entries[-1].seq, entries[-1].mac
            if witnessed:
                self.witness.advance(self.mark(), self._seen, self.store.code)
        except BaseException:
            self._forget()
            raise
        return entries

    def verified(self, *, witnessed: bool = True) -> int:
        """Check every entry from the first on, and the witnesses, and return how many entries hold."""
        seen = self.witness.read() if witnessed else []
        codes = {mark.seq: NONE for mark in seen}
        totals, mac, seq = Totals(), BEGIN, 0
        while rows := self.store.since(seq + 1, PAGE):
            for row, copies in zip(rows, self.store.copies(seq + 1, PAGE), strict=False):
                try:
                    entry = self._checked(row, seq + 1, mac)
                    if copies != columns(entry)[:2] + columns(entry)[4:]:
                        raise ValueError("the columns beside it were changed")
                    if entry.kind == "spent":
                        Charge.from_bytes(canonical(entry.says["charge"]))
                    totals.follow(entry)
                except (ValueError, KeyError, TypeError, ConsentinelError) as why:
                    raise _broken(self.store.name, seq + 1, why) from None
                seq, mac = entry.seq, entry.mac
                if seq in codes:
                    codes[seq] = mac.hex()
        if not seq:
            raise BadInput("not even the first entry is there", where=self.store.name, todo=RESTORE)
        self.check(seen, seq, totals.ledger, codes)
        return seq

    def entry(self, seq: int) -> Entry | None:
        """Return the entry number SEQ, checked against the code of the one before; None where there is none."""
        rows = self.store.since(max(seq - 1, 1), 2)
        if not rows or rows[-1][0] != seq:
            return None
        try:
            return self._checked(rows[-1], seq, rows[0][3] if seq > 1 else BEGIN)
        except (ValueError, KeyError, TypeError) as why:
            raise _broken(self.store.name, seq, why) from None

    def mark(self) -> Mark:
        """Return what the witnesses should remember now."""
        return Mark(self.totals.ledger, self.seq, self.mac.hex(), self.witness.digest(self.store.place()))

    def check(self, seen: Sequence[Mark], last: int, ledger: str, codes: dict[int, str]) -> None:
        """Raise BadInput unless the history that ends with number LAST is the one that the witnesses have SEEN."""
        name = self.store.name
        place = self.witness.digest(self.store.place())
        for mark in seen:
            if mark.ledger != ledger:
                todo = "Put the witness of this ledger back"
                raise BadInput("its witness belongs to another ledger", where=name, todo=todo)
            if mark.seq > last:
                raise _behind(name, last, mark.seq)
            if mark.mac != codes[mark.seq]:
                raise BadInput(
                    f"its entry {mark.seq} is another one than the witness remembers: a copy of this ledger is in use "
                    "beside it",
                    where=name,
                    todo="Stop using this copy and use the other one; if that is lost, adopt this one with forfeit",
                )
            if mark.place != place and not (mark.seq == 0 and last == 1):
                raise BadInput(
                    "it is not where its witness saw it: it was moved or copied",
                    where=name,
                    todo="If this is a copy, use the original. If it was moved or put back whole, and nothing uses "
                    "another copy, adopt it",
                )

    def _checked(self, row: Row, seq: int, before: bytes) -> Entry:
        if row[0] != seq:
            raise ValueError("it is missing")
        return chained(self.key, before, *row)

    def _take(self, entry: Entry) -> None:
        if entry.kind == "totals" and not self.seq and not self.totals.ledger:
            self.totals = Totals.of(entry)
        else:
            self.totals.follow(entry)

    def _forget(self) -> None:
        self.totals, self.seq, self.mac, self._seen = Totals(), 0, BEGIN, []


RESTORE = "Put the newest whole copy back, with the files that belong to it (-wal); if none is left, adopt with forfeit"


def _broken(name: str, seq: int, why: BaseException) -> BadInput:
    reason = "it does not say what an entry says" if isinstance(why, KeyError | TypeError) else str(why)
    return BadInput(f"entry {seq} does not hold: {reason}. Nothing is spent from this ledger", where=name, todo=RESTORE)


def _behind(name: str, last: int, seen: int) -> BadInput:
    what = (
        f"it has {last} entries, but {seen} were there already: an older copy was put in place, or its end was cut off"
    )
    return BadInput(what, where=name, todo=RESTORE)
