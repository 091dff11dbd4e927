"""Consent interaction: how many scenarios end as the truth says, and whether every contradicted one is noticed."""

from collections.abc import Iterable
from pathlib import Path
from statistics import median

from _claim import ROOT, write
from _consent_sites import ACTING, QUIET, Ended, go_through
from consentinel.core.stats import korn_graubard
from run import digest, text_table

NAMES = ("consent_interaction", "consent_contradictions_missed")
INPUTS = (
    "range/adapters/*.mjs",
    "range/cmps/*.mjs",
    "range/package-lock.json",
    "range/sdks/*.mjs",
    "range/sites/*.mjs",
    "range/split.json",
)
WORKERS = 4
VISITS = ROOT / ".cache" / "claims" / "consent_interaction.ndjson"


def main() -> None:
    """Measure and write the two numbers."""
    rows = go_through(VISITS, digest(Path(__file__)), WORKERS)
    print(text_table(table(rows)), flush=True)
    against = [row for row in rows if row.expected == "contradicted"]
    missed = [row for row in against if row.proof != "contradicted"]
    false = [row for row in rows if row.expected == "verified" and row.proof == "contradicted"]
    if not against:
        raise SystemExit("no scenario is contradicted in truth, so nothing can be said of those that are missed")
    unseen = [row for row in rows if row.part == "test"]
    print(f"all: {words(rows)}\ntest-only managers: {words(unseen)}", flush=True)
    value, low, high = share(rows)
    write(
        NAMES[0],
        value=value,
        low=low,
        high=high,
        n=len(rows),
        protocol=f"{', '.join(ACTING)} on {n_sites(rows)} sites of the range with one of {len(managers(rows))} real "
        f"consent managers, right and wrong ones, {', '.join(QUIET)} too on those of the catalogue, with the parts of "
        "detect collect that answer a dialog and prove it; a scenario counts when the manager, read from inside the "
        "page right after the choice and on the page loaded afterwards, holds what it keeps when a person makes that "
        "choice, and the proof says verified, or contradicted where that is not what was chosen; "
        f"{words(rows)}; of the scenarios with a choice {words([r for r in rows if r.scenario in ACTING])}; managers "
        f"that the split keeps for test only ({' and '.join(managers(unseen))}): {words(unseen)}, others "
        f"{words([row for row in rows if row.part != 'test'])}; the code was written with all these managers known, so "
        "the test-only ones are held back from training, not unseen, and nothing here speaks for other managers or "
        f"for dialogs that are not in English; Korn-Graubard interval, clustered by site; {WORKERS} pages at "
        "a time",
    )
    write(
        NAMES[1],
        value=len(missed),
        low=len(missed),
        high=len(missed),
        n=len(against),
        protocol="scenarios of consent_interaction in which the manager keeps a yes although it was refused or "
        "withdrawn, and the proof does not say contradicted "
        f"({count(against)}; on test-only managers {count([r for r in against if r.part == 'test'])}); a count, not a "
        f"rate: {len(against)} cases on {n_sites(against)} sites, all of one fault (reject_that_accepts), bound the "
        f"share that is missed elsewhere only to {1 - share_caught(against)[1]:.1%}; said to be contradicted without "
        f"being it: {len(false)} of {len(rows) - len(against)}",
    )


def share(rows: list[Ended], right: list[bool] | None = None) -> tuple[float, float, float]:
    """Return the share of ROWS that are right (or RIGHT), and its interval, clustered by site."""
    found = korn_graubard([row.right for row in rows] if right is None else right, [row.site for row in rows])
    return found.value, found.low, found.high


def share_caught(rows: list[Ended]) -> tuple[float, float, float]:
    """Return the share of ROWS whose proof says contradicted, with its interval."""
    return share(rows, [row.proof == "contradicted" for row in rows])


def words(rows: list[Ended]) -> str:
    """Say how many of ROWS are right, with the interval of their share."""
    value, low, high = share(rows)
    return f"{sum(r.right for r in rows)} of {len(rows)} ({value:.2%}, {low:.2%} to {high:.2%}, {n_sites(rows)} sites)"


def count(rows: list[Ended]) -> str:
    """Say how many of ROWS were caught."""
    return f"{sum(row.proof == 'contradicted' for row in rows)} of {len(rows)} caught"


def n_sites(rows: Iterable[Ended]) -> int:
    """Return on how many sites ROWS are."""
    return len({row.site for row in rows})


def managers(rows: Iterable[Ended]) -> list[str]:
    """Return the consent managers of ROWS."""
    return sorted({row.cmp for row in rows})


def table(rows: list[Ended]) -> Iterable[dict[str, str | int]]:
    """Yield a line for each manager and scenario."""
    for cmp in managers(rows):
        for scenario in (*QUIET, *ACTING):
            those = [row for row in rows if row.cmp == cmp and row.scenario == scenario]
            against = [row for row in those if row.expected == "contradicted"]
            yield {
                "manager": cmp,
                "part": those[0].part,
                "scenario": scenario,
                "n": len(those),
                "as the truth says": sum(row.right for row in those),
                "manager held it": sum(row.held for row in those),
                "contradicted": len(against),
                "caught": sum(row.proof == "contradicted" for row in against),
                "unknown": sum(row.proof == "unknown" for row in those),
                "seconds": f"{median(row.seconds for row in those):.1f}",
            }


if __name__ == "__main__":
    main()
