"""What `protect audit` can audit: our own mechanisms and noise, and a function of yours."""

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core.errors import ContractBroken, UsageError
from consentinel.core.ledger import Ticket
from consentinel.protect.auditing._finding import Claim, Pair, Release
from consentinel.protect.auditing._gaussian import discrete_mu
from consentinel.protect.estimates import MECHANISMS
from consentinel.protect.mechanisms import partitions
from consentinel.protect.noise import draw_with
from consentinel.protect.releasing import noisy
from consentinel.protect.shelves import NOISE
from consentinel.protect.splitting import params, root_up
from consentinel.protect.statistic import Bounds, Statistic, clipped_steps
from consentinel.protect.tabulate import tabulate

__all__ = ["UnderAudit", "named"]

Law = Literal["gaussian", "laplace"]
QUESTION = "0" * 64


@dataclass(frozen=True)
class UnderAudit:
    """A mechanism ready to be audited.

    Arguments: name; release and the neighbouring inputs to try; claim; draw, one draw for the clock; discrete, whether
    its outputs may be few different numbers.
    """

    name: str
    release: Release
    claim: Claim
    pairs: tuple[Pair, ...]
    draw: Callable[[], float]
    discrete: bool = False


def named(name: str, law: Law, budget: Fraction, delta: float, bounds: Bounds) -> UnderAudit:
    """Return what NAME names: a part of protect/mechanisms or protect/noise, or "module:function".

    Arguments: law and budget, the claim: rho under "gaussian" (a function of yours: zCDP), epsilon under "laplace";
    delta, at which an epsilon is shown, or that belongs to the claim of a function of yours; bounds of one unit.
    A function takes (data, n): raw values of the units, shape (units,), and how many independent outputs to return.
    Raises UsageError for a name that is not there.
    """
    if ":" in name:
        amount = float(budget)
        claim = Claim(amount, "epsilon", delta) if law == "laplace" else Claim(amount, "rho", delta)
        return _function(name, claim, bounds)
    if name in NOISE.names():
        return _noise(name, law, budget, delta)
    if name not in MECHANISMS.names():
        there = ", ".join([*MECHANISMS.names(), *NOISE.names()])
        raise UsageError(f"no mechanism '{name}'; there is: {there}, or a function of yours as module:function")
    if name == "partitions" and law == "laplace":
        return _selection(budget, delta, bounds)
    return _mechanism(name, law, budget, delta, bounds)


def _noise(name: str, law: Law, budget: Fraction, delta: float) -> UnderAudit:
    kind: Any = name.replace("opendp", "discrete")
    source: Any = "opendp" if name.startswith("opendp") else "own"
    if not kind.endswith(law):
        raise UsageError(f"the promise of {name} is in {'epsilon' if kind.endswith('laplace') else 'rho'}; give that")
    scale = 1 / budget if law == "laplace" else root_up(1 / (2 * budget))
    claim = Claim(float(budget)) if law == "laplace" else Claim(discrete_mu(1, float(scale)), "mu", delta)
    return UnderAudit(
        name,
        lambda data, n: np.int64(data.sum()) + draw_with(kind, scale, n, source=source),
        claim,
        ((np.array([0]), np.array([0, 1])),),
        lambda: draw_with(kind, scale, 1, source=source)[0],
        True,
    )


def _selection(budget: Fraction, delta: float, bounds: Bounds) -> UnderAudit:
    """Return the choice of groups that may be named, for groups that a unit is alone in, or in with others."""
    if not delta > 0:
        raise UsageError("naming groups is (epsilon, delta)-private: give a delta; from 0.001 on an audit can see it")
    chance = Fraction(delta)

    def release(units: NDArray[Any], n: int) -> NDArray[Any]:
        if not units.size:  # nobody asks about a group without units
            return np.zeros((n, bounds.groups), dtype=bool)
        counts = np.full(n * bounds.groups, units.size)
        return partitions.select(counts, budget, chance, bounds).reshape(n, bounds.groups)

    def draw() -> float:
        return float(release(np.ones(4), 1)[0, 0])

    pairs = tuple((np.ones(size), np.ones(size + 1)) for size in (0, 1, 2, 4, 8, 16))
    return UnderAudit("partitions", release, Claim(float(budget), "epsilon", delta), pairs, draw, True)


def _mechanism(name: str, law: Law, budget: Fraction, delta: float, bounds: Bounds) -> UnderAudit:
    """Return the statistics of a part with the noise that a ticket of BUDGET pays for, drawn as `measure` draws it."""
    part = MECHANISMS.take(name)
    statistics = part.needs(bounds, budget)
    paid = params(statistics, bounds, budget, part.shares(bounds), law=law)
    if law == "laplace":
        claim = Claim(float(budget))
    else:  # noise on a lattice hides a little less than continuous noise; rho holds for both
        least = min(float(paid[f"sigma_{one.name}"]) for one in statistics)
        claim = Claim(math.sqrt(2 * float(budget)) * discrete_mu(1, least) * least, "mu", delta)
    ticket = Ticket("audit", "audit", name, tuple(paid.items()), QUESTION, 0)

    pairs = _tables(bounds)
    known = {table.tobytes(): _exact(statistics, bounds, table) for pair in pairs for table in pair}

    def cells(values: NDArray[Any]) -> dict[str, NDArray[np.int64]]:
        return known[values.tobytes()]

    moved = {  # noise in a cell that nothing moves tells nothing
        one.name: np.any([cells(a)[one.name] != cells(b)[one.name] for a, b in pairs], axis=0) for one in statistics
    }

    def release(values: NDArray[Any], n: int) -> NDArray[Any]:
        exact = {name: np.repeat(found[moved[name]], n) for name, found in cells(values).items()}
        columns = []
        for one in statistics:
            flat = replace(one, width=1)
            size = exact[one.name].size
            if size:
                found = noisy(ticket, name, QUESTION, (flat,), exact, bounds, size)
                columns.append(found[one.name].reshape(-1, n).T)
        return np.concatenate(columns, axis=1)

    first = statistics[0]
    one_cell = {first.name: np.zeros(1, np.int64)}

    def draw() -> float:
        found = noisy(ticket, name, QUESTION, (replace(first, width=1),), one_cell, bounds, 1)
        return found[first.name][0]  # no int(): small whole numbers are kept by Python, which the clock would see

    return UnderAudit(name, release, claim, pairs, draw)


def _tables(bounds: Bounds) -> tuple[Pair, ...]:
    """Return tables (a value in lattice steps for each unit) without and with one more unit at an end of the bounds."""
    if bounds.low is None:
        ends, rest = [1], [np.empty(0, np.int64), np.ones(20, np.int64)]
    else:
        low, high = clipped_steps(bounds)
        ends = sorted({low, high, min(max(low, 0), high)})
        rest = [np.empty(0, np.int64), np.linspace(low, high, 20).astype(np.int64)]
    return tuple((some, np.append(some, np.int64(end))) for some in rest for end in ends)


def _exact(statistics: tuple[Statistic, ...], bounds: Bounds, values: NDArray[Any]) -> dict[str, NDArray[np.int64]]:
    """Return the statistics of units that have VALUES (lattice steps) in every group and row that they may have."""
    groups = np.repeat(np.arange(bounds.groups), len(values))
    every = np.tile(values, bounds.groups)
    found: dict[str, NDArray[np.int64]] = {}
    with duckdb.connect(config={"threads": 1}) as connection:
        pairs = pa.table({"g": groups, "x": every * bounds.rows, "n": np.full(len(every), bounds.rows)})
        each_row = pa.table({"g": np.tile(groups, bounds.rows), "x": np.tile(every, bounds.rows)})
        connection.register("pairs", pairs)
        connection.register("each_row", each_row.append_column("n", pa.array(np.ones(len(each_row), np.int64))))
        listed = [(at,) for at in range(bounds.groups)]
        for query, wide in (("SELECT g, x, n FROM pairs", False), ("SELECT g, x, n FROM each_row", True)):
            some = [one for one in statistics if (one.width > 1) == wide]
            found |= tabulate(connection, query, some, ["g"], listed)
    return found


def _function(name: str, claim: Claim, bounds: Bounds) -> UnderAudit:
    module, _, attribute = name.partition(":")
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        function = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError):
        raise UsageError(
            f"there is no function '{attribute}' in a module '{module}' that can be imported here"
        ) from None
    finally:
        sys.path.remove(here)
    if not callable(function):
        raise UsageError(f"'{name}' is not a function of (data, n)")

    def release(data: NDArray[Any], n: int) -> NDArray[Any]:
        try:
            found = np.asarray(function(data.copy(), n))
        except TypeError as why:
            raise ContractBroken(f"'{name}' should take (data, n) and return n outputs: {why}") from None
        return found

    low, high = (float(end) if end is not None else float(at) for at, end in enumerate((bounds.low, bounds.high)))
    some = np.linspace(low, high, 20)
    tables = [np.empty(0), some, np.full(3, low)]
    pairs = tuple((rest, np.append(rest, end)) for rest in tables for end in (low, low + (high - low) / 3, high))

    def one() -> float:
        return float(np.asarray(release(some, 1)).ravel()[0])

    return UnderAudit(name, release, claim, pairs, one, True)
