"""Which types each datum has when a judge decides: asked once for every distinct (key, carrier, shape, type, p)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from consentinel.core.columns import codes
from consentinel.core.contracts import Judge
from consentinel.detect.judges._rows import DATUM_ROWS, TYPES

__all__ = ["DatumTypes", "Several"]

MOST_KNOWN = 500_000

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@dataclass(slots=True)
class Several:
    """The types of data, several each: datum i has those from start[i] to start[i + 1], at least one entry.

    `kind` is a number in the list of names, -1 for no type; the most probable type comes first.
    """

    start: Ints
    kind: Ints
    p: Floats

    def settle(self, where: npt.NDArray[np.bool_], kind: Ints, p: Floats) -> "Several":
        """Return the same with one type only, of KIND and P, for the data WHERE."""
        count = np.diff(self.start)
        keep = np.ones(len(self.kind), bool)
        extra = np.repeat(where, count)
        extra[self.start[:-1]] = False
        keep[extra] = False
        new_kind, new_p = self.kind.copy(), self.p.copy()
        new_kind[self.start[:-1][where]], new_p[self.start[:-1][where]] = kind[where], p[where]
        start = np.append(0, np.cumsum(np.where(where, 1, count)))
        return Several(start, new_kind[keep], new_p[keep])

    def rows(self, datum: Ints) -> tuple[Ints, Ints]:
        """Return, for rows that are about DATUM each, (the row, the entry) of every row and type."""
        count = np.diff(self.start)[datum]
        row = np.repeat(np.arange(len(datum)), count)
        rank = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
        return row, self.start[datum[row]] + rank


class DatumTypes:
    """Asks a judge of data, and remembers what it answered."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._known: dict[tuple[object, ...], tuple[tuple[int, ...], tuple[float, ...]]] = {}

    def ask(self, keys: pa.Array, carriers: pa.Array, shapes: pa.Array, types: pa.Array, p: Floats) -> Several:
        """Return the types, as numbers of TYPES, of data told in columns of equal length.

        All but P are dictionary arrays; TYPES and P are what the recognisers said, null where they said nothing.
        """
        tuples, which = _distinct([keys, carriers, shapes, types], p)
        asked = list(zip(*(tuples[name].to_pylist() for name in DATUM_ROWS.names), strict=True))
        if len(self._known) > MOST_KNOWN:
            self._known.clear()
        unknown = [at for at, row in enumerate(asked) if row not in self._known]
        if unknown:
            self._learn([asked[at] for at in unknown], self._judge.judge(tuples.take(pa.array(unknown))))
        found = [self._known[row] for row in asked]
        start = np.append(0, np.cumsum([len(kinds) for kinds, _ in found])).astype(np.int64)
        kind = np.fromiter((k for kinds, _ in found for k in kinds), np.int64, int(start[-1]))
        sure = np.fromiter((q for _, sures in found for q in sures), np.float32, int(start[-1]))
        _, entry = Several(start, kind, sure).rows(which)
        return Several(np.append(0, np.cumsum(np.diff(start)[which])), kind[entry], sure[entry])

    def _learn(self, asked: list[tuple[object, ...]], answers: pa.Table) -> None:
        place = {name: at for at, name in enumerate(TYPES)}
        for row, kinds, sures in zip(asked, answers["types"].to_pylist(), answers["types_p"].to_pylist(), strict=True):
            self._known[row] = (tuple(place[kind] for kind in kinds) or (-1,), tuple(sures) or (0.0,))


def _distinct(columns: list[pa.Array], p: Floats) -> tuple[pa.Table, Ints]:
    """Return the distinct rows of dictionary COLUMNS and P as DATUM_ROWS, and for each row which of them it is."""
    packed = np.unique(p, return_inverse=True)[1].astype(np.int64)
    for column in columns:
        packed = packed * (len(column.dictionary) + 1) + codes(column) + 1
    _, first, which = np.unique(packed, return_index=True, return_inverse=True)
    at = pa.array(first)
    silent = codes(columns[3])[first] < 0
    rows = [column.take(at) for column in columns]
    return pa.table([*rows, pa.array(p[first], mask=silent)], names=DATUM_ROWS.names), which
