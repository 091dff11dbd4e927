"""What a recommender says of chosen items to strangers who show it a part of a history."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.assure.people import texts
from consentinel.core.columns import codes, labels, one
from consentinel.core.errors import ContractBroken
from consentinel.core.stats import Floats

__all__ = ["Cells", "Said"]

_MOST = 2_000_000  # answers asked of a model at once
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Said:
    """Signals of cells, shape (n,) each: score in standard deviations of the answer it stands in, log of its softmax,
    and the logit of that."""

    score: Floats
    log_p: Floats
    logit: Floats


class Cells:
    """Queries of strangers, and the cells (query, item) whose scores are wanted.

    Arguments: items, all ids (i,); histories, places of items shown (m,) with their query (m,), which `count` queries
    there are; the wanted cells: query (n,) and item (n,).
    """

    def __init__(
        self, items: pa.Array, count: int, shown: tuple[Ints, Ints], wanted: tuple[Ints, Ints], avoid: pa.Array
    ) -> None:
        self.items, self.count = items, count
        name = "stranger"
        while pc.any(pc.starts_with(avoid, name)).as_py():
            name += "'"
        self.names = pa.array([f"{name} {at}" for at in range(count)])
        order = np.lexsort((shown[1], shown[0]))
        ends = np.searchsorted(shown[0][order], np.arange(count + 1)).astype(np.int32)
        history = pa.ListArray.from_arrays(pa.array(ends), items.take(pa.array(shown[1][order])))
        deep = min(len(items), max(100, _MOST // max(1, count)))
        self.queries = pa.table(
            {
                "query": self.names, "text": pa.nulls(count, pa.string()),
                "k": pa.array([deep] * count, pa.int32()), "history": history,
            }
        )  # fmt: skip
        self.whole = deep == len(items)
        self.key = wanted[0] * len(items) + wanted[1]
        self.query = wanted[0]
        self.order = np.argsort(self.key, kind="stable")

    def said(self, model: Any) -> Said:
        """Return what MODEL says of the cells; an item that it does not name counts as the last of its answer.

        Raises ContractBroken where it answers nothing, or no number.
        """
        answers = model.predict(self.queries)
        query, item = _places(answers["query"], self.names), _places(answers["item"], self.items)
        score = np.asarray(one(answers["score"]).cast(pa.float64()), np.float64)
        known = (query >= 0) & (item >= 0)
        if not known.all():
            query, item, score = query[known], item[known], score[known]
        if not len(score) or not np.isfinite(score).all():
            raise ContractBroken("the model answers strangers with nothing, or with scores that are no numbers")
        n = np.maximum(np.bincount(query, minlength=self.count), 1)
        mean = np.bincount(query, score, self.count) / n
        spread = np.sqrt(np.bincount(query, (score - mean[query]) ** 2, self.count) / n)
        spread = np.where(spread > 0, spread, 1.0)
        z = (score - mean[query]) / spread[query]
        least = np.full(self.count, np.inf)
        np.minimum.at(least, query, z)
        least[np.isinf(least)] = 0.0
        mass = np.log(np.maximum(np.bincount(query, np.exp(z), self.count), 1e-30))
        found = least[self.query]
        at = np.searchsorted(self.key, query * len(self.items) + item, sorter=self.order)
        at = self.order[np.minimum(at, len(self.order) - 1)]
        hit = self.key[at] == query * len(self.items) + item
        found[at[hit]] = z[hit]
        log_p = np.minimum(found - mass[self.query], -1e-12)
        return Said(found, log_p, log_p - np.log(-np.expm1(log_p)))


def _places(column: pa.ChunkedArray, names: pa.Array) -> Ints:
    """Return the place in NAMES of each of COLUMN, -1 where it is not there."""
    plain = one(column)
    coded = plain if pa.types.is_dictionary(plain.type) else texts(plain).dictionary_encode()
    there = pc.index_in(pa.array(labels(coded), pa.string()), names)
    return np.append(np.asarray(pc.fill_null(there, -1), np.int64), -1)[codes(coded)]
