"""A sketch as bytes that other software may hand over: one encoding, checked whole before anything is believed.

Layout, little-endian: the magic CSNTRCH1; the length of the header, 4 bytes; the header, canonical JSON of the params,
key id, epoch and sources; a state per register, 1 byte; fingerprints, 4 bytes for each register with one person; their
tags, 4 bytes each; SHA-256 of all of that. The digest finds damage, not forgery: transport has to be authenticated.
"""

import json
import re
from hashlib import sha256
from typing import Any

import numpy as np

from consentinel.core.errors import BadInput, NotSupported, UsageError
from consentinel.protect.reach.sketch import COLLIDED, MOST_SOURCES, Params, Sketch, source_name

__all__ = ["MAGIC", "decode", "digest", "encode"]

MAGIC = b"CSNTRCH1"
LONGEST = MOST_SOURCES * 210  # bytes of a header
_KEY_ID, _EPOCH = re.compile(r"[0-9a-f]{32}"), re.compile(r"[^\x00-\x1f\x7f]{1,200}")
_SHAPE = ("registers", "classes", "falling", "frequency")


def encode(sketch: Sketch) -> bytes:
    """Return the one encoding of SKETCH: equal sketches have equal bytes."""
    body = _head(sketch) + sketch.states.astype(np.uint8).tobytes()
    body += sketch.fingerprints.astype("<u4").tobytes() + sketch.tags.astype("<u4").tobytes()
    return body + sha256(body).digest()


def digest(sketch: Sketch) -> str:
    """Return the SHA-256 of the encoding of SKETCH, in hexadecimal."""
    return sha256(encode(sketch)).hexdigest()


def decode(data: bytes, *, params: Params | None = None, key_id: str = "", where: str = "") -> Sketch:
    """Return the sketch in DATA after checking every byte of it.

    Arguments: PARAMS and KEY_ID that it must have, where they are known; WHERE it is from, for errors.
    Raises NotSupported for another shape, key or version; BadInput for anything that `encode` did not write.
    """
    if data[:7] == MAGIC[:7] and data[:8] != MAGIC:
        raise NotSupported("this sketch has another version; build it again, or read it with the software that made it")
    if data[:8] != MAGIC or len(data) < 12 + 32:
        raise _broken("these bytes are no sketch", where)
    length = int.from_bytes(data[8:12], "little")
    if length > LONGEST or len(data) < 12 + length + 32:
        raise _broken("the sketch is cut off, or its header is too long", where)
    shape, sketch_key, epoch, sources = _header(data[12 : 12 + length], where)
    if params is not None and shape != params:
        raise NotSupported(f"{where or 'a sketch'}: has other params; build it again with those that are shared")
    if key_id and sketch_key != key_id:
        raise NotSupported(f"{where or 'a sketch'}: was made with another key or for another epoch")
    at = 12 + length
    states = np.frombuffer(data, np.uint8, shape.registers, at) if len(data) >= at + shape.registers + 32 else None
    if states is None:
        raise _broken("the sketch is cut off", where)
    if ((states > shape.frequency) & (states != COLLIDED)).any():
        raise _broken("the sketch has registers in a state that there is not", where)
    times = states[(states > 0) & (states != COLLIDED)].astype(np.int64)
    at, people, impressions = at + shape.registers, len(times), int(times.sum())
    if len(data) != at + 4 * (people + impressions) + 32:
        raise _broken("the sketch has more or fewer bytes than its registers need", where)
    if sha256(data[:-32]).digest() != data[-32:]:
        raise _broken("the digest of the sketch is wrong: it was damaged or changed", where)
    fingerprints = np.frombuffer(data, "<u4", people, at).astype(np.uint32)
    tags = np.frombuffer(data, "<u4", impressions, at + 4 * people).astype(np.uint32)
    inside = np.ones(max(impressions - 1, 0), dtype=bool)
    inside[np.cumsum(times)[:-1] - 1] = False  # between the last tag of one register and the first of the next
    if (np.diff(tags.astype(np.int64)) <= 0)[inside].any() or (tags == 2**32 - 1).any():
        raise _broken("the sketch has impressions out of order", where)
    return Sketch(shape, sketch_key, epoch, sources, states.copy(), fingerprints, tags)


def _head(sketch: Sketch) -> bytes:
    shape = {name: getattr(sketch.params, name) for name in _SHAPE}
    header = _canonical({**shape, "key": sketch.key_id, "epoch": sketch.epoch, "sources": list(sketch.sources)})
    if len(header) > LONGEST:
        raise UsageError("the names of the sketch's sources are too long to be written down; use shorter ones")
    return MAGIC + len(header).to_bytes(4, "little") + header


def _canonical(record: dict[str, Any]) -> bytes:
    return json.dumps(record, sort_keys=True, separators=(",", ":")).encode("ascii")


def _header(text: bytes, where: str) -> tuple[Params, str, str, tuple[str, ...]]:
    try:
        record = json.loads(text)
        if not isinstance(record, dict) or _canonical(record) != text:
            raise ValueError
        if set(record) != {*_SHAPE, "key", "epoch", "sources"} or not isinstance(record["sources"], list):
            raise ValueError
        shape = Params(**{name: record[name] for name in _SHAPE})
        sources = tuple(source_name(source) for source in record["sources"])
        if not 1 <= len(sources) <= MOST_SOURCES or list(sources) != sorted(set(sources)):
            raise ValueError
        if not _KEY_ID.fullmatch(record["key"]) or not _EPOCH.fullmatch(record["epoch"]):
            raise ValueError
    except (ValueError, TypeError, RecursionError, UsageError):
        raise _broken("the header of the sketch is not one that was written here", where) from None
    return shape, record["key"], record["epoch"], sources


def _broken(what: str, where: str) -> BadInput:
    return BadInput(what, where=where, todo="Ask its publisher for the file again")
