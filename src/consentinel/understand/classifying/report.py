"""The page of a classification: how good it is, what it said, which labels are in doubt, and what to review next."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.core.page import (
    Cell,
    Column,
    Html,
    Tone,
    bars,
    h,
    intervals,
    matrix,
    number,
    page,
    section,
    table,
    tiles,
)
from consentinel.core.text import one_line
from consentinel.understand.classifying.examined import Measure
from consentinel.understand.classifying.model import Classifier

__all__ = ["written"]

MOST, LARGEST = 200, 25  # rows of a table, classes of a picture


def written(made: Classifier, tables: Mapping[str, pa.Table], found: Sequence[Measure], notes: Sequence[str]) -> str:
    """Return the page of TABLES (kept.py) that the classifier MADE gave, examined with what was FOUND."""
    classes = tables["classes"]
    unsure = int(pc.sum(classes["undecided"]).as_py() or 0)
    figures: list[tuple[str, str, Tone | None]] = [
        (number(classes.num_rows), "texts", None), (number(len(made.taxonomy.ids)), "classes", None),
        (number(unsure), "undecided", "caution" if unsure else "ok"),
    ]  # fmt: skip
    figures += [(f"{one.found.value:.3f}", one.name, "info") for one in found if not one.label]
    how = "One class of several holds." if made.single else "Any number of labels holds."
    parts = [
        section("Classes", _counts(classes), anchor="classes",
                note=f"{how} A set holds the true class with a chance of {made.level:.0%}, for texts like those that "
                     "were labelled; a text whose set has not exactly what is given is undecided."),
    ]  # fmt: skip
    if found:
        parts += [
            section("How good it is", _scores(found), anchor="measures",
                    note="On texts of other folds than the classifier was trained on, with 95% intervals."),
            section("What is taken for what", _confusion(tables["confusion"]), anchor="confusion",
                    note="Rows are labels that people gave, columns what was predicted."),
            section("Labels in doubt", _doubts(tables["doubts"]), anchor="doubts",
                    note="What classifiers that have not seen a text say against its label (confident learning)."),
        ]  # fmt: skip
    parts.append(section("Review next", _queue(tables["queue"]), anchor="queue",
                         note="Unsure, typical of many others, and unlike those above it in the list."))  # fmt: skip
    head = h("header", h("p", "Consentinel · classify", class_="kicker"), h("h1", "Classes of texts"), tiles(figures))
    foot = h("footer", h("ul", *(h("li", note) for note in notes), class_="plain") if notes else None,
             h("p", f"Learnt by {made.part}. A probability says how often such a label was right, not what is true of "
                    "one text."))  # fmt: skip
    return page("Classes of texts", head, *parts, foot)


def _counts(classes: pa.Table) -> Html:
    found = pc.value_counts(pc.list_flatten(classes["labels"])).to_pylist()
    rows = sorted(((one["values"], float(one["counts"])) for one in found), key=lambda row: -row[1])
    if not rows:
        return h("p", "No text was given a label.")
    return bars([(one_line(name, 60), n) for name, n in rows[:LARGEST]], caption="Texts by label given")


def _scores(found: Sequence[Measure]) -> Html:
    rows: list[tuple[str, tuple[float, float, float], Tone, str]] = [
        (one_line(one.label or one.name, 60), (one.found.value, one.found.low, one.found.high), "info",
         f"{one.found.value:.3f}")
        for one in found
        if (one.label or one.name.endswith("F1")) and np.isfinite([one.found.low, one.found.high]).all()
    ]  # fmt: skip
    return intervals(rows[: LARGEST + 2], caption="F1 of all, and of each class")


def _confusion(counts: pa.Table) -> Html:
    rows = counts.sort_by([("n", "descending")]).to_pylist()
    names = list(dict.fromkeys(name for row in rows for name in (row["given"], row["predicted"])))[:LARGEST]
    values = {(one_line(row["given"], 40), one_line(row["predicted"], 40)): float(row["n"]) for row in rows
              if row["given"] in names and row["predicted"] in names}  # fmt: skip
    shown = [one_line(name, 40) for name in names]
    return matrix(shown, shown, values, caption="Labels given by people and predicted")


def _doubts(found: pa.Table) -> Html:
    head = [Column("text"), Column("given", wide=True), Column("doubted"), Column("suggested"),
            Column("score", numeric=True)]  # fmt: skip
    rows = [
        (row["text_id"][:40], one_line(", ".join(row["given"]), 80), row["doubted"] or "–",  # noqa: RUF001
         row["suggested"] or "drop it", Cell(f"{row['score']:.2f}", row["score"]))
        for row in found.slice(0, MOST).to_pylist()
    ]  # fmt: skip
    return table(head, rows, caption=f"The first {len(rows)} of {found.num_rows:,}")


def _queue(found: pa.Table) -> Html:
    head = [Column("text"), Column("likeliest", choose=True), Column("p", numeric=True),
            Column("uncertainty", numeric=True), Column("density", numeric=True),
            Column("distance", numeric=True)]  # fmt: skip
    rows = [
        (row["text_id"][:40], row["label"],
         *(Cell(f"{row[name]:.2f}", row[name]) for name in ("p", "uncertainty", "density", "distance")))
        for row in found.slice(0, MOST).to_pylist()
    ]  # fmt: skip
    return table(head, rows, caption=f"The next {len(rows)} texts to label")
