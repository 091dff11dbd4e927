"""Exact lexical scores of documents for questions: sparse matrices of term weights (BM25, query likelihood)."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.extras import need
from consentinel.models.rank._terms import Terms

__all__ = ["Index", "counts", "top"]

Floats = NDArray[np.float64]
Sparse = Any  # scipy.sparse.csr_matrix


@dataclass(frozen=True)
class Index:
    """How often each term stands in each document, a sparse matrix of shape (documents, terms), and how long documents
    are; shape (documents,)."""

    counts: Sparse
    lengths: Floats

    @staticmethod
    def of(terms: Terms, width: int) -> "Index":
        """Return the index of TERMS over a vocabulary of WIDTH terms."""
        return Index(counts(terms, width), terms.lengths.astype(np.float64))

    @cached_property
    def rarity(self) -> Floats:
        """Inverse document frequency of each term, ln(1 + (N - n + 0.5) / (n + 0.5)); shape (terms,)."""
        there = np.bincount(self.counts.indices, minlength=self.counts.shape[1])
        return np.asarray(np.log1p((self.counts.shape[0] - there + 0.5) / (there + 0.5)))

    def bm25(self, k1: float, b: float) -> Sparse:
        """Return what each term of each document adds to a score, shape (documents, terms).

        idf * f / (f + k1 * (1 - b + b * length / mean length)). Source: Robertson and Zaragoza 2009, section 3, with
        the never negative idf of Lucene and without the constant factor k1 + 1, which changes no order.
        """
        mean = self.lengths.mean() or 1.0
        norm = k1 * (1 - b + b * self.lengths / mean)
        return self._weighted(lambda f, document, term: self.rarity[term] * f / (f + norm[document]))

    def likelihood(self, mu: float) -> Sparse:
        """Return ln(1 + f / (mu * p(term | collection))) of each term and document, shape (documents, terms).

        With `-terms * ln(length + mu)` added it is the query likelihood under Dirichlet smoothing, but for a constant
        of the question. Source: Zhai and Lafferty 2004, section 3.2.
        """
        total = np.asarray(self.counts.sum(axis=0), np.float64).ravel()
        share = total / (total.sum() or 1.0)
        return self._weighted(lambda f, _, term: np.log1p(f / (mu * share[term])))

    def _weighted(self, weight: Any) -> Sparse:
        found = self.counts.astype(np.float64)
        documents = np.repeat(np.arange(found.shape[0]), np.diff(found.indptr))
        found.data = weight(found.data, documents, found.indices)
        return found


def counts(terms: Terms, width: int) -> Sparse:
    """Return the sparse matrix (texts, WIDTH) of how often each known term stands in each text, terms in order."""
    sparse = need("scipy.sparse", extra="models")
    known = terms.tokens >= 0
    made = sparse.csr_matrix(
        (np.ones(int(known.sum())), (terms.owners[known], terms.tokens[known])), shape=(len(terms.starts) - 1, width)
    )
    made.sum_duplicates()
    return made


def top(scores: Sparse, k: int) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Return (row, column, value) of the at most K highest stored values of each row, rows in order, best first.

    Equal values stand by column.
    """
    scores = scores.tocsr()
    row = np.repeat(np.arange(scores.shape[0]), np.diff(scores.indptr))
    order = np.lexsort((scores.indices, -scores.data, row))
    row = row[order]
    rank = np.arange(len(row)) - scores.indptr[row]
    kept = order[rank < k]
    return row[rank < k], scores.indices[kept].astype(np.int64), scores.data[kept]
