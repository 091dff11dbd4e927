"""What the verb triage does: read launch reviews, forms or free text, and say tier, reasons and missing answers."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from consentinel.core.errors import BadInput, UsageError
from consentinel.core.page import Column, Html, Tone, badge, h, number, page, section, table, tiles
from consentinel.core.run import Outcome, Run, atomic
from consentinel.core.tables import LABEL, TEXT
from consentinel.core.text import one_line
from consentinel.understand.classifying.model import Answer, Classifier, load
from consentinel.understand.classifying.triage import TIERS, Criteria, Review, Triaged, criteria, triaged
from consentinel.understand.given import read_table

__all__ = ["triage"]

LARGEST, LONGEST = 16_000_000, 200_000  # bytes of a form file, characters of a review that are read
_REMEDY = "Give a list of reviews, each with a name, a text, and answers by criterion"
# One row is one launch review.
TRIAGE = pa.schema([
    ("run_id", LABEL), ("review", TEXT), ("tier", LABEL), ("at_least", LABEL), ("at_most", LABEL),
    ("needs_review", pa.bool_()),
    ("reasons", pa.list_(pa.struct([("criterion", TEXT), ("state", TEXT), ("said", TEXT), ("words", TEXT),
                                    ("cites", pa.list_(TEXT))]))),
    ("missing", pa.list_(TEXT)), ("model_tier", LABEL), ("model_p", pa.float64()), ("model_set", pa.list_(TEXT)),
])  # fmt: skip
_TONES: dict[str, Tone] = {"high": "danger", "medium": "caution", "low": "ok", "unsure": "warn"}


def triage(run: Run, path: Path, *, rules: Path | None, text: str, name: str, model: Path | None) -> Outcome:
    """Triage the reviews of PATH; arguments are those of the verb, which see."""
    by = criteria(run.read(rules) if rules else None)
    run.assume(criteria=by.version, tiers={"high": by.high, "medium": by.medium})
    reviews = _reviews(run, path, by, text, name)
    done = [triaged(one, by) for one in reviews]
    made = load(run.read(model)) if model else None
    answer = _modelled(made, reviews, model.name if model else "") if made else None
    rows = [_row(one, made, answer, at) for at, one in enumerate(done)]
    files = {"triage": run.keep("triage", pa.Table.from_pylist(rows, TRIAGE))}
    with atomic(run.out / "triage.html") as beside:
        beside.write_text(_page(done, rows, run.notes), "utf-8")
    files["page"] = run.kept(run.out / "triage.html")
    tiers = [row["tier"] for row in rows]
    counts = {tier: tiers.count(tier) for tier in ("high", "medium", "unsure", "low")}
    look = [row["needs_review"] for row in rows]
    certain = any(one.at_least != "low" for one in done)
    told = f"{len(rows):,} reviews: " + ", ".join(f"{n:,} {tier}" for tier, n in counts.items() if n)
    return Outcome(run, 1 if certain else 3 if any(look) else 0, files,
                   "\n".join([f"{told}; {sum(look):,} need a person", *run.notes]))  # fmt: skip


def _row(one: Triaged, made: Classifier | None, answer: Answer | None, at: int) -> dict[str, Any]:
    row: dict[str, Any] = {
        "review": one.review.name, "tier": one.tier, "at_least": one.at_least, "at_most": one.at_most,
        "needs_review": one.needs_review, "missing": [each.id for each in one.missing],
        "reasons": [
            {"criterion": why.criterion.id, "state": why.state, "said": why.said, "cites": list(why.criterion.cites),
             "words": one.review.text[why.start : why.end] if why.start >= 0 else None}
            for why in one.reasons
        ],
    }  # fmt: skip
    if made is not None and answer is not None:
        ids, top = made.taxonomy.ids, int(answer.p[at].argmax())
        inside = [ids[place] for place in answer.sets[at].nonzero()[0]]
        row |= {"model_tier": ids[top], "model_p": float(answer.p[at, top]), "model_set": inside}
        above = [tier for tier in inside if TIERS.index(tier) > TIERS.index(one.at_least)]
        if above or not inside:  # the past says that it may be worse than what is certain, or knows nothing like it
            row["needs_review"] = True
            said = f"past reviews like it were {', '.join(above)}" if above else "no past review is like it"
            row["reasons"].append({"criterion": "model", "state": "doubt", "said": said, "words": None,
                                   "cites": [made.part]})  # fmt: skip
    return row


def _modelled(made: Classifier, reviews: Sequence[Review], where: str) -> Answer:
    if set(made.taxonomy.ids) - set(TIERS) or not made.single:
        raise BadInput("does not say low, medium or high", where=where, todo="Train it on reviews with such labels")
    return made.answer([one.text for one in reviews])


def _reviews(run: Run, path: Path, by: Criteria, text: str, name: str) -> list[Review]:
    if path.suffix.lower() in (".json", ".toml"):
        rows = _form(run.read(path))
    else:
        found = read_table(run, path / "texts.parquet" if path.is_dir() else path)
        name = name or next((one for one in ("name", "text_id", "id") if one in found.column_names), "")
        for column in (one for one in (name, text) if one):
            if column not in found.column_names and column != "text":
                raise UsageError(f"no column '{column[:40]}'; there is: {', '.join(found.column_names[:30])}")
        ids = {one.id for one in by.each} & set(found.column_names)
        rows = [{"name": row.get(name), "text": row.get(text), "answers": {one: row[one] for one in ids}}
                for row in found.to_pylist()]  # fmt: skip
    if not rows:
        raise BadInput("there are no reviews", where=path.name, todo=_REMEDY)
    known, strange = {one.id for one in by.each}, 0
    reviews = []
    for at, row in enumerate(rows):
        answers = row.get("answers") or {}
        if not isinstance(answers, Mapping):
            raise BadInput(
                "answers are a table of criterion = answer", where=f"{path.name}, review {at + 1}", todo=_REMEDY
            )
        strange += len(set(answers) - known)
        said = {key: str(value) for key, value in answers.items() if value is not None}
        reviews.append(Review(one_line(str(row.get("name") or at + 1), 80), str(row.get("text") or "")[:LONGEST], said))
    if strange:
        run.note(f"{strange} answers are to no criterion and are not used")
    silent = sum(1 for one in reviews if not one.text and not one.answers)
    if silent:
        run.note(f"{silent} reviews have neither a text nor an answer")
    return reviews


def _form(path: Path) -> list[dict[str, Any]]:
    """Return the reviews of the JSON or TOML file PATH: a list, or `review` in a table. Raises BadInput."""
    if path.stat().st_size > LARGEST:
        raise BadInput(f"is larger than {LARGEST:,} bytes", where=path.name, todo="Split it")
    try:
        text = path.read_text("utf-8-sig")
        record = tomllib.loads(text) if path.suffix.lower() == ".toml" else json.loads(text)
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise BadInput("is no JSON or TOML in UTF-8", where=path.name, todo=_REMEDY) from None
    rows = record.get("review", [record]) if isinstance(record, dict) else record
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadInput("holds no list of reviews", where=path.name, todo=_REMEDY)
    return rows


def _page(done: Sequence[Triaged], rows: Sequence[Mapping[str, Any]], notes: Sequence[str]) -> str:
    counts = [(number(sum(row["tier"] == tier for row in rows)), tier, tone) for tier, tone in _TONES.items()]
    order = sorted(range(len(done)), key=lambda at: ("high", "unsure", "medium", "low").index(rows[at]["tier"]))
    head = [Column("review", wide=True), Column("tier", choose=True), Column("at most"), Column("reasons", wide=True),
            Column("ask", wide=True)]  # fmt: skip
    body = [
        (rows[at]["review"], badge(rows[at]["tier"], _TONES[rows[at]["tier"]]), rows[at]["at_most"],
         _why(rows[at]["reasons"]), h("ul", *(h("li", one.ask) for one in done[at].missing[:6]), class_="plain"))
        for at in order
    ]  # fmt: skip
    return page(
        "Launch reviews",
        h("header", h("p", "Consentinel · triage", class_="kicker"), h("h1", "Launch reviews"),
          tiles([(str(len(rows)), "reviews", None), *counts])),
        section("Tiers", table(head, body, caption="Reviews, those that matter most first"), anchor="tiers",
                note="A tier is unsure where an answer that is missing could raise it. Each reason cites what it rests "
                     "on; this sorts reviews and is no legal advice."),
        h("footer", h("ul", *(h("li", note) for note in notes), class_="plain") if notes else None),
    )  # fmt: skip


def _why(reasons: Sequence[Mapping[str, Any]]) -> Html:
    parts = []
    for one in reasons:
        words = f" “{one_line(one['words'], 40)}”" if one["words"] else ""
        parts.append(h("li", f"{one['criterion']} ({one['state']}; {one['said']}{words}): {', '.join(one['cites'])}"))
    return h("ul", *parts, class_="plain")
