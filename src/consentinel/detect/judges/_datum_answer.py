"""How judges of data answer: the types that are probable enough, and why, in words."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from consentinel.detect.judges._rows import DATUM_ANSWER, TYPES

__all__ = ["NONE", "answer"]

NONE = "none"
NEAR = 0.15  # a probability this close to its threshold is no decision


def answer(
    p: npt.NDArray[np.float32], threshold: npt.NDArray[np.float32], said: list[str | None], why: str
) -> pa.Table:
    """Return DATUM_ANSWER for probabilities P (rows x types); SAID is what the recognisers said, WHY names who decides.

    The label is the most probable of the types that reach their threshold, or "none".
    """
    rows, told = len(p), p >= threshold
    order = np.argsort(-np.where(told, p, -1.0), axis=1, kind="stable")
    count = told.sum(axis=1)
    first = order[:, 0] if rows else np.zeros(0, np.int64)
    at = np.repeat(np.arange(rows), count)
    rank = np.arange(len(at)) - np.repeat(np.cumsum(count) - count, count)
    kinds = order[at, rank]
    ends = pa.array(np.append(0, np.cumsum(count)).astype(np.int32))
    names = pa.array([*TYPES, NONE])
    closest = np.abs(p - threshold).min(axis=1) if rows else np.zeros(0)
    reasons = [f"{why}; the recognisers say {kind}" if kind else f"{why}; no recogniser knows it" for kind in said]
    sure = np.where(count > 0, p[np.arange(rows), first], 1 - p.max(axis=1, initial=0.0))
    columns = {
        "label": names.take(pa.array(np.where(count > 0, first, len(TYPES)))),
        "p": pa.array(sure.astype(np.float32)),
        "undecided": pa.array(closest < NEAR),
        "why": pa.array(reasons, pa.string()),
        "types": pa.ListArray.from_arrays(ends, names.take(pa.array(kinds))),
        "types_p": pa.ListArray.from_arrays(ends, pa.array(p[at, kinds].astype(np.float32))),
    } | {name: pa.array(p[:, column]) for column, name in enumerate(TYPES)}
    return pa.table([columns[field.name] for field in DATUM_ANSWER], schema=DATUM_ANSWER)
