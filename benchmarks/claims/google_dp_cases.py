"""Google's statistical cases of differential privacy, passed by our mechanisms; failed where a unit counts twice."""

import sys
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from benchmarks import _google_releases as releases
from benchmarks._claim import keep_cases, write
from benchmarks._google_dp import approximately_private, ballot, close, discretized, read
from benchmarks._google_releases import Draw, Privacy
from consentinel.core.rng import generator
from consentinel.protect.approximate_bounds import Bins
from consentinel.protect.statistic import Bounds

NAMES = ("google_dp_cases", "google_dp_cases_doubled")
FILES = ("count", "bounded_sum", "long_bounded_sum", "bounded_mean", "bounded_stdv", "approximate_bounds")
PARTS = {"bounded_sum": "sum", "long_bounded_sum": "sum", "bounded_mean": "mean", "bounded_stdv": "standard_deviation"}
DOUBLED = ("count", "bounded_sum", "long_bounded_sum")  # files that are run with twice the distance too
Vote = Callable[[bool], Callable[[], bool]]
"""From whether the neighbouring data set has the rows of its additional unit twice to one vote."""


def cases(file: str) -> Iterator[tuple[str, int, Vote]]:
    """Yield name, number of votes and vote of every case in FILE ("count", "laplace_closeness", ...)."""
    closeness = file.endswith("closeness")
    message = read(f"{file}_test_cases.textproto" if closeness else f"{file}_dp_test_cases.textproto")
    votes = message["voting_parameters"][0]["number_of_votes"][0]
    for case in message["distribution_closeness_test_case" if closeness else f"{file}_dp_test_case"]:
        vote = closeness_vote(case, file) if closeness else dp_vote(case, file)
        yield f"{file}: {case['name'][0].strip()}", votes, vote


def closeness_vote(case: dict[str, Any], file: str) -> Vote:
    """Return the vote that our noise is close to the continuous distribution that the case names."""
    test, draw = _flat(case["closeness_test_parameters"]), _flat(case["noise_sampling_parameters"])
    gaussian = file.startswith("gaussian")
    reference = generator(0, "google_dp_cases", case["name"][0])

    privacy = Privacy(draw["epsilon"], draw["delta"] if gaussian else 0.0)
    sensitivity = draw["l0_sensitivity"], draw["linf_sensitivity"]
    ours = releases.noise(privacy, *sensitivity, draw["raw_input"], test["granularity"])

    def vote() -> bool:
        n, sd = draw["number_of_samples"], test["variance"] ** 0.5
        law = reference.normal(0.0, sd, n) if gaussian else reference.laplace(0.0, sd / 2**0.5, n)
        return close(ours(n), discretized(test["mean"] + law, test["granularity"]), test["l2_tolerance"])

    return lambda _: vote


def dp_vote(case: dict[str, Any], file: str) -> Vote:
    """Return the vote that the releases of the case's two data sets are as close as its epsilon and delta say."""
    test, draw = _flat(case["dp_test_parameters"]), case[f"{file}_sampling_parameters"][0]
    flat = _flat([draw])
    samples = flat["number_of_samples"]

    privacy = Privacy(flat["epsilon"], flat.get("delta", 0.0) if flat["noise_type"] == "GAUSSIAN" else 0.0)
    field = "increment_by" if file == "count" else "entry"
    raw, neighbour = (draw.get(f"{name}_{field}", []) for name in ("raw", "neighbour_raw"))

    def prepared(doubled: bool) -> Callable[[], bool]:
        more = neighbour[len(raw) :] if doubled else []
        pair = [release(file, values, flat, privacy) for values in (raw, neighbour + more)]

        def vote() -> bool:
            a, b = (discretized(one(samples), test.get("granularity", 1.0)) for one in pair)
            return approximately_private(a, b, test["epsilon"], test["delta"], test["delta_tolerance"])

        return vote

    return prepared


def release(file: str, values: list[Any], flat: dict[str, Any], privacy: Privacy) -> Draw:
    """Return the draws of our mechanism on a data set with VALUES (for counts: increments) and a case's parameters."""
    if file == "count":
        rows = [(0.0, int(times)) for times in values]
        return releases.aggregate("count", rows, Bounds(flat["max_partitions_contributed"], 1, None, None), privacy)
    if file == "approximate_bounds":
        bins = Bins(flat["number_of_bins"], Fraction(flat["scale"]), int(flat["base"]))
        return releases.bounds_found(values, bins, flat["max_contributions"], privacy)
    groups, rows = flat["max_partitions_contributed"], flat.get("max_contributions_per_partition", 1)
    if file == "bounded_stdv" and rows > 1:  # it takes one row a unit; the same sensitivity, written as more groups
        groups, rows = groups * rows ** (2 if privacy.delta else 1), 1
    bounds = Bounds(groups, rows, Fraction(flat["lower_bound"]), Fraction(flat["upper_bound"]))
    return releases.aggregate(PARTS[file], [(value, 1) for value in values], bounds, privacy)


def _flat(messages: list[dict[str, list[Any]]]) -> dict[str, Any]:
    return {name: values[0] for name, values in messages[0].items() if values}


def main() -> None:
    """Measure and write the numbers; names of files as arguments run these alone and write nothing."""
    only = sys.argv[1:]
    passed, said, missed = {}, {}, []
    verdicts: dict[str, bool] = {}
    start = time.perf_counter()
    twice = rejected = 0
    for file in only or (*FILES, "laplace_closeness", "gaussian_closeness"):
        passed[file] = said[file] = 0
        for name, votes, vote in cases(file):
            said[file] += 1
            fine = ballot(vote(False), votes)
            passed[file] += fine
            verdicts[name if name not in verdicts else f"{name} ({said[file]})"] = fine
            if not fine:
                missed.append(name)
                print(f"FAILED {name}", flush=True)
            if file in DOUBLED:
                twice += 1
                caught = not ballot(vote(True), votes)
                rejected += caught
                if not caught:
                    print(f"NOT CAUGHT {name}", flush=True)
        print(f"{file}: {passed[file]} of {said[file]}, {time.perf_counter() - start:.0f} s", flush=True)
    if twice:
        print(f"additional unit doubled: {rejected} of {twice} rejected", flush=True)
    if only:
        return
    n, good = sum(said.values()), sum(passed.values())
    each = ", ".join(f"{file} {passed[file]} of {said[file]}" for file in said)
    protocol = (
        f"Google's cases (proto/testing) in full: 1,000,000 samples for each data set and vote, majority of 9 votes, "
        f"with our exact noise: {each}; what is tested is the value, while sum, mean and standard deviation spend part "
        f"of epsilon on what their intervals are read from; the standard deviation has one row a unit: its cases with "
        f"several rows run with the same sensitivity, as more groups; failed: {'; '.join(missed) or 'none'}"
    )
    keep_cases(NAMES[0], verdicts)
    write(NAMES[0], value=good, low=good, high=good, n=n, protocol=protocol)
    protocol = "count and sum cases, same protocol, the rows of the additional unit twice: the rule must reject"
    write(NAMES[1], value=rejected, low=rejected, high=rejected, n=twice, protocol=protocol)


if __name__ == "__main__":
    main()
