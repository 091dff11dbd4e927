"""Texts as sequences of term numbers: lower case, letters and digits, stop words left out, stemmed on request."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.core.columns import one
from consentinel.core.errors import UsageError
from consentinel.models.rank._porter import stem

__all__ = ["STEMS", "STOPS", "Terms", "numbered", "words"]

STEMS = ("none", "porter")
# The short list is that of Lucene's English analyser; the long one adds function words that questions are made of.
_SHORT = """a an and are as at be but by for if in into is it no not of on or such that the their then there these they
this to was will with"""
_LONG = """about above across after again against all almost along already also although always am among any anyone
anything around because been before being below between both can cannot could did do does doing done down due during
each either else enough etc even ever every few from further get give given had has have having he her here hers him his
how however i its itself just made make many may me might more most much must my neither nor now off often once one only
other our out over own per perhaps please same see seem she should since so some still than them themselves though
through thus too under until up upon us very via we well were what whatever when where whether which while who whom
whose why within without would yet you your"""
STOPS = {
    "none": frozenset[str](),
    "short": frozenset(_SHORT.split()),
    "long": frozenset((_SHORT + " " + _LONG).split()),
}


@dataclass(frozen=True)
class Terms:
    """Texts as term numbers: those of text i are tokens[starts[i]:starts[i + 1]]; below 0 is an unknown term."""

    tokens: NDArray[np.int32]
    starts: NDArray[np.int64]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Terms of each text; shape (texts,)."""
        return np.diff(self.starts)

    @property
    def owners(self) -> NDArray[np.int64]:
        """The text that each term stands in; shape (terms,)."""
        return np.repeat(np.arange(len(self.starts) - 1), self.lengths)


def words(texts: pa.Array, stops: str, stems: str) -> tuple[list[str], Terms]:
    """Return the vocabulary of TEXTS, sorted, and the texts as numbers in it; STOPS is a name in STOPS, STEMS in STEMS.

    A null counts as an empty text.
    """
    if stops not in STOPS or stems not in STEMS:
        raise UsageError(f"stop words are {', '.join(STOPS)} and stems {', '.join(STEMS)}; got '{stops}', '{stems}'")
    lists = pc.split_pattern_regex(pc.utf8_lower(pc.fill_null(texts.cast(pa.string()), "")), r"[^\pL\pN]+")
    found = pc.dictionary_encode(one(lists.flatten()))
    raw = found.dictionary.to_pylist()
    kept = ["" if word in STOPS[stops] else stem(word) if stems == "porter" else word for word in raw]
    vocabulary = sorted(set(kept) - {""})
    place = {word: at for at, word in enumerate(vocabulary)}
    codes = np.array([place.get(word, -1) for word in kept], np.int32)[found.indices.to_numpy()]
    owners = np.repeat(np.arange(len(lists)), np.diff(one(lists).offsets.to_numpy()))
    stay = codes >= 0
    ends = np.concatenate([[0], np.cumsum(np.bincount(owners[stay], minlength=len(lists)))])
    return vocabulary, Terms(codes[stay], ends.astype(np.int64))


def numbered(texts: pa.Array, vocabulary: list[str], stops: str, stems: str) -> Terms:
    """Return TEXTS as numbers in VOCABULARY (sorted), -1 for a term that it does not have."""
    own, terms = words(texts, stops, stems)
    place = {word: at for at, word in enumerate(vocabulary)}
    moved = np.array([place.get(word, -1) for word in own], np.int32)
    return Terms(moved[terms.tokens] if len(own) else terms.tokens, terms.starts)
