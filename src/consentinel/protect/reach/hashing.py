"""What the shared secret makes of an identifier: three words that decide where a person stands in every sketch.

BLAKE2b (RFC 7693) keyed with a secret that all publishers share and that changes with every epoch. Whoever merges
sketches does not need it, and without it nobody can look a known person up in a sketch.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.core.errors import BadInput, UsageError

__all__ = ["ReachKey", "epoch_key", "people", "tags"]

Words = NDArray[np.uint64]
_GOLDEN = 0x9E3779B97F4A7C15


@dataclass(frozen=True)
class ReachKey:
    """The secret of one epoch; `id` names it without giving anything of it away. Made by `epoch_key`."""

    secret: bytes = field(repr=False)
    epoch: str

    def __post_init__(self) -> None:
        if not isinstance(self.secret, bytes) or len(self.secret) != 32:
            raise UsageError("a reach key has 32 secret bytes; make it with epoch_key")
        _named(self.epoch, "an epoch")

    @property
    def id(self) -> str:
        """32 hexadecimal digits that stand in every sketch of this key."""
        return hmac.digest(self.secret, b"consentinel reach key id\x01", "sha256")[:16].hex()


def epoch_key(shared: bytes, epoch: str) -> ReachKey:
    """Return the key of EPOCH ("2026-W47") that follows from the SHARED secret of at least 32 random bytes.

    Keys of other epochs tell nothing of it, so sketches of different epochs cannot be linked. Source: HKDF-Expand
    (RFC 5869, section 2.3).
    """
    if not isinstance(shared, bytes) or len(shared) < 32:
        raise UsageError("the shared secret of the publishers is at least 32 random bytes")
    _named(epoch, "an epoch")
    return ReachKey(hmac.digest(shared, b"consentinel reach epoch\n" + epoch.encode() + b"\x01", "sha256"), epoch)


def people(ids: Sequence[Any] | pa.Array | pa.ChunkedArray, key: ReachKey) -> tuple[Words, NDArray[np.int64]]:
    """Return the three words of every distinct person in IDS, shape (people, 3), and how often each occurs.

    IDS has one entry per impression: text, bytes or whole numbers (which count as their decimal text). Raises BadInput
    for empty and missing ones.
    """
    try:
        column = ids if isinstance(ids, pa.Array | pa.ChunkedArray) else pa.array(ids)
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if not (_textual(column.type) or pa.types.is_integer(column.type) or pa.types.is_null(column.type)):
            raise UsageError(f"identifiers of people are text, bytes or whole numbers, not {column.type}")
        column = column.cast(pa.large_binary() if _bytes(column.type) else pa.large_string())
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        raise UsageError("identifiers of people are text, bytes or whole numbers, all of one kind") from None
    empty = column.null_count + int(pc.sum(pc.equal(pc.binary_length(column), 0)).as_py() or 0)
    if empty:
        raise BadInput(f"{empty} identifiers of people are empty", todo="Leave these rows out")
    counted = pc.value_counts(column)
    values = counted.field("values").cast(pa.large_binary())
    keyed = hashlib.blake2b(key=key.secret, digest_size=24)
    digests = bytearray()
    for value in values.to_pylist():
        one = keyed.copy()
        one.update(value)
        digests += one.digest()
    words = np.frombuffer(digests, dtype="<u8").astype(np.uint64).reshape(-1, 3)
    return words, counted.field("counts").to_numpy(zero_copy_only=False).astype(np.int64)


def tags(seeds: Words, source: str, ordinals: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Return a tag for the impressions with ORDINALS that SOURCE had of the persons with SEEDS: equal again for equal
    ones, so that a source that is merged twice counts once. Never the largest number."""
    salt = np.uint64(int.from_bytes(hashlib.sha256(source.encode()).digest()[:8], "little"))
    with np.errstate(over="ignore"):
        place = _mixed(salt + ordinals.astype(np.uint64) * np.uint64(_GOLDEN))
        found = (_mixed(seeds ^ place) >> np.uint64(32)).astype(np.uint32)
    return np.minimum(found, np.uint32(2**32 - 2))


def _mixed(x: Words) -> Words:
    """The finaliser of SplitMix64 (Steele, Lea and Flood 2014): every bit of X moves every bit."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def _bytes(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind)


def _textual(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or _bytes(kind)


def _named(text: object, what: str) -> None:
    if not isinstance(text, str) or not 1 <= len(text) <= 200 or not text.isprintable():
        raise UsageError(f"{what} is a printable name of 1 to 200 characters, got {text!r:.40}")
