"""What was sent, as words: features of a sender and recipient, and of a cookie; never a host, a site or a path.

A feature is a text, and its number is CRC-32 (ISO/IEC 8802-3), of which a model takes the remainder by its size, so
that no table of names travels with it. Rows are few (pairs and distinct cookies), and the texts serve to explain.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pyarrow as pa

__all__ = ["Words", "of_cookies", "of_requests", "of_requests_without_keys", "words_of"]

LONGEST = 48  # characters of a name that are looked at
LIVES = (60, 600, 1800, 3600, 86400, 2 * 86400, 604800, 2678400, 7862400, 15638400, 31622400, 34560000, 63158400)
SLACK = 30  # seconds by which a lifetime may fall short: it is measured after the response

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_a-zA-Z]+")
_NUMBERS = re.compile(r"[0-9a-f]{8,}|[0-9]+")
_PART = re.compile(r"[.:/\[\]]+")


@dataclass(frozen=True, slots=True)
class Words:
    """The features of rows as texts, and what each row's sum is divided by: the root of how many it has."""

    texts: list[list[str]]

    def some(self, rows: npt.NDArray[np.int64]) -> "Words":
        """Return the words of ROWS, by their numbers."""
        return Words([self.texts[at] for at in rows.tolist()])

    def numbers(self, buckets: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Return (bucket of each feature, row of each feature, weight of each feature)."""
        many = np.array([len(row) for row in self.texts], np.int64)
        known: dict[str, int] = {}
        found = [known.setdefault(text, crc32(text.encode("utf-8", "replace"))) for row in self.texts for text in row]
        rows = np.repeat(np.arange(len(many)), many)
        return np.array(found, np.int64) % buckets, rows, 1 / np.sqrt(np.maximum(many, 1))[rows]

    def sums(self, weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the weighted sums of the rows of WEIGHTS, shape (buckets, classes), for each row: (n, classes)."""
        bucket, row, weight = self.numbers(len(weights))
        total = np.zeros((len(self.texts), weights.shape[1]))
        np.add.at(total, row, weights[bucket] * weight[:, None])
        return total


def words_of(name: str) -> list[str]:
    """Return the words of NAME (camelCase, snake_case, numbers), lower case."""
    return [word.lower() for word in _WORD.findall(name[:LONGEST])]


def of_requests(rows: pa.Table) -> Words:
    """Return the features of PURPOSE_ROWS: names of fields and their words, and how it was sent.

    Types are left out: those that a judge of data tells in a scan are not those that recognisers told in training.
    """
    keys = [sorted({word for key in row or () for word in _of_key(key)}) for row in rows["keys"].to_pylist()]
    how = [[text for text in row if not text.startswith(("t=", "nt="))] for row in _how(rows)]
    return Words([a + b for a, b in zip(keys, how, strict=True)])


def of_requests_without_keys(rows: pa.Table) -> Words:
    """Return what a baseline sees of PURPOSE_ROWS: data types, carriers, methods, resource types and how many."""
    return Words(_how(rows))


def _of_key(key: str) -> Iterable[str]:
    parts = [part for part in _PART.split(key) if part]
    name = parts[-1] if parts else ""
    yield f"k={_NUMBERS.sub('0', name.lower())[:LONGEST]}"
    yield f"kk={_NUMBERS.sub('0', '.'.join(parts[-2:]).lower())[:LONGEST]}"
    for word in words_of(name):
        yield f"w={'0' if word.isdigit() else word}"
    for part in parts[:-1]:
        yield f"u={_NUMBERS.sub('0', part.lower())[:LONGEST]}"


def _how(rows: pa.Table) -> list[list[str]]:
    lists = [rows[name].to_pylist() for name in ("methods", "resource_types", "types", "carriers", "keys")]
    return [
        sorted(
            {f"m={x}" for x in methods or ()}
            | {f"r={x}" for x in kinds or ()}
            | {f"t={x}" for x in types or ()}
            | {f"c={x}" for x in carriers or ()}
            | {f"mr={x}|{y}" for x in methods or () for y in kinds or ()}
            | {f"n={int(np.log2(1 + len(keys or ())))}", f"nt={min(len(types or ()), 8)}"}
        )
        for methods, kinds, types, carriers, keys in zip(*lists, strict=True)
    ]


def of_cookies(rows: pa.Table) -> Words:
    """Return the features of COOKIE_ROWS: n-grams and words of the name, shape, length, lifetime and party."""
    return Words([_of_cookie(row) for row in rows.to_pylist()])


def _of_cookie(row: Mapping[str, Any]) -> list[str]:
    name, shape = row["name"] or "", row["shape"] or ""
    words = ["0" if word.isdigit() else word for word in words_of(name)]
    lasts = row["lifetime_s"]
    life = "session" if lasts is None else str(sum(lasts > edge - SLACK for edge in LIVES))
    plain = _NUMBERS.sub("0", name[:LONGEST].lower())
    found = [f"f={plain}", f"l={life}", f"p={row['party']}", f"lp={life},{row['party']}", f"s={shape}"]
    found += [f"sl={shape[:16]},{life}", f"n={row['length']}", f"nl={row['length']},{life}"]
    found += [f"e={int((row['entropy'] or 0) * 2)}", f"z={int(np.log2(1 + (row['length'] or 0)) * 2)}"]
    found += [f"w={word}" for word in words] + [f"b={a}_{b}" for a, b in pairwise(words)]
    found += [f"^{plain[:size]}" for size in (1, 2, 3, 4, 6)]
    found += _grams("g", f"^{plain}$", (2, 3, 4, 5)) + _grams("m", f"^{shape[:24]}$", (1, 2, 3))
    return list(dict.fromkeys(found))


def _grams(mark: str, text: str, sizes: Sequence[int]) -> list[str]:
    return [f"{mark}={text[at : at + size]}" for size in sizes for at in range(len(text) - size + 1)]
