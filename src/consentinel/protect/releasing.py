"""From a paid ticket and exact statistics to rows of RELEASES: the only place where noise is added to aggregates.

Noise scales are read from the ticket and nowhere else, and that they cost no more than what was paid is checked again
before anything is drawn. Exact statistics end here: what is returned was computed from noisy ones only.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core.errors import BadInput, BudgetRefused, ContractBroken, NotSupported
from consentinel.core.ledger import Ticket
from consentinel.core.stats import tail
from consentinel.core.tables import RELEASES, check
from consentinel.protect.estimates import MECHANISMS, Estimates
from consentinel.protect.mechanisms import partitions
from consentinel.protect.noise import draw_with
from consentinel.protect.splitting import deviations, price
from consentinel.protect.statistic import Bounds, Statistic

__all__ = ["Draw", "name_groups", "noisy", "release"]

Draw = Callable[[Any, Fraction, int], NDArray[Any]]
LARGEST = 2**62  # of an exact statistic: noise of less than 2^54 then stays inside 64 bits


def release(
    mechanism: str,
    ticket: Ticket,
    exact: Mapping[str, NDArray[Any]],
    bounds: Bounds,
    *,
    question: str,
    groups: pa.Table | None = None,
    name: str = "",
    level: float = 0.95,
    run_id: str = "",
    assumes: Sequence[str] = (),
    needs: Mapping[str, Any] | None = None,
    answer: Mapping[str, Any] | None = None,
    draw: Draw = draw_with,
) -> pa.Table:
    """Add the noise that TICKET paid for to EXACT statistics and return the answers as RELEASES rows.

    Arguments: the part of protect/mechanisms; a redeemed ticket; whole numbers of shape (groups,), or (groups, width),
    by statistic; the BOUNDS that the planner enforced; the QUESTION's digest; GROUPS, one row of public keys per
    group, None for one group of all; NAME of the answer (default: the mechanism); NEEDS and ANSWER, options of the
    part (bins, at). DRAW is `protect.noise.draw_with`; only tests replace it.
    Raises BudgetRefused for a ticket of another question or mechanism, or one that does not cover the noise; BadInput
    or ContractBroken for statistics that are not as needed. Nothing is drawn before all of that holds.
    """
    part = MECHANISMS.take(mechanism)
    tail(level)
    statistics = part.needs(bounds, _budget(ticket), **dict(needs or {}))
    count = 1 if groups is None else groups.num_rows
    found = noisy(ticket, mechanism, question, statistics, exact, bounds, count, draw)
    law = "laplace" if _pure(ticket) else "gaussian"
    scales = deviations(statistics, dict(ticket.params))
    estimates = part.answer(found, scales, bounds, level, law=law, **dict(answer or {}))
    return _rows(estimates, ticket, groups, name or mechanism, level, run_id, assumes)


def name_groups(
    ticket: Ticket,
    exact: Mapping[str, NDArray[Any]],
    bounds: Bounds,
    groups: pa.Table,
    *,
    question: str,
    level: float = 0.95,
    run_id: str = "",
    assumes: Sequence[str] = (),
    draw: Draw = draw_with,
) -> tuple[pa.Table, NDArray[np.bool_]]:
    """Return the RELEASES rows of those private GROUPS that may be named, and which ones these are; shape (groups,).

    EXACT has the statistic "units". The ticket's "delta" sets the threshold; the mechanism is "partitions".
    """
    delta = ticket.param("delta")
    least = partitions.threshold(ticket.param("sigma_units"), bounds, delta)
    if (np.asarray(exact.get("units", [0])) < 1).any():
        raise BadInput("a group without units was asked about", todo="ask about groups that are in the table only")
    statistics = partitions.needs(bounds, _budget(ticket))
    found = noisy(ticket, "partitions", question, statistics, exact, bounds, groups.num_rows, draw)
    keep = partitions.named(found["units"], least)
    scales = deviations(statistics, dict(ticket.params))
    kept = {"units": found["units"][keep]}
    estimates = partitions.answer(kept, scales, bounds, level)
    return _rows(estimates, ticket, groups.filter(pa.array(keep)), "units", level, run_id, assumes), keep


def noisy(
    ticket: Ticket,
    mechanism: str,
    question: str,
    statistics: Sequence[Statistic],
    exact: Mapping[str, NDArray[Any]],
    bounds: Bounds,
    groups: int,
    draw: Draw = draw_with,
) -> dict[str, NDArray[Any]]:
    """Return the STATISTICS of EXACT with the noise that TICKET paid for, after checking that it paid for all of it."""
    if ticket.mechanism != mechanism or ticket.question != question:
        raise BudgetRefused(f"this ticket is for '{ticket.mechanism}' and one question only; spend for this one")
    if ticket.shares != 1:
        raise NotSupported("one party adds all of the noise here: pass the whole ticket, not a share of it")
    paid = dict(ticket.params)
    cost = price(statistics, bounds, paid)
    limit = _budget(ticket) ** 2 / 2 if _pure(ticket) else _budget(ticket)
    if cost > limit:
        raise BudgetRefused(f"noise that small costs rho {float(cost):.3g}, but {float(limit):.3g} was paid")
    checked = {one.name: _whole(one, exact, groups) for one in statistics}
    found: dict[str, NDArray[Any]] = {}
    for one in statistics:
        kind = "discrete_laplace" if _pure(ticket) else "discrete_gaussian"
        scale = paid[("scale_" if _pure(ticket) else "sigma_") + one.name]
        values = checked[one.name]
        noise = np.asarray(draw(kind, scale, values.size)).reshape(values.shape)
        found[one.name] = values.astype(object) + noise if noise.dtype == object else values + noise
    return found


def _whole(statistic: Statistic, exact: Mapping[str, NDArray[Any]], groups: int) -> NDArray[np.int64]:
    if statistic.name not in exact:
        raise ContractBroken(f"protect: the statistic '{statistic.name}' is missing; there is: {', '.join(exact)}")
    values = np.asarray(exact[statistic.name])
    shape = (groups,) if statistic.width == 1 else (groups, statistic.width)
    if values.dtype.kind not in "iu" or values.shape != shape:
        raise ContractBroken(
            f"protect: '{statistic.name}' should be whole numbers of shape {shape}, got {values.dtype} {values.shape}"
        )
    if values.size and (int(values.max()) >= LARGEST or int(values.min()) <= -LARGEST):
        raise BadInput(f"the statistic '{statistic.name}' leaves 64-bit numbers", todo="use narrower bounds")
    return values.astype(np.int64)


def _pure(ticket: Ticket) -> bool:
    return any(name == "epsilon" for name, _ in ticket.params)


def _budget(ticket: Ticket) -> Fraction:
    return ticket.param("epsilon" if _pure(ticket) else "rho")


def _rows(
    estimates: Estimates,
    ticket: Ticket,
    groups: pa.Table | None,
    name: str,
    level: float,
    run_id: str,
    assumes: Sequence[str],
) -> pa.Table:
    count = len(estimates.value)
    labels = estimates.labels
    keys = ["{}"] * count if groups is None else [_key(row) for row in groups.to_pylist()]
    each = max(1, len(labels))
    total = count * each
    names = [f"{name} {label}" for label in labels] if labels else [name]
    columns = {
        "run_id": [run_id] * total,
        "question": [ticket.question] * total,
        "group": [key for key in keys for _ in range(each)],
        "name": names * count,
        "value": estimates.value.ravel(),
        "low": estimates.low.ravel(),
        "high": estimates.high.ravel(),
        "level": np.full(total, level),
        "charge": [ticket.charge] * total,
        "mechanism": [ticket.mechanism] * total,
        "assumes": pa.array([list(assumes)] * total, pa.list_(pa.string())),
    }
    text = {"run_id", "question", "group", "name", "charge", "mechanism"}
    arrays = {key: pa.array(value, pa.string()) if key in text else pa.array(value) for key, value in columns.items()}
    return check(pa.table(arrays), RELEASES, "protect.measure")


def _key(row: Mapping[str, Any]) -> str:
    return json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
