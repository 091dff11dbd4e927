"""What the verb classify does: learn from labelled texts or open a model, examine it, and say the classes of texts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core.errors import BadInput, MissingExtra, UsageError
from consentinel.core.modelfile import tensors
from consentinel.core.run import Outcome, Run, atomic
from consentinel.understand.classifiers._grams import counted, rarity, weighed
from consentinel.understand.classifiers._kernel import MOST
from consentinel.understand.classifying import calibration, conformal, doubts, kept, marked, marking
from consentinel.understand.classifying.examined import Measure, blocks, examined, folds, measures
from consentinel.understand.classifying.model import Answer, Classifier, load, trained
from consentinel.understand.classifying.queue import queued
from consentinel.understand.classifying.report import written
from consentinel.understand.classifying.rows import Rows, labelled, read
from consentinel.understand.classifying.taxonomy import Taxonomy
from consentinel.understand.classifying.taxonomy import read as taxonomy_of
from consentinel.understand.shelves import CLASSIFIERS

__all__ = ["classify"]

FEWEST = 8  # labelled texts: of fewer nothing is learnt
Mask = NDArray[np.bool_]


def classify(
    run: Run, path: Path, *, text: str, labels: str, group: str, time: str, taxonomy: str, classifier: str,
    model: Path | None, level: float, folds_: int, queue: int, seed: int,
) -> Outcome:  # fmt: skip
    """Classify the texts of PATH; arguments are those of the verb, which see."""
    if not 0 < level < 1 or queue < 0:
        raise UsageError(f"level is in (0, 1) and queue at least 0; got {level} and {queue}")
    rows = read(run, path, text=text, labels="" if model else labels, group=group, time="" if model else time)
    if rows.marks is not None or (model is not None and tensors(run.read(model))[0].get("kind") == marking.KIND):
        if taxonomy or time:
            raise UsageError("labels that are spans of a text go without taxonomy and time")
        return marked.mark(run, rows, model, folds_, seed)
    tables: dict[str, pa.Table] = {}
    found: list[Measure] = []
    doubted = 0
    if model is not None:
        made = load(run.read(model))
        answer, held = made.answer(rows.texts), np.ones(len(rows.texts), bool)
    else:
        made, answer, held, looked, targets = _learnt(run, rows, taxonomy, classifier, level, seed)
        found, out = _examined(run, rows, made, looked, targets, folds_, seed, _rows(answer, looked))
        wrong = doubts.doubtful(out.p, targets, made.single)
        names = [rows.names[at] for at in looked]
        doubted = len(wrong[0])
        tables["doubts"] = kept.doubts(names, wrong, targets, made.taxonomy, made.single)
        tables["confusion"] = kept.confusion(out, targets, made.taxonomy)
        tables["measures"] = kept.measured(found)
        answer = _with(answer, looked, out)
        made.save(run.out / "classifier.safetensors")
    tables["classes"] = kept.classes(rows.names, answer, held, made.taxonomy, made.single)
    counts = counted(rows.texts)
    turns = queued(answer.p, weighed(counts, rarity(counts)), made.single, queue)
    tables["queue"] = kept.queue(rows.names, turns, answer, made.taxonomy)
    files = {name: run.keep(name, table) for name, table in tables.items()}
    with atomic(run.out / "classify.html") as beside:
        beside.write_text(written(made, tables, found, run.notes), "utf-8")
    files["page"] = run.kept(run.out / "classify.html")
    if model is None:
        files["model"] = run.kept(run.out / "classifier.safetensors")
    return Outcome(run, 0, files, _told(made, answer, found, doubted, run.notes))


def _learnt(
    run: Run, rows: Rows, taxonomy: str, classifier: str, level: float, seed: int
) -> tuple[Classifier, Answer, Mask, NDArray[np.int64], Mask]:
    """Return the classifier, what it says of all rows, which were held out, the labelled rows and their labels."""
    known = taxonomy_of(taxonomy) if taxonomy else Taxonomy.of_labels(
        label for said in rows.labels for label in said or ())  # fmt: skip
    looked, targets = labelled(run, rows, known)
    used: Mask = np.asarray(known.closed(targets).any(axis=0), bool)
    if len(looked) < FEWEST or used.sum() < 2:
        raise BadInput(f"{len(looked)} labelled texts of {int(used.sum())} classes", where="labels",
                       todo=f"Give at least {FEWEST} texts of two classes, or a trained --model")  # fmt: skip
    if not used.all():
        run.note(f"{int((~used).sum())} of {len(used)} classes have no text and are never given")
        known, targets = _only(known, targets, used)
    single = bool((targets.sum(axis=1) == 1).all()) and max(known.parents) < 0
    part = _part(run, classifier, len(looked))
    run.assume(classifier=part, one_class_of_several=single, level=level)
    texts = [rows.texts[at] for at in looked]
    weights = np.ones(len(texts)) if rows.days is None else calibration.recency(rows.days[looked])
    made, held = trained(part, texts, targets, known, single=single, level=level, seed=seed, weights=weights,
                         card={"texts": str(len(texts)), "seed": str(seed)})  # fmt: skip
    _few(run, weights, targets if single else known.closed(targets), single, level)
    others = np.setdiff1d(np.arange(len(rows.texts)), looked)
    rest = made.answer([rows.texts[at] for at in others]) if len(others) else None
    whole = _with(_blank(len(rows.texts), len(known.ids)), looked, held)
    return made, _with(whole, others, rest) if rest else whole, np.ones(len(rows.texts), bool), looked, targets


def _few(run: Run, weights: NDArray[np.float64], targets: Mask, single: bool, level: float) -> None:
    """Tell where there are too few labelled texts, by their WEIGHTS, for a set to leave anything out."""
    least = conformal.fewest(level)
    need = level / (1 - level) - 1e-6
    few = int((weights @ targets < need).sum())
    if single and weights.sum() < need:
        run.note(f"sets hold all classes: at level {level:g} they need {least} labelled texts")
    elif few and not single:
        run.note(f"{few} of {targets.shape[1]} classes have fewer than {least} labelled texts and are in every set")


def _examined(
    run: Run, rows: Rows, made: Classifier, looked: NDArray[np.int64], targets: Mask, many: int, seed: int, held: Answer
) -> tuple[list[Measure], Answer]:
    """Return the measures of classifiers trained on other folds, and what these say of each labelled text.

    With times, folds are blocks of time; the first, which nothing comes before, is measured by nobody and keeps HELD.
    """
    texts = [rows.texts[at] for at in looked]
    groups = np.unique(rows.groups[looked], return_inverse=True)[1].astype(np.int64)
    days = None if rows.days is None else rows.days[looked]
    fold = folds(groups, many, seed) if days is None else blocks(days, many)
    parts = examined(made.part, texts, targets, made.taxonomy, fold, single=made.single, level=made.level, seed=seed,
                     days=days)  # fmt: skip
    out, seen = held, np.zeros(len(texts), bool)
    for at, answer in run.each(parts, "examining", many if days is None else many - 1):
        out = _with(out, at, answer)
        seen[at] = True
    wanted = targets if made.single else made.taxonomy.closed(targets)
    return measures(_rows(out, seen), wanted[seen], made.taxonomy.ids, groups[seen], seed), out


def _part(run: Run, wanted: str, n: int) -> str:
    if wanted != "auto":
        return wanted
    if n > MOST:
        run.note(f"with more than {MOST:,} labelled texts, words and characters alone are learnt from")
        return "tfidf_linear"
    try:
        CLASSIFIERS.take("blend").card()
    except MissingExtra:
        run.note("the sentence encoder is not installed: words and characters alone are learnt from; see [text]")
        return "tfidf_linear"
    return "blend"


def _only(known: Taxonomy, targets: Mask, used: Mask) -> tuple[Taxonomy, Mask]:
    """Return the taxonomy and the targets without the classes that are not USED; a parent of a used one is used."""
    left = np.flatnonzero(used).tolist()
    place = {old: new for new, old in enumerate(left)}
    parents = [place.get(known.parents[old], -1) for old in left]
    also = {label: place[at] for label, at in known.also.items() if at in place}
    return Taxonomy(known.name, [known.ids[at] for at in left], [known.names[at] for at in left], parents,
                    also), targets[:, left]  # fmt: skip


def _blank(n: int, k: int) -> Answer:
    return Answer(np.zeros((n, k)), np.zeros((n, k), bool), np.zeros((n, k), bool))


def _rows(whole: Answer, rows: NDArray[Any]) -> Answer:
    return Answer(whole.p[rows], whole.given[rows], whole.sets[rows])


def _with(whole: Answer, rows: NDArray[np.int64], part: Answer) -> Answer:
    """Return WHOLE with PART in place of ROWS."""
    made = [np.array(getattr(whole, name)) for name in ("p", "given", "sets")]
    for array, name in zip(made, ("p", "given", "sets"), strict=True):
        array[rows] = getattr(part, name)
    return Answer(*made)


def _told(made: Classifier, answer: Answer, found: Sequence[Measure], doubted: int, notes: Sequence[str]) -> str:
    lines = [f"{len(answer.p):,} texts, {len(made.taxonomy.ids)} classes, by {made.part}"]
    for one in found:
        if not one.label:
            low = "" if np.isnan(one.found.low) else f" [{one.found.low:.3f}, {one.found.high:.3f}]"
            lines.append(f"{one.name}: {one.found.value:.3f}{low}")
    if found:
        lines.append(f"{doubted:,} given labels are in doubt")
    return "\n".join([*lines, *notes])
