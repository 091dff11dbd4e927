"""The ledger that is kept stands every attack of the audit."""

from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

from consentinel.core.ledger import Charge
from consentinel.core.ledger_book import Book
from consentinel.core.ledger_filter import Account
from consentinel.core.ledger_opening import created, opened
from consentinel.protect.auditing import ledgers
from consentinel.protect.auditing._finding import Claim, Plan

ACCOUNT = Account("visits", "person", "2026-W47")


class Kept:
    """An SQLite ledger in a folder of its own, as the audit attacks it."""

    def __init__(self, folder: Path, budget: int, closing: ExitStack) -> None:
        self.file, self.closing = folder / "ledger.sqlite", closing
        created(str(self.file))
        self.open().grant(ACCOUNT, budget, delta=Fraction(1, 10**6))

    def open(self) -> Book:
        return self.closing.enter_context(opened(str(self.file)))

    def charge(self, micro_rho: int, principal: str) -> Charge:
        params = {"rho": Fraction(micro_rho, 10**6)}
        return Charge(
            "count", tuple(params.items()), ACCOUNT.unit, "attack", principal, ACCOUNT.dataset, ACCOUNT.epoch, micro_rho
        )

    def save(self) -> object:
        return {file.name: file.read_bytes() for file in self._files()}

    def restore(self, saved: object) -> None:
        assert isinstance(saved, dict)
        for file in self._files():
            file.unlink()
        for name, content in saved.items():
            (self.file.parent / name).write_bytes(content)

    def _files(self) -> list[Path]:
        """Return the files of the database; its key and its witness are kept elsewhere."""
        return [file for end in ("", "-wal", "-shm") if (file := Path(f"{self.file}{end}")).exists()]


def test_the_kept_ledger_stands_every_attack(tmp_path: Path) -> None:
    made: list[Path] = []
    with ExitStack() as closing:

        def books(budget: int) -> Kept:
            made.append(tmp_path / f"ledger-{len(made)}")
            made[-1].mkdir()
            return Kept(made[-1], budget, closing)

        found = ledgers.audit(books, Plan(Claim(1.0)))
    assert found.verdict == "consistent", found.why
    assert found.n == len(made) == 8
