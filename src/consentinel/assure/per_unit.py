"""How good the answers to each unit are, without names or attributes: what a paired comparison of two audits needs."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.assure.subject import RANKED_KINDS, Subject
from consentinel.core.columns import one

__all__ = ["values"]


def values(subject: Subject) -> pa.Table | None:
    """Return one row per unit: its place and its accuracy, or nDCG and hit rate at k; None where no label is known.

    nDCG with gain 2^label - 1 and discount log2(1 + rank), against the best order of what was right.
    """
    if subject.lacks("labels"):
        return None
    count = subject.groups.num_rows
    if subject.kind in RANKED_KINDS:
        found = _ranked(subject, count)
    else:
        known = np.asarray(pc.is_valid(one(subject.rows["label"])))
        right = np.asarray(pc.fill_null(pc.equal(one(subject.rows["label"]), one(subject.answers["label"])), False))
        n = np.bincount(subject.unit[known], minlength=count)
        with np.errstate(invalid="ignore", divide="ignore"):
            found = {"accuracy": np.bincount(subject.unit[known], right[known], minlength=count) / n}
    return pa.table({"unit": np.arange(count)} | {name: pa.array(v, mask=~np.isfinite(v)) for name, v in found.items()})


def _ranked(subject: Subject, count: int) -> dict[str, np.ndarray]:
    assert subject.queries is not None
    rows, answers, k = subject.rows, subject.answers, subject.k
    label = np.asarray(one(rows["label"]).cast(pa.float64()), dtype=np.float64)
    gain = 2.0 ** np.clip(label, 0, 60) - 1
    best = _discounted(subject.unit, np.lexsort((-gain, subject.unit)), gain, k, count)
    asked = np.asarray(pc.index_in(_text(answers["query"]), _text(subject.queries["query"])), dtype=np.int64)
    right, given = _text(rows["item"]), _text(answers["item"])
    names = pc.unique(pa.concat_arrays([right, given]))
    pair = asked * len(names) + np.asarray(pc.index_in(given, names))
    truth = subject.unit.astype(np.int64) * len(names) + np.asarray(pc.index_in(right, names))
    by = np.argsort(truth)
    at = by[np.clip(np.searchsorted(truth[by], pair), 0, len(truth) - 1)]
    won = np.where(truth[at] == pair, gain[at], 0.0)
    order = np.argsort(asked, kind="stable")
    got = _discounted(asked, order, won, k, count)
    top = _ranks(asked[order]) < k
    hits = np.bincount(asked[order][top], won[order][top] > 0, minlength=count)
    with np.errstate(invalid="ignore", divide="ignore"):
        ndcg = got / best
    return {f"ndcg@{k}": ndcg, f"hit_rate@{k}": np.where(best > 0, (hits > 0).astype(np.float64), np.nan)}


def _text(column: pa.ChunkedArray) -> pa.Array:
    return one(column).cast(pa.string())


def _ranks(unit: np.ndarray) -> np.ndarray:
    """Return the rank, from 0, of each entry within its run of equal UNIT."""
    starts = np.flatnonzero(np.append(True, unit[1:] != unit[:-1])) if len(unit) else np.zeros(0, int)
    return np.arange(len(unit)) - np.repeat(starts, np.diff(np.append(starts, len(unit))))


def _discounted(unit: np.ndarray, order: np.ndarray, gain: np.ndarray, k: int, count: int) -> np.ndarray:
    unit, gain = unit[order], gain[order]
    rank = _ranks(unit)
    return np.bincount(unit, np.where(rank < k, gain / np.log2(rank + 2), 0.0), minlength=count)
