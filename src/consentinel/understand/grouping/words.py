"""Texts as words and as overlapping triples of words, a column at a time.

Digits count as one another: reports of one incident differ in numbers of people, and templates in nothing else.
"""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.understand.cleaning import letters

__all__ = ["WIDTH", "Words", "mixed", "shingles", "starts", "words"]

WIDTH = 3  # words of a shingle
Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))  # SplitMix64 (Steele, Lea and Flood 2014)


@dataclass(frozen=True)
class Words:
    """Words of N texts: `codes` into `names`, those of text i from ends[i] to ends[i + 1]."""

    codes: Ints
    ends: Ints
    names: list[str]


def words(texts: pa.Array) -> Words:
    """Return the words of TEXTS in lower case, each run of digits as "0"; a null has none."""
    plain = pc.utf8_trim_whitespace(letters(pc.fill_null(texts.cast(pa.string()), "")))
    plain = pc.replace_substring_regex(plain, r"\d+", "0")
    split = pc.split_pattern(plain, " ")
    lengths = np.asarray(pc.list_value_length(split), np.int64)
    flat = split.flatten().dictionary_encode()
    codes = np.asarray(flat.indices, np.int64)
    names: list[str] = flat.dictionary.to_pylist()
    ends = np.concatenate([[0], np.cumsum(lengths)])
    if "" in names:  # what splitting an empty text gives
        kept = codes != names.index("")
        ends = np.concatenate([[0], np.cumsum(kept)])[ends]
        codes = codes[kept]
    return Words(codes, ends, names)


def shingles(found: Words) -> tuple[Hashes, Ints]:
    """Return the hashes of the distinct runs of WIDTH words of each text, and where each text's begin and end.

    A text of fewer words is one shingle of all of them; one without words has none. Equal runs have equal hashes on
    every machine.
    """
    values = np.array([_hash(name) for name in found.names], np.uint64)[found.codes]
    lengths = np.diff(found.ends)
    counts = np.where(lengths == 0, 0, np.maximum(lengths - WIDTH + 1, 1))
    owner = np.repeat(np.arange(len(lengths)), counts)
    first = np.concatenate([[0], np.cumsum(counts)])
    at = found.ends[:-1][owner] + np.arange(len(owner)) - first[:-1][owner]
    hashed = np.zeros(len(owner), np.uint64)
    for step in range(WIDTH):
        inside = at + step < found.ends[1:][owner]
        nth = values[np.where(inside, at + step, 0)] if len(values) else hashed
        hashed = mixed(hashed * np.uint64(31) + np.where(inside, nth, np.uint64(0)) + np.uint64(step))
    order = np.lexsort((hashed, owner))
    hashed, owner = hashed[order], owner[order]
    new = np.ones(len(owner), bool)
    new[1:] = (owner[1:] != owner[:-1]) | (hashed[1:] != hashed[:-1])
    return hashed[new], np.searchsorted(owner[new], np.arange(len(lengths) + 1)).astype(np.int64)


def mixed(numbers: Hashes) -> Hashes:
    """Return NUMBERS with their bits spread."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * _MIX[0]
    numbers = (numbers ^ (numbers >> np.uint64(27))) * _MIX[1]
    return numbers ^ (numbers >> np.uint64(31))


def starts(ends: Ints) -> tuple[Ints, Ints]:
    """Return which texts have anything between ENDS, and where theirs begins."""
    has = np.flatnonzero(np.diff(ends))
    return has, ends[has]


def _hash(name: str) -> Any:
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little")
