"""Spans of data that policies say they collect or share, marked by classify, against a TF-IDF linear floor."""

import time

import numpy as np

from benchmarks._claim import write, write_interval
from benchmarks._privacy_texts import split
from benchmarks._span_texts import KINDS, floor, marked
from consentinel.core.resample import cluster_bootstrap, cluster_totals
from consentinel.core.rng import generator
from consentinel.understand.classifying import calibration, marking
from consentinel.understand.classifying.marking import Spans

NAMES = ("classify_pi_extract", "classify_pi_extract_calibration")
INPUTS = ("src/consentinel/understand/classifying/*.py",)
FOLDS = 5
PUBLISHED = "published on the withheld test part, entity F1: BERT 60.0, RoBERTa 62.4, PrivBERT 66.4"


def main() -> None:
    """Measure and write the numbers."""
    start = time.perf_counter()
    texts, true, blocks = marked()
    fold = np.zeros(len(texts), np.int64)
    found = []
    for one, (train, test) in enumerate(split(blocks, FOLDS)):
        fold[test] = one
        place = np.full(len(texts), -1)
        place[train] = np.arange(len(train))
        some = true.of(place[true.text] >= 0)
        known = Spans(place[some.text], some.start, some.end, some.kind, some.p)
        made = marking.trained([texts[at] for at in train], known, KINDS, blocks[train], 0)
        said = made.spans([texts[at] for at in test])
        found.append(Spans(test[said.text], said.start, said.end, said.kind, said.p))
    ours = Spans(*(np.concatenate([getattr(one, name) for one in found])
                   for name in ("text", "start", "end", "kind", "p")))  # fmt: skip
    theirs = floor(texts, true, blocks, fold)
    counts = [2.0 * _many(said, said.right(true), len(texts)) for said in (ours, theirs)]
    sums = [_many(said, np.ones(len(said.text), bool), len(texts)) + _many(true, np.ones(len(true.text), bool),
            len(texts)) for said in (ours, theirs)]  # fmt: skip
    totals = cluster_totals(np.stack([*counts, *sums], axis=1), blocks)

    def apart(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
        held = weights @ values
        return np.asarray(held[:, 0] / held[:, 2] - held[:, 1] / held[:, 3])

    difference = cluster_bootstrap(totals, np.arange(len(totals)), apart, seed=0)
    f1 = [float(many.sum() / all_.sum()) for many, all_ in zip(counts, sums, strict=True)]
    text = (
        "PI-Extract, sentences of the published training part, 5 folds by blocks of 60 sentences: F1 of whole spans, "
    )
    text += "all four kinds pooled, of the marker less that of the floor (TF-IDF of words by place and of runs of "
    text += f"characters, linear SVM), paired, 95% interval by block; {f1[0]:.4f} against {f1[1]:.4f}; {PUBLISHED}"
    write_interval("classify_pi_extract", difference, text, n=len(texts))
    right = ours.right(true)
    off = calibration.error(ours.p[:, None], right[:, None])
    drawn = generator(0, "understand_spans").random((1000, len(right))) < ours.p
    by_chance = float(np.quantile([calibration.error(ours.p[:, None], one[:, None]) for one in drawn], 0.95))
    write("classify_pi_extract_calibration", value=off, low=off, high=off, n=len(right),
          protocol="PI-Extract, the same folds: root mean square gap between the chance said of a span and the share "
          f"right, {len(right):,} spans that were found, 15 bins of equal mass, less what chance adds; without that, "
          f"mean gap {calibration.plain_error(ours.p[:, None], right[:, None]):.4f}; chances without "
          f"any fault would show up to {by_chance:.4f} in 95 of 100 draws of as many spans")  # fmt: skip
    print(f"{text}\n  difference {difference.value:+.4f} [{difference.low:+.4f}, {difference.high:+.4f}], calibration "
          f"{off:.4f}, {time.perf_counter() - start:.0f} s")  # fmt: skip


def _many(said: Spans, rows: np.ndarray, texts: int) -> np.ndarray:
    """Return how many spans of SAID that are in ROWS each text has."""
    return np.bincount(said.text[rows], minlength=texts)


if __name__ == "__main__":
    main()
