"""Take raw values apart: URL parts, cookies, forms, multipart, JSON, base64, percent, compression, to three layers.

The first split (a query into its fields, a JSON body into its values) is how the data travelled and is not counted;
each further decoding of a single value is a layer, told in `decode_path` outside in ("base64>json"). Work is done once
per distinct raw value. Limits: three layers, 2,000 values and about 8 MB of decoded text per raw value, 4 MB out of
one decompression, 64 k characters kept of a value.
"""

import re
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.core.columns import one
from consentinel.core.mask import field_names
from consentinel.detect import _layers
from consentinel.detect._layers import MAX_LEAVES, MAX_NAME, MAX_TEXT

__all__ = ["LAYERS", "LEAVES", "Decoder", "expand", "explode"]

LAYERS = 3
MAX_UNPACKED = 8 << 20  # characters

# One leaf value, still raw: the columns of RAW with the final carrier and key, and how it was decoded.
LEAVES = pa.schema(
    [
        ("visit_id", pa.dictionary(pa.int32(), pa.string())),
        ("seq", pa.int32()),
        ("time", pa.int64()),
        ("action", pa.dictionary(pa.int32(), pa.string())),
        ("carrier", pa.dictionary(pa.int32(), pa.string())),
        ("recipient", pa.dictionary(pa.int32(), pa.string())),
        ("lifetime_s", pa.int64()),
        ("key", pa.dictionary(pa.int32(), pa.string())),
        ("decode_path", pa.dictionary(pa.int32(), pa.string())),
        ("depth", pa.int32()),
        ("value", pa.dictionary(pa.int32(), pa.large_string())),
    ],
)

_SEGMENT_OF_INTEREST = re.compile(r"[0-9@%=]")
_MAIL = re.compile(r"[^@]{1,64}(?:@|%40)[^@]{1,64}\.[A-Za-z]{2,12}")
_SHORT, _LONG = 128, 4 << 20  # characters
_PACKED = ("H4sI", "eAE", "eF4", "eJ", "eN", "1f8b", "1F8B", "78")  # how gzip and zlib start in base64 and hex
_CACHED_LENGTH = 1_024
_CACHED_VALUES = 20_000


@dataclass(slots=True)
class Leaves:
    """The leaves of one raw value, as columns."""

    carrier: str
    keys: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    lifetime_s: int = -1
    unpacked: int = 0  # characters that decoding made so far


def explode(carrier: str, raw: bytes) -> Leaves:
    """Return the leaves of one raw value that travelled in CARRIER; never raises, always bounded."""
    text = raw.decode("utf-8", "replace")
    if carrier == "query":
        return _peel_all(Leaves("query"), _layers.pairs(text), "")
    if carrier == "cookie":
        return _peel_all(Leaves("cookie"), _layers.cookies(text), "")
    if carrier == "path":
        return _peel_all(Leaves("path"), _path(text), "")
    if carrier == "set-cookie":
        return _set_cookie(text)
    if carrier.startswith("body:"):
        return _body(carrier[5:], raw)
    return _peel_all(Leaves(carrier), ([""], [text]), "") if text else Leaves(carrier)


def _path(text: str) -> _layers.Pairs:
    keys: list[str] = []
    values: list[str] = []
    for place, segment in enumerate(text.split("/")[1:40]):
        if _SEGMENT_OF_INTEREST.search(segment):
            names, texts = _layers.parameters(segment) or ([""], [segment])
            keys += [f"path[{place}].{name}" if name else f"path[{place}]" for name in names]
            values += texts
    return keys, values


def _set_cookie(text: str) -> Leaves:
    head, *attributes = text.split(";", 40)
    keys, values = _layers.cookies(head)
    leaves = _peel_all(Leaves("set-cookie"), (keys, values), "")
    for piece in attributes:
        name, _, value = piece.strip().partition("=")
        if name.lower() == "max-age" and len(value) < 12 and value.removeprefix("-").isdecimal():
            leaves.lifetime_s = max(int(value), 0)
            break
        if name.lower() == "expires":
            try:
                ends = parsedate_to_datetime(value).timestamp()
            except (ValueError, TypeError, OverflowError, IndexError):
                continue
            # Seconds from 1970: the caller knows the time of the response and takes the difference.
            leaves.lifetime_s = -2 - max(int(ends), 0)
    return leaves


def _body(kind: str, raw: bytes) -> Leaves:
    mime, _, encoding = kind.partition("|")
    path = ""
    for _ in range(LAYERS):
        packed = _layers.unpack(raw, encoding) if encoding else _layers.inflate(raw)
        encoding = ""
        if packed is None:
            break
        name, raw = packed
        path = f"{path}>{name}" if path else name
    if "multipart" in mime:
        parts = _layers.multipart(raw)
        if parts is not None:
            return _peel_all(Leaves("multipart"), parts, path)
    start = raw[:64].lstrip()[:1]
    if start in (b"{", b"[") or "json" in mime:
        parts = _layers.json(raw) or _json_lines(raw)
        if parts is not None:
            return _peel_all(Leaves("json"), parts, path)
    text = raw.decode("utf-8", "replace")
    if "form-urlencoded" in mime or (len(text) < 1_000_000 and _layers.form(text)):
        return _peel_all(Leaves("form"), _layers.pairs(text), path)
    if text.count("\ufffd") > 2 + len(text) // 50 or "\x00" in text[:1000]:
        texts = _layers.strings(raw)
        return _peel_all(Leaves("body", [""], [text[:MAX_TEXT]], [path]), ([""] * len(texts), texts), path)
    return _peel_all(Leaves("text"), ([""], [text]), path)


def _json_lines(raw: bytes) -> _layers.Pairs | None:
    keys: list[str] = []
    values: list[str] = []
    for line in raw.split(b"\n", 500)[:500]:
        if line.strip():
            got = _layers.json(line)
            if got is None:
                return None
            keys += got[0]
            values += got[1]
    return (keys, values) if keys else None


def _peel_all(leaves: Leaves, pairs: _layers.Pairs, path: str) -> Leaves:
    depth = path.count(">") + 1 if path else 0
    room = MAX_LEAVES - len(leaves.keys)
    for key, value in zip(*pairs, strict=True):
        if not value:
            continue
        size = len(value)
        if size < 8 or (size <= _SHORT and not value.startswith(_PACKED) and _inside_short(value) is None):
            leaves.keys.append(key)  # most values are plain: they are taken here, without a call
            leaves.values.append(value)
            leaves.paths.append(path)
            room -= 1
        else:
            _peel(leaves, key, value, path, depth)
            room = MAX_LEAVES - len(leaves.keys)
        if room <= 0:
            break
    return leaves


def _peel(leaves: Leaves, key: str, text: str, path: str, depth: int) -> None:
    """Add TEXT to the leaves, or what is inside when it is an encoding and layers are left."""
    found = None
    if depth < LAYERS and 8 <= len(text) <= _LONG and leaves.unpacked < MAX_UNPACKED:
        # Ids and names come again and again: remember what is inside short texts, unless it may be large.
        packed = text.startswith(_PACKED)
        found = _inside_short(text) if len(text) <= _SHORT and not packed else _inside(text)
        if packed and found is None:
            leaves.unpacked += 16 * len(text)  # decompression that fails at its end costs as much
    if found is None:
        leaves.keys.append(key)
        leaves.values.append(text if len(text) <= MAX_TEXT else text[:MAX_TEXT])
        leaves.paths.append(path)
        return
    name, (names, texts) = found
    leaves.unpacked += sum(map(len, texts))
    inner = f"{path}>{name}" if path else name
    for sub, value in zip(names, texts, strict=True):
        if len(leaves.keys) >= MAX_LEAVES:
            return
        if name == "url" and sub == "url":  # the address itself is not decoded again
            leaves.keys.append(f"{key}.url" if key else "url")
            leaves.values.append(value[:MAX_TEXT])
            leaves.paths.append(path)
            for place, segment in _payloads(value):
                _peel(leaves, f"{key[:MAX_NAME]}.path[{place}]" if key else f"path[{place}]", segment, inner, depth + 1)
        elif value:
            _peel(leaves, f"{key[:MAX_NAME]}.{sub}" if key and sub else key or sub, value, inner, depth + 1)


def _payloads(address: str) -> list[tuple[int, str]]:
    """Return the segments of a URL's path, numbered, that hold an e-mail address or something in an encoding."""
    if len(address) < 24:
        return []
    return [
        (place, segment)
        for place, segment in enumerate(address.split("/", 40)[3:40])
        if len(segment) >= 12
        and (_MAIL.fullmatch(segment) or (16 <= len(segment) <= _LONG and _inside(segment) is not None))
    ]


def _inside(text: str) -> tuple[str, _layers.Pairs] | None:
    first = text[0]
    if first in '{["':
        got = _layers.json(text)
        if got and got[0]:
            return "json", got
    if text.startswith(("http://", "https://", "app://", "android-app://")):
        return "url", _layers.url(text)
    if "=" in text and "&" in text:  # before percent: its values are decoded after it is split
        got = _layers.form(text)
        if got:
            return "form", got
    if "%" in text:
        got = _layers.percent(text)
        if got:
            return "percent", got
    if len(text) >= 12 and first.isalnum():
        if text.startswith("eyJ") and "." in text:
            got = _layers.jwt(text)
            if got and got[0]:
                return "jwt", got
        got = _layers.b64(text)
        if got:
            return "base64", got
        got = _layers.hexadecimal(text)
        if got:
            return "hex", got
    return None


_inside_short = lru_cache(maxsize=65_536)(_inside)


class Decoder:
    """Remembers the leaves of raw values seen before; one per process is enough."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, bytes], Leaves] = {}

    def leaves(self, carrier: str, raw: bytes) -> Leaves:
        """Return the leaves of RAW, from memory when it is short, no body, and was seen before."""
        if len(raw) > _CACHED_LENGTH or carrier.startswith("body:"):  # bodies hardly ever repeat
            return explode(carrier, raw)
        got = self._known.get((carrier, raw))
        if got is None:
            if len(self._known) >= _CACHED_VALUES:
                self._known.clear()
            got = self._known[carrier, raw] = explode(carrier, raw)
        return got

    def expand(self, raw: pa.Table) -> pa.Table:
        """Return the LEAVES of a RAW table, in row order."""
        return expand(raw, self.leaves)


def expand(raw: pa.Table, leaves_of=explode) -> pa.Table:  # type: ignore[no-untyped-def]
    """Return the LEAVES of a RAW table, in row order; LEAVES_OF gives the leaves of one value."""
    raw = raw.combine_chunks() if raw.num_rows else raw
    if not raw.num_rows:
        return LEAVES.empty_table()
    carrier = one(raw["carrier"])
    value = one(raw["value"]).dictionary_encode()
    n_carriers = len(carrier.dictionary)
    combined = value.indices.to_numpy().astype(np.int64) * n_carriers + carrier.indices.to_numpy()
    unique, row_to_unique = np.unique(combined, return_inverse=True)
    carriers, values = carrier.dictionary.to_pylist(), value.dictionary
    keys: list[str] = []
    texts: list[str] = []
    paths: list[str] = []
    sizes, lives, final = [], [], []
    distinct = values.take(pa.array(unique // n_carriers)).to_pylist()
    for code, item in zip((unique % n_carriers).tolist(), distinct, strict=True):
        got = leaves_of(carriers[code], item)
        keys += got.keys
        texts += got.values
        paths += got.paths
        sizes.append(len(got.keys))
        lives.append(got.lifetime_s)
        final.append(got.carrier)
    size = np.array(sizes, np.int64)
    starts = np.cumsum(size) - size
    row_size = size[row_to_unique]
    row = np.repeat(np.arange(len(row_to_unique)), row_size)
    first = np.cumsum(row_size) - row_size
    leaf = starts[row_to_unique][row] + (np.arange(len(row)) - first[row])
    at = pa.array(row)
    sub = _labels(keys)
    key = _joined(one(raw["key"]).dictionary_encode().take(at), sub.take(pa.array(leaf)))
    path = pa.array(paths, pa.string()).dictionary_encode().take(pa.array(leaf))
    depth = np.array([p.count(">") + 1 if p else 0 for p in path.dictionary.to_pylist()], np.int32)
    text = _strings(texts).dictionary_encode().take(pa.array(leaf))
    where = pa.array(final, pa.string()).dictionary_encode().take(pa.array(row_to_unique[row]))
    time = one(raw["time"]).take(at)
    life = _lifetimes(one(raw["lifetime_s"]).take(at), np.array(lives, np.int64)[row_to_unique][row], time)
    columns = [raw["visit_id"], raw["seq"], raw["time"], raw["action"]]
    return pa.table(
        [*(one(c).take(at) for c in columns), where, one(raw["recipient"]).take(at), life, key, path,
         pa.array(depth[path.indices.to_numpy()] if len(depth) else [], pa.int32()), text],
        schema=LEAVES,
    )  # fmt: skip


def _lifetimes(told: pa.Array, parsed: np.ndarray, time: pa.Array) -> pa.Array:
    """Lifetime in seconds: as the reader told it, by Max-Age, or by Expires less the time of the response."""
    seconds = np.where(parsed <= -2, (-2 - parsed) - time.to_numpy() // 1_000_000, parsed)
    by_header = pa.array(np.maximum(seconds, 0), mask=parsed == -1)
    return pc.coalesce(told, by_header)


def _joined(outer: pa.DictionaryArray, inner: pa.DictionaryArray) -> pa.DictionaryArray:
    """Join names of the outer field and the inner value with a dot, on distinct pairs only."""
    n = max(len(inner.dictionary), 1)
    pair = outer.indices.to_numpy().astype(np.int64) * n + inner.indices.to_numpy()
    unique, inverse = np.unique(pair, return_inverse=True)
    a, b = outer.dictionary.to_pylist(), inner.dictionary.to_pylist()
    names = []
    for code in unique.tolist():
        left, right = a[code // n], b[code % n]
        names.append((f"{left}.{right}" if left and right else left or right)[:200])
    small = pa.array(field_names(names), pa.string()).dictionary_encode()
    codes = small.indices.to_numpy()[inverse].astype(np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(codes), small.dictionary)


_ODD = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


def _strings(texts: list[str]) -> pa.Array:
    try:
        return pa.array(texts, pa.large_string())
    except UnicodeEncodeError:  # lone surrogates, from JSON escapes
        return pa.array([t.encode("utf-8", "replace").decode() for t in texts], pa.large_string())


def _labels(names: list[str]) -> pa.DictionaryArray:
    """A dictionary column of NAMES with control characters replaced."""
    coded = _strings(names).dictionary_encode()
    clean = pa.array([_ODD.sub("?", n) for n in coded.dictionary.to_pylist()], pa.string()).dictionary_encode()
    return pa.DictionaryArray.from_arrays(clean.indices.take(coded.indices), clean.dictionary)
