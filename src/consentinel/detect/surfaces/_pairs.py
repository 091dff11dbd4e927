"""Unique (key, value, carrier) triples as columns, and the vectorised questions that recognisers ask of them."""

from collections.abc import Iterable
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.core.contracts import SurfacePart

__all__ = ["HINT", "LIKELY", "ORDER", "SURE", "Mask", "Pairs", "Scores", "best", "recognise_all"]

SURE, LIKELY, HINT = 0.97, 0.85, 0.6  # key and value both say so; key and a plausible value; a weak key

Mask = npt.NDArray[np.bool_]
Scores = npt.NDArray[np.float32]

# When two recognisers are equally sure, the type that says more about a person or a device wins.
ORDER = (
    "contact.email_hashed", "contact.phone_hashed", "contact.email", "contact.phone", "contact.name",
    "device.advertising_id", "location.precise", "fingerprint.surface", "user.id", "device.id", "device.ip",
    "location.coarse", "device.time_zone", "device.locale", "device.screen", "device.hardware", "device.os",
    "device.network", "device.browser",
)  # fmt: skip

# Positions in a list, and what attributes are wrapped in (OpenTelemetry and others), are no names.
NO_NAMES = r"(\.([0-9]+|(string|int|double|bool|number)?value))+(\.|$)"
COOKIES = ("cookie", "set-cookie", "cookie-store")
NUMBER = r"^[+-]?[0-9]{1,15}(\.[0-9]{1,20})?$"
LONGEST_NUMBER = 38
ENTROPY_ROWS = 4096  # rows whose byte counts are held at a time
ENTROPY_BYTES = 128  # bytes of a value that its entropy is computed from


class Pairs:
    """Unique triples of KEYS, VALUES and CARRIERS (string or dictionary arrays of equal length; null counts as empty).

    Keys are lower-cased; inner names are joined by dots and list positions are []. `entropy` (bits a character) may be
    handed over when it is known. All masks and scores have one element a triple.
    """

    def __init__(
        self, keys: pa.Array, values: pa.Array, carriers: pa.Array, entropy: npt.NDArray[np.float32] | None = None
    ) -> None:
        self.n = len(values)
        self.values = _text(values)
        self.key_codes, key_names = _codes(keys)
        self.key_names = pc.utf8_lower(key_names)
        self.carrier_codes, self.carrier_names = _codes(carriers)
        self.length: npt.NDArray[np.int32] = np.asarray(pc.utf8_length(self.values), np.int32)
        self._entropy = entropy

    @cached_property
    def _names(self) -> list[tuple[npt.NDArray[np.int32], pa.Array]]:
        """The last inner name of each key, and the last two joined by a dot, without separators and as codes."""
        flat = pc.replace_substring_regex(self.key_names, r"[^a-z0-9.\[\]:/]+", "")
        flat = pc.utf8_trim(pc.replace_substring_regex(flat, r"[.\[\]:/]+", "."), ".")
        flat = pc.replace_substring_regex(flat, NO_NAMES, r"\4")
        parts = pc.split_pattern(flat, ".")
        words, ends = parts.values, np.asarray(parts.offsets)[1:]
        last = words.take(pa.array(ends - 1))
        single = np.diff(np.asarray(parts.offsets)) < 2
        parent = words.take(pa.array(np.maximum(ends - 2, 0)))
        parent = pc.if_else(pa.array(single), "", parent)
        return [_codes(last), _codes(pc.binary_join_element_wise(parent, last, "."))]

    def named(self, *names: str) -> Mask:
        """Return where the key ends in one of NAMES (each a text of names separated by spaces).

        Names are lower-case letters and digits only: "deviceid" stands for device_id, $device_id and deviceId alike.
        "device.id" also fixes the name above. Positions in lists and ".value" are not looked at.
        """
        wanted = " ".join(names).split()
        found = np.zeros(len(self.key_names), bool)
        for (codes, known), dots in zip(self._names, (0, 1), strict=True):
            chosen = pa.array([w for w in wanted if w.count(".") == dots], pa.string())
            if len(chosen):
                found |= np.asarray(pc.is_in(known, value_set=chosen))[codes]
        return found[self.key_codes]

    def like(self, regex: str) -> Mask:
        """Return where the last two inner names, written as in `named` and joined by a dot, match REGEX (RE2).

        A key of one name starts with the dot. Tried once for each distinct pair of names.
        """
        codes, known = self._names[1]
        return np.asarray(pc.match_substring_regex(known, regex))[codes][self.key_codes]

    def by_key(self, regex: str) -> Mask:
        """Return where the whole lower-case key matches REGEX (RE2), tried once for each distinct key."""
        return np.asarray(pc.match_substring_regex(self.key_names, regex))[self.key_codes]

    def by_value(self, regex: str, where: Mask) -> Mask:
        """Return where the value matches REGEX (RE2); only values at WHERE are tried."""
        rows = np.flatnonzero(where)
        found = np.zeros(self.n, bool)
        if len(rows):
            found[rows] = np.asarray(pc.match_substring_regex(self.values.take(pa.array(rows)), regex))
        return found

    def value_in(self, known: str | Iterable[str], where: Mask) -> Mask:
        """Return where the lower-cased value is one of KNOWN (texts, or one text of words); tried at WHERE only."""
        texts = known.split() if isinstance(known, str) else known
        rows = np.flatnonzero(where)
        found = np.zeros(self.n, bool)
        if len(rows):
            lower = pc.utf8_lower(self.values.take(pa.array(rows)))
            found[rows] = np.asarray(pc.is_in(lower, value_set=pa.array(sorted(texts), pa.large_string())))
        return found

    def starts_with(self, text: str) -> Mask:
        """Return where the value starts with TEXT."""
        return np.asarray(pc.starts_with(self.values, text))

    def contains(self, text: str) -> Mask:
        """Return where the value contains TEXT."""
        return np.asarray(pc.match_substring(self.values, text))

    def number(self, where: Mask) -> npt.NDArray[np.float64]:
        """Return the values at WHERE as numbers; NaN elsewhere and where a value is not a plain decimal number."""
        rows = np.flatnonzero(self.by_value(NUMBER, where & (self.length <= LONGEST_NUMBER)))
        numbers = np.full(self.n, np.nan)
        if len(rows):
            plain = pc.utf8_ltrim(self.values.take(pa.array(rows)), "+")
            numbers[rows] = np.asarray(plain.cast(pa.float64()))
        return numbers

    def entropy(self, where: Mask) -> npt.NDArray[np.float32]:
        """Return bits a character of the first bytes of the values at WHERE; 0 elsewhere unless it was handed over."""
        if self._entropy is not None:
            return self._entropy
        found = np.zeros(self.n, np.float32)
        rows = np.flatnonzero(where)
        for start in range(0, len(rows), ENTROPY_ROWS):
            part = rows[start : start + ENTROPY_ROWS]
            found[part] = _shannon(pc.utf8_slice_codeunits(self.values.take(pa.array(part)), 0, ENTROPY_BYTES))
        return found

    def carrier_in(self, *names: str) -> Mask:
        """Return where the carrier is one of NAMES."""
        wanted = pa.array(names, self.carrier_names.type)
        return np.asarray(pc.is_in(self.carrier_names, value_set=wanted))[self.carrier_codes]

    @cached_property
    def cookie(self) -> Mask:
        """Where the triple was a cookie, sent, set or stored."""
        return self.carrier_in(*COOKIES)

    @cached_property
    def first(self) -> npt.NDArray[np.uint8]:
        """The first byte of each value; 0 where the value is empty."""
        starts = np.frombuffer(self.values.buffers()[1], np.int64)[self.values.offset :][: self.n + 1]
        data = self.values.buffers()[2]
        if not self.n or data is None or not data.size:
            return np.zeros(self.n, np.uint8)
        text = np.frombuffer(data, np.uint8)
        return np.where(self.length > 0, text[np.minimum(starts[:-1], len(text) - 1)], 0).astype(np.uint8)


def best(n: int, *graded: tuple[Mask, float]) -> Scores:
    """Return for each of N pairs the highest probability among the masks that hold; 0 where none does."""
    scores = np.zeros(n, np.float32)
    for mask, p in sorted(graded, key=lambda g: g[1]):
        scores[mask] = p
    return scores


def recognise_all(
    pairs: Pairs, parts: Iterable["SurfacePart[Pairs]"]
) -> tuple[npt.NDArray[np.int8], Scores, list[str]]:
    """Return for each pair the index of its type (-1: none) and the probability, and the names of the types.

    The most probable type wins; equally probable ones are taken in ORDER, then in the order of PARTS.
    """
    ranked = sorted(parts, key=lambda p: ORDER.index(p.TYPE) if p.TYPE in ORDER else len(ORDER))
    chosen, p = np.full(pairs.n, -1, np.int8), np.zeros(pairs.n, np.float32)
    for number, part in enumerate(ranked):
        scores = part.recognise(pairs)
        better = scores > p
        chosen[better], p[better] = number, scores[better]
    return chosen, p, [part.TYPE for part in ranked]


def _text(values: pa.Array) -> pa.Array:
    """Return VALUES as a large string array without nulls."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    return pc.fill_null(values.cast(pa.large_string()), "")


def _codes(labels: pa.Array) -> tuple[npt.NDArray[np.int32], pa.Array]:
    """Return LABELS as codes without nulls and the distinct texts; there is always at least one text."""
    if isinstance(labels, pa.ChunkedArray):
        labels = labels.combine_chunks()
    if not pa.types.is_dictionary(labels.type):
        labels = labels.dictionary_encode()
    names = pa.concat_arrays([pc.fill_null(labels.dictionary.cast(pa.string()), ""), pa.array([""], pa.string())])
    return np.asarray(pc.fill_null(labels.indices.cast(pa.int32()), len(names) - 1)), names


def _shannon(texts: pa.Array) -> npt.NDArray[np.float32]:
    """Return the Shannon entropy of each text in bits a byte, the high bit left out."""
    starts = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset :][: len(texts) + 1]
    data = texts.buffers()[2]
    size = np.diff(starts)
    if data is None or not len(texts):
        return np.zeros(len(texts), np.float32)
    text = np.frombuffer(data, np.uint8)[starts[0] : starts[-1]]
    row = np.repeat(np.arange(len(texts)), size)
    counts = np.bincount(row * 128 + (text & 127), minlength=128 * len(texts)).reshape(-1, 128)
    seen = np.nonzero(counts)
    count = counts[seen]
    surprise = np.bincount(seen[0], count * np.log2(count), len(texts))
    whole = np.maximum(size, 1)
    return (np.log2(whole) - surprise / whole).astype(np.float32)
