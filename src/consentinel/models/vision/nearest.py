"""Nearest pictures: wavelet scattering, the main directions of the collection, and an exact faiss index.

Trained on IMAGES, with an `item` column where pictures have names (else a picture's name is its row number, from 0).
Asked with IMAGES and optionally `query` (a name; else the row number) and `k` (default 20), it answers RANKED, the
most alike first; score is the cosine of the angle between both embeddings. A picture is never its own answer: an item
with the name that the query gives is left out. Labels are not looked at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel import __version__
from consentinel.core import modelfile
from consentinel.core.columns import one
from consentinel.core.errors import BadInput, UsageError
from consentinel.core.extras import need
from consentinel.core.modelfile import ModelFile
from consentinel.models.asked import setting, told
from consentinel.models.pieces.ids import from_file, to_arrays
from consentinel.models.pieces.tickets import no_ticket
from consentinel.models.rows import RANKED
from consentinel.models.vision._features import coefficients, unit, width_of
from consentinel.models.vision._pictures import pictures, same_size

__all__ = ["SETTINGS", "Settings", "load", "trainer"]

PART, KIND = "nearest", "models.vision.nearest"
Floats = NDArray[np.float32]
MOST, FITTED_ON = 1000, 20_000


@dataclass(frozen=True)
class Settings:
    """What can be set."""

    width: int = setting(128, "numbers in an embedding", low=2, high=2048)
    whiten: float = setting(0.5, "power by which main directions are evened out: 0 not at all, 1 fully", low=0, high=1)


SETTINGS = Settings


@dataclass(frozen=True)
class Nearest:
    """The embedded collection: MIX (coefficients, width) and CENTRE make an embedding, VECTORS are the items'."""

    size: tuple[int, int, int]
    items: list[str]
    centre: Floats
    mix: Floats
    vectors: Floats
    card: Mapping[str, str] = field(default_factory=dict)
    kind: str = "ranking"

    def embed(self, x: NDArray[np.uint8]) -> Floats:
        """Return unit vectors of pictures X (n, height, width, channels), shape (n, width)."""
        return _embedded(coefficients(same_size(x, self.size, PART)), self.centre, self.mix)

    def predict(self, rows: pa.Table, /) -> pa.Table:
        """Return RANKED for ROWS (IMAGES, optional query and k), best first, queries in the order asked."""
        faiss: Any = need("faiss", extra="models")
        asked = self.embed(pictures(rows, PART))
        names, named = _names(rows, "query")
        k = np.full(len(asked), 20) if "k" not in rows.column_names else _k(rows["k"])
        index = faiss.IndexFlatIP(self.vectors.shape[1])
        index.add(self.vectors)
        scores, found = index.search(asked, min(len(self.items), int(k.max()) + named))
        place = {item: at for at, item in enumerate(self.items)} if named else {}
        own = np.array([place.get(name, -1) for name in names])
        kept = found != own[:, None]
        kept &= np.cumsum(kept, axis=1) <= k[:, None]
        query = np.repeat(np.arange(len(names)), kept.sum(axis=1))
        columns = [
            pa.DictionaryArray.from_arrays(pa.array(query.astype(np.int32)), pa.array(names, pa.string())),
            pa.DictionaryArray.from_arrays(pa.array(found[kept].astype(np.int32)), pa.array(self.items, pa.string())),
            pa.array(scores[kept].astype(np.float64)),
        ]
        return pa.table(columns, schema=RANKED)

    def save(self, path: Path, /) -> Path:
        """Write the model to PATH and return it."""
        arrays = {"centre": self.centre, "mix": self.mix, "vectors": self.vectors}
        arrays = (
            arrays | {"size": np.asarray(self.size, np.int64)} | to_arrays("items", pa.array(self.items, pa.string()))
        )
        modelfile.save(path, ModelFile(KIND, "1", f"consentinel {__version__}", arrays, dict(self.card)))
        return path


@dataclass(frozen=True)
class Collector:
    """Embeds a collection."""

    settings: Settings
    kind: str = "ranking"

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> Nearest:
        """Return the collection of ROWS; the same for every SEED. Raises UsageError, BadInput."""
        no_ticket(tickets, PART)
        x = pictures(rows, PART)
        items, _ = _names(rows, "item")
        if len(set(items)) != len(items):
            raise BadInput("two pictures have the same name", where="item", todo="Give each a name of its own")
        found = coefficients(x)
        width = min(self.settings.width, found.shape[1], len(x))
        some = found[:: -(-len(x) // FITTED_ON)]  # enough for the directions of any collection
        centre = some.mean(axis=0, dtype=np.float64).astype(np.float32)
        off = (some - centre).astype(np.float64)
        values, directions = np.linalg.eigh(off.T @ off / len(some))
        values, directions = np.maximum(values[::-1][:width], 1e-9), directions[:, ::-1][:, :width]
        directions = directions * np.sign(directions[np.abs(directions).argmax(axis=0), np.arange(width)])
        mix = (directions * values ** (-self.settings.whiten / 2)).astype(np.float32)
        size = (x.shape[1], x.shape[2], x.shape[3])
        card = told(self.settings) | {"seed": str(seed), "rows": str(len(x))}
        return Nearest(size, items, centre, mix, _embedded(found, centre, mix), card)


def _embedded(x: Floats, centre: Floats, mix: Floats) -> Floats:
    return unit(np.asarray((x - centre) @ mix, np.float32))


def _names(rows: pa.Table, column: str) -> tuple[list[str], bool]:
    """Return the names in COLUMN, or row numbers; and whether there was such a column."""
    if column not in rows.column_names:
        return [str(at) for at in range(rows.num_rows)], False
    names = one(rows[column]).cast(pa.string())
    if names.null_count:
        raise BadInput(f"{names.null_count} pictures have no name", where=column, todo="Leave them out or name them")
    return names.to_pylist(), True


def _k(column: pa.ChunkedArray) -> NDArray[np.int64]:
    k = np.asarray(column.cast(pa.int64()).fill_null(20), np.int64)
    if k.min() < 1 or k.max() > MOST:
        raise UsageError(f"{PART}: k is from 1 to {MOST}, got {int(k.min())} to {int(k.max())}")
    return k


def trainer(settings: Settings) -> Collector:
    """Return the trainer with SETTINGS."""
    return Collector(settings)


def load(file: ModelFile) -> Nearest:
    """Return the collection in FILE; raises BadInput."""
    names = ("centre", "mix", "vectors", "size")
    if file.kind != KIND or not set(names) <= set(file.arrays):
        raise BadInput(f"holds a '{file.kind}', not a '{KIND}'", where="model", todo="Load it with its own part")
    centre, mix, vectors, size = (np.array(file.arrays[name]) for name in names)
    items = from_file("items", file).to_pylist()
    fits = centre.ndim == 1 and mix.ndim == vectors.ndim == 2 and size.shape == (3,)
    fits = (
        fits
        and len(mix) == len(centre) == width_of(tuple(size.tolist()))
        and vectors.shape == (len(items), mix.shape[1])
    )
    if not fits or any(a.dtype != np.float32 or not np.isfinite(a).all() for a in (centre, mix, vectors)):
        raise BadInput("its arrays do not fit each other", where=KIND, todo="Train the model again")
    return Nearest((int(size[0]), int(size[1]), int(size[2])), items, centre, mix, vectors, file.card)
