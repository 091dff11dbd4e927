"""Examples of explanations for a report: who and what they are about is numbered, never named."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.assure.measure import Plan
from consentinel.assure.people import texts
from consentinel.assure.shelves import EXPLAIN
from consentinel.assure.subject import MISSING, RANKED_KINDS, Subject
from consentinel.core.columns import one

__all__ = ["Example", "examples"]

Example = dict[str, object]  # probe, about, answer, reason, contribution
FEW = 20  # rows that are explained for it
GROUPS = 50  # an attribute with more values names items rather than describes them


def examples(subject: Subject, plan: Plan, probe: str) -> list[Example]:
    """Return the strongest reasons of a few answers of SUBJECT that PROBE of explain finds; none where it shows none.

    People, rows and queries are numbers already; items become numbers in the order in which they are met here, with a
    group that they belong to where one is known.
    """
    part: Any = EXPLAIN.take(probe)
    if not hasattr(part, "examples"):
        return []
    try:
        found: pa.Table = part.examples(subject, replace(plan, rows=min(plan.rows, FEW)))
    except Exception:  # what went wrong stands among the measures of the probe itself
        return []
    names = _items(subject) if subject.kind in RANKED_KINDS else set()
    kinds = _groups(subject)
    numbers: dict[str, str] = {}

    def masked(text: str) -> str:
        bare = text.removeprefix("not ")
        if bare not in names:
            return text
        called = numbers.setdefault(bare, f"item {len(numbers) + 1}{kinds.get(bare, '')}")
        return f"not {called}" if bare != text else called

    return [
        row | {"probe": probe, "answer": masked(row["answer"]), "reason": masked(row["reason"])}
        for row in found.to_pylist()
    ]


def _items(subject: Subject) -> set[str]:
    tables = (subject.answers, subject.rows, subject.learned)
    there = [texts(t["item"]).unique() for t in tables if t is not None and "item" in t.column_names]
    return set(pa.concat_arrays([one(column).cast(pa.string()) for column in there]).drop_null().to_pylist())


def _groups(subject: Subject) -> dict[str, str]:
    """Return what stands behind the number of each item: its value of the first attribute with few values."""
    if subject.items is None:
        return {}
    for name in subject.items.column_names:
        values = one(subject.items[name]).cast(pa.string())
        count = pc.count_distinct(values).as_py()
        if name != "item" and 1 < count <= min(GROUPS, max(2, len(values) // 2)):
            known = np.asarray(pc.not_equal(pc.fill_null(values, MISSING), MISSING))
            items, said = subject.items["item"].to_pylist(), values.to_pylist()
            return {items[at]: f" ({name}={said[at]})" for at in np.flatnonzero(known)}
    return {}
