"""What rankers of texts learn from: the DOCUMENTS rows taken apart into documents, questions and judgments."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.core.columns import one
from consentinel.core.errors import BadInput, UsageError
from consentinel.models.rows import RANKED

__all__ = [
    "DEPTH",
    "Asked",
    "Collection",
    "Judged",
    "answered",
    "asked",
    "best",
    "collection",
    "judged",
    "plain",
    "ranked",
]

DEPTH = 1000  # rows answered for a question that asks for no number: the depth of TREC runs


@dataclass(frozen=True)
class Collection:
    """Documents (items and texts), questions (queries and texts), and judgments as row numbers of both with labels."""

    items: pa.Array
    texts: pa.Array
    queries: pa.Array
    questions: pa.Array
    query: NDArray[np.int64]
    item: NDArray[np.int64]
    label: NDArray[np.float64]


@dataclass(frozen=True)
class Asked:
    """Questions to answer: ids, texts, and how many rows each wants."""

    queries: pa.Array
    texts: pa.Array
    k: NDArray[np.int64]


def collection(rows: pa.Table, who: str) -> Collection:
    """Take ROWS apart: a document has item and text, a question query and text, a judgment query, item and label.

    Raises UsageError for missing columns and tables without a document, BadInput for ids that stand twice, judgments
    of what is not there, and rows that are none of the three; WHO is named in messages.
    """
    texts, items, queries = plain(rows, "text", who), plain(rows, "item", who), plain(rows, "query", who)
    label = np.asarray(pc.fill_null(one(rows["label"]).cast(pa.float64()), np.nan) if "label" in rows.column_names
                       else np.full(rows.num_rows, np.nan))  # fmt: skip
    told, asks, names = (np.asarray(pc.is_valid(column)) for column in (texts, queries, items))
    document, question, pair = told & names & ~asks, told & asks & ~names, asks & names & ~told
    other = np.flatnonzero(~(document | question | pair))
    if len(other):
        raise BadInput(
            f"row {other[0] + 1} is no document (item, text), question (query, text) or judgment (query, item, label)",
            where=who, todo="Leave null what does not apply",
        )  # fmt: skip
    if not document.any():
        raise UsageError(f"{who}: there is no document; give rows with item and text")
    known, said = items.filter(pa.array(document)), queries.filter(pa.array(question))
    for column, name in ((known, "document"), (said, "question")):
        if len(column.unique()) != len(column):
            raise BadInput(f"a {name} stands twice", where=who, todo="Give each one row")
    of_query = pc.index_in(queries.filter(pa.array(pair)), value_set=said)
    of_item = pc.index_in(items.filter(pa.array(pair)), value_set=known)
    if of_query.null_count or of_item.null_count:
        raise BadInput(
            f"{of_query.null_count} judgments name a question and {of_item.null_count} a document that is not there",
            where=who, todo="Give a row with text for each",
        )  # fmt: skip
    worth = label[pair]
    if not (np.isfinite(worth) & (worth >= 0)).all():
        raise BadInput(
            "a judgment's label is missing, not finite or below 0", where=who, todo="Labels are 0, 1, 2, ..."
        )
    return Collection(
        known, texts.filter(pa.array(document)), said, texts.filter(pa.array(question)),
        np.asarray(of_query, np.int64), np.asarray(of_item, np.int64), worth,
    )  # fmt: skip


@dataclass(frozen=True)
class Judged:
    """Questions that have a judgment above 0, and all labels of them: sorted codes of (question, document)."""

    questions: pa.Array
    documents: int
    pairs: NDArray[np.int64]
    worth: NDArray[np.float64]

    def labels(self, query: NDArray[np.int64], item: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the labels of pairs of row numbers QUERY and ITEM, 0 where there is no judgment; shape (n,)."""
        wanted = query * self.documents + item
        at = np.minimum(np.searchsorted(self.pairs, wanted), len(self.pairs) - 1)
        return np.where(self.pairs[at] == wanted, self.worth[at], 0.0)


def judged(found: Collection) -> Judged:
    """Return the questions FOUND that have a judgment above 0, in order; of a pair judged twice the highest counts."""
    kept = np.unique(found.query[found.label > 0])
    mine = np.isin(found.query, kept)
    query, item, label = np.searchsorted(kept, found.query[mine]), found.item[mine], found.label[mine]
    order = np.lexsort((-label, query * len(found.items) + item))
    pairs, first = np.unique((query * len(found.items) + item)[order], return_index=True)
    return Judged(found.questions.take(pa.array(kept)), len(found.items), pairs, label[order][first])


def asked(rows: pa.Table, who: str, depth: int = DEPTH) -> Asked:
    """Return the questions in ROWS (query, text[, k], DEPTH without); raises UsageError or BadInput naming WHO."""
    queries, texts = plain(rows, "query", who), plain(rows, "text", who)
    k = one(rows["k"]).cast(pa.int64()) if "k" in rows.column_names else pa.nulls(len(queries), pa.int64())
    k = np.asarray(pc.fill_null(k, depth), np.int64)
    if queries.null_count or texts.null_count:
        raise BadInput("a question has no query or no text", where=who, todo="Give both; an empty text finds nothing")
    if len(queries.unique()) != len(queries):
        raise BadInput("a question stands twice", where=who, todo="Ask each once")
    if (k < 1).any():
        raise UsageError(f"{who}: k, the number of answers, is at least 1; got {k.min()}")
    return Asked(queries, texts, k)


def plain(rows: pa.Table, name: str, who: str) -> pa.Array:
    """Return the text column NAME of ROWS as one array of strings; raises UsageError where there is none."""
    if name not in rows.column_names:
        raise UsageError(f"{who} needs the column '{name}'; there is: {', '.join(rows.column_names) or 'none'}")
    return one(rows[name].cast(pa.string()))


def best(query: NDArray[np.int64], score: NDArray[np.float64], item: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the order of rows: by query as asked, best score first, equal scores by number of the item."""
    return np.lexsort((item, -score, query))


def ranked(queries: pa.Array, items: pa.Array, scores: NDArray[np.float64]) -> pa.Table:
    """Return QUERIES, ITEMS and SCORES of rows in their order as RANKED."""
    return pa.table([queries, items, scores], names=RANKED.names).cast(RANKED)


def answered(
    questions: Asked, items: pa.Array, query: NDArray[np.int64], item: NDArray[np.int64], score: NDArray[np.float64]
) -> pa.Table:
    """Return as RANKED the rows that QUESTIONS want of those found: row numbers of question and document, and SCORE."""
    order = best(query, score, item)
    query, item, score = query[order], item[order], score[order]
    first = np.searchsorted(query, np.arange(len(questions.k)))
    few = np.arange(len(query)) - first[query] < questions.k[query] if len(query) else np.zeros(0, bool)
    return ranked(questions.queries.take(pa.array(query[few])), items.take(pa.array(item[few])), score[few])
