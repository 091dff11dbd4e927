"""What a model answers when only who somebody is changes: an attribute of a row, or identity words in a text."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.assure.fair._identity import PAIRS, TEMPLATES, WORDS, exchanged
from consentinel.assure.fair._means import linear
from consentinel.assure.measure import Measure, Plan
from consentinel.assure.subject import MISSING, Subject
from consentinel.core import gaps
from consentinel.core.columns import one
from consentinel.core.rng import generator
from consentinel.core.shares import by_group
from consentinel.core.stats import Interval

KINDS = ("tabular", "text")
NEEDS = ("ask",)

MOST = 8  # values of an attribute that rows are flipped to


def probe(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Yield how often answers change and how far scores move when an attribute or identity words are exchanged.

    Only what is exchanged changes, and nothing that may follow from it. Source: Garg et al. 2019 (counterfactual token
    fairness); Kusner et al. 2017 for what this is not: a causal model of what follows.
    """
    if subject.kind == "tabular":
        yield from _tabular(subject, plan)
    else:
        yield from _texts(subject, plan)
        yield from _templates(subject, plan)


def _tabular(subject: Subject, plan: Plan) -> Iterator[Measure]:
    names = subject.attributes()
    if not names:
        yield Measure("flip_rate", None, why="there is no attribute to flip: name columns of the data with --groups")
    for name in names:
        if name not in subject.rows.column_names:
            why = f"{name} is no column of the rows that the model is asked: nothing can be exchanged"
            yield Measure("flip_rate", None, name, why=why)
            continue
        labels = subject.attribute(name)[subject.unit]
        values = sorted({str(label) for label in labels} - {MISSING})
        if not 2 <= len(values) <= MOST:
            yield Measure(
                "flip_rate", None, name, why=f"{name} has {len(values)} values; between 2 and {MOST} are flipped"
            )
            continue
        whole = one(subject.rows[name])
        for source in values:
            mine = np.flatnonzero(labels == source)
            mine = _some(mine, plan, name, source)
            for target in values:
                if target == source:
                    continue
                rows = subject.rows.take(pa.array(mine))
                new = _typical(whole, np.flatnonzero(labels == target))
                column = pa.array([new] * len(mine), whole.type)
                flipped = rows.set_column(rows.column_names.index(name), rows.schema.field(name), column)
                place, against = f"{name}={source}", f"{name}={target}"
                yield from _changes(
                    subject, subject.answers.take(pa.array(mine)), subject.ask(flipped), mine, place, against, plan
                )


def _typical(column: pa.Array, at: np.ndarray) -> Any:
    """Return the middle one of the values of COLUMN at the places AT, which stand for one group."""
    there = column.take(pa.array(at)).drop_null()
    if pa.types.is_dictionary(there.type):
        there = there.cast(there.type.value_type)
    order = pc.sort_indices(there)
    return there[order[len(order) // 2].as_py()].as_py()


def _texts(subject: Subject, plan: Plan) -> Iterator[Measure]:
    plain = one(subject.rows["text"]).cast(pa.string()).to_pylist()
    for name in PAIRS:
        new = exchanged([text or "" for text in plain], name)
        mine = np.array([at for at, text in enumerate(new) if text is not None], np.int64)
        if len(np.unique(subject.unit[mine])) < 2:
            why = f"{len(mine)} texts have a word that names {name}; two are needed"
            yield Measure("flip_rate", None, f"words={name}", why=why)
            continue
        mine = _some(mine, plan, name, "texts")
        rows = subject.rows.take(pa.array(mine))
        changed = pa.array([new[at] for at in mine], rows.schema.field("text").type)
        flipped = rows.set_column(rows.column_names.index("text"), rows.schema.field("text"), changed)
        yield from _changes(
            subject, subject.answers.take(pa.array(mine)), subject.ask(flipped), mine, f"words={name}", "exchanged",
            plan, signed=False,
        )  # fmt: skip


def _templates(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Yield how far scores of made sentences differ between the two sides of each pair of identities."""
    if not subject.positive:
        yield Measure(
            "template_score_gap", None, why="no label counts as yes (--positive), so that scores have no side"
        )
        return
    for name, sides in WORDS.items():
        texts = [text.format(word)[0].upper() + text.format(word)[1:] for word in sides for text in TEMPLATES]
        rows = pa.table({"text": texts, "label": pa.nulls(len(texts), pa.string())})
        for field in subject.rows.schema:
            if field.name not in rows.column_names:
                rows = rows.append_column(field, pa.nulls(len(texts), field.type))
        answers = subject.ask(rows)
        score = np.asarray(one(answers["score"]).cast(pa.float64()), np.float64)
        change = score[: len(TEMPLATES)] - score[len(TEMPLATES) :]
        mean = float(change.mean())
        yield linear(
            "template_score_gap", mean, (change - mean) / len(change), plan.level, f"words={sides[0]}",
            f"words={sides[1]}", null=0.0, better="zero", why=f"over {len(TEMPLATES)} made sentences about {name}",
        )  # fmt: skip


def _changes(
    subject: Subject, before: pa.Table, after: pa.Table, rows: np.ndarray, place: str, against: str, plan: Plan,
    *, signed: bool = True,
) -> Iterator[Measure]:  # fmt: skip
    """Yield the share of changed labels and, where scores are of one label, their mean change; units are clusters."""
    unit = np.unique(subject.unit[rows], return_inverse=True)[1]
    people = int(unit.max()) + 1 if len(unit) else 0
    if not people:
        yield Measure("flip_rate", None, place, against, why="no row is of this group")
        return
    old, new = (one(table["label"]).cast(pa.string()) for table in (before, after))
    moved = ~np.asarray(pc.fill_null(pc.equal(old, new), False))
    below = np.bincount(unit, minlength=people).astype(np.float64)
    shares = by_group(np.bincount(unit, moved, people)[:, None], below[:, None], np.full(people, -1), 0)
    found = gaps.values(shares, plan.level)
    estimate = Interval(
        float(found.value[0]), float(found.low[0]), float(found.high[0]), people, plan.level,
        "clustered shares, Wilson arms",
    )  # fmt: skip
    yield Measure(
        "flip_rate", estimate, place, against, better="lower", why="answers that change, nothing else being changed"
    )
    if not subject.positive:
        return
    change = np.asarray(one(after["score"]).cast(pa.float64())) - np.asarray(one(before["score"]).cast(pa.float64()))
    kinds = (("flip_score_change", change, 0.0),) if signed else (("flip_score_distance", np.abs(change), None),)
    for metric, numbers, null in kinds:
        total = np.bincount(unit, numbers, people)
        mean = float(total.sum() / below.sum())
        yield linear(
            metric, mean, (total - mean * below) / below.sum(), plan.level, place, against, null=null,
            better="zero" if signed else "lower",
        )  # fmt: skip


def _some(rows: np.ndarray, plan: Plan, *names: str) -> np.ndarray:
    """Return at most plan.rows of ROWS, in their order."""
    if len(rows) <= plan.rows:
        return rows
    rng = generator(plan.seed, "assure.fair.flips", *names)
    return np.sort(rng.choice(rows, plan.rows, replace=False))
