"""What may be stored of a raw value: a digest keyed per project, its shape, its length and its entropy.

All functions take a column of values and work on whole columns. The digest is BLAKE2b (RFC 7693) keyed with the
project key: equal values compare equal inside one project, and nobody without the key can test a guess.
"""

import hashlib
import os
import re
import secrets
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.core.errors import BadInput, UsageError

__all__ = ["digests", "entropies", "field_names", "host_templates", "path_templates", "project_key", "shapes"]

KEY_BYTES = 32
SHAPE_MAX = 48

# Byte classes: 1 digit, 2 letter (bytes of other scripts count as letters), 0 everything else.
_CLASS = np.zeros(256, np.uint8)
_CLASS[ord("0") : ord("9") + 1] = 1
_CLASS[ord("a") : ord("z") + 1] = _CLASS[ord("A") : ord("Z") + 1] = 2
_CLASS[128:] = 2
_RUN_NAME = np.frombuffer(b"?0ax", np.uint8)  # by (has digit) + 2 * (has letter)


def project_key(file: Path) -> bytes:
    """Return the secret key of this project, made and kept in FILE (mode 0600) on first use.

    The environment variable CONSENTINEL_KEY (64 hexadecimal digits) takes precedence. Raises BadInput when the file
    cannot be read or made and UsageError when a key is not 32 bytes.
    """
    text = os.environ.get("CONSENTINEL_KEY")
    if text is not None:
        return _parse_key(text, "CONSENTINEL_KEY")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        try:
            return _parse_key(_written(file), file.name)
        except (OSError, UnicodeDecodeError) as why:
            raise BadInput(f"the project key cannot be read ({_reason(why)})", where=file.name) from None
    except OSError as why:
        raise BadInput(
            f"the project key cannot be made ({_reason(why)})",
            where=file.name,
            todo="Run in a folder you may write to, or set CONSENTINEL_KEY to 64 hexadecimal digits",
        ) from None
    key = secrets.token_bytes(KEY_BYTES)
    try:
        with os.fdopen(handle, "w") as out:
            out.write(key.hex() + "\n")
    except OSError as why:
        file.unlink(missing_ok=True)
        raise BadInput(
            f"the project key cannot be written ({_reason(why)})", where=file.name, todo="Free space"
        ) from None
    return key


def _written(file: Path) -> str:
    """The text of FILE; another process may have made it a moment ago and be about to write."""
    for _ in range(50):
        text = file.read_text("ascii")
        if text:
            break
        time.sleep(0.02)
    return text


def _reason(why: Exception) -> str:
    return getattr(why, "strerror", None) or type(why).__name__


def _parse_key(text: str, where: str) -> bytes:
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise UsageError(f"{where}: a project key is {2 * KEY_BYTES} hexadecimal digits; remove it to have one made")
    return key


def digests(values: pa.Array, key: bytes) -> np.ndarray:
    """Return one int64 keyed digest per value; VALUES is a column of strings or binaries without nulls."""
    blake = hashlib.blake2b
    raw = b"".join(
        [blake(v, digest_size=8, key=key).digest() for v in values.cast(pa.large_binary()).to_pylist()],
    )
    return np.frombuffer(raw, "<i8")


def _bytes_and_offsets(values: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    flat = values.cast(pa.large_binary()) if not pa.types.is_large_binary(values.type) else values
    if isinstance(flat, pa.ChunkedArray):
        flat = flat.combine_chunks()
    _, offsets, data = flat.buffers()
    starts = np.frombuffer(offsets, np.int64)[flat.offset : flat.offset + len(flat) + 1]
    every = np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(0, np.uint8)
    return every[starts[0] : starts[-1]], starts - starts[0]


def shapes(values: pa.Array) -> pa.Array:
    """Return the character-class shape of each value: "x-x-x" of a UUID, "a@a.a" of an e-mail address.

    A run of digits is written 0, a run of letters a, a run of both x; other characters stand for themselves, once per
    run of the same. A shape has at most 48 characters. Nothing of a value but its punctuation can be read from it.
    """
    if not len(values):
        return pa.array([], pa.string())
    values = pc.binary_slice(values.cast(pa.large_binary()), 0, 4 * SHAPE_MAX)
    data, offsets = _bytes_and_offsets(values)
    if not len(data):
        return pa.array([""] * len(values), pa.string())
    kind = _CLASS[data]
    word = kind > 0
    starts_here = np.zeros(len(data), bool)
    starts_here[offsets[:-1][offsets[:-1] < len(data)]] = True
    starts_here[1:] |= (word[1:] != word[:-1]) | (~word[1:] & (data[1:] != data[:-1]))
    runs = np.flatnonzero(starts_here)
    digit = np.logical_or.reduceat(kind == 1, runs)
    letter = np.logical_or.reduceat(kind == 2, runs)
    symbol = data[runs]
    printable = (symbol >= 32) & (symbol < 127)
    out = np.where(word[runs], _RUN_NAME[digit + 2 * letter], np.where(printable, symbol, ord("?"))).astype(np.uint8)
    run_ends = np.searchsorted(runs, offsets).astype(np.int32)
    text = pa.Array.from_buffers(pa.string(), len(values), [None, pa.py_buffer(run_ends), pa.py_buffer(out)])
    return pc.utf8_slice_codeunits(text, 0, SHAPE_MAX)


def entropies(values: pa.Array) -> np.ndarray:
    """Return the Shannon entropy of the byte frequencies of each value, bits per byte, as float32.

    Only the first 4,096 bytes of a value count; an empty value has entropy 0.
    """
    n = len(values)
    if not n:
        return np.zeros(0, np.float32)
    data, offsets = _bytes_and_offsets(pc.binary_slice(values.cast(pa.large_binary()), 0, 4096))
    result = np.zeros(n, np.float32)
    step = 4096
    for start in range(0, n, step):
        stop = min(start + step, n)
        part = offsets[start : stop + 1]
        lengths = np.diff(part)
        row = np.repeat(np.arange(stop - start, dtype=np.int64), lengths)
        codes = (row << 8) | data[part[0] : part[-1]]
        counts = np.bincount(codes, minlength=(stop - start) << 8).astype(np.int32)
        hit = np.flatnonzero(counts)
        total = counts[hit] * np.log2(counts[hit])
        sums = np.bincount(hit >> 8, weights=total, minlength=stop - start)
        size = np.maximum(lengths, 1)
        result[start:stop] = np.maximum(np.log2(size) - sums / size, 0)
    return result


_VARIABLE = "|".join(
    [
        r"[0-9]{2,}",  # numbers
        r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{20,40}",  # UUIDs
        r"[0-9a-fA-F]{16,}",  # hexadecimal ids and hashes
        r"[^/]*@[^/]*",  # addresses
        r"[^/]{33,}",  # anything long
        r"(?:[^/0-9]*[0-9]){4}[^/]*",  # mixed tokens, coordinates, file names with an id in them
        r"[^/]*%[0-9a-fA-F]{2}[^/]*",  # encoded text
        r"[^/]*[^ -~][^/]*",  # text of other scripts
    ],
)
_SEGMENT = re.compile(rf"(?<=/)(?:{_VARIABLE})(?=/|\Z)")


def path_templates(paths: list[str]) -> list[str]:
    """Return each path with variable parts replaced by {}: numbers, ids, hashes, addresses, long or encoded text.

    Matrix parameters (";name=value") are dropped: a path is itself an identifier when it carries one.
    """
    return [_SEGMENT.sub("{}", p.partition(";")[0])[:200] if p else "" for p in paths]


_HOST_LABEL = re.compile(
    r"(?<![^.])(?:[0-9]{9,}|(?=[a-f]*[0-9])[0-9a-f]{16,}|[0-9a-f]{8}-[0-9a-f-]{20,40}|[^.]{33,})(?=\.)"
)


def host_templates(hosts: list[str]) -> list[str]:
    """Return each host name with labels that are identifiers replaced by {}: phone-like numbers, UUIDs, hex, tokens.

    Shorter numbers stay: they name accounts of advertisers and shards of servers, not people.
    """
    return [_HOST_LABEL.sub("{}", h) for h in hosts]


_MAY_IDENTIFY = re.compile(r"[@%]|[0-9].{6}|.{33}")
_IDENTIFYING = re.compile(
    "|".join(
        [
            r"[\w.+-]*[\w+-](?:@|%40)[\w-]+(?:\.[\w-]+)+",  # addresses; not @type of linked data
            r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{20,40}",  # UUIDs
            r"\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}\b",  # IPv4 addresses
            r"(?=[a-fA-F]*[0-9])[0-9a-fA-F]{12,}",  # hexadecimal ids
            r"[0-9]{6,}",  # numbers
            r"[^.\[\]]{65,}",  # text, not a name
            r"(?=[A-Za-z_-]{0,31}[0-9])[A-Za-z0-9_-]{0,31}[0-9][A-Za-z0-9_-]*(?<=[A-Za-z0-9_-]{32})",  # tokens
        ]
    )
)


def field_names(names: list[str]) -> list[str]:
    """Return each field name with the parts that are themselves identifiers replaced by {}.

    Addresses, UUIDs, IP addresses, hexadecimal ids from 12 digits, numbers from 6 digits, and any inner name that is
    too long to be one: objects are often keyed by user, and cookies named after an account.
    """
    return [_IDENTIFYING.sub("{}", n) if _MAY_IDENTIFY.search(n) else n for n in names]
