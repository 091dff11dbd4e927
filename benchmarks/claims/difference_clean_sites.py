"""Randomised differences on clean sites: how many get any false claim, over all looks up to the default repeats."""

import numpy as np

from _claim import write_interval
from _difference_sites import FIELDS, LEVELS, PROPERTIES, clean, visited
from consentinel.core.stats import clopper_pearson
from consentinel.detect._difference_site import SITE_ERROR, STAGE, examine
from consentinel.detect.difference import DEFAULT_REPEATS

NAMES = ("difference_false_sites",)
SITES, SCENARIOS = 1_000, 4


def main() -> None:
    """Measure and write the number."""
    wrong, hypotheses, fields = 0, [], []
    for seed in range(SITES):
        site = clean(seed, DEFAULT_REPEATS, SCENARIOS)
        seen = [examine(visited(site, n)) for n in range(STAGE, DEFAULT_REPEATS + 1, STAGE)]
        wrong += any(len(look.claims.field) for look in seen)
        hypotheses.append(seen[-1].m)
        fields.append(len(site.values))
    interval = clopper_pearson(wrong, SITES)
    print(f"{wrong} of {SITES} clean sites with any false claim", flush=True)
    write_interval(
        NAMES[0],
        interval,
        f"{wrong} of {SITES} simulated sites with any claim at any look ({STAGE} and {DEFAULT_REPEATS} "
        f"repeats of {SCENARIOS} scenarios); {min(fields):,} to {max(fields):,} fields a site ({', '.join(FIELDS)}; "
        f"some of them absent at random or by scenario), {PROPERTIES} properties of {LEVELS} levels, median of "
        f"{int(np.median(hypotheses)):,} hypotheses with a weight; the bound by design is {SITE_ERROR:.1%}, before the "
        "control over the fleet, which only takes claims away; Clopper-Pearson",
    )


if __name__ == "__main__":
    main()
