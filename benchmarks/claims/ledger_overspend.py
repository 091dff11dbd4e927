"""Over-spends in 1,000,000 random operations of concurrent processes that are killed at every step, on each engine.

Counted is everything that should not be: a total or a quota passed, a ticket used twice, without an entry or shared in
two ways, an entry that vanished, a history that does not verify. `_ledger_storm` does and counts.
"""

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from _claim import write
from _ledger_places import places
from _ledger_storm import storm

NAMES = ("ledger_overspend_sqlite", "ledger_overspend_postgresql")


def main() -> None:
    """Do the operations on both engines and write what went wrong; the interval is the count itself."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--operations", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=4)
    asked = parser.parse_args()
    with places(ram=True) as found:
        for engine, where, key in found:
            with TemporaryDirectory() as notes:
                begun = time.perf_counter()
                damage = storm(where, key, Path(notes), operations=asked.operations, workers=asked.workers)
            faults, done = sum(damage.faults.values()), damage.done
            print(f"{engine}: {faults} faults {dict(damage.faults)}, {dict(done)}, {time.perf_counter() - begun:.0f} s")
            if asked.operations < 1_000_000:
                continue  # a trial
            write(
                f"ledger_overspend_{engine}", value=faults, low=faults, high=faults, n=done["operations"],
                protocol=f"{asked.workers} processes on one ledger on {engine}: spend, spend several, redeem, redeem "
                "what others hold, share, raise a total, ask too much, by four principals; "
                f"{done['killed']:,} processes killed with SIGKILL ({done['killed at a drawn step']:,} of them at a "
                f"drawn step of a write); {done['spent']:,} charges and {done['redeemed']:,} redemptions were written; "
                "counted from the raw rows and from what the processes had been given",
            )  # fmt: skip


if __name__ == "__main__":
    main()
