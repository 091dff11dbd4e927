"""Planted identifiers: known values that were put into a visit, found again in whatever form they left.

A TOML file lists the values, one `[[planted]]` table each:

    [[planted]]
    id = "email"
    type = "contact.email"
    value = "probe.k3q9x7w2m4t8@example.com"
    bits = 60  # optional: information in the value, when it is known better than the estimate

Every value becomes some thousand literals (see `_planted_forms.py`), about 11,000 for an e-mail address and more than
28,000 for an identity. `Planted.find` looks for all of them in one pass over the Arrow data buffer.

The bits of a hit are the least of: what the planted value holds (stated, or estimated low, see `_planted_bits.py`),
what the digest can carry, and what is left when an encoding hides its edges in its neighbours. A literal that holds b
bits stands at any one place of unrelated traffic with a probability of at most 2^-b. With PROOF_BITS = 64 bits, 1 TB of
traffic and 28,000 literals the expected number of chance hits is below 2^-9: only such a hit is proof (P0). A hit with
fewer bits (a rounded coordinate, a common name, a phone number) is reported as a hit, never as proof.
"""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from ahocorasick_rs import BytesAhoCorasick, Implementation, MatchKind

from consentinel.core.errors import UsageError
from consentinel.detect._planted_bits import estimate
from consentinel.detect._planted_forms import Literal, forms
from consentinel.detect._planted_sieve import Sieve
from consentinel.detect.surfaces._pairs import ORDER as TYPES

__all__ = ["PROOF_BITS", "Planted", "PlantedHits", "PlantedValue", "read_planted"]

PROOF_BITS = 64
SHORTEST = 4  # characters; anything shorter stands in every page
KEYS = {"id": str, "type": str, "value": str, "bits": int}

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class PlantedValue:
    """One planted value: its id, its data type, the value, and the bits stated for it (None: estimate them)."""

    id: str
    type: str
    value: str
    bits: int | None = None

    def information(self) -> int:
        """Return the bits that the value holds: as stated, else estimated low; never more than 8 a byte."""
        most = 8 * len(self.value.encode())
        return estimate(self.value, self.type) if self.bits is None else min(self.bits, most)


@dataclass(frozen=True)
class PlantedHits:
    """The best hit of each row that has one: most bits first, then the longest literal.

    `row` is sorted and unique; `planted` and `form` index `ids`, `types` and `forms`; `bits` are matched bits.
    """

    row: Ints
    planted: Ints
    form: Ints
    bits: Ints
    ids: list[str]
    types: list[str]
    forms: list[str]

    def columns(self, n_rows: int) -> dict[str, pa.Array]:
        """Return planted_id, planted_form, planted_type and matched_bits, N_ROWS long, null where there is no hit."""
        at = np.full(n_rows, -1, np.int64)
        at[self.row] = np.arange(len(self.row))
        none = at < 0

        def label(codes: Ints, names: list[str]) -> pa.Array:
            chosen = np.zeros(n_rows, np.int32)
            chosen[~none] = codes[at[~none]]
            return pa.DictionaryArray.from_arrays(pa.array(chosen, mask=none), pa.array(names, pa.string()))

        bits = np.zeros(n_rows, np.int32)
        bits[~none] = self.bits[at[~none]]
        return {
            "planted_id": label(self.planted, self.ids),
            "planted_form": label(self.form, self.forms),
            "planted_type": label(self.planted, self.types),
            "matched_bits": pa.array(bits, mask=none),
        }


class Planted:
    """The pool of literals of some planted values; build it once, it pickles as the values and is rebuilt."""

    def __init__(self, values: Sequence[PlantedValue]) -> None:
        self.values = tuple(values)
        pool: dict[bytes, tuple[int, Literal]] = {}
        for at, planted in enumerate(self.values):
            for literal in forms(planted.value, planted.type, planted.information()):
                pool.setdefault(literal.text, (at, literal))
        self.literals = list(pool)
        names = {literal.form: None for _, literal in pool.values()}
        self.forms = list(names)
        number = {form: n for n, form in enumerate(names)}
        self._planted = np.array([at for at, _ in pool.values()], np.int64)
        self._form = np.array([number[literal.form] for _, literal in pool.values()], np.int64)
        self._bits = np.array([literal.bits for _, literal in pool.values()], np.int64)

    def __reduce__(self) -> tuple[Any, ...]:
        return (Planted, (self.values,))

    @cached_property
    def _sieve(self) -> Sieve:
        return Sieve(self.literals)

    @cached_property
    def _matcher(self) -> BytesAhoCorasick:
        return BytesAhoCorasick(self.literals, MatchKind.Standard, Implementation.ContiguousNFA)

    def find(self, values: pa.Array | pa.ChunkedArray) -> PlantedHits:
        """Return the best hit of each row of VALUES (string or binary, large or not; nulls hold nothing).

        The data buffer is scanned where it lies. A sieve leaves the few rows that can hold a literal, one Aho-Corasick
        automaton over all literals finds every occurrence in those, overlapping ones too, and an occurrence that
        crosses from one row into the next is refused.
        """
        if isinstance(values, pa.ChunkedArray):
            values = values.combine_chunks()
        if not self.literals or not len(values):
            return self._best(np.empty((0, 4), np.int64))
        text, offsets = _bytes(values)
        rows = self._sieve.rows(text, offsets)
        if values.null_count:
            rows = rows[values.is_valid().to_numpy(zero_copy_only=False)[rows]]
        picked, starts = _bytes(values.take(pa.array(rows)))
        found = np.array(self._matcher.find_matches_as_indexes(picked.data, overlapping=True), np.int64).reshape(-1, 3)
        row = np.searchsorted(starts, found[:, 1], "right") - 1
        inside = found[:, 2] <= starts[row + 1]
        literal = found[inside, 0]
        return self._best(
            np.column_stack((rows[row[inside]], self._bits[literal], found[inside, 2] - found[inside, 1], literal))
        )

    def _best(self, hits: Ints) -> PlantedHits:
        """Return one hit a row out of HITS (row, bits, length, literal)."""
        order = np.lexsort((hits[:, 3], -hits[:, 2], -hits[:, 1], hits[:, 0]))
        hits = hits[order]
        row = hits[:, 0]
        first = np.ones(len(row), bool)
        first[1:] = row[1:] != row[:-1]
        literal = hits[first, 3]
        ids, types = [v.id for v in self.values], [v.type for v in self.values]
        return PlantedHits(
            row[first], self._planted[literal], self._form[literal], hits[first, 1], ids, types, self.forms
        )


def _bytes(values: pa.Array) -> tuple[npt.NDArray[np.uint8], Ints]:
    """Return the data bytes of VALUES and where each row starts in them (one more than there are rows); no copy."""
    wide = pa.types.is_large_string(values.type) or pa.types.is_large_binary(values.type)
    if not (wide or pa.types.is_string(values.type) or pa.types.is_binary(values.type)):
        raise TypeError(f"planted values are looked for in string or binary arrays, not in {values.type}")
    _, offsets, data = values.buffers()
    number = np.int64 if wide else np.int32
    if offsets is None or not len(values):
        return np.empty(0, np.uint8), np.zeros(len(values) + 1, np.int64)
    starts = np.frombuffer(offsets, number)[values.offset : values.offset + len(values) + 1].astype(np.int64)
    text = np.frombuffer(data if data is not None else b"", np.uint8)
    return text[starts[0] : starts[-1]], starts - starts[0]


def read_planted(path: Path) -> Planted:
    """Return the planted values of the TOML file PATH.

    Raises UsageError naming the file, the entry (counted from 1), what is wrong and what to write instead.
    """
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as why:
        raise UsageError(f"{path.name}: cannot be read ({why.strerror}); give the path of a TOML file") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as why:
        raise UsageError(f"{path.name}: is not TOML ({why}); write one [[planted]] table for each value") from None
    extra = sorted(set(document) - {"planted"})
    if extra:
        raise UsageError(f"{path.name}: unknown key '{extra[0]}'; the file holds [[planted]] tables only")
    entries = document.get("planted", [])
    if not isinstance(entries, list) or not entries or not all(isinstance(e, dict) for e in entries):
        raise UsageError(f"{path.name}: no planted values; write a [[planted]] table with id, type and value for each")
    return Planted(list(_values(path.name, entries)))


def _values(name: str, entries: list[dict[str, Any]]) -> Iterator[PlantedValue]:
    ids: dict[str, int] = {}
    texts: dict[str, int] = {}
    for number, entry in enumerate(entries, 1):
        where = f"{name}: entry {number}"
        for key, value in entry.items():
            if key not in KEYS:
                raise UsageError(f"{where}: unknown key '{key}'; there is: {', '.join(KEYS)}")
            if type(value) is not KEYS[key]:
                want = "a whole number" if KEYS[key] is int else "text in quotes"
                raise UsageError(f"{where}: '{key}' should be {want}")
        for key in ("id", "type", "value"):
            if not entry.get(key, "").strip():
                raise UsageError(f"{where}: '{key}' is missing or empty; write {key} = \"...\"")
        if entry["type"] not in TYPES:
            raise UsageError(f"{where}: unknown type '{entry['type']}'; there is: {', '.join(sorted(TYPES))}")
        if len(entry["value"].strip()) < SHORTEST:
            raise UsageError(f"{where}: the value is shorter than {SHORTEST} characters; plant a longer one")
        if entry.get("bits", 1) < 1:
            raise UsageError(f"{where}: 'bits' should be 1 or more; leave it out to have it estimated")
        if entry["id"] in ids:
            raise UsageError(f"{where}: id '{entry['id']}' is that of entry {ids[entry['id']]}; give each its own")
        if entry["value"] in texts:
            raise UsageError(f"{where}: the value is that of entry {texts[entry['value']]}; plant each value once")
        ids[entry["id"]] = texts[entry["value"]] = number
        yield PlantedValue(**entry)
