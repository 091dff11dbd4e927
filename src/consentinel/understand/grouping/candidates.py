"""Which pairs are worth a look: near-duplicates, BM25 neighbours, neighbours by meaning, and reports about one subject.

All pairs of n records are n squared; what no way of looking brings together is not linked.
"""

import numpy as np
from numpy.typing import NDArray

from consentinel.core.extras import need
from consentinel.understand.grouping.evidence import Corpus
from consentinel.understand.grouping.near import near_duplicates
from consentinel.understand.grouping.vectors import Vectors, neighbours

__all__ = ["WAYS", "candidates"]

Ints = NDArray[np.int64]
WAYS = ("phrases", "words", "meaning", "subject")  # bit 0, 1, 2, 3 of what proposed a pair
NEAR = 0.4  # Jaccard similarity of phrases
EACH = 15  # neighbours by words and by meaning
FOLLOWING = 8  # reports about one subject that come after each
SPAN = 550.0  # days between them
K1, B = 1.5, 0.75  # BM25 (Robertson and Zaragoza 2009, section 3.4)
COMMON = 1000  # records: words in more of them propose no pair
MEANT = 30_000  # records: with more, meaning proposes none (all cosines are n squared)
AT_ONCE = 2_000_000


def candidates(corpus: Corpus, meant: Vectors, seed: int) -> tuple[Ints, Ints, Ints]:
    """Return pairs left < right, each once and in order, and the ways that proposed each, as bits of WAYS."""
    n = len(corpus.records.ids)
    near = near_duplicates(corpus.records.texts, NEAR, seed)
    found = [(near.left, near.right), _bm25(corpus)]
    found.append(neighbours(meant, EACH) if n <= MEANT else (near.left[:0], near.left[:0]))
    found.append(_subjects(corpus))
    packed = np.concatenate([left * n + right for left, right in found])
    way = np.repeat(1 << np.arange(len(found)), [len(left) for left, _ in found])
    pairs, at = np.unique(packed, return_inverse=True)
    ways = np.zeros(len(pairs), np.int64)
    np.bitwise_or.at(ways, at, way)
    return pairs // n, pairs % n, ways


def _bm25(corpus: Corpus) -> tuple[Ints, Ints]:
    """Return the pairs of each record with the EACH others of highest BM25 score for its words."""
    sparse = need("scipy.sparse", extra="learn")
    counts = corpus.counts
    n = counts.shape[0]
    often = np.bincount(counts.indices, minlength=counts.shape[1])
    kept = np.flatnonzero((often >= 2) & (often <= COMMON))
    if not len(kept):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    length = np.diff(corpus.words.ends) / max(np.diff(corpus.words.ends).mean(), 1.0)
    said = counts[:, kept].tocsr()
    rows = np.repeat(np.arange(n), np.diff(said.indptr))
    idf = np.log((n - often[kept] + 0.5) / (often[kept] + 0.5) + 1.0)
    weight = said.data * (K1 + 1) / (said.data + K1 * (1 - B + B * length[rows])) * idf[said.indices]
    scored = sparse.csr_array((weight, said.indices, said.indptr), shape=said.shape).T.tocsc()
    asked = sparse.csr_array((np.ones(len(said.data)), said.indices, said.indptr), shape=said.shape)
    found = []
    step = max(1, AT_ONCE // max(1, min(n, COMMON * 4)))
    for begin in range(0, n, step):
        part = (asked[begin : begin + step] @ scored).tocsr()
        sizes = np.diff(part.indptr)
        owner = np.repeat(np.arange(begin, begin + len(sizes)), sizes)
        other = part.indices.astype(np.int64)
        apart = owner != other
        owner, other, score = owner[apart], other[apart], part.data[apart]
        order = np.lexsort((other, -score, owner))
        owner, other = owner[order], other[order]
        rank = np.arange(len(owner)) - np.searchsorted(owner, owner)
        owner, other = owner[rank < EACH], other[rank < EACH]
        found.append(np.minimum(owner, other) * n + np.maximum(owner, other))
    pairs = np.unique(np.concatenate(found))
    return pairs // n, pairs % n


def _subjects(corpus: Corpus) -> tuple[Ints, Ints]:
    """Return pairs of records about one subject, each with the FOLLOWING next of at most SPAN days later."""
    codes = np.asarray(corpus.records.subject.dictionary_encode().indices.fill_null(-1), np.int64)
    days = corpus.records.days
    known = np.flatnonzero((codes >= 0) & ~np.isnan(days))
    order = known[np.lexsort((days[known], codes[known]))]
    left, right = [], []
    for step in range(1, FOLLOWING + 1):
        a, b = order[:-step], order[step:]
        near = (codes[a] == codes[b]) & (days[b] - days[a] <= SPAN)
        left.append(np.minimum(a, b)[near])
        right.append(np.maximum(a, b)[near])
    return np.concatenate(left), np.concatenate(right)
