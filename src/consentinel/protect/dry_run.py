"""Run a measurement on made-up tables with her column names, before a real row is read or any budget is spent."""

from collections.abc import Mapping
from typing import Literal

import duckdb
import pyarrow as pa

from consentinel.core.errors import UsageError
from consentinel.protect.attribution.matching import attribute
from consentinel.protect.attribution.results import per_ad
from consentinel.protect.attribution.rules import rule_named
from consentinel.protect.exchange import ROLES, SINGULAR, ColumnMap, take
from consentinel.protect.lift.counting import count
from consentinel.protect.lift.effect import compare
from consentinel.protect.simulator import Campaign, simulate

__all__ = ["dry_run", "dummy"]

Measurement = Literal["lift", "attribution"]


def dummy(role: str, columns: ColumnMap | None = None, *, people: int = 1000, seed: int = 0) -> pa.Table:
    """Return a made-up table of ROLE for PEOPLE, its columns named as the map COLUMNS says.

    It has every column that the role needs and those that the map names; attribution comes as one row per event.
    """
    if role not in ROLES:
        raise UsageError(f"there is no table '{role}'; there is: {', '.join(ROLES)}")
    study = simulate(Campaign(people=people), seed)
    table = {
        "lift.publisher": study.lift_publisher,
        "lift.partner": study.lift_partner,
        "attribution.publisher": study.touches,
        "attribution.partner": study.conversions,
    }[role]
    names = columns or {}
    for canonical in names:
        if canonical not in table.column_names and SINGULAR.get(canonical) not in table.column_names:
            if canonical not in ROLES[role].names:
                raise UsageError(f"{role} has no column {canonical}; it has: {', '.join(ROLES[role].names)}")
            table = table.append_column(canonical, pa.array([0] * len(table), pa.int64()))
    hers = {SINGULAR.get(canonical, canonical): name for canonical, name in names.items()} | dict(names)
    return table.rename_columns([hers.get(name, name) for name in table.column_names])


def dry_run(
    measurement: Measurement,
    maps: Mapping[str, ColumnMap] | None = None,
    *,
    people: int = 1000,
    rule: str = "last_touch_1d",
    seed: int = 0,
) -> list[dict[str, object]]:
    """Return what MEASUREMENT gives on made-up tables of PEOPLE, through the same checks and SQL as on real ones.

    MAPS are the column maps of publisher and partner (`exchange.load_map`); what they get wrong is raised here.
    """
    if measurement not in ("lift", "attribution"):
        raise UsageError(f"there is lift and attribution, not '{measurement}'")
    connection = duckdb.connect()
    for who in ("publisher", "partner"):
        columns = (maps or {}).get(who)
        role = f"{measurement}.{who}"
        take(connection, dummy(role, columns, people=people, seed=seed), role, columns)
    if measurement == "lift":
        return compare(count(connection), "conversions")
    attribute(connection, rule_named(rule))
    return per_ad(connection).to_pylist()
