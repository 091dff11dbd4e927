"""From leaves to DATA: every distinct value is masked, searched for planted values, typed and read as a signal, once.

This is where raw values end: what comes out holds digests, shapes, lengths, entropies and types only.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.core import mask
from consentinel.core.columns import codes, labels, one, relabel
from consentinel.core.contracts import Judge, SignalPart, SurfacePart
from consentinel.core.tables import DATA
from consentinel.detect._datum_types import DatumTypes
from consentinel.detect.judges._rows import TYPES
from consentinel.detect.planted import PROOF_BITS, Planted
from consentinel.detect.signals._reading import Reading
from consentinel.detect.surfaces._pairs import Pairs, recognise_all

__all__ = ["Observer", "Sightings"]

HINT_BITS = 32  # a planted value shorter than this stands in unrelated traffic too often to say anything
HINT_P = 0.9


@dataclass(slots=True)
class Sightings:
    """Where signals were read: one entry per leaf, as columns; `reading` indexes Observer.readings."""

    visit_id: list[str]
    time: np.ndarray
    reading: np.ndarray
    digest: np.ndarray


class Observer:
    """Turns LEAVES into DATA; remembers what signals said, and what a judge of data said of keys and shapes.

    Without a judge a datum has the one type that recognisers give it; a judge may give it several, a row each.
    """

    def __init__(
        self,
        key: bytes,
        surfaces: list[SurfacePart[Pairs]],
        signals: list[SignalPart[Reading]],
        planted: Planted | None = None,
        judge: Judge | None = None,
    ) -> None:
        self._types = DatumTypes(judge) if judge is not None else None
        self._key, self._surfaces, self._planted = key, surfaces, planted
        self._reads = {k: part.read for part in signals for k in part.KEYS}
        self.readings: list[Reading] = []
        self._reading_no: dict[Reading, int] = {}
        self._known: dict[tuple[str, str], int] = {}

    def observe(self, leaves: pa.Table) -> tuple[pa.Table, Sightings]:
        """Return DATA rows and the signals read, for a LEAVES table."""
        n = leaves.num_rows
        if not n:
            return DATA.empty_table(), Sightings([], *[np.zeros(0, np.int64)] * 3)
        value, key, carrier = (one(leaves[c]) for c in ("value", "key", "carrier"))
        texts = value.dictionary
        length = pc.utf8_length(texts).cast(pa.int32())
        entropy = mask.entropies(texts)
        digest = mask.digests(texts, self._key)
        shape = mask.shapes(texts)
        code = value.indices.to_numpy().astype(np.int64)
        n_keys, n_carriers = len(key.dictionary), len(carrier.dictionary)
        triple = (code * n_keys + key.indices.to_numpy()) * n_carriers + carrier.indices.to_numpy()
        unique, inverse = np.unique(triple, return_inverse=True)
        at_value, at_key, at_carrier = (
            unique // (n_keys * n_carriers),
            unique // n_carriers % n_keys,
            unique % n_carriers,
        )
        keys = pa.DictionaryArray.from_arrays(pa.array(at_key.astype(np.int32)), key.dictionary)
        carriers = pa.DictionaryArray.from_arrays(pa.array(at_carrier.astype(np.int32)), carrier.dictionary)
        pairs = Pairs(keys, texts.take(pa.array(at_value)), carriers, entropy[at_value])
        type_code, type_p, names = recognise_all(pairs, self._surfaces)
        several = None
        if self._types is not None:
            several = self._types.ask(keys, carriers, _relabel(shape, at_value), _typed(type_code, names), type_p)
            names, type_code, type_p = list(TYPES), several.kind[several.start[:-1]], several.p[several.start[:-1]]
        planted, type_code, type_p, names, settled = self._plant(
            texts, code[_first_of(inverse, len(unique))], type_code, type_p, names
        )
        columns = {name: leaves[name] for name in leaves.schema.names if name in DATA.names}
        if several is None:
            row_type, row_p, code_of_row = type_code[inverse], type_p[inverse], code
        else:
            several = several.settle(settled, type_code, type_p)
            row, entry = several.rows(inverse)
            row_type, row_p, code_of_row = several.kind[entry], several.p[entry], code[row]
            columns = {name: column.take(pa.array(row)) for name, column in columns.items()}
        rows = pa.array(code_of_row)
        columns |= {
            "run_id": pa.nulls(len(row_type), DATA.field("run_id").type),
            "length": length.take(rows),
            "shape": _relabel(shape, code_of_row),
            "digest": pa.array(digest[code_of_row]),
            "entropy": pa.array(entropy[code_of_row]),
            "type": _typed(row_type, names),
            "type_p": pa.array(row_p.astype(np.float32), mask=row_type < 0),
            "count": pa.array(np.ones(len(row_type), np.int64)),
            "n_subjects": pa.nulls(len(row_type), pa.int64()),
        } | {name: column.take(rows) for name, column in planted.items()}
        data = pa.table([columns[f.name] for f in DATA], schema=DATA)
        return data, self._signals(leaves, key, texts, unique, at_key, at_value, inverse, digest)

    def _plant(  # type: ignore[no-untyped-def]
        self, texts: pa.Array, value_of: np.ndarray, type_code: np.ndarray, type_p: np.ndarray, names: list[str]
    ):
        """Planted columns per distinct value, types with what planted values state, and where those decided.

        The stated type of a proven hit replaces the recognised one; that of a shorter hit counts where nothing was
        recognised, and stays short of proof.
        """
        n, label = len(texts), DATA.field("planted_id").type
        if self._planted is None:
            empty = {
                "planted_id": pa.nulls(n, label),
                "planted_form": pa.nulls(n, label),
                "matched_bits": pa.nulls(n, pa.int32()),
            }
            return empty, type_code, type_p, names, np.zeros(len(value_of), bool)
        found = self._planted.find(texts).columns(n)
        told = _stated_types(found.pop("planted_type"), found["planted_form"])
        names = list(dict.fromkeys([*names, *labels(told)]))
        to_code = np.array([names.index(t) for t in labels(told)] + [-1], np.int64)
        bits = pc.fill_null(found["matched_bits"], 0).to_numpy()[value_of]
        stated = to_code[codes(told)][value_of]
        told_so = (stated >= 0) & ((bits >= PROOF_BITS) | ((bits >= HINT_BITS) & (type_code < 0)))
        p = np.where(bits >= PROOF_BITS, 1.0, HINT_P)
        return found, np.where(told_so, stated, type_code), np.where(told_so, p, type_p), names, told_so

    def _signals(  # type: ignore[no-untyped-def]
        self, leaves: pa.Table, key: pa.Array, texts: pa.Array, unique, at_key, at_value, inverse, digest
    ) -> Sightings:
        reader = [self._reads.get(_last_name(name)) for name in key.dictionary.to_pylist()]
        is_signal = np.array([r is not None for r in reader] or [False])[at_key]
        reading = np.full(len(unique), -1, np.int64)
        wanted = np.flatnonzero(is_signal)
        names = [_last_name(name) for name in key.dictionary.take(pa.array(at_key[wanted])).to_pylist()]
        for at, name, text in zip(
            wanted.tolist(), names, texts.take(pa.array(at_value[wanted])).to_pylist(), strict=True
        ):
            reading[at] = self._read(name, text)
        row_reading = reading[inverse]
        rows = np.flatnonzero(row_reading >= 0)
        at = pa.array(rows)
        digests = digest[one(leaves["value"]).indices.to_numpy()[rows]]
        return Sightings(
            leaves["visit_id"].take(at).cast(pa.string()).to_pylist(),
            leaves["time"].take(at).to_numpy(),
            row_reading[rows],
            digests,
        )

    def _read(self, name: str, text: str) -> int:
        known = self._known.get((name, text))
        if known is None:
            said = self._reads[name](name, text)
            known = -1
            if said is not None:
                known = self._reading_no.setdefault(said, len(self.readings))
                if known == len(self.readings):
                    self.readings.append(said)
            if len(self._known) > 100_000:
                self._known.clear()
            self._known[name, text] = known
        return known


def _typed(kind: np.ndarray, names: list[str]) -> pa.DictionaryArray:
    """The types of KIND, numbers of NAMES; -1 is null."""
    return pa.DictionaryArray.from_arrays(
        pa.array(np.maximum(kind, 0).astype(np.int32), mask=kind < 0), pa.array(names, pa.string())
    )


def _stated_types(told: pa.Array, form: pa.Array) -> pa.Array:
    """The types of planted values; contact data that was found hashed is of the hashed type."""
    hashed = np.array([any(h in f for h in ("md5", "sha", "blake")) for f in labels(form)] + [False])[codes(form)]
    names = labels(told)
    every = names + [f"{n}_hashed" if n in ("contact.email", "contact.phone") else n for n in names]
    return relabel(np.where(codes(told) < 0, -1, codes(told) + len(names) * hashed), every)


def _last_name(key: str) -> str:
    """The innermost name of a key: "user.ext.consent[]" is read as "consent"."""
    return key.lower().removesuffix("[]").rpartition(".")[2]


def _first_of(inverse: np.ndarray, n: int) -> np.ndarray:
    """For each of N distinct entries, one row where it occurs."""
    first = np.empty(n, np.int64)
    first[inverse] = np.arange(len(inverse))
    return first


def _relabel(labels: pa.Array, codes: np.ndarray) -> pa.DictionaryArray:
    small = labels.dictionary_encode()
    return pa.DictionaryArray.from_arrays(pa.array(small.indices.to_numpy()[codes]), small.dictionary)
