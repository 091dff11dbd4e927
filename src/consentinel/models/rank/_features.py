"""Lexical evidence that a document answers a question: the features that learnt rankers of texts weigh."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.extras import need
from consentinel.models.rank._index import Index, counts, top
from consentinel.models.rank._lexicon import Lexicon
from consentinel.models.rank._terms import Terms

__all__ = ["NAMES", "Candidates", "Evidence", "standardised"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NAMES = ("bm25", "flat_bm25", "likelihood", "lead", "phrase", "near", "expanded", "cosine", "covered", "length")
K1, B, MU, WINDOW = 1.2, 0.75, 1000.0, 8
FEEDBACK, EXPANSION, KEPT = 10, 40, 0.5  # documents that are taken for relevant, terms added, weight of the question
_AT_ONCE = 256  # questions whose scores are held at once


@dataclass(frozen=True)
class Candidates:
    """Pairs of question and document worth a closer look, by question, and their features; shapes (n,) and (n, f)."""

    query: Ints
    item: Ints
    features: Floats


def standardised(query: Ints, features: Floats) -> Floats:
    """Return FEATURES (n, f) with mean 0 and deviation 1 within each QUERY (n,), sorted; constant ones become 0."""
    if not len(query):
        return features
    starts = np.flatnonzero(np.append(True, query[1:] != query[:-1]))
    many = np.diff(np.append(starts, len(query)))
    off = features - np.repeat(np.add.reduceat(features, starts) / many[:, None], many, axis=0)
    spread = np.sqrt(np.add.reduceat(off * off, starts) / many[:, None])
    return np.asarray(off / np.repeat(np.where(spread > 1e-9, spread, np.inf), many, axis=0))


@dataclass(frozen=True)
class Evidence:
    """What the documents of a lexicon say about questions."""

    lexicon: Lexicon

    @cached_property
    def _matrices(self) -> dict[str, Any]:
        """What each term adds by feature, shape (terms, documents)."""
        index = self.lexicon.index
        cosine = index.counts.astype(np.float64)
        cosine.data = (1 + np.log(cosine.data)) * index.rarity[cosine.indices]
        long = np.sqrt(np.asarray(cosine.multiply(cosine).sum(axis=1)).ravel())
        cosine.data /= np.repeat(long, np.diff(cosine.indptr))
        covered = index.counts.astype(np.float64)
        covered.data = index.rarity[covered.indices]
        made = {
            "bm25": index.bm25(K1, B),
            "flat_bm25": index.bm25(2 * K1, B / 2),
            "likelihood": index.likelihood(MU),
            "lead": self.lexicon.leads.bm25(K1, B),
            "cosine": cosine,
            "covered": covered,
        }
        return {name: matrix.T.tocsr() for name, matrix in made.items()}

    def candidates(
        self, asked: Terms, depth: int, names: Sequence[str] = NAMES, also: tuple[Ints, Ints] | None = None
    ) -> Candidates:
        """Return the DEPTH best documents by BM25 and by the expanded question of each of the questions ASKED, and the
        pairs (question, document) given ALSO, with the features NAMES."""
        blocks = []
        for start in range(0, len(asked.starts) - 1, _AT_ONCE):
            ends = asked.starts[start : start + _AT_ONCE + 1]
            few = Terms(asked.tokens[ends[0] : ends[-1]], ends - ends[0])
            more = [pair[(also[0] >= start) & (also[0] < start + _AT_ONCE)] for pair in also] if also else []
            found = self._few(few, depth, names, [(more[0] - start, more[1])] if also else [])
            blocks.append(Candidates(found.query + start, found.item, found.features))
        if not blocks:
            return Candidates(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, len(names))))
        columns = ("query", "item", "features")
        return Candidates(*(np.concatenate([getattr(block, name) for block in blocks]) for name in columns))

    def _few(self, asked: Terms, depth: int, names: Sequence[str], also: list[tuple[Ints, Ints]]) -> Candidates:
        question, matrices, index = counts(asked, len(self.lexicon.vocabulary)), self._matrices, self.lexicon.index
        scores = {name: question @ matrices[name] for name in matrices if name in (*names, "bm25", "likelihood")}
        scores["expanded"] = self._expanded(question, scores["likelihood"], asked.lengths) @ matrices["bm25"]
        documents = index.counts.shape[0]
        pairs = [top(scores[name], depth)[:2] for name in ("bm25", "expanded")] + also
        pair = np.unique(np.concatenate([query * documents + item for query, item in pairs]))
        query, item = pair // documents, pair % documents
        found = {name: _at(matrix, query, item) for name, matrix in scores.items() if name in names}
        if "likelihood" in names:
            found["likelihood"] -= asked.lengths[query] * np.log(index.lengths[item] + MU)
        if "length" in names:
            found["length"] = np.log1p(index.lengths[item])
        if "phrase" in names or "near" in names:
            found["phrase"], found["near"] = (_at(matrix, query, item) for matrix in self._together(asked))
        return Candidates(query, item, np.stack([found[name] for name in names], axis=1))

    def _expanded(self, question: Any, likelihood: Any, lengths: Ints) -> Any:
        """Return the questions with terms of the documents that are nearest to them, weights summing to 1.

        Source: RM3, Abdul-Jaleel et al. 2004 (relevance model of Lavrenko and Croft 2001 mixed with the question).
        """
        sparse = need("scipy.sparse", extra="models")
        penalty = np.log(self.lexicon.index.lengths + MU)
        row = np.repeat(np.arange(likelihood.shape[0]), np.diff(likelihood.indptr))
        exact = sparse.csr_matrix(
            (likelihood.data - lengths[row] * penalty[likelihood.indices], likelihood.indices, likelihood.indptr),
            likelihood.shape,
        )
        query, item, score = top(exact, FEEDBACK)
        highest = np.full(question.shape[0], -np.inf)
        np.maximum.at(highest, query, score)
        weight = np.exp(score - highest[query]) / np.maximum(self.lexicon.index.lengths[item], 1)
        model = sparse.csr_matrix((weight, (query, item)), likelihood.shape) @ self.lexicon.index.counts
        query, term, share = top(model, EXPANSION)
        shares = np.bincount(query, weights=share, minlength=question.shape[0])[query]
        added = sparse.csr_matrix((share / shares, (query, term)), question.shape)
        own = sparse.diags_array(1 / np.maximum(np.asarray(question.sum(axis=1)).ravel(), 1)) @ question
        return (KEPT * own + (1 - KEPT) * added).tocsr()

    def _together(self, asked: Terms) -> tuple[Any, Any]:
        """Return BM25 of neighbouring terms of the questions that are neighbours in a document, and that stand there
        within WINDOW terms of one another in any order; shapes (questions, documents).

        Source: the ordered and unordered windows of Metzler and Croft 2005, weighed as BM25 weighs terms.
        """
        inside = asked.owners[:-1] == asked.owners[1:]
        first, second = (side.astype(np.int64)[inside] for side in (asked.tokens[:-1], asked.tokens[1:]))
        owner, width, questions = asked.owners[:-1][inside], len(self.lexicon.vocabulary), len(asked.starts) - 1
        low, high = np.minimum(first, second), np.maximum(first, second)
        return (
            self._windows(owner, first * width + second, questions, 1),
            self._windows(owner, low * width + high, questions, WINDOW),
        )

    def _windows(self, owner: Ints, keys: Ints, questions: int, window: int) -> Any:
        """Return the BM25 scores (questions, documents) of the pairs KEYS of the questions OWNER, ordered and adjacent
        for a WINDOW of 1."""
        sparse = need("scipy.sparse", extra="models")
        wanted, code = np.unique(keys, return_inverse=True)
        terms, width = self.lexicon.terms, len(self.lexicon.vocabulary)
        tokens, owners = terms.tokens.astype(np.int64), terms.owners
        rows, columns = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        for gap in range(1, min(window + 1, len(tokens))) if len(wanted) else ():
            one, two = tokens[:-gap], tokens[gap:]
            key = one * width + two if window == 1 else np.minimum(one, two) * width + np.maximum(one, two)
            at = np.minimum(np.searchsorted(wanted, key), len(wanted) - 1)
            hit = (wanted[at] == key) & (owners[:-gap] == owners[gap:])
            rows.append(owners[:-gap][hit])
            columns.append(at[hit])
        row, column = np.concatenate(rows), np.concatenate(columns)
        found = sparse.csr_matrix((np.ones(len(row)), (row, column)), (len(terms.starts) - 1, len(wanted)))
        found.sum_duplicates()
        asked = sparse.csr_matrix((np.ones(len(owner)), (owner, code.ravel())), (questions, len(wanted)))
        return (asked @ Index(found, self.lexicon.index.lengths).bm25(K1, B).T).tocsr()


def _at(scores: Any, query: Ints, item: Ints) -> Floats:
    """Return the values of the sparse matrix SCORES at QUERY and ITEM; shape (n,)."""
    if not len(query):
        return np.zeros(0)
    found = scores.tocsr()
    found.sort_indices()  # sorted rows are searched by halving, others from end to end
    return np.asarray(found[query, item], np.float64).ravel()
