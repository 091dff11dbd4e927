"""How often runs of words and of characters occur in texts, hashed into columns; texts seen before are not read again.

Shadow models learn from the same texts over and over, in other selections: a counter remembers the latest ones.
"""

from collections import OrderedDict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.extras import need

__all__ = ["Counter"]

REMEMBERED = 20_000_000  # runs, of 8 bytes each


class Counter:
    """Counts runs of at most WORDS words, and of 2 to CHARACTERS characters within a word, in 2^COLUMNS columns each.

    What is counted lies in memory with the texts as long as the counter does, and in no file.
    """

    def __init__(self, words: int, characters: int, columns: int) -> None:
        self.columns = columns
        self.asked = [{"ngram_range": (1, words), "token_pattern": r"\w+"}] if words else []
        if characters > 1:
            self.asked.append({"analyzer": "char_wb", "ngram_range": (2, characters)})
        self.known: OrderedDict[str, tuple[NDArray[np.int32], NDArray[np.float32]]] = OrderedDict()
        self.runs = 0

    @property
    def width(self) -> int:
        """The number of columns."""
        return len(self.asked) * 2**self.columns

    def counts(self, plain: list[str]) -> Any:
        """Return how often each run occurs in each of the texts PLAIN; CSR, shape (n, width)."""
        sparse = need("scipy.sparse", extra="models")
        found = {text: self.known[text] for text in plain if text in self.known}
        new = [text for text in dict.fromkeys(plain) if text not in found]
        if new:
            made = self._counted(new)
            ends = made.indptr
            for at, text in enumerate(new):
                found[text] = (made.indices[ends[at] : ends[at + 1]], made.data[ends[at] : ends[at + 1]])
            if len(new) == len(plain):
                self._remember(new, found)
                return made
        self._remember(new, found)
        rows = [found[text] for text in plain]
        starts = np.concatenate([[0], np.cumsum([len(at) for at, _ in rows])]).astype(np.int32)
        indices, data = (np.concatenate(parts) for parts in zip(*rows, strict=True))
        return sparse.csr_matrix((data, indices, starts), shape=(len(plain), self.width))

    def _counted(self, plain: list[str]) -> Any:
        sparse, counting = need("scipy.sparse", extra="models"), need("sklearn.feature_extraction.text", extra="models")
        shared = {"n_features": 2**self.columns, "norm": None, "alternate_sign": False, "dtype": np.float32}
        parts = [counting.HashingVectorizer(**one, **shared).transform(plain) for one in self.asked]
        return sparse.hstack(parts, format="csr")

    def _remember(self, new: list[str], found: dict[str, tuple[NDArray[np.int32], NDArray[np.float32]]]) -> None:
        for text in found:
            if text in self.known:
                self.known.move_to_end(text)
        for text in new:
            at, many = found[text]
            if len(at) > REMEMBERED // 100:
                continue
            self.known[text] = (at.copy(), many.copy())  # of its own: a part of an array keeps the whole alive
            self.runs += len(at)
        while self.runs > REMEMBERED:
            self.runs -= len(self.known.popitem(last=False)[1][0])
