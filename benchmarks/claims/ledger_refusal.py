"""Time of a refusal by a ledger of 100,000 entries, its explanation included, on each engine."""

import argparse
import random
import time
from fractions import Fraction

from _claim import write
from _ledger_places import places

NAMES = ("ledger_refusal_ms_sqlite", "ledger_refusal_ms_postgresql")
TOTAL, WHO = 10**9, [f"team-{number}" for number in range(40)]


def main() -> None:
    """Fill a ledger, have it refuse, and write the median and the 1st to 99th percentile in milliseconds."""
    from consentinel.core.ledger_opening import opened

    parser = argparse.ArgumentParser()
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--refusals", type=int, default=2_000)
    asked = parser.parse_args()
    with places(ram=True) as found:
        for engine, where, key in found:
            entries = filled(where, key, asked.entries)
            cold = []
            for _ in range(20):
                begun = time.perf_counter()
                with opened(where, key=key) as book:
                    refused(book, WHO[0])
                cold.append((time.perf_counter() - begun) * 1e3)
            with opened(where, key=key) as book:
                took = sorted(refused(book, WHO[number % len(WHO)]) for number in range(asked.refusals))
            low, middle, high = (took[len(took) * part // 100] for part in (1, 50, 99))
            print(
                f"{engine}: {low:.2f} / {middle:.2f} / {high:.2f} ms, with opening {sorted(cold)[10]:.1f} ms, {entries}"
            )
            if entries < 100_000:
                continue  # a trial
            write(
                f"ledger_refusal_ms_{engine}", value=middle, low=low, high=high, n=len(took),
                protocol=f"an open ledger on {engine} with {entries:,} entries of {len(WHO)} principals refuses a "
                "charge and tells who used the budget up, with the largest entries, when it frees and what still fits; "
                f"median, 1st to 99th percentile; opening the ledger and a refusal take {sorted(cold)[10]:.0f} ms",
            )  # fmt: skip


def filled(where: str, key: object, entries: int) -> int:
    """Make a ledger with ENTRIES charges to one account, and return how many entries it has."""
    from consentinel.core.ledger_filter import Account
    from consentinel.core.ledger_opening import created, now, opened

    created(where, key=key)  # type: ignore[arg-type]
    dice = random.Random(5)
    with opened(where, key=key) as book:  # type: ignore[arg-type]
        book.grant(Account("data", "person", "2026-W47"), TOTAL, delta=Fraction(1, 10**6))
        for _ in range(0, entries, 500):
            charges = [charge(dice.choice(WHO), dice.randrange(1, 5000)) for _ in range(500)]
            book.spend_all(charges, questions=["ab" * 32] * 500, not_after=now() + 10**7)
        return book._chain.seq


def charge(who: str, micro: int) -> object:
    """A charge of WHO."""
    from consentinel.core.ledger import Charge

    params = (("rho", Fraction(micro, 10**6)),)
    return Charge("gaussian", params, "person", "daily reach", who, "data", "2026-W47", micro)


def refused(book: object, who: str) -> float:
    """Return the milliseconds until a charge of WHO is refused."""
    from consentinel.core.errors import BudgetRefused
    from consentinel.core.ledger_opening import now

    large = charge(who, TOTAL)
    begun = time.perf_counter()
    try:
        book.spend(large, question="ab" * 32, not_after=now() + 10**9)  # type: ignore[attr-defined]
    except BudgetRefused as why:
        took = (time.perf_counter() - begun) * 1e3
        if "The largest question that still fits" in str(why):
            return took
    raise SystemExit("the charge was not refused with its story")


if __name__ == "__main__":
    main()
