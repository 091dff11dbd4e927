"""Lift and attribution as private questions: plan one for nothing, then release its answer for a ticket.

Both read the two checked tables of protect/exchange.py, bound each person, compute exact statistics, and add the noise
that the ticket paid for. A question is bound to the digests of the tables, so a ticket of a plan is refused when a
table has changed since.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, Protocol

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core.contracts import Plan, Question
from consentinel.core.errors import BadInput, NotSupported, UsageError
from consentinel.core.ledger import Ticket
from consentinel.core.tables import RELEASES, check
from consentinel.protect.attribution import private as attribution
from consentinel.protect.attribution.credit import HALF_LIFE, weight_sql
from consentinel.protect.attribution.rules import rule_named
from consentinel.protect.estimates import Estimates, Facts
from consentinel.protect.exchange import ColumnMap, read
from consentinel.protect.lift import private as lift
from consentinel.protect.lift.counting import CAP, EPOCH
from consentinel.protect.noise import draw_with
from consentinel.protect.releasing import Draw, noisy
from consentinel.protect.splitting import deviations, params
from consentinel.protect.statistic import Bounds, Statistic
from consentinel.protect.tabulate import tabulate

__all__ = [
    "Asked",
    "AskedAttribution",
    "AskedLift",
    "file_digest",
    "open_tables",
    "plan",
    "question",
    "release",
    "release_rows",
]

Digests = Mapping[str, str]


class _Part(Protocol):
    """What the private parts of lift and attribution have in common with mechanisms."""

    def needs(self, bounds: Bounds, budget: Fraction, /) -> tuple[Statistic, ...]: ...

    def shares(self, bounds: Bounds, /) -> Mapping[str, Fraction]: ...

    def answer(
        self, noisy: Mapping[str, NDArray[Any]], scales: Mapping[str, float], bounds: Bounds, level: float, /
    ) -> Estimates: ...

    def forecast(self, bounds: Bounds, scales: Mapping[str, float], facts: Facts, /) -> float: ...


class _Measurement(Protocol):
    """What a question and its plan are made of, whether its data are tables or sketches."""

    @property
    def kind(self) -> str: ...

    @property
    def bounds(self) -> Bounds: ...

    @property
    def part(self) -> _Part: ...

    @property
    def keys(self) -> Sequence[Mapping[str, int | str]]: ...

    def settings(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class AskedLift:
    """The lift of OUTCOME within BOUNDS (a person's total), for everyone or for each of the public COHORTS."""

    outcome: lift.Outcome
    bounds: Bounds
    cohorts: tuple[int, ...] | None = None
    cap: int = CAP
    epoch: int = EPOCH

    kind = "lift"
    by = ("cohort", "test")

    @property
    def part(self) -> _Part:
        """What turns noisy statistics into the answer."""
        return lift.PrivateLift(self.outcome)

    @property
    def groups(self) -> list[tuple[int | bool, ...]]:
        """Control and test of each cohort."""
        return lift.arm_groups(self.cohorts)

    @property
    def keys(self) -> list[dict[str, int]]:
        """What the answers are about, one after another."""
        return [{}] if self.cohorts is None else [{"cohort": cohort} for cohort in self.cohorts]

    def query(self, connection: duckdb.DuckDBPyConnection) -> str:
        """Return the query of the bounded table."""
        by_cohort = self.cohorts is not None
        return lift.bounded_sql(
            connection, self.outcome, self.bounds, by_cohort=by_cohort, cap=self.cap, epoch=self.epoch
        )

    def settings(self) -> dict[str, Any]:
        """Return what the question consists of besides bounds and tables."""
        cohorts = None if self.cohorts is None else list(self.cohorts)
        return {"outcome": self.outcome, "cohorts": cohorts, "cap": self.cap, "epoch": self.epoch}


@dataclass(frozen=True)
class AskedAttribution:
    """Conversions, or their value, of each of the public ADS, by RULE and WAY, of at most bounds.rows per person."""

    rule: str
    bounds: Bounds
    ads: tuple[int, ...]
    of: Literal["conversions", "value"] = "conversions"
    way: str = "last"
    half_life: int = HALF_LIFE

    kind = "attribution"
    by = ("ad",)

    def __post_init__(self) -> None:
        rule_named(self.rule)
        weight_sql(self.way, self.half_life)

    @property
    def part(self) -> _Part:
        """What turns noisy statistics into the answer."""
        return attribution

    @property
    def groups(self) -> list[tuple[int]]:
        """One group per ad."""
        return attribution.ad_groups(self.ads)

    @property
    def keys(self) -> list[dict[str, int]]:
        """What the answers are about, one after another."""
        return [{"ad": ad} for ad in self.ads]

    def query(self, connection: duckdb.DuckDBPyConnection) -> str:
        """Return the query of the bounded table."""
        return attribution.bounded_sql(
            connection, rule_named(self.rule), self.bounds, of=self.of, way=self.way, half_life=self.half_life
        )

    def settings(self) -> dict[str, Any]:
        """Return what the question consists of besides bounds and tables."""
        return {"rule": self.rule, "of": self.of, "way": self.way, "half_life": self.half_life, "ads": list(self.ads)}


Asked = AskedLift | AskedAttribution


def open_tables(
    measurement: Literal["lift", "attribution"],
    publisher: Path,
    partner: Path,
    maps: Mapping[str, ColumnMap] | None = None,
) -> tuple[duckdb.DuckDBPyConnection, dict[str, str]]:
    """Return a connection with the checked tables in two files, and the SHA-256 of each file and its column map.

    Raises BadInput for files that are not as needed or change while they are read.
    """
    if measurement not in ("lift", "attribution"):
        raise UsageError(f"there is lift and attribution, not '{measurement}'")
    connection = duckdb.connect()
    digests = {}
    for who, path in (("publisher", publisher), ("partner", partner)):
        columns = (maps or {}).get(who, {})
        before = file_digest(path, columns)
        read(connection, path, f"{measurement}.{who}", columns)
        if file_digest(path, columns) != before:
            raise BadInput("was changed while it was read", where=path.name, todo="Run again when it is complete")
        digests[who] = before
    return connection, digests


def question(asked: _Measurement, digests: Digests) -> Question:
    """Return the canonical question of ASKED about the tables with DIGESTS."""
    numbers = {
        name: None if (value := getattr(asked.bounds, name)) is None else str(value)
        for name in ("groups", "rows", "low", "high", "least", "most")
    }
    return Question.of(asked.kind, {**asked.settings(), "bounds": numbers, "digests": dict(digests)})


def plan(asked: _Measurement, budget: Fraction, facts: Facts, *, seconds: float = 0.0) -> Plan:
    """Return what answering ASKED with the rho BUDGET would give; costs nothing and reads nothing.

    FACTS are public or guessed: of one arm for lift, of the people with credit for one ad for attribution, of those who
    were reached for reach. The plan's params are those of the charge.
    """
    statistics = asked.part.needs(asked.bounds, budget)
    paid = params(statistics, asked.bounds, budget, asked.part.shares(asked.bounds))
    half = asked.part.forecast(asked.bounds, deviations(statistics, paid), facts)
    shown = tuple(sorted((name, str(value)) for name, value in paid.items()))
    return Plan(asked.kind, shown, half, seconds, 0, (), ())


def release(
    connection: duckdb.DuckDBPyConnection,
    asked: Asked,
    digests: Digests,
    ticket: Ticket,
    *,
    level: float = 0.95,
    run_id: str = "",
    draw: Draw = draw_with,
) -> pa.Table:
    """Return the answer to ASKED as RELEASES rows, with the noise that TICKET, a redeemed one, paid for.

    Raises BudgetRefused for a ticket of another question, mechanism or table, or one that does not cover the noise;
    NotSupported for a pure one. Nothing is drawn before all of that holds.
    """
    if any(name == "epsilon" for name, _ in ticket.params):
        raise NotSupported("lift and attribution are released with Gaussian noise: spend rho instead of epsilon")
    about = question(asked, digests).digest
    statistics = asked.part.needs(asked.bounds, ticket.param("rho"))
    exact = tabulate(connection, asked.query(connection), statistics, asked.by, asked.groups)
    found = noisy(ticket, asked.kind, about, statistics, exact, asked.bounds, len(asked.groups), draw)
    scales = deviations(statistics, dict(ticket.params))
    return release_rows(asked.part.answer(found, scales, asked.bounds, level), asked, ticket, level, run_id)


def release_rows(
    estimates: Estimates, asked: _Measurement, ticket: Ticket, level: float, run_id: str, *, assumes: Sequence[str] = ()
) -> pa.Table:
    """Return ESTIMATES of what was ASKED as RELEASES rows."""
    labels: Sequence[str] = estimates.labels or (asked.settings().get("of", asked.kind),)
    names = [f"{asked.kind} {label}" for label in labels]
    keys = [json.dumps(key, sort_keys=True, separators=(",", ":")) for key in asked.keys]
    total = len(keys) * len(names)
    constant = {"run_id": run_id, "question": ticket.question, "charge": ticket.charge, "mechanism": ticket.mechanism}
    columns: dict[str, Any] = {name: pa.array([text] * total, pa.string()) for name, text in constant.items()}
    columns |= {"group": [key for key in keys for _ in names], "name": names * len(keys)}
    columns |= {end: np.ravel(getattr(estimates, end)) for end in ("value", "low", "high")}
    columns |= {"level": np.full(total, level), "assumes": pa.array([list(assumes)] * total, pa.list_(pa.string()))}
    return check(pa.table(columns), RELEASES, "protect.measure")


def file_digest(path: Path, columns: ColumnMap) -> str:
    """Return the SHA-256 of the file PATH and its column map; raises BadInput when it is not there."""
    if not path.is_file():
        raise BadInput("there is no such file", where=path.name, todo="Check the name")
    whole = hashlib.sha256(json.dumps(dict(columns), sort_keys=True).encode())
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            whole.update(block)
    return whole.hexdigest()
