"""What classify does where labels are spans of a text: learn to mark them, examine it on other folds, mark all."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core.errors import BadInput
from consentinel.core.page import Cell, Column, Html, Tone, h, intervals, number, page, section, table, tiles
from consentinel.core.resample import cluster_bootstrap, cluster_totals, ratio
from consentinel.core.run import Outcome, Run, atomic
from consentinel.core.stats import Interval
from consentinel.core.tables import LABEL, TEXT
from consentinel.core.text import one_line
from consentinel.understand.classifying import calibration, kept, marking
from consentinel.understand.classifying.examined import Measure, folds
from consentinel.understand.classifying.marking import Marker, Spans
from consentinel.understand.classifying.rows import Rows

__all__ = ["mark", "scored"]

FEWEST, SHOWN = 8, 200  # labelled texts to learn from, spans on the page
# One row is one span, found by a marker that was not taught with its text: characters start to end, not included.
SPANS = pa.schema([
    ("run_id", LABEL), ("text_id", TEXT), ("label", LABEL), ("start", pa.int64()), ("end", pa.int64()),
    ("words", TEXT), ("p", pa.float64()),
])  # fmt: skip


def mark(run: Run, rows: Rows, model: Path | None, many: int, seed: int) -> Outcome:
    """Mark the texts of ROWS by MODEL, or by what their spans teach, examined on MANY folds."""
    tables: dict[str, pa.Table] = {}
    found: list[Measure] = []
    if model is not None:
        made = marking.load(run.read(model))
        spans = made.spans(rows.texts)
    else:
        looked, true, kinds = _given(rows)
        texts, groups = [rows.texts[at] for at in looked], rows.groups[looked]
        made = marking.trained(texts, true, kinds, groups, seed)
        out = _examined(run, texts, true, made, groups, many, seed)
        found = scored(out, true, kinds, groups, seed)
        others = np.setdiff1d(np.arange(len(rows.texts)), looked)
        rest = made.spans([rows.texts[at] for at in others])
        spans = _joined([_moved(out, looked), _moved(rest, others)])
        tables["measures"] = kept.measured(found)
        run.assume(classifier="spans", kinds=len(kinds))
    tables["spans"] = _table(rows, spans, made)
    files = {name: run.keep(name, one) for name, one in tables.items()}
    with atomic(run.out / "classify.html") as beside:
        beside.write_text(_page(tables["spans"], found, len(rows.texts), run.notes), "utf-8")
    files["page"] = run.kept(run.out / "classify.html")
    if model is None:
        files["model"] = run.kept(made.save(run.out / "marker.safetensors"))
    said = [f"{len(spans.p):,} spans of {len(made.kinds)} kinds in {len(rows.texts):,} texts"]
    said += [f"{one.name}: {one.found.value:.3f}" for one in found if not one.label]
    return Outcome(run, 0, files, "\n".join([*said, *run.notes]))


def scored(found: Spans, true: Spans, kinds: Sequence[str], groups: NDArray[np.int64], seed: int) -> list[Measure]:
    """Return the measures of spans FOUND against TRUE: a span is right when kind and both ends are; whole GROUPS (one
    for each text) are drawn for intervals."""
    right = found.right(true)
    all_ = _counts(found, right, true, np.ones(len(kinds), bool), groups)
    pairs = {"span F1": (2 * all_[:, 0], all_[:, 1] + all_[:, 2]), "span precision": (all_[:, 0], all_[:, 1]),
             "span recall": (all_[:, 0], all_[:, 2])}  # fmt: skip
    made = [Measure(name, "", _ratio(*pair, seed)) for name, pair in pairs.items() if pair[1].any()]
    if len(right):
        off = calibration.error(found.p[:, None], right[:, None])
        made.append(Measure("calibration error", "", Interval(off, np.nan, np.nan, len(right), 0.95, "")))
    for at, name in enumerate(kinds):
        each = _counts(found, right, true, np.arange(len(kinds)) == at, groups)
        if (each[:, 1] + each[:, 2]).any():
            made.append(Measure("F1", name, _ratio(2 * each[:, 0], each[:, 1] + each[:, 2], seed)))
    return made


def _counts(
    found: Spans, right: NDArray[np.bool_], true: Spans, kinds: NDArray[np.bool_], groups: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return for each group how many spans of KINDS are right, were found, and are true: shape (groups, 3)."""
    n = len(groups)
    mine, theirs = kinds[found.kind], kinds[true.kind]
    each = [found.text[right & mine], found.text[mine], true.text[theirs]]
    return cluster_totals(np.stack([np.bincount(one, minlength=n) for one in each], axis=1), groups)


def _ratio(top: NDArray[np.float64], bottom: NDArray[np.float64], seed: int) -> Interval:
    return cluster_bootstrap(np.stack([top, bottom], axis=1), np.arange(len(top)), ratio, seed=seed)


def _given(rows: Rows) -> tuple[NDArray[np.int64], Spans, list[str]]:
    """Return which rows people marked, their spans, and the kinds of these. Raises BadInput."""
    marks = rows.marks or []
    looked = np.array([at for at, one in enumerate(marks) if one is not None], np.int64)
    kinds = sorted({label for one in marks for label, _, _ in one or ()})
    if len(looked) < FEWEST or not kinds:
        raise BadInput(f"{len(looked)} texts were looked at, with {len(kinds)} kinds of spans", where="labels",
                       todo=f"Give at least {FEWEST} texts, some with spans, or a trained --model")  # fmt: skip
    made = []
    for row, at in enumerate(looked.tolist()):
        for label, start, end in marks[at] or ():
            if not 0 <= start < end <= len(rows.texts[at]):
                raise BadInput("a span ends outside its text or has no length", where=f"text {rows.names[at][:40]}",
                               todo="Count characters from 0; end is the one behind the last")  # fmt: skip
            made.append((row, start, end, kinds.index(label)))
    text, start, end, kind = np.array(sorted(set(made)), np.int64).T
    return looked, Spans(text, start, end, kind, np.ones(len(text))), kinds


def _examined(
    run: Run, texts: Sequence[str], true: Spans, made: Marker, groups: NDArray[np.int64], many: int, seed: int
) -> Spans:
    """Return the spans of TEXTS by markers trained on other folds."""
    fold = folds(np.unique(groups, return_inverse=True)[1].astype(np.int64), many, seed)
    parts = []
    for one in run.each(range(many), "examining", many):
        inside, outside = np.flatnonzero(fold != one), np.flatnonzero(fold == one)
        place = np.full(len(texts), -1)
        place[inside] = np.arange(len(inside))
        some = true.of(place[true.text] >= 0)
        known = Spans(place[some.text], some.start, some.end, some.kind, some.p)
        marker = marking.trained([texts[at] for at in inside.tolist()], known, made.kinds, groups[inside], seed)
        parts.append(_moved(marker.spans([texts[at] for at in outside.tolist()]), outside))
    return _joined(parts)


def _moved(spans: Spans, rows: NDArray[np.int64]) -> Spans:
    """Return SPANS of texts that are called ROWS."""
    return Spans(rows[spans.text], spans.start, spans.end, spans.kind, spans.p)


def _joined(parts: Sequence[Spans]) -> Spans:
    whole = Spans(*(np.concatenate([getattr(one, name) for one in parts])
                    for name in ("text", "start", "end", "kind", "p")))  # fmt: skip
    return whole.of(np.lexsort((whole.kind, whole.start, whole.text)))


def _table(rows: Rows, spans: Spans, made: Marker) -> pa.Table:
    lead, kinds = rows.lead[spans.text], np.array(made.kinds, object)
    words = [one_line(rows.texts[at][start:end], 80) for at, start, end, _ in spans.listed()]
    return pa.table({
        "run_id": pa.nulls(len(words), pa.string()), "text_id": [rows.names[at] for at in spans.text.tolist()],
        "label": pa.array(kinds[spans.kind], pa.string()), "start": spans.start + lead, "end": spans.end + lead,
        "words": pa.array(words, pa.string()), "p": spans.p,
    }).cast(SPANS)  # fmt: skip


def _page(spans: pa.Table, found: Sequence[Measure], texts: int, notes: Sequence[str]) -> str:
    figures: list[tuple[str, str, Tone | None]] = [
        (number(texts), "texts", None), (number(spans.num_rows), "spans", None),
    ]  # fmt: skip
    rows: list[tuple[str, tuple[float, float, float], Tone, str]] = [
        (one_line(one.label or one.name, 60), (one.found.value, one.found.low, one.found.high), "info",
         f"{one.found.value:.3f}")
        for one in found if np.isfinite([one.found.low, one.found.high]).all()
    ]  # fmt: skip
    good = section("How good it is", intervals(rows, caption="All kinds, and the F1 of each"), anchor="measures",
                   note="On texts of other folds than it was trained on, with 95% intervals; a span is right when its "
                        "kind and both its ends are.")  # fmt: skip
    foot = h("footer", h("ul", *(h("li", note) for note in notes), class_="plain") if notes else None)
    return page("Marked texts", h("header", h("p", "Consentinel · classify", class_="kicker"),
                                  h("h1", "Marked texts"), tiles(figures)),
                good if rows else None,
                section("Spans", _spans(spans), anchor="spans",
                        note="A chance says how often such a span was right in texts it was not learnt from."),
                foot)  # fmt: skip


def _spans(spans: pa.Table) -> Html:
    head = [Column("text"), Column("kind", choose=True), Column("words", wide=True), Column("p", numeric=True)]
    rows = [(row["text_id"][:40], row["label"], row["words"], Cell(f"{row['p']:.2f}", row["p"]))
            for row in spans.slice(0, SHOWN).to_pylist()]  # fmt: skip
    return table(head, rows, caption=f"The first {len(rows)} of {spans.num_rows:,}")
