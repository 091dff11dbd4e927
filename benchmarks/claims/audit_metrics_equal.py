"""Fairness metrics of the audit beside fairlearn, AIF360 and scikit-learn on the same inputs."""

import logging
import warnings
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from _claim import write
from consentinel.assure.fair.inequality import agreement
from consentinel.assure.measure import Measure, Plan
from consentinel.assure.shelves import FAIR
from consentinel.assure.subject import Subject
from consentinel.core.rng import generator

NAMES = ("audit_metrics_equal",)
INPUTS = ()
CASES = ((300, 2, False), (1000, 3, False), (3000, 5, False), (400, 2, True))  # rows, groups, scores with many ties

Measures = dict[tuple[str, str, str], Measure]


def made(rows: int, groups: int, coarse: bool) -> Subject:
    """Return a classifier whose rates differ between GROUPS, with a second attribute."""
    rng = generator(7, "audit_metrics_equal", str(rows))
    group, region = rng.integers(0, groups, rows), rng.integers(0, 2, rows)
    true = rng.random(rows) < 0.4 + 0.05 * group
    score = np.clip(0.25 + 0.4 * true + 0.05 * group + rng.normal(0, 0.2, rows), 0.01, 0.99)
    score = np.round(score, 1) if coarse else score
    said = score >= 0.5
    table = pa.table({"label": true.astype(int).astype(str), "x": rng.normal(size=rows), "y": score})
    answers = pa.table({"score": score, "label": said.astype(int).astype(str)})
    names = {"unit": [str(at) for at in range(rows)], "group": [f"g{at}" for at in group], "region": region.astype(str)}
    return Subject("tabular", "made", table, answers, np.arange(rows), pa.table(names), positive="1")


def pairs(subject: Subject) -> Iterator[tuple[str, float, float]]:
    """Yield the name of a metric, what the audit says and what the reference says."""
    import fairlearn.metrics as fl
    import sklearn.metrics as sk

    true = np.array([int(label) for label in subject.rows["label"].to_pylist()])
    said = np.array([int(label) for label in subject.answers["label"].to_pylist()])
    score = np.asarray(subject.answers["score"])
    names = ("group", "inequality", "conditional", "intersectional")
    found = {name: [*FAIR.take(name).probe(subject, Plan(draws=200))] for name in names}
    known: Measures = {(one.metric, one.slice, one.against): one for one in found["group"]}

    def ours(metric: str, place: str = "", against: str = "") -> float:
        estimate = known[metric, place, against].estimate
        if estimate is None:
            raise SystemExit(f"{metric} of {place} was not measured: {known[metric, place, against].why}")
        return estimate.value

    rates = {
        "selection_rate": fl.selection_rate, "true_positive_rate": fl.true_positive_rate,
        "false_positive_rate": fl.false_positive_rate, "false_negative_rate": fl.false_negative_rate,
        "true_negative_rate": fl.true_negative_rate, "accuracy": sk.accuracy_score, "precision": sk.precision_score,
        "balanced_accuracy": sk.balanced_accuracy_score,
    }  # fmt: skip
    gaps = {"selection_rate": "demographic_parity", "true_positive_rate": "equal_opportunity"}
    for attribute in subject.attributes():
        groups = subject.attribute(attribute)
        frame = fl.MetricFrame(metrics=rates, y_true=true, y_pred=said, sensitive_features=groups)
        ways = {"between groups": "between_groups", "everybody": "to_overall"}
        for rate in rates:
            yield rate, ours(rate), float(frame.overall[rate])
            for name in np.unique(groups):
                yield rate, ours(rate, f"{attribute}={name}"), float(frame.by_group.loc[name, rate])
            for against, method in ways.items():
                gap = gaps.get(rate, rate)
                if (f"{gap}_difference", attribute, against) in known:
                    theirs = float(frame.difference(method=method)[rate])
                    yield f"{gap}_difference", ours(f"{gap}_difference", attribute, against), theirs
                    theirs = float(frame.ratio(method=method)[rate])
                    yield f"{gap}_ratio", ours(f"{gap}_ratio", attribute, against), theirs
        for against, method in ways.items():
            for metric in ("demographic_parity", "equal_opportunity", "equalized_odds"):
                for how in ("difference", "ratio"):
                    function = getattr(fl, f"{metric}_{how}")
                    theirs = float(function(true, said, sensitive_features=groups, method=method))
                    yield f"{metric}_{how}", ours(f"{metric}_{how}", attribute, against), theirs
        for name in np.unique(groups):
            mine, place = groups == name, f"{attribute}={name}"
            cuts = {"subgroup_auc": mine, "bpsn_auc": mine ^ (true == 1), "bnsp_auc": mine ^ (true == 0)}
            for metric, cut in cuts.items():
                yield metric, ours(metric, place), float(sk.roc_auc_score(true[cut], score[cut]))
            bias = float(np.mean(score[mine]) - np.mean(true[mine]))
            yield "calibration_gap", ours("calibration_gap", place), bias
    both = np.stack([subject.attribute(name) for name in subject.attributes()], axis=1)
    for one in found["intersectional"]:
        if one.against and one.metric.rpartition("_")[0] != "accuracy" and one.estimate is not None:
            theirs = float(getattr(fl, one.metric)(true, said, sensitive_features=both))
            yield f"{one.metric} of intersections", one.estimate.value, theirs
    yield from of_people(subject, found, true, said)


def of_people(
    subject: Subject, found: dict[str, list[Measure]], true: np.ndarray, said: np.ndarray
) -> Iterator[tuple[str, float, float]]:
    """Yield the same of metrics of single people, and of disparity, which AIF360 has."""
    import aif360.sklearn.metrics as aif
    import pandas as pd

    indices = {one.metric: one.estimate.value for one in found["inequality"] if one.estimate is not None}
    benefit = 1.0 + said - true
    entropy = float(aif.generalized_entropy_error(true, said))
    yield "generalized_entropy_index", indices["generalized_entropy_index"], entropy
    yield "theil_index", indices["theil_index"], float(aif.theil_index(benefit))
    # twice the index is the square of the coefficient of variation (Speicher and others 2018)
    yield "coefficient_of_variation", indices["coefficient_of_variation"] ** 2, 2 * entropy
    # Atkinson's index of aversion 1/2 and the entropy of order 1/2 are functions of each other
    half = float(aif.generalized_entropy_index(benefit, alpha=0.5))
    yield "atkinson_index", indices["atkinson_index"], 1 - (1 - half / 4) ** 2
    table = np.stack([np.asarray(subject.rows[name]) for name in ("x", "y")], axis=1)
    yield "consistency", float(agreement(table, said == 1).mean()), float(aif.consistency_score(table, said))
    for attribute in subject.attributes():
        groups = subject.attribute(attribute)
        plain = {one.slice: one.estimate.value for one in found["conditional"] if one.metric == "demographic_disparity"
                 and one.estimate is not None}  # fmt: skip
        mine = sum(float((groups == name).mean()) * plain[f"{attribute}={name}"] for name in np.unique(groups))
        answered = pd.Series(said, index=pd.Index(groups, name=attribute))
        yield "demographic_disparity", mine, float(aif.conditional_demographic_disparity(answered, prot_attr=attribute))


def main() -> None:
    """Write the largest distance from the references."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)  # AIF360 names every extra that it lacks
    worst: dict[str, float] = {}
    n = 0
    for case in CASES:
        for name, mine, theirs in pairs(made(*case)):
            worst[name], n = max(worst.get(name, 0.0), abs(mine - theirs)), n + 1
    for name, away in sorted(worst.items()):
        print(f"{name:32} {away:.1e}")
    most = max(worst.values())
    protocol = (
        f"{len(worst)} metrics on {len(CASES)} made sets beside fairlearn, AIF360, scikit-learn: largest distance"
    )
    write("audit_metrics_equal", value=most, low=most, high=most, n=n, protocol=protocol)


if __name__ == "__main__":
    main()
