"""A question in SQL as `plan` and `measure` handle it: its parts, its checks, its release."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pyarrow as pa

from consentinel.core.contracts import Question
from consentinel.core.errors import UsageError
from consentinel.core.ledger import Ticket
from consentinel.core.tables import RELEASES
from consentinel.protect.asked import Aggregate, Asked
from consentinel.protect.costing import Paid, Part
from consentinel.protect.declared import Declared, Private
from consentinel.protect.estimates import MECHANISMS
from consentinel.protect.exact import Exact, check_columns, check_statistics, statistics
from consentinel.protect.releasing import name_groups, release
from consentinel.protect.sources import digests
from consentinel.protect.statistic import Bounds

__all__ = ["NAMING", "SqlQuestion"]

NAMING = "groups"  # the part that finds which groups may be named


@dataclass(frozen=True)
class SqlQuestion:
    """What was asked of declared tables."""

    asked: Asked
    declared: Declared

    kind = "aggregates"
    needs_gaussian = False

    @property
    def protects(self) -> str:
        """Who the privacy unit is."""
        return self.asked.protects

    @property
    def parts(self) -> tuple[Part, ...]:
        """One part for each aggregate, after the one that finds the groups where these are not public."""
        found = [_part(aggregate) for aggregate in self.asked.aggregates]
        if self.asked.selects:
            if any(part.name == NAMING for part in found):
                raise UsageError(
                    f"'{NAMING}' is what finding the groups is called; name the column differently with AS"
                )
            bounds = Bounds(self.asked.groups, 1, None, None)
            found.insert(0, Part(NAMING, "partitions", bounds, MECHANISMS.take("partitions"), names=True))
        return tuple(found)

    def check_epoch(self, epoch: str) -> None:
        """Raise UsageError unless every private table with an epoch column is limited to EPOCH, which pays."""
        for name, limited in self.asked.epochs:
            table = self.declared.table(name)
            if isinstance(table, Private) and limited != (epoch,):
                raise UsageError(
                    f"the budget of epoch '{epoch}' pays for data of {epoch} only: add WHERE {table.epoch} = '{epoch}' "
                    f"for table '{name}'"
                )

    def check(self, paid: Sequence[Paid]) -> None:
        """Refuse tables that are not as declared and statistics that do not fit; reads no row."""
        check_columns(self.asked, self.declared)
        check_statistics(self.asked, [one.statistics for one in paid if not one.part.names])

    def digests(self) -> dict[str, str]:
        """Return the SHA-256 of each table."""
        return digests(self.asked, self.declared)

    def question(self, digests: Mapping[str, str]) -> Question:
        """Return the question about the tables with DIGESTS."""
        return self.asked.question(digests)

    def open(self, digests: Mapping[str, str]) -> None:
        """Nothing has to be read before the charge."""

    def release(
        self, tickets: Sequence[Ticket], paid: Sequence[Paid], digests: Mapping[str, str], level: float, run_id: str
    ) -> pa.Table:
        """Return the answer as RELEASES rows, for TICKETS in the order of PAID; raises as `statistics`, `release`."""
        about = self.question(digests).digest
        each = list(zip(tickets, paid, strict=True))
        needs = [one.statistics for one in paid if not one.part.names]
        exact = statistics(self.asked, self.declared, needs, planned=digests)
        told, keys, arrays = _named(exact, each, about, level, run_id)
        if keys is not None and not keys.num_rows:
            return told[0] if told else RELEASES.empty_table()
        for (ticket, one), values in zip([e for e in each if not e[1].part.names], arrays, strict=True):
            part = one.part
            told.append(
                release(
                    part.mechanism, ticket, values, part.bounds, question=about, groups=keys, name=part.name,
                    level=level, run_id=run_id, needs=part.needs, answer=part.answer,
                )
            )  # fmt: skip
        table = pa.concat_tables([rows.cast(RELEASES) for rows in told]).unify_dictionaries()
        return _largest(table, self.asked) if self.asked.aggregates[0].kind == "top_k" else table


def _part(aggregate: Aggregate) -> Part:
    kind = aggregate.kind
    needs: dict[str, object] = {}
    answer: dict[str, object] = {}
    if kind == "count":
        needs = answer = {"of": aggregate.param("of")}
    elif kind == "histogram":
        needs = {"bins": int(aggregate.param("bins"))}
    elif kind == "quantiles":
        answer = {"at": tuple(float(Fraction(at)) for at in aggregate.param("at").split(","))}
    return Part(aggregate.name, kind, aggregate.bounds, MECHANISMS.take(kind), needs, answer)


def _named(
    exact: Exact, each: Sequence[tuple[Ticket, Paid]], about: str, level: float, run_id: str
) -> tuple[list[pa.Table], pa.Table | None, list[dict[str, Any]]]:
    """Return what naming released, the public keys of the groups (None: one group of all), and their statistics."""
    arrays: list[dict[str, Any]] = [dict(found) for found in exact.arrays]
    if exact.units is None:
        return [], exact.keys if exact.keys.num_columns else None, arrays
    if not exact.n_groups:
        return [], exact.keys, arrays
    ticket, one = each[0]
    told, keep = name_groups(
        ticket, {"units": exact.units}, one.part.bounds, exact.keys, question=about, level=level, run_id=run_id
    )
    kept: list[dict[str, Any]] = [{name: values[keep] for name, values in found.items()} for found in arrays]
    return [told], exact.keys.filter(pa.array(keep)), kept


def _largest(table: pa.Table, asked: Asked) -> pa.Table:
    k = int(asked.aggregates[0].param("k"))
    return table.sort_by([("value", "descending")]).slice(0, k)
