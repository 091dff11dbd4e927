"""A small network that says which words of a text name persons, places, streets, companies and peoples.

Each word is the sum of learned vectors of its letters and its form; two layers look at the words around it. The same
words give the same answer wherever they stand, and nothing is looked up outside the model's file.
"""

import re
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from consentinel.core.modelfile import from_bytes

__all__ = [
    "BUCKETS",
    "CODES",
    "KIND",
    "LABELS",
    "NEAR",
    "PAD",
    "TOKEN",
    "WIDE",
    "Network",
    "codes",
    "shipped",
    "tagged",
    "windows",
]

KIND = "understand.names"
LABELS = ("", "PERSON", "ADDRESS", "PLACE", "ORGANISATION", "GROUP", "TITLE")
BUCKETS = 16_384  # learned vectors; number 0 is that of nothing
CODES = 16  # most of them of one word
WIDE, NEAR = 3, 2  # words to each side that the first and the second layer see
PAD = WIDE + NEAR  # empty places that keep documents apart
AT_ONCE = 32_768  # words
LEAN = 3.0  # by how much a word that begins with a capital or a digit is rather a name: a name missed costs more
TOKEN = re.compile(r"\[[A-Z_]{2,20}_\d{1,6}\]|[^\W\d_]+(?:['\u2019][^\W\d_]+)*|\d+|\n|[^\w\s]|_")
Array = NDArray[Any]


class Network(NamedTuple):
    """The weights: vectors of (BUCKETS, d), two layers and an answer, each a matrix and its offsets."""

    vectors: Array
    first: Array
    first_offset: Array
    second: Array
    second_offset: Array
    answer: Array
    answer_offset: Array


def codes(word: str) -> list[int]:
    """Return the CODES numbers of the vectors whose sum stands for WORD."""
    if not word:
        return [0] * CODES
    plain = re.sub(r"\d", "0", word.lower())
    form = re.sub(r"(.)\1{2,}", r"\1\1", "".join("X" if c.isupper() else "0" if c.isdigit() else "x" for c in word))
    edged = f"^{plain}$"
    said = [f"w{plain}", f"s{form}", f"l{form[0]}{min(len(word), 8)}", f"a{plain[:2]}", f"b{plain[:3]}",
            f"x{plain[-2:]}", f"y{plain[-3:]}", f"z{plain[-4:]}"]  # fmt: skip
    said += [f"g{edged[at : at + 3]}" for at in range(min(len(edged) - 2, CODES - len(said)))]
    made = [crc32(one.encode("utf-8", "replace")) % (BUCKETS - 1) + 1 for one in said]
    return made + [0] * (CODES - len(made))


def windows(rows: Array, wide: int) -> Array:
    """Return for each of ROWS, (n, d), the rows from WIDE before it to WIDE behind it, side by side."""
    n, d = rows.shape
    padded = np.zeros((n + 2 * wide, d), rows.dtype)
    padded[wide : wide + n] = rows
    return np.concatenate([padded[at : at + n] for at in range(2 * wide + 1)], axis=1)


def tagged(words: list[str], network: Network) -> tuple[Array, Array]:
    """Return for each of WORDS the number of its label and how sure that is; "" parts documents."""
    names = {word: at for at, word in enumerate(dict.fromkeys(words))}
    of = np.fromiter((names[word] for word in words), np.int64, len(words))
    listed = np.array([codes(word) for word in names], np.int64).reshape(-1, CODES)
    vectors = np.concatenate(
        [network.vectors[listed[at : at + 4096]].sum(axis=1) for at in range(0, len(listed), 4096)]
        or [np.zeros((0, network.vectors.shape[1]), np.float32)]
    )
    raised = np.array([LEAN * (word[:1].isupper() or word[:1].isdigit()) for word in names], np.float32)
    label, sure = np.zeros(len(words), np.int8), np.zeros(len(words), np.float32)
    for at in range(0, len(words), AT_ONCE):
        begin, end = max(0, at - PAD), min(len(words), at + AT_ONCE + PAD)
        scores = _scores(of[begin:end], vectors, network, names.get(""))[at - begin : at - begin + AT_ONCE]
        scores[:, 0] -= raised[of[at : at + AT_ONCE]]
        best = scores.argmax(axis=1)
        label[at : at + AT_ONCE] = best
        top = scores[np.arange(len(best)), best]
        sure[at : at + AT_ONCE] = 1 / np.exp(scores - top[:, None]).sum(axis=1)
    return label, sure


def _scores(of: Array, vectors: Array, network: Network, empty: int | None) -> Array:
    there = (of != empty)[:, None] if empty is not None else np.ones((len(of), 1), bool)
    rows: Array = windows(vectors[of], WIDE) @ network.first + network.first_offset
    rows = np.maximum(rows, 0) * there
    rows = np.maximum(windows(rows, NEAR) @ network.second + network.second_offset, 0)
    scores: Array = rows @ network.answer + network.answer_offset
    return scores


@cache
def shipped() -> Network:
    """Return the network that comes with the package; its card says what it learned from."""
    found = from_bytes((files("consentinel.understand") / "data" / "names.model").read_bytes(), where="names.model")
    return Network(*(found.arrays[name].astype(np.float32) for name in Network._fields))
