"""What speaks for and against two records being one case, pair by pair, each piece a number that a person can read.

Words weigh by their rarity (inverse document frequency), as reports of one office share all their phrases; names that
only a few records share say more than a thousand common words.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.core.extras import need
from consentinel.understand.grouping.near import overlap
from consentinel.understand.grouping.records import Records
from consentinel.understand.grouping.words import Words, shingles, words

__all__ = ["PIECES", "RARE_IN", "Corpus"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
# A word is rare in at most this many records, or this share of them where that is more; in few records, a larger share.
RARE_IN, RARE_SHARE, RARE_OF_FEW = 30, 0.005, 0.15
# What is read of a pair, in the order of the columns of `Corpus.evidence`: names as people see them.
PIECES = (
    "same words", "same phrases", "one text within the other", "rare words shared", "copied words", "copied phrases",
    "a copy within the other", "no fields", "subject close", "dates close", "same day",
    "dates close and same words", "months apart", "same category", "same region", "same number of people",
    "subject close and dates close",
)  # fmt: skip


@dataclass(frozen=True)
class Corpus:
    """The records with all that is worked out once for them."""

    records: Records

    @cached_property
    def words(self) -> Words:
        """Words of the texts."""
        return words(self.records.texts)

    @cached_property
    def _shingles(self) -> tuple[NDArray[np.uint64], Ints]:
        return shingles(self.words)

    @cached_property
    def counts(self) -> Any:
        """How often each record says each word, a sparse matrix (n, words)."""
        return _counted(self.words)

    @cached_property
    def idf(self) -> Floats:
        """Inverse document frequency of each word, smoothed."""
        return _idf(self.counts)

    @cached_property
    def tfidf(self) -> Any:
        """Rows of unit length, a sparse matrix (n, words); logarithmic term frequency."""
        return _weighed(self.counts, self.idf)

    @cached_property
    def rare(self) -> Any:
        """Inverse document frequency of the rare words that each record says, a sparse matrix (n, words)."""
        sparse = need("scipy.sparse", extra="learn")
        there = self.counts.copy()
        there.data[:] = 1.0
        n = there.shape[0]
        most = max(2, int(RARE_SHARE * n), min(RARE_IN, int(RARE_OF_FEW * n)))
        often = np.asarray(there.sum(axis=0)).ravel()
        lettered = np.array([len(name) > 2 and name != "0" for name in self.words.names], bool)
        weight = np.where((often >= 2) & (often <= most) & lettered, self.idf, 0.0)
        found = (there @ sparse.diags_array(weight)).tocsr()
        found.eliminate_zeros()
        return found

    @cached_property
    def subjects(self) -> Any:
        """Names of subjects as rows of unit length, a sparse matrix."""
        found = _counted(words(self.records.subject))
        return _weighed(found, _idf(found))

    def evidence(self, left: Ints, right: Ints) -> Floats:
        """Return PIECES of each pair, shape (pairs, len(PIECES)); each is 0 where it says nothing."""
        of = self.records
        fields = of.incident[left] & of.incident[right]
        alone = ~fields
        same_words = _dots(self.tfidf, left, right)
        phrases, within = overlap(*self._shingles, left, right)
        rare = np.log1p(_shared(self.rare, left, right))
        apart = np.abs(of.days[left] - of.days[right])
        dated = ~np.isnan(apart)
        near = np.where(dated, np.exp(-apart / 30.0), 0.0)
        subject = np.minimum(_dots(self.subjects, left, right), 1.0)
        columns = [
            same_words * fields, phrases * fields, within * fields, rare * fields,
            same_words * alone, phrases * alone, within * alone, alone,
            subject, near, apart < 1.5, near * same_words, np.where(dated, np.minimum(apart / 365.0, 2.0), 0.0),
            _equal(of.category, left, right), _equal(of.region, left, right),
            _equal_numbers(of.people[left], of.people[right]), subject * near,
        ]  # fmt: skip
        return np.stack(columns, axis=1).astype(np.float64)

    def shared_words(self, left: Ints, right: Ints, most: int = 5) -> list[list[str]]:
        """Return the rarest words that the records of each pair share, rarest first."""
        both = self.rare[left].minimum(self.rare[right]).tocsr()
        lines = []
        for begin, end in pairwise(both.indptr.tolist()):
            order = np.lexsort((both.indices[begin:end], -both.data[begin:end]))[:most] + begin
            lines.append([self.words.names[column] for column in both.indices[order]])
        return lines


def _counted(found: Words) -> Any:
    sparse = need("scipy.sparse", extra="learn")
    shape = (len(found.ends) - 1, max(len(found.names), 1))
    made = sparse.csr_array((np.ones(len(found.codes)), found.codes, found.ends), shape=shape)
    made.sum_duplicates()
    return made


def _idf(counts: Any) -> Floats:
    often = np.bincount(counts.indices, minlength=counts.shape[1])
    return np.asarray(np.log((1 + counts.shape[0]) / (1 + often)) + 1.0)


def _weighed(counts: Any, idf: Floats) -> Any:
    made = counts.copy()
    made.data = (1.0 + np.log(made.data)) * idf[made.indices]
    rows = np.repeat(np.arange(made.shape[0]), np.diff(made.indptr))
    length = np.sqrt(np.bincount(rows, made.data**2, minlength=made.shape[0]))
    made.data = made.data / length[rows]
    return made


def _dots(rows: Any, left: Ints, right: Ints, at_once: int = 50_000) -> Floats:
    parts = [
        np.asarray(rows[left[at : at + at_once]].multiply(rows[right[at : at + at_once]]).sum(axis=1)).ravel()
        for at in range(0, len(left), at_once)
    ]
    return np.concatenate(parts) if parts else np.zeros(0)


def _shared(rows: Any, left: Ints, right: Ints, at_once: int = 50_000) -> Floats:
    parts = [
        np.asarray(rows[left[at : at + at_once]].minimum(rows[right[at : at + at_once]]).sum(axis=1)).ravel()
        for at in range(0, len(left), at_once)
    ]
    return np.concatenate(parts) if parts else np.zeros(0)


def _equal(column: pa.Array, left: Ints, right: Ints) -> Floats:
    codes = np.asarray(pc.fill_null(column.dictionary_encode().indices, -1), np.int64)
    return ((codes[left] == codes[right]) & (codes[left] >= 0)).astype(float)


def _equal_numbers(a: Floats, b: Floats) -> Floats:
    """Return 1 where A and B are the same number above 0, else 0: totals that agree to the unit are seldom chance."""
    with np.errstate(invalid="ignore"):
        return np.asarray((a == b) & (a > 0), np.float64)
