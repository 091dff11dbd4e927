"""Verdicts of the rules on code families that nobody looked at while rules were written, planted values known."""

from _claim import ROOT
from _range import PLANTED, precision, recall, scanned, units, write_misses, write_share

NAMES = ("range_precision", "range_recall")
INPUTS = ("runs/range/labels/labels.parquet",)


def main() -> None:
    """Scan the test-only sites, set findings beside labels, and write both shares with what was missed."""
    folder = scanned("test", planted=True)
    every = [unit for unit in units(folder, "test") if unit.type in PLANTED]
    # A position has too few bits for proof (P0), so its claims count whatever their proof.
    known = [unit for unit in every if unit.proof == "P0" or unit.type == "location.precise" or not unit.claimed]
    told = "site x recipient x data type x consent state, test-only families and sites, interval clustered by component"
    right = precision(known)
    write_share(
        "range_precision", right, f"potential violations on planted values that the labels call violations; {told}"
    )
    with_value = [unit for unit in known if unit.planted]
    write_share(
        "range_recall", recall(with_value), f"labelled violations with a planted value that are claimed; {told}"
    )
    write_misses(known, ROOT / "runs" / "range-test-planted" / "misses.csv")
    for what, (value, low, high, n) in {
        "all claims of these types": precision(every),
        "identifiers that components make, too": recall(every),
    }.items():
        print(f"{what}: {value:.4f} ({low:.4f} to {high:.4f}) of {n:,}", flush=True)


if __name__ == "__main__":
    main()
