"""How often nominal 95% intervals of everything else in the audit hold the truth, on made audits of each kind.

`audit_interval_coverage` has the rates and gaps of groups. Here are the intervals of lists and items, of indices and
curves of classifiers, of attacks and of explanations, each given by the probe's own code one audit at a time.
"""

import argparse
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import _made_attacks
import _made_audits

from _claim import write_interval
from consentinel.core.rng import generator
from consentinel.core.stats import wilson

NAMES = ("audit_coverage_kinds_least", "audit_coverage_kinds_most", "audit_coverage_from_nothing_least",
         "audit_coverage_from_nothing_most")  # fmt: skip
INPUTS = ("benchmarks/claims/_made_audits.py", "benchmarks/claims/_made_attacks.py")
KINDS = (*_made_audits.KINDS, *_made_attacks.KINDS)
AUDITS, PART = 10_000, 250
NOTHING = ", none"  # how the names of settings end in which the truth is the least that there can be


@dataclass(frozen=True)
class Task:
    """Some audits of the kind at a place of KINDS, from the audit FIRST on."""

    kind: int
    first: int
    audits: int

    def held(self) -> dict[str, tuple[int, int]]:
        """Return of each interval how often it held the truth, and of how many."""
        draw = KINDS[self.kind]
        made: dict[str, tuple[int, int]] = {}
        for at in range(self.first, self.first + self.audits):
            for name, one, truth in draw(generator(17, "audit_interval_kinds", draw.__name__, str(at)), at):
                if one is None:
                    raise SystemExit(f"{name} was not measured in audit {at} of {draw.__name__}")
                edge = 1e-9 * abs(truth)
                good, n = made.get(name, (0, 0))
                made[name] = good + (one.low - edge <= truth <= one.high + edge), n + 1
        return made


def tasks(audits: int) -> Iterator[Task]:
    """Yield AUDITS of each kind in parts."""
    for kind in range(len(KINDS)):
        for first in range(0, audits, PART):
            yield Task(kind, first, min(PART, audits - first))


def main() -> None:
    """Write the least and the most coverage, apart where the truth is the least that there can be."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--audits", type=int, default=AUDITS)
    audits = parser.parse_args().audits
    sums: dict[str, tuple[int, int]] = {}
    with ProcessPoolExecutor(2) as pool:
        for made in pool.map(Task.held, tasks(audits)):
            for name, (good, n) in made.items():
                before = sums.get(name, (0, 0))
                sums[name] = before[0] + good, before[1] + n
    shares = {name: wilson(*both) for name, both in sums.items()}
    for name, share in sorted(shares.items(), key=lambda item: item[1].value):
        print(f"{share.value:.4f} of {share.n:,}: {name}", flush=True)
    for number, nothing in (("audit_coverage_kinds", False), ("audit_coverage_from_nothing", True)):
        found = {name: share for name, share in shares.items() if name.endswith(NOTHING) == nothing}
        for side, pick in (("least", min), ("most", max)):
            what = pick(found, key=lambda name: found[name].value)
            protocol = f"{audits:,} made audits of each of {len(KINDS)} kinds, some parted among variants; "
            protocol += f"{len(found)} intervals"
            write_interval(f"{number}_{side}", found[what], f"{protocol}: {what}")


if __name__ == "__main__":
    main()
