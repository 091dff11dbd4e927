"""Documents as terms in order: what lexical rankers score from, and how it is kept in a model file."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.core.errors import BadInput
from consentinel.core.modelfile import ModelFile
from consentinel.models.pieces.ids import from_file, to_arrays
from consentinel.models.rank._index import Index
from consentinel.models.rank._kept import taken
from consentinel.models.rank._terms import STEMS, STOPS, Terms, numbered, words

__all__ = ["Lexicon"]

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Lexicon:
    """Documents as terms in order, how many of the first belong to the lead (first line, or sentence), and how texts
    become terms."""

    vocabulary: list[str]
    terms: Terms
    lead: Ints
    stops: str
    stems: str

    @staticmethod
    def of(texts: pa.Array, stops: str, stems: str) -> "Lexicon":
        """Return the lexicon of TEXTS."""
        vocabulary, terms = words(texts, stops, stems)
        filled = pc.fill_null(texts, "")
        first = pc.list_element(pc.split_pattern_regex(filled, r"\n|[.!?]\s", max_splits=1), 0)
        return Lexicon(vocabulary, terms, numbered(first, vocabulary, stops, stems).lengths, stops, stems)

    def asked(self, questions: pa.Array) -> Terms:
        """Return QUESTIONS as terms of this lexicon; terms that no document has are left out."""
        found = numbered(questions, self.vocabulary, self.stops, self.stems)
        return _some(found, found.tokens >= 0)

    @cached_property
    def index(self) -> Index:
        """The index of whole documents."""
        return Index.of(self.terms, len(self.vocabulary))

    @cached_property
    def leads(self) -> Index:
        """The index of the leads alone."""
        place = np.arange(len(self.terms.tokens)) - np.repeat(self.terms.starts[:-1], self.terms.lengths)
        return Index.of(_some(self.terms, place < np.repeat(self.lead, self.terms.lengths)), len(self.vocabulary))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the lexicon as arrays of a model file; stops and stems go into its card."""
        own: dict[str, NDArray[Any]] = {"tokens": self.terms.tokens, "starts": self.terms.starts, "lead": self.lead}
        return own | to_arrays("vocabulary", self.vocabulary)

    @staticmethod
    def read(file: ModelFile, stops: str, stems: str) -> "Lexicon":
        """Return the lexicon in FILE; raises BadInput where it holds none."""
        arrays, where = file.arrays, file.kind
        vocabulary = from_file("vocabulary", file).to_pylist()
        tokens, starts = taken(arrays, "tokens", np.int32, 1, where), taken(arrays, "starts", np.int64, 1, where)
        lead = taken(arrays, "lead", np.int64, 1, where)
        fits = len(starts) == len(lead) + 1 and starts[0] == 0 and starts[-1] == len(tokens)
        fits = fits and bool((starts[1:] >= starts[:-1]).all()) and bool((lead >= 0).all())
        fits = fits and tokens.min(initial=0) >= 0 and tokens.max(initial=-1) < len(vocabulary)
        if not fits or stops not in STOPS or stems not in STEMS:
            raise BadInput("the terms of the model file do not fit", where=where, todo="Train the model again")
        return Lexicon(vocabulary, Terms(tokens, starts), lead, stops, stems)


def _some(terms: Terms, kept: NDArray[np.bool_]) -> Terms:
    """Return TERMS with only those that are KEPT."""
    ends = np.cumsum(np.bincount(terms.owners[kept], minlength=len(terms.starts) - 1))
    return Terms(terms.tokens[kept], np.concatenate([[0], ends]).astype(np.int64))
