"""Find the people most like those of a seed audience: one linear score of what is known of everyone."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel import __version__
from consentinel.core.errors import BadInput, ContractBroken, UsageError
from consentinel.core.modelfile import ModelFile, save
from consentinel.models.pieces.best import top
from consentinel.models.pieces.ids import encoded, from_file, positions, to_arrays
from consentinel.models.rows import RANKED

__all__ = ["LookAlike", "look_alike_from_file"]

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class LookAlike:
    """What is known of each person, (people, numbers), and how strongly a score of it is held small.

    A query is an audience: its name, how many people to return, and in `history` the people of its seed. Everyone
    else is scored by ridge regression of being in the seed on what is known, which orders people as Fisher's linear
    discriminant does; of equal scores the more active person comes first. Seeds that training never saw are left out;
    an audience without any seed that training saw gets the most active people.
    """

    name: str
    users: pa.Array
    known: Floats
    active: NDArray[np.int64]
    penalty: float
    card: Mapping[str, str]
    kind: str = "recsys"

    def predict(self, rows: pa.Table, /) -> pa.Table:
        """Return the people most like the seeds of each of ROWS (QUERIES) as RANKED; its `item` is a person."""
        names, k, owner, seed = self._asked(rows)
        order = np.argsort(-self.active, kind="stable")
        centred = self.known - self.known.mean(axis=0)
        values, axes = np.linalg.eigh((centred.T @ centred).astype(np.float64))
        pieces = []
        for row in range(len(names)):
            mine = seed[owner == row]
            if len(mine):
                pull = centred[mine].sum(axis=0, dtype=np.float64)
                weights = axes @ ((axes.T @ pull) / (np.maximum(values, 0) + self.penalty * len(self.users)))
                found = (centred @ weights.astype(np.float32))[order]
            else:
                found = (self.active[order] / max(1, int(self.active.max()))).astype(np.float32)
            out = np.zeros(len(order), bool)
            out[mine] = True
            found[out[order]] = -np.inf
            _, at, scores = top(found[None, :], int(k[row]))
            pieces.append((np.full(len(at), row, np.int32), order[at].astype(np.int32), scores.astype(np.float64)))
        query, person, scores = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
        columns = [pa.DictionaryArray.from_arrays(pa.array(query), names),
                   pa.DictionaryArray.from_arrays(pa.array(person), self.users)]  # fmt: skip
        return pa.table([*columns, pa.array(scores)], schema=RANKED)

    def save(self, path: Path, /) -> Path:
        """Write the model as one safe file and return it."""
        arrays = to_arrays("users", self.users)
        arrays |= {"known": self.known, "active": self.active, "penalty": np.array([self.penalty])}
        save(path, ModelFile(f"models.users.{self.name}", "1", f"consentinel {__version__}", arrays, self.card))
        return path

    def _asked(self, rows: pa.Table) -> tuple[pa.Array, NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return names and k of audiences, and audience and person of each seed that is known, once each."""
        ids, place = encoded(rows, "query")
        if len(ids) != len(place):
            raise UsageError(f"{len(place) - len(ids)} audiences are asked twice; ask for each once")
        k = np.full(len(ids), 20, np.int64)
        if "k" in rows.column_names:
            k = np.asarray(pc.fill_null(rows["k"].cast(pa.int64()), 20), np.int64)
            if k.min() < 1:
                raise UsageError(f"k is at least 1, got {k.min()}")
        if "history" not in rows.column_names:
            raise ContractBroken(f"users/{self.name}: the column 'history', the people of the seed, is missing")
        lists = rows["history"].combine_chunks()
        if not pa.types.is_list(lists.type) and not pa.types.is_large_list(lists.type):
            raise ContractBroken(f"users/{self.name}: column 'history' should hold lists of ids, got {lists.type}")
        owner = np.asarray(pc.list_parent_indices(lists), np.int64)
        seed = positions(self.users, pc.list_flatten(lists)).astype(np.int64)
        once = np.unique(np.stack([owner, seed])[:, seed >= 0], axis=1)
        return ids.take(place), k, once[0], once[1]


def look_alike_from_file(name: str, file: ModelFile) -> LookAlike:
    """Return the model of part NAME that FILE keeps; raises BadInput where it keeps none."""
    kind = f"models.users.{name}"
    if file.kind != kind:
        raise BadInput(f"is a model of kind '{file.kind}'", where="model file", todo=f"Give one of kind '{kind}'")
    users, none = from_file("users", file), np.zeros(0)
    known, active, penalty = (file.arrays.get(one, none) for one in ("known", "active", "penalty"))
    whole = known.ndim == 2 and len(known) == len(users) == len(active) and active.ndim == 1 and penalty.shape == (1,)
    if not whole or not np.isfinite(known).all() or not penalty[0] > 0 or active.dtype != np.int64:
        raise BadInput("does not hold what is known of its people", where=kind, todo="Train the model again")
    known = np.array(known, np.float32, order="C")
    return LookAlike(name, users, known, active, float(penalty[0]), file.card)
