"""A sketch of who was reached and how often: registers that people fall into, merged like sets.

A register is empty, or holds one person (a fingerprint and tags of that person's first impressions, at most
`frequency` of them), or is collided: two people fell into it. The union of two registers with one fingerprint is that
of their tags, of which the smallest stay; with two fingerprints it is collided. That is a join, so merging is
associative, commutative and idempotent and depends on nothing but who is in it.

People fall into classes of registers of equal size, each of which is less likely than the one before, so that one
sketch serves ten thousand people as well as hundreds of millions (Kreuter, Wright, Skvortsov, Mirisola and Wang 2020,
the exponential distribution of Liquid Legions, in steps of whole numbers so that every machine finds the same place).

Guarantee: one person moves one register of a merged sketch, whatever the number of publishers: the number of
registers that are not empty and the numbers of those that hold one person, by frequency, move by at most 1 in each of
two of them (L2 is the root of 2, L1 is 2), and that is tight.
Assumes: honest-but-curious, central trust (a sketch is personal data until its statistics have noise: it leaves a
publisher encrypted, for whoever is trusted with the noise), one person has one identifier, the same everywhere;
which sources there are is public.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core.errors import NotSupported, UsageError
from consentinel.protect.reach.hashing import ReachKey, Words, people, tags

__all__ = ["COLLIDED", "MOST_SOURCES", "Params", "Sketch", "build", "fill", "merge", "source_name", "statistics"]

COLLIDED = 255  # state of a register that two people fell into; 1 to `frequency`: of one person; 0: empty
MOST_SOURCES = 100_000
_SOURCE = re.compile(r"[^\x00-\x1f\x7f]{1,200}")


@dataclass(frozen=True)
class Params:
    """The shape of a sketch; only sketches of one shape can be merged.

    Arguments: registers, in all; classes of registers; falling, a class is 1 / falling less likely than the one before
    it (with one class the registers are equal, which is linear counting: more accurate for a known number of people,
    saturated soon beyond it); frequency, the cap: a person with more impressions counts as having this many.
    Raises UsageError.
    """

    registers: int = 1 << 17
    classes: int = 128
    falling: int = 16
    frequency: int = 5

    def __post_init__(self) -> None:
        for what, least, most in (
            ("registers", 2, 1 << 24),
            ("classes", 1, 1024),
            ("falling", 2, 1 << 16),
            ("frequency", 1, 32),
        ):
            number = getattr(self, what)
            if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= most:
                raise UsageError(f"{what} of a sketch is a whole number from {least} to {most}, got {number!r:.40}")
        if self.registers % self.classes:
            raise UsageError(f"{self.registers} registers cannot be divided into {self.classes} classes of equal size")
        if self._weights[-1] << 40 < self._weights[0]:
            raise UsageError("the last class would be 2^40 times less likely than the first; take fewer classes")

    @cached_property
    def _weights(self) -> list[int]:
        found, weight = [], 1 << 200
        for _ in range(self.classes):
            found.append(weight)
            weight = weight * (self.falling - 1) // self.falling
        return found

    @property
    def size(self) -> int:
        """Registers of one class."""
        return self.registers // self.classes

    @cached_property
    def edges(self) -> Words:
        """The first hash word beyond each class but the last; shape (classes - 1,)."""
        whole, found, before = sum(self._weights), [], 0
        for weight in self._weights[:-1]:
            before += weight
            found.append((before << 64) // whole)
        return np.array(found, dtype=np.uint64)

    @cached_property
    def chances(self) -> NDArray[np.float64]:
        """How likely a person falls into one given register of each class; shape (classes,)."""
        edges = [0, *(int(edge) for edge in self.edges), 1 << 64]
        return np.array([(b - a) / (1 << 64) / self.size for a, b in pairwise(edges)])


@dataclass(frozen=True, eq=False)
class Sketch:
    """A sketch in its one form: equal people, impressions and sources give equal arrays.

    Arguments: params; key_id and epoch of the key; sources that are in it, sorted; states of all registers, uint8;
    fingerprints of those that hold one person and the tags of each of these, rising, in the order of registers, uint32.
    """

    params: Params
    key_id: str
    epoch: str
    sources: tuple[str, ...]
    states: NDArray[np.uint8]
    fingerprints: NDArray[np.uint32]
    tags: NDArray[np.uint32]


def build(
    ids: Sequence[Any] | pa.Array | pa.ChunkedArray, key: ReachKey, params: Params | None = None, *, source: str
) -> Sketch:
    """Return the sketch of IDS, one entry per impression, of SOURCE ("publisher/day/campaign").

    What one source had of a person is told apart from other sources' by its name, so a name is used once, and a sketch
    that is merged again changes nothing. No identifier is in a sketch. Raises UsageError, or BadInput for empty ids.
    """
    words, counts = people(ids, key)
    return fill(words, counts, key, params or Params(), source)


def fill(words: Words, counts: NDArray[np.int64], key: ReachKey, params: Params, source: str) -> Sketch:
    """Do what `build` does with the hash WORDS of distinct people, shape (people, 3), and their COUNTS."""
    place = np.searchsorted(params.edges, words[:, 0], side="right").astype(np.int64)
    within = ((words[:, 1] >> np.uint64(32)) * np.uint64(params.size)) >> np.uint64(32)
    register = place * params.size + within.astype(np.int64)
    fingerprint = (words[:, 1] & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    times = np.minimum(counts, params.frequency)
    who = np.repeat(np.arange(len(words)), times)
    ordinals = np.arange(len(who)) - np.repeat(np.cumsum(times) - times, times)
    tag = tags(words[who, 2], source_name(source), ordinals)
    nobody = np.zeros(params.registers, dtype=bool)
    return _joined(params, key.id, key.epoch, (source,), nobody, register, fingerprint, register[who], tag)


def merge(sketches: Sequence[Sketch]) -> Sketch:
    """Return the union of SKETCHES, which is that of their people and of their impressions by source.

    Raises UsageError for none, and NotSupported for sketches of different shapes, keys or epochs.
    """
    if not sketches:
        raise UsageError("name at least one sketch to merge")
    first = sketches[0]
    for other in sketches[1:]:
        if other.params != first.params:
            raise NotSupported("sketches of different shapes cannot be merged; build them again with one set of params")
        if (other.key_id, other.epoch) != (first.key_id, first.epoch):
            raise NotSupported("sketches of different keys or epochs cannot be merged: they name people differently")
    sources = tuple(sorted({source for one in sketches for source in one.sources}))
    if len(sources) > MOST_SOURCES:
        raise NotSupported(f"a sketch remembers at most {MOST_SOURCES} sources, not {len(sources)}")
    single = [np.flatnonzero(_single(one)) for one in sketches]
    times = [one.states[at].astype(np.int64) for one, at in zip(sketches, single, strict=True)]
    return _joined(
        first.params,
        first.key_id,
        first.epoch,
        sources,
        np.logical_or.reduce([one.states == COLLIDED for one in sketches]),
        np.concatenate(single),
        np.concatenate([one.fingerprints for one in sketches]),
        np.concatenate([np.repeat(at, n) for at, n in zip(single, times, strict=True)]),
        np.concatenate([one.tags for one in sketches]),
    )


def statistics(sketch: Sketch) -> dict[str, NDArray[np.int64]]:
    """Return the exact "registers" of SKETCH, shape (1 + frequency,): how many are not empty, and how many hold one
    person with 1, 2, ... impressions, the last one with the cap or more. They are private until noise is added."""
    counts = np.bincount(sketch.states, minlength=COLLIDED + 1)
    frequencies = counts[1 : sketch.params.frequency + 1]
    return {"registers": np.concatenate([[sketch.params.registers - counts[0]], frequencies]).astype(np.int64)}


def source_name(source: str) -> str:
    """Return SOURCE where it may name one; raises UsageError."""
    if not isinstance(source, str) or not _SOURCE.fullmatch(source):
        raise UsageError("a source is a name of 1 to 200 characters, for example publisher/day/campaign")
    return source


def _single(sketch: Sketch) -> NDArray[np.bool_]:
    return (sketch.states > 0) & (sketch.states != COLLIDED)


def _joined(
    params: Params,
    key_id: str,
    epoch: str,
    sources: tuple[str, ...],
    collided: NDArray[np.bool_],
    register: NDArray[np.int64],
    fingerprint: NDArray[np.uint32],
    tagged: NDArray[np.int64],
    tag: NDArray[np.uint32],
) -> Sketch:
    """Join what fell into registers: FINGERPRINT into REGISTER, TAG into TAGGED, and what was COLLIDED before."""
    least = np.full(params.registers, 2**32, dtype=np.int64)
    most = np.full(params.registers, -1, dtype=np.int64)
    np.minimum.at(least, register, fingerprint.astype(np.int64))
    np.maximum.at(most, register, fingerprint.astype(np.int64))
    collided = collided | (least < most)
    single = (most >= 0) & ~collided
    stays = single[tagged]
    pairs = np.unique((tagged[stays].astype(np.uint64) << np.uint64(32)) | tag[stays].astype(np.uint64))
    of = (pairs >> np.uint64(32)).astype(np.int64)
    seen = np.bincount(of, minlength=params.registers)
    rank = np.arange(len(pairs)) - (np.cumsum(seen) - seen)[of]
    kept = pairs[rank < params.frequency]
    states = np.minimum(seen, params.frequency).astype(np.uint8)
    states[collided] = COLLIDED
    return Sketch(
        params,
        key_id,
        epoch,
        sources,
        states,
        least[single].astype(np.uint32),
        (kept & np.uint64(0xFFFFFFFF)).astype(np.uint32),
    )
