"""Words and signs of texts, in one line: where each stands, and what a machine sees of it and of those around it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.extras import need

__all__ = ["COLUMNS", "Tokens", "runs"]

Codes = NDArray[np.uint64]
Places = NDArray[np.int64]
BITS = 18
COLUMNS = 1 << BITS
NEAR = 4  # tokens to each side whose words are features by how far they stand
FAR = 0.3  # weight of a word that is only somewhere in the sentence
LONGEST = 100  # tokens of a sentence
_TOKEN = re.compile(r"\w+|[^\w\s]")
_END = frozenset(".!?")


@dataclass(frozen=True)
class Tokens:
    """Tokens of all texts: codes of their words, shapes and ends; the text, first and last character of each; and
    where each sentence begins, shape (sentences + 1,)."""

    words: Codes
    shapes: Codes
    ends: Sequence[Codes]
    text: Places
    start: Places
    end: Places
    sentences: Places

    @classmethod
    def of(cls, texts: Sequence[str]) -> "Tokens":
        """Return the tokens of TEXTS; a sentence ends with its text, a full stop, or after LONGEST tokens."""
        plain: list[str] = []
        places: list[tuple[int, int, int]] = []
        begins = [0]
        for at, text in enumerate(texts):
            for match in _TOKEN.finditer(text):
                if len(plain) - begins[-1] >= LONGEST or (plain and len(plain) > begins[-1] and plain[-1] in _END):
                    begins.append(len(plain))
                plain.append(match[0])
                places.append((at, *match.span()))
            if len(plain) > begins[-1]:
                begins.append(len(plain))
        names, of = np.unique(np.array(plain, object).astype(str), return_inverse=True)
        low = [name.lower() for name in names]
        shape = ["".join("A" if c.isupper() else "a" if c.islower() else "0" if c.isdigit() else c for c in name[:4])
                 for name in names]  # fmt: skip
        ends = [_codes(cut)[of] for cut in ([one[-3:] for one in low], [one[:3] for one in low],
                                            [one[-2:] for one in low])]  # fmt: skip
        place = np.array(places, np.int64).reshape(-1, 3)
        return cls(_codes(low)[of], _codes(shape)[of], ends, place[:, 0], place[:, 1], place[:, 2],
                   np.array(begins, np.int64))  # fmt: skip

    @property
    def sentence(self) -> Places:
        """The sentence of each token, shape (tokens,)."""
        return np.repeat(np.arange(len(self.sentences) - 1), np.diff(self.sentences))

    def beside(self, values: NDArray[Any], shift: int) -> NDArray[Any]:
        """Return for each token the one of VALUES (tokens, ...) that stands SHIFT later in its sentence, 0 for none."""
        made, of = np.zeros_like(values), self.sentence
        at = np.arange(len(values)) + shift
        fine = (at >= 0) & (at < len(values))
        fine[fine] = of[at[fine]] == of[np.flatnonzero(fine)]
        made[fine] = values[at[fine]]
        return made

    def features(self) -> Any:
        """Return what is seen of each token: CSR (tokens, COLUMNS)."""
        sparse = need("scipy.sparse", extra="learn")
        beside = {shift: self.beside(self.words, shift) for shift in range(-NEAR, NEAR + 1)}
        kinds = [*beside.values(), *(beside[a] * np.uint64(3) + beside[a + 1] for a in (-2, -1, 0, 1)),
                 *(self.beside(self.shapes, shift) for shift in (-1, 0, 1)), *self.ends]  # fmt: skip
        near = np.stack([_column(code, kind) for kind, code in enumerate(kinds)], axis=1)
        n = len(self.words)
        ends = np.arange(0, near.size + 1, near.shape[1])
        x = sparse.csr_matrix((np.ones(near.size, np.float32), near.ravel(), ends), shape=(n, COLUMNS))
        of = self.sentence
        size = np.diff(self.sentences)[of]
        row = np.repeat(np.arange(n), size)
        other = self.sentences[of][row] + np.arange(len(row)) - np.repeat(np.cumsum(size) - size, size)
        side = np.where(other < row, len(kinds), len(kinds) + 1)
        far = sparse.csr_matrix((np.full(len(row), FAR, np.float32), (row, _column(self.words[other], side))),
                                shape=(n, COLUMNS))  # fmt: skip
        return (x + far).tocsr()


def runs(inside: NDArray[np.bool_], of: Places) -> tuple[Places, Places]:
    """Return first and last token of each run of tokens INSIDE (tokens,); none goes on where OF (tokens,) changes."""
    go = inside[1:] & inside[:-1] & (of[1:] == of[:-1])
    begin = inside & ~np.concatenate([[False], go])[: len(inside)]
    end = inside & ~np.concatenate([go, [False]])[: len(inside)]
    return np.flatnonzero(begin), np.flatnonzero(end)


def _codes(texts: Iterable[str]) -> Codes:
    return np.array([int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "little")
                     for text in texts], np.uint64)  # fmt: skip


def _column(code: Codes, kind: Any) -> NDArray[np.int32]:
    value = (code + np.asarray(kind, np.uint64) * np.uint64(0x9E3779B97F4A7C15)) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(29))) * np.uint64(0x94D049BB133111EB)
    return (value >> np.uint64(64 - BITS)).astype(np.int32)
