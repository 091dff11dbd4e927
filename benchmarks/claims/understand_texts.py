"""Classifiers of privacy texts against a TF-IDF linear floor on the same folds, their calibration and their sets."""

import json
import sys
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold
from sklearn.svm import LinearSVC

from benchmarks._claim import RESULTS, write, write_interval
from benchmarks._privacy_texts import SETS, Texts, vectors_once
from consentinel.core.rng import generator
from consentinel.core.stats import Interval, mean_interval
from consentinel.understand.classifiers._grams import counted, rarity, weighed
from consentinel.understand.classifying import calibration, conformal
from consentinel.understand.classifying.examined import difference, macro_f1, micro_f1
from consentinel.understand.classifying.model import Answer, trained
from consentinel.understand.classifying.taxonomy import Taxonomy

NAMES = (
    "classify_stories",
    "classify_stories_calibration",
    "classify_stories_coverage",
    "classify_reviews",
    "classify_reviews_calibration",
    "classify_reviews_coverage",
    "classify_opp115",
    "classify_opp115_calibration",
    "classify_opp115_coverage",
    "classify_policyie",
    "classify_policyie_calibration",
    "classify_policyie_coverage",
    "classify_hhs",
    "classify_hhs_calibration",
    "classify_hhs_coverage",
    "classify_opp115_split",
    "classify_opp115_split_calibration",
    "classify_opp115_split_coverage",
    "classify_ahead",
    "classify_behind",
    "classify_calibration",
    "classify_coverage_least",
    "classify_coverage_most",
)
INPUTS = ("src/consentinel/understand/classifiers/*.py", "src/consentinel/understand/classifying/*.py")
LEVEL, RESAMPLES = 0.9, 200
COUNTED = ("stories", "reviews", "opp115", "policyie", "hhs", "pi_extract")
PUBLISHED = {
    "opp115_split": ("published on the withheld test part, macro/micro F1: BERT 78.4/84.0, PrivBERT 82.1/87.2",),
    "policyie": ("published on the withheld test part, macro/micro F1: BERT 72.9/84.7, PrivBERT 75.3/86.2",),
    "stories": ("published, same folds, macro F1: RoBERTa-NLI 73.2, GloVe and RoBERTa CNN 75.1",),
}
Mask = NDArray[np.bool_]


def floor(held: Texts, train: NDArray[np.int64], test: NDArray[np.int64]) -> Mask:
    """Return the labels that TF-IDF of words and characters with a linear SVM gives to the rows TEST.

    One class of several: the largest margin; any number of labels: one threshold for all margins, the best for the
    pooled F1 of margins held out by three folds of the training rows.
    """
    counts = counted(held.texts)
    if held.single:
        said = _margins(counts, held.targets, train, test)
        return np.asarray(said.argmax(axis=1)[:, None] == np.arange(said.shape[1]))
    inner = np.zeros((len(train), len(held.classes)))
    for inside, outside in GroupKFold(3).split(train, groups=held.groups[train]):
        inner[outside] = _margins(counts, held.targets, train[inside], train[outside])
    threshold = calibration.best_threshold(inner, held.targets[train])
    return np.asarray(_margins(counts, held.targets, train, test) >= threshold)


def _margins(counts: Any, targets: Mask, train: NDArray[np.int64], test: NDArray[np.int64]) -> NDArray[np.float64]:
    rare = rarity(counts[train])
    x, z = weighed(counts[train], rare), weighed(counts[test], rare)
    machines = [LinearSVC(C=1.0, random_state=0).fit(x, targets[train, at]) for at in range(targets.shape[1])]
    return np.stack([one.decision_function(z) for one in machines], axis=1)


def compared(held: Texts) -> tuple[NDArray[np.int64], Answer, Mask]:
    """Return the rows that were tested, what the classifier says of them, and what the floor does."""
    taxonomy = Taxonomy.of_labels(held.classes)
    rows, ours, theirs = [], [], []
    for train, test in held.splits:
        weights = None if held.days is None else calibration.recency(held.days[train])
        made, _ = trained("blend", [held.texts[row] for row in train], held.targets[train], taxonomy,
                          single=held.single, level=LEVEL, seed=0, card={}, weights=weights)  # fmt: skip
        ours.append(made.answer([held.texts[row] for row in test]))
        theirs.append(floor(held, train, test))
        rows.append(test)
    answer = Answer(*(np.concatenate([getattr(one, what) for one in ours]) for what in ("p", "given", "sets")))
    return np.concatenate(rows), answer, np.concatenate(theirs)


def coverage(p: NDArray[np.float64], targets: Mask, single: bool) -> list[float]:
    """Return the share of true classes in their set for RESAMPLES random halves, where the other half sets the cut."""
    shares = []
    for draw in range(RESAMPLES):
        order = generator(draw, "claims.classify.coverage").permutation(len(p))
        some, others = order[: len(p) // 2], order[len(p) // 2 :]
        inside = conformal.sets(p[others], conformal.cuts(p[some], targets[some], single, LEVEL))
        shares.append(float((inside & targets[others]).sum() / targets[others].sum()))
    return shares


def largest(p: NDArray[np.float64], targets: Mask, groups: NDArray[np.int64]) -> float:
    """Return the upper end of the 95% interval of the calibration error: its square is what is redrawn, by group.

    A redrawn text brings its chance gap along, so that redraws lie about the plain square and not about the estimate;
    the basic bootstrap takes that out.
    """
    rows = [np.flatnonzero(groups == one) for one in np.unique(groups)]
    drawn = []
    for draw in range(RESAMPLES):
        picks = generator(draw, "claims.classify.calibration").integers(0, len(rows), len(rows))
        some = np.concatenate([rows[one] for one in picks])
        drawn.append(calibration.excess(p[some], targets[some]))
    here = calibration.excess(p, targets)
    return float(np.sqrt(max(0.0, here + float(np.mean(drawn)) - float(np.quantile(drawn, 0.025)))))


def measured(name: str) -> None:
    """Measure and write the numbers of the set NAME."""
    start, held = time.perf_counter(), SETS[name]()
    vectors_once(held.texts)
    rows, answer, theirs = compared(held)
    targets, groups, n = held.targets[rows], held.groups[rows], len(rows)
    found = {kind: difference(answer.given, theirs, targets, groups, kind, 0) for kind in ("micro", "macro", "1")}
    ours, floors = (
        f"{micro_f1(said, targets, groups, 0).value:.4f}/{macro_f1(said, targets, groups, 0).value:.4f}"
        for said in (answer.given, theirs)
    )
    kind = {"1": "F1 of the class", "micro": "micro F1", "macro": "macro F1"}[held.kind]
    text = f"{held.said}: {kind} of the blend less that of word and character TF-IDF with a linear SVM on the same "
    text += (
        f"rows, paired, 95% interval by {'policy' if 'OPP' in held.said else 'text'}; micro/macro F1 {ours} against "
    )
    text += f"{floors}; difference in micro F1 {_said(found['micro'])}, in macro F1 {_said(found['macro'])}"
    write_interval(f"classify_{name}", found[held.kind], "; ".join([text, *PUBLISHED.get(name, ())]), n=n)
    off, most = calibration.error(answer.p, targets), largest(answer.p, targets, groups)
    write(f"classify_{name}_calibration", value=off, low=off, high=off, n=n, protocol=f"{held.said}: root mean square "
          "gap between confidence and share right of the likeliest class, 15 bins of equal mass, less what chance "
          f"adds (the estimate itself; redrawn by group it is below {most:.4f} in 97.5%); without that, "
          f"mean gap {calibration.plain_error(answer.p, targets):.4f}")  # fmt: skip
    shares = coverage(answer.p, targets, held.single)
    middle, (low, high) = mean_interval(shares), np.quantile(shares, [0.025, 0.975])
    own, size = float((answer.sets & targets).sum() / targets.sum()), answer.sets.sum(axis=1).mean()
    text_of = (
        f"{held.said}: true classes in their 90% set, mean over {RESAMPLES} random halves of the tested texts (the "
    )
    text_of += (
        f"other half sets the cut), 95% interval of that mean; single halves from {low:.4f} to {high:.4f}; by the "
    )
    text_of += f"sets that training alone set: {own:.4f}, {size:.2f} classes each"
    write_interval(f"classify_{name}_coverage", middle, text_of, n=RESAMPLES)
    print(f"{text}\n  calibration {off:.4f}, coverage {np.mean(shares):.4f}, own {own:.4f}, {size:.2f} a set, "
          f"{time.perf_counter() - start:.0f} s", flush=True)  # fmt: skip


def main() -> None:
    """Measure the sets named, or all; with all sets there, write what they come to together."""
    for name in sys.argv[1:] or SETS:
        measured(name)
    kept = {file.stem: json.loads(file.read_text("utf-8")) for file in RESULTS.glob("classify_*.json")}
    if not {"classify_pi_extract", *(f"classify_{name}_coverage" for name in SETS)} <= set(kept):
        print("not all sets are measured yet: what they come to together is not written")
        return
    six = [kept[f"classify_{name}"] for name in COUNTED]
    count = {"ahead": sum(one["low"] > 0 for one in six), "behind": sum(one["high"] < 0 for one in six)}
    for name, many in count.items():
        write(f"classify_{name}", value=many, low=many, high=many, n=6, protocol="of six sets of texts those whose "
              "paired 95% interval excludes 0: user stories, app reviews, OPP-115 by policy, PolicyIE-A, HHS breach "
              "types, PI-Extract (spans)")  # fmt: skip
    calibrated, covered = [*SETS, "pi_extract"], list(SETS)
    for name, what, pick, sets in (("calibration", "calibration", max, calibrated),
                                   ("coverage_least", "coverage", min, covered),
                                   ("coverage_most", "coverage", max, covered)):  # fmt: skip
        row = pick((kept[f"classify_{one}_{what}"] for one in sets), key=lambda one: one["value"])
        write(f"classify_{name}", **row)


def _said(found: Interval) -> str:
    return f"{found.value:+.4f} [{found.low:+.4f}, {found.high:+.4f}]"


if __name__ == "__main__":
    main()
