"""Attribution in SQL over checked publisher and partner tables: who gets how much credit for which conversion.

Reads the tables attribution_publisher and attribution_partner that protect/exchange.py makes. One pass: touches and
conversions meet on the person, the rule keeps the eligible pairs, a window ranks them, and credit is divided.
"""

import duckdb

from consentinel.core.errors import UsageError
from consentinel.protect.attribution.credit import HALF_LIFE, MICRO, weight_sql
from consentinel.protect.attribution.rules import Rule

__all__ = ["attribute", "conversions_sql", "touches_sql"]

COLUMNS = {  # canonical list columns to the short names of this room; what is absent is zero
    "attribution_publisher": {
        "ad": "ad_ids",
        "time": "timestamps",
        "is_click": "is_click",
        "target": "target_id",
        "action": "action_type",
    },
    "attribution_partner": {
        "time": "conversion_timestamps",
        "value": "conversion_values",
        "target": "conversion_target_id",
        "action": "conversion_action_type",
    },
}


def touches_sql(connection: duckdb.DuckDBPyConnection, cap: int | None = None) -> str:
    """Return the query of one row per touch: id, place in the list, ad, time, is_click, target, action.

    Of each person the latest CAP touches are kept (None: all).
    """
    return _long(connection, "attribution_publisher", "time DESC, place DESC", cap)


def conversions_sql(connection: duckdb.DuckDBPyConnection, cap: int | None = None) -> str:
    """Return the query of one row per conversion: id, place in the list, time, value, target, action.

    Of each person the earliest CAP conversions are kept (None: all); capping is what bounds a person under privacy.
    """
    return _long(connection, "attribution_partner", "time, place", cap)


def attribute(
    connection: duckdb.DuckDBPyConnection,
    rule: Rule,
    *,
    way: str = "last",
    half_life: int = HALF_LIFE,
    cap: int | None = None,
    touch_cap: int | None = None,
) -> str:
    """Make the table `credits` and return its name: one row per conversion and credited touch.

    Columns: id, conversion (its place in the partner's list), touch (its place in the publisher's list), ad, time and
    value of the conversion, credit in millionths, which add up to exactly one million for a conversion that has an
    eligible touch: rounded down, what is left over goes to the largest remainders, the preferred touch first.
    Raises UsageError.
    """
    weight = weight_sql(way, half_life)
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE credits AS
        WITH pairs AS (
            SELECT c.id, c.place AS conversion, t.place AS touch, t.ad, c.time, c.value, c.time - t.time AS age,
                row_number() OVER preferred AS rank, row_number() OVER early AS place, count(*) OVER one AS touches
            FROM ({conversions_sql(connection, cap)}) c
            JOIN ({touches_sql(connection, touch_cap)}) t ON t.id = c.id AND {rule.sql()}
            WINDOW one AS (PARTITION BY c.id, c.place),
                preferred AS (PARTITION BY c.id, c.place ORDER BY t.is_click DESC, t.time DESC, t.place DESC),
                early AS (PARTITION BY c.id, c.place ORDER BY t.time, t.place)
        ), weighed AS (
            SELECT *, {weight} AS weight FROM pairs
        ), shared AS (
            SELECT *, {MICRO} * weight / sum(weight) OVER (PARTITION BY id, conversion) AS exact FROM weighed
        ), floored AS (
            SELECT *, floor(exact)::BIGINT AS least,
                {MICRO} - sum(floor(exact)::BIGINT) OVER (PARTITION BY id, conversion) AS over,
                row_number() OVER (PARTITION BY id, conversion ORDER BY exact - floor(exact) DESC, rank) AS turn
            FROM shared
        )
        SELECT id, conversion, touch, ad, time, value, (least + (turn <= over)::BIGINT)::BIGINT AS credit
        FROM floored WHERE least + (turn <= over)::BIGINT > 0"""
    )
    return "credits"


def _long(connection: duckdb.DuckDBPyConnection, table: str, order: str, cap: int | None) -> str:
    if cap is not None and not 1 <= cap <= 1_000_000:
        raise UsageError(f"a cap is 1 to 1,000,000 events of a person, got {cap}")
    have = {str(row[0]) for row in connection.execute(f"DESCRIBE {table}").fetchall()}
    names = COLUMNS[table]
    length = f'len("{names["time"]}")'
    parts = ", ".join(
        f'unnest("{column}") AS {short}' if column in have else f"0::BIGINT AS {short}"
        for short, column in names.items()
    )
    query = f"SELECT id, unnest(range(1, {length} + 1)) AS place, {parts} FROM {table}"
    if cap is None:
        return query
    kept = f"row_number() OVER (PARTITION BY id ORDER BY {order}) <= {cap}"
    return f"SELECT * FROM ({query}) WHERE time > 0 QUALIFY {kept}"
