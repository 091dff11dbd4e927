"""What a claim says in numbers, for models, and in words, for people; no name of a host or a site is looked at."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.core.columns import values
from consentinel.core.text import one_line
from consentinel.detect.judges._rows import TYPES

__all__ = ["NAMES", "NOT_THERE", "answer", "matrix", "numbers"]

NOT_THERE = "not there"  # no data of that type went there, as far as the judge can tell

_LOGS = ("n_fields", "n_requests", "n_visits", "n_digests", "length", "alike")
_PLAIN = (
    "p_type", "share_of_visits", "stable_in_visit", "stable_over_visits", "joinable", "entropy", "in_storage",
    "called_so", "spread", "varies", "kinds",
)  # fmt: skip
NAMES = (*_PLAIN, *_LOGS, *TYPES)

_CONSENT = {
    "denied": "consent was refused",
    "before": "nobody had been asked yet",
    "opted_out": "the person had opted out",
    "granted": "consent was given",
    "none": "no consent signal was seen",
    "unreadable": "the consent signal could not be read",
}


def numbers(rows: pa.Table) -> dict[str, NDArray[np.float64]]:
    """Return the numeric features of CLAIM_ROWS by name, n values each: counts as logarithms, unknown as 0."""
    columns = {name: pc.fill_null(rows[name].cast(pa.float64()), 0.0).to_numpy() for name in (*_PLAIN, *_LOGS)}
    return {name: np.log1p(column) if name in _LOGS else column for name, column in columns.items()}


def matrix(rows: pa.Table) -> NDArray[np.float64]:
    """Return CLAIM_ROWS as numbers, shape (n, len(NAMES)); what is not known counts as 0."""
    at = pc.fill_null(pc.index_in(rows["type"], value_set=pa.array(TYPES)), -1).to_numpy()
    return np.column_stack([*numbers(rows).values(), at[:, None] == np.arange(len(TYPES))]).astype(np.float64)


def answer(rows: pa.Table, p: NDArray[np.float64], threshold: float, *, floor: float = 0.5) -> pa.Table:
    """Return ANSWER for CLAIM_ROWS: P is how probable it is that data of the type went there.

    What follows from that, policy and consent have said already: the outcome of the row from FLOOR on, NOT_THERE below.
    Undecided are those less sure than THRESHOLD, unless the outcome is `allowed`: then both answers are the same.
    """
    there = p >= floor
    outcome = pc.if_else(pa.array(there), rows["outcome"], NOT_THERE)
    allowed = pc.fill_null(pc.equal(rows["outcome"], "allowed"), False).to_numpy()
    undecided = (np.maximum(p, 1 - p) < threshold) & ~allowed
    return pa.table(
        {
            "label": outcome,
            "p": pa.array(p.astype(np.float32)),
            "undecided": pa.array(undecided),
            "why": pa.array(_why(rows, there), pa.string()),
        }
    )


def _why(rows: pa.Table, there: NDArray[np.bool_]) -> list[str]:
    """Say for each row what speaks for the answer: field, how steady its value was, who else got it, and consent."""
    columns = [
        values(rows[name])
        for name in ("key", "type", "p_type", "n_visits", "stable_over_visits", "stable_in_visit", "alike",
                     "in_storage", "spread", "consent_state", "purpose", "purpose_p")
    ]  # fmt: skip
    return [_sentence(*row, yes) for *row, yes in zip(*columns, there.tolist(), strict=True)]


def _sentence(
    key: str | None, kind: str, p: float | None, visits: int, steady: float | None, calm: float | None,
    alike: int | None, stored: float | None, spread: float | None, state: str | None, purpose: str | None,
    purpose_p: float | None, there: bool,
) -> str:  # fmt: skip
    field = one_line(key, 60) if key else "a field without a name"
    if visits == 1:
        held = f"{field} was seen in one visit" + ("" if (calm or 0) >= 1 else ", with several values")
    elif (steady or 0) >= 0.999:
        held = f"{field} held the same value in all {visits} visits"
    elif (calm or 0) >= 0.999:
        held = f"{field} held one value in each of {visits} visits, not the same in all"
    else:
        held = f"{field} held changing values in {visits} visits"
    others = (alike or 1) - 1
    shared = f" and {others:,} other recipient{'s'[: others > 1]} got it too" if others else ""
    kept = "; it also stands in storage" if (stored or 0) >= 0.5 else ""
    if not there:
        common = f"; the value is in {100 * (spread or 0):.0f}% of all visits" if (spread or 0) >= 0.2 else ""
        return f"{held}{shared}{common}: that does not look like {kind}, although names and shapes hint at it"
    hint = f"; name and shape say {kind} (p {p:.2f})" if p is not None else ""
    told = f"; what it gets says {purpose} (p {purpose_p:.2f})" if purpose and purpose_p is not None else ""
    return f"{held}{shared}{kept}{hint}{told}; {_CONSENT.get(state or '', 'the state of consent is not known')}"
