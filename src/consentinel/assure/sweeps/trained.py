"""A trainer that prepares its rows: weighs them against a gap, and learns from a disturbed copy of them too."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.assure.mitigate._training import known_rows, resampled, reweighing
from consentinel.core.columns import one
from consentinel.core.errors import UsageError
from consentinel.core.model_contracts import Model, Trainer
from consentinel.core.rng import generator

__all__ = ["Prepared", "disturbed", "thinned"]

_NOT_INPUT = ("label", "id", "unit", "height", "width", "channels")


@dataclass(frozen=True)
class Prepared:
    """TRAINER, whose rows are drawn by the weights of reweighing to the POWER over ATTRIBUTE and the label POSITIVE,
    and come once more with noise of the size NOISE; both 0: TRAINER itself."""

    trainer: Trainer
    kind: str
    attribute: str = ""
    positive: str = ""
    power: float = 0.0
    noise: float = 0.0

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> Model:
        """Return a model of ROWS; raises UsageError where they cannot be prepared."""
        if self.power:
            learned = known_rows(rows, self.attribute, self.positive)
            rows = resampled(learned, reweighing(learned) ** self.power, seed)
        if self.noise:
            kept = [self.attribute] if self.attribute else []
            rows = pa.concat_tables([rows, disturbed(rows, self.kind, self.noise, seed, kept)])
        return self.trainer.train(rows, seed=seed, tickets=tickets)


def disturbed(rows: pa.Table, kind: str, size: float, seed: int, kept: Sequence[str] = ()) -> pa.Table:
    """Return ROWS with noise of SIZE: words left out with that chance, else normal with SIZE standard deviations.

    Pictures stay in the range of their values, and whole numbers whole. Of tabular rows, columns of numbers with a
    point are disturbed, but those KEPT. Raises UsageError where there is nothing to disturb.
    """
    rng = generator(seed, "assure.sweeps.noise")
    if kind == "text":
        return _put(rows, "text", thinned(one(rows["text"]).cast(pa.string()), size, rng))
    if kind == "vision":
        return _put(rows, "image", _shaken(one(rows["image"]), size, rng))
    names = [field.name for field in rows.schema if field.name not in (*_NOT_INPUT, *kept) and _moves(field.type)]
    if not names:
        raise UsageError("the learned rows have no column of numbers with a point, so noise changes nothing")
    for name in names:
        column = one(rows[name])
        made = _shaken(column, size, rng) if pa.types.is_list(column.type) else _moved(column, size, rng)
        rows = _put(rows, name, made)
    return rows


def _moves(kind: pa.DataType) -> bool:
    """Return whether values of KIND are numbers with a point, or lists of such."""
    return pa.types.is_floating(kind.value_type if pa.types.is_list(kind) else kind)


def _put(rows: pa.Table, name: str, column: pa.Array) -> pa.Table:
    at = rows.schema.get_field_index(name)
    return rows.set_column(at, rows.schema.field(at), column.cast(rows.schema.field(at).type))


def _moved(column: pa.Array, size: float, rng: np.random.Generator) -> pa.Array:
    values = np.asarray(column.to_numpy(zero_copy_only=False), np.float64)
    spread = float(np.nanstd(values)) if np.isfinite(values).any() else 0.0
    return pa.array(values + size * spread * rng.normal(size=len(values)), column.type, mask=~np.isfinite(values))


def _shaken(column: pa.Array, size: float, rng: np.random.Generator) -> pa.Array:
    flat = column.flatten()
    values = np.asarray(flat.to_numpy(zero_copy_only=False), np.float64)
    if not len(values):
        return column
    moved: NDArray[np.float64] = values + size * values.std() * rng.normal(size=len(values))
    moved = np.clip(moved, values.min(), values.max())
    made = pa.array(np.rint(moved) if pa.types.is_integer(flat.type) else moved).cast(flat.type)
    lengths = np.asarray(pc.fill_null(pc.list_value_length(column), 0), np.int64)
    ends = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
    return pa.ListArray.from_arrays(ends, made)


def thinned(texts: pa.Array, share: float, rng: np.random.Generator) -> pa.Array:
    """Return TEXTS without each word by the chance SHARE."""
    words = pc.utf8_split_whitespace(pc.fill_null(texts, ""))
    flat, lengths = words.flatten(), np.asarray(pc.list_value_length(words), np.int64)
    keep = rng.random(len(flat)) >= share
    left = np.bincount(np.repeat(np.arange(len(lengths)), lengths)[keep], minlength=len(lengths))
    ends = pa.array(np.concatenate([[0], np.cumsum(left)]).astype(np.int32))
    return pc.binary_join(pa.ListArray.from_arrays(ends, flat.filter(pa.array(keep))), " ")
