"""Randomised differences on sites with one planted leak, without planted values: how many leaks are found."""

from collections import Counter

from _claim import write_interval
from _difference_sites import KINDS, LEVELS, PROPERTIES, Planted, found, leaking, looks
from consentinel.core.stats import clopper_pearson
from consentinel.detect._difference_claims import Dependence, standing
from consentinel.detect._difference_site import STAGE, Examined
from consentinel.detect.difference import DEFAULT_REPEATS

NAMES = ("difference_power",)
SITES, SCENARIOS = 600, 4  # a quarter of the sites for each way of writing


def kept(seen: list[Examined]) -> list[set[int]]:
    """Return for each site the hypotheses that keep the rate of false claims over all of these sites too."""
    every = [
        Dependence(0, 0, (), "", float(log), (n, pair))
        for n, look in enumerate(seen)
        for pair, log in enumerate(look.pairs.tolist())
    ]
    standing_keys = {one.key for one in standing(every, len(seen))}
    return [{pair for at, pair in standing_keys if at == n} for n in range(len(seen))]


def told(seen: list[Examined], planted: list[Planted]) -> tuple[int, str]:
    """Return how many of the leaks PLANTED are found in the looks SEEN, and that by kind in words."""
    hit, whole, alone, others = Counter[str](), Counter[str](), Counter[tuple[str, bool]](), 0
    for look, leak, pairs in zip(seen, planted, kept(seen), strict=True):
        n, other = found(look, leak)
        n = n if set(look.claims.pair.tolist()) & pairs else 0
        hit[leak.kind] += n > 0
        whole[leak.kind] += n == len(leak.scenarios)
        if len(leak.scenarios) == 1:
            alone[leak.kind, n > 0] += 1
        others += other > 0
    each = SITES // len(KINDS)
    words = [
        f"{kind} {hit[kind] / each:.1%} (in all its scenarios {whole[kind] / each:.1%}; where only one scenario has it "
        f"{alone[kind, True] / max(1, alone[kind, True] + alone[kind, False]):.0%})"
        for kind in KINDS
    ]
    return hit.total(), f"{', '.join(words)}; sites with any other claim: {others}"


def main() -> None:
    """Measure and write the number."""
    sites = [
        leaking(10_000 + seed, DEFAULT_REPEATS, SCENARIOS, list(KINDS)[seed % len(KINDS)]) for seed in range(SITES)
    ]
    planted = [leak for _, leak in sites]
    every = [looks(site, DEFAULT_REPEATS) for site, _ in sites]
    stopped = sum(len(seen) * STAGE < DEFAULT_REPEATS for seen in every)
    hit, words = told([seen[-1] for seen in every], planted)
    early, early_words = told([seen[0] for seen in every], planted)
    print(f"{DEFAULT_REPEATS} repeats: {hit}, {words}\n{STAGE} repeats: {early}, {early_words}", flush=True)
    interval = clopper_pearson(hit, SITES)
    write_interval(
        NAMES[0],
        interval,
        f"{SITES} simulated sites with one field that carries one of {PROPERTIES} properties ({LEVELS} "
        f"levels) in 1 to {SCENARIOS} of {SCENARIOS} scenarios, a quarter for each way of writing; up to "
        f"{DEFAULT_REPEATS} repeats, ended after {STAGE} where nothing was open ({stopped} sites); found: claimed for "
        "the right field and property in a scenario that has it, by site and over the fleet; "
        f"{words}; after {STAGE} repeats {early / SITES:.1%}: {early_words}; Clopper-Pearson",
    )


if __name__ == "__main__":
    main()
