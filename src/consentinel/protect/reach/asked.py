"""Reach as a private question: planned for nothing, then released from files of sketches for a ticket.

A question names unions of sources, for example everything, and each publisher alone; what two publishers share is then
a difference of what was released. It is bound to the digests of the files, so a ticket of a plan is refused when a
sketch has changed since. `question` and `plan` are those of all ad measurements.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from consentinel.core.errors import BadInput, NotSupported, UsageError
from consentinel.core.ledger import Ticket
from consentinel.core.stats import tail
from consentinel.protect.ad_measurements import plan, question, release_rows
from consentinel.protect.noise import draw_with
from consentinel.protect.reach.encoding import decode
from consentinel.protect.reach.private import PrivateReach, reach_bounds
from consentinel.protect.reach.sketch import Params, Sketch, merge, statistics
from consentinel.protect.releasing import Draw, noisy
from consentinel.protect.splitting import deviations
from consentinel.protect.statistic import Bounds

__all__ = ["AskedReach", "open_sketches", "plan", "question", "release"]

LARGEST = 1 << 30  # bytes of one file
MOST_UNIONS = 1000


@dataclass(frozen=True)
class AskedReach:
    """People reached 1+, 2+, ... times in EPOCH, for each of UNIONS.

    Arguments: epoch, whose key the sketches were made with and whose budget pays; unions, name -> patterns of sources
    ("news/*", empty: all), all of which one person may be in; shape of the sketches; sampled, whether intervals are
    for the expected number of people. Raises UsageError.
    """

    epoch: str
    unions: tuple[tuple[str, tuple[str, ...]], ...] = (("all", ()),)
    shape: Params = field(default_factory=Params)
    sampled: bool = False

    kind = "reach"

    def __post_init__(self) -> None:
        if not 1 <= len(self.unions) <= MOST_UNIONS or len({name for name, _ in self.unions}) != len(self.unions):
            raise UsageError(f"ask about 1 to {MOST_UNIONS} unions of sources, each with a name of its own")

    @property
    def bounds(self) -> Bounds:
        """What one person may change in all unions together."""
        return reach_bounds(len(self.unions))

    @property
    def part(self) -> PrivateReach:
        """What turns noisy statistics into the answer."""
        return PrivateReach(self.shape, self.sampled)

    @property
    def keys(self) -> list[dict[str, str]]:
        """What the answers are about, one after another."""
        return [{"union": name} for name, _ in self.unions]

    def settings(self) -> dict[str, Any]:
        """Return what the question consists of besides bounds and files."""
        shape = {what: getattr(self.shape, what) for what in ("registers", "classes", "falling", "frequency")}
        unions = [[name, list(patterns)] for name, patterns in self.unions]
        return {"epoch": self.epoch, "unions": unions, "shape": shape, "sampled": self.sampled}


def open_sketches(
    paths: Sequence[Path], asked: AskedReach, *, key_id: str = ""
) -> tuple[tuple[Sketch, ...], dict[str, str]]:
    """Return the merged sketch of each union that ASKED names, and the SHA-256 of each file, under a number.

    KEY_ID is that of the key which the publishers agreed on, where it is known here. All that would make a release
    fail is refused here, before anything is spent. Raises BadInput for files that are no sketches, NotSupported for
    sketches of other shapes, keys or epochs, UsageError for a union without sources.
    """
    found, digests = [], {}
    for at, path in enumerate(paths):
        if not path.is_file():
            raise BadInput("there is no such file", where=path.name, todo="Check the name")
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise BadInput("is larger than any sketch", where=path.name, todo="Check the name")
        sketch = decode(data, params=asked.shape, key_id=key_id, where=path.name)
        if sketch.epoch != asked.epoch:
            raise NotSupported(f"{path.name}: is of epoch '{sketch.epoch}'; the question is about '{asked.epoch}'")
        found.append(sketch)
        digests[f"sketch {at + 1}"] = hashlib.sha256(data).hexdigest()
    return tuple(_union(found, name, patterns) for name, patterns in asked.unions), digests


def release(
    unions: Sequence[Sketch],
    asked: AskedReach,
    digests: Mapping[str, str],
    ticket: Ticket,
    *,
    level: float = 0.95,
    run_id: str = "",
    draw: Draw = draw_with,
) -> pa.Table:
    """Return the answer to ASKED as RELEASES rows, with the noise that TICKET, a redeemed one, paid for.

    UNIONS and DIGESTS are those of `open_sketches`. An infinite upper end says that the sketch is saturated.
    Raises BudgetRefused for a ticket of another question or one that does not cover the noise; NotSupported for a pure
    one. Nothing is drawn before all of that holds.
    """
    if any(name == "epsilon" for name, _ in ticket.params):
        raise NotSupported("reach is released with Gaussian noise: spend rho instead of epsilon")
    tail(level)
    if any(sketch.params != asked.shape or sketch.epoch != asked.epoch for sketch in unions):
        raise NotSupported("these sketches are not those of the question; open them with open_sketches")
    about = question(asked, digests).digest
    needed = asked.part.needs(asked.bounds, ticket.param("rho"))
    exact = {"registers": np.stack([statistics(sketch)["registers"] for sketch in unions])}
    found = noisy(ticket, asked.kind, about, needed, exact, asked.bounds, len(asked.unions), draw)
    estimates = asked.part.answer(found, deviations(needed, dict(ticket.params)), asked.bounds, level)
    return release_rows(estimates, asked, ticket, level, run_id, assumes=("honest-but-curious",))


def _union(sketches: Sequence[Sketch], name: str, patterns: tuple[str, ...]) -> Sketch:
    chosen = []
    for sketch in sketches:
        inside = [not patterns or any(fnmatchcase(one, p) for p in patterns) for one in sketch.sources]
        if any(inside) and not all(inside):
            raise NotSupported(f"'{name}' wants a part of a sketch that was merged before; give the sketches apart")
        if all(inside):
            chosen.append(sketch)
    if not chosen:
        raise UsageError(f"no sketch has a source of '{name}'; there are {len(sketches)} sketches")
    return merge(chosen)
