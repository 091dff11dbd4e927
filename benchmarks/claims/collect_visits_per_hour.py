"""Live visits an hour: `detect collect` on local pages with a consent dialog, five seconds of settling, two cores."""

import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from _claim import ROOT, write

sys.path[:0] = [str(ROOT), str(ROOT / "src")]

NAMES = ("collect_visits_per_hour",)
HOSTS, WORKERS, ROUNDS = 12, 6, 2
SCENARIOS = "no_action,accept,reject"


def main() -> None:
    """Measure and write the number; the interval is that of the rounds."""
    from consentinel.detect.verbs import collect
    from tests.real.made_site import certificate, serving

    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    speeds = []
    with TemporaryDirectory() as folder:
        home = Path(folder)
        with serving(certificate(home)) as site:
            for round_ in range(ROUNDS):
                begun = time.perf_counter()
                done = collect(
                    [f"https://s{number}.test/banner" for number in range(HOSTS)],
                    out=home / f"round-{round_}", scenarios=SCENARIOS, workers=WORKERS, settle_s=5.0, politeness_s=0.0,
                    allow_private=True, any_certificate=True, resolver=site.resolver,
                )  # fmt: skip
                if done.exit_code:
                    raise SystemExit(f"not every visit is whole:\n{done.text}")
                visits = HOSTS * len(SCENARIOS.split(","))
                speeds.append(visits / (time.perf_counter() - begun) * 3600)
                print(f"round {round_}: {speeds[-1]:,.0f} visits an hour, load {os.getloadavg()[0]:.1f}", flush=True)
    write(
        NAMES[0],
        value=sum(speeds) / len(speeds),
        low=min(speeds),
        high=max(speeds),
        n=ROUNDS * visits,
        protocol=f"consentinel detect collect of {HOSTS} local pages with a consent dialog and a tracker, scenarios "
        f"{SCENARIOS}, 5 s of settling after each action (accept and reject settle twice and load the page again), "
        f"{WORKERS} workers on two cores, server and start of the browsers included; {ROUNDS} rounds",
    )


if __name__ == "__main__":
    main()
