"""HateCheck: how much less hate against one group is found than against another, by a model trained on tweets."""

from benchmarks._claim import write_interval
from benchmarks._gap_sets import TEXT, hatecheck
from consentinel.assure.measure import Plan
from consentinel.assure.shelves import FAIR

NAMES = ("hatecheck_gap",)
INPUTS = ("src/consentinel/models/text/tfidf_linear.py", "benchmarks/_gap_sets.py")


def main() -> None:
    """Write the largest difference in recall of hateful cases between target groups."""
    found = {(m.metric, m.slice, m.against): m for m in FAIR.take("group").probe(hatecheck(), Plan())}
    gap = found["equal_opportunity_difference", "target", "between groups"]
    if gap.estimate is None:
        raise SystemExit(gap.why)
    rates = sorted(
        ((m.estimate.value, m.slice.partition("=")[2]) for m in found.values()
         if m.metric == "true_positive_rate" and m.slice and m.estimate), reverse=True,
    )  # fmt: skip
    told = ", ".join(f"{name} {value:.2f}" for value, name in rates)
    print(gap.estimate, gap.p, told)
    write_interval(
        "hatecheck_gap", gap.estimate,
        f"{TEXT} trained on Davidson et al. (hate against the rest): largest difference in recall of hateful cases, "
        f"between seven target groups of HateCheck, cases as units: {told}",
    )  # fmt: skip


if __name__ == "__main__":
    main()
