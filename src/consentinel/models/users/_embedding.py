"""People as vectors: the sum of the vectors of what they did, the latest counting most; and the items near them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel import __version__
from consentinel.core.errors import BadInput
from consentinel.core.modelfile import ModelFile, save
from consentinel.models.pieces.histories import Histories, Sequences, answer, histories, sequences_from_file
from consentinel.models.pieces.logs import csr
from consentinel.models.pieces.nearness import unit

__all__ = ["EMBEDDINGS", "Embedding", "embedding_from_file"]

Floats = NDArray[np.float32]

# One row is one person and their vector of length 1 (0 for who did nothing that training saw).
EMBEDDINGS = pa.schema([("query", pa.string()), ("embedding", pa.list_(pa.float32()))])


@dataclass(frozen=True)
class Embedding:
    """Vectors of items, as they count for a person (`into`) and as they are scored (`back`), both (items, width).

    Arguments: name of the part; about, the histories that were learnt from; fade, how much less each earlier item of a
    person counts, 1 for not at all; card. Strangers are folded in from their `history`, the same way as everyone; who
    has none gets the most popular items.
    """

    name: str
    about: Sequences
    into: Floats
    back: Floats
    fade: float
    card: Mapping[str, str]
    kind: str = "recsys"

    def predict(self, rows: pa.Table, /) -> pa.Table:
        """Return the items nearest to each of ROWS (QUERIES) as RANKED, without those that they did."""
        return answer(histories(rows, self.about), self.about, lambda done: self.vectors(done) @ self.back.T)

    def embed(self, rows: pa.Table) -> pa.Table:
        """Return the vector of each of ROWS (QUERIES; strangers by their history) as EMBEDDINGS."""
        asked = histories(rows, self.about)
        made = self.vectors(asked.done)
        ends = np.arange(len(made) + 1, dtype=np.int32) * made.shape[1]
        lists = pa.ListArray.from_arrays(pa.array(ends), pa.array(made.ravel()))
        return pa.table([asked.ids, lists], schema=EMBEDDINGS)

    def vectors(self, done: Histories) -> Floats:
        """Return the vectors of people who did DONE, shape (people, width)."""
        back = np.repeat(done.starts[1:], done.lengths) - 1 - np.arange(len(done.items))
        weights = (self.fade**back).astype(np.float32)
        return unit(csr(weights, done.items, done.starts, (len(done), len(self.into))) @ self.into)

    def save(self, path: Path, /) -> Path:
        """Write the model as one safe file and return it."""
        arrays = {"into": self.into, "back": self.back, "fade": np.array([self.fade])}
        kind = f"models.users.{self.name}"
        save(path, ModelFile(kind, "1", f"consentinel {__version__}", self.about.arrays() | arrays, self.card))
        return path


def embedding_from_file(name: str, file: ModelFile) -> Embedding:
    """Return the model of part NAME that FILE keeps; raises BadInput where it keeps none."""
    kind = f"models.users.{name}"
    if file.kind != kind:
        raise BadInput(f"is a model of kind '{file.kind}'", where="model file", todo=f"Give one of kind '{kind}'")
    about = sequences_from_file(file)
    empty: NDArray[Any] = np.zeros(0)
    into, back, fade = (file.arrays.get(one, empty) for one in ("into", "back", "fade"))
    whole = into.ndim == 2 and into.shape == back.shape and len(into) == len(about.items) and fade.shape == (1,)
    if not whole or not (np.isfinite(into).all() and np.isfinite(back).all() and 0 <= fade[0] <= 1):
        raise BadInput("does not hold vectors of its items", where=kind, todo="Train the model again")
    return Embedding(name, about, into.astype(np.float32), back.astype(np.float32), float(fade[0]), file.card)
