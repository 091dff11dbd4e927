"""Results of attribution: per person in the forms of Meta's files, and per ad with small groups kept back."""

from collections.abc import Mapping, Sequence

import duckdb
import pyarrow as pa

from consentinel.core.errors import UsageError
from consentinel.protect.attribution.credit import MICRO
from consentinel.protect.attribution.matching import conversions_sql, touches_sql

__all__ = ["attributed_pairs", "measurement", "per_ad", "reformatted"]

PLACES = 4  # touches and conversions of one person in Meta's files


def attributed_pairs(connection: duckdb.DuckDBPyConnection, places: int = PLACES) -> dict[str, list[dict[str, bool]]]:
    """Return for each person, numbered from 0 in the publisher's order, whether each pair is attributed.

    Pairs go by conversion (the earliest first), then by touch (views before clicks, the earliest first), both padded
    to PLACES: the default form of Meta's attribution result. Reads `credits`.
    """
    people, touches, conversions = _ordered(connection, places)
    given = {(person, conversion, touch) for person, conversion, touch, _ in _credited(connection)}
    return {
        str(at): [
            {"is_attributed": (person, conversion, touch) in given}
            for conversion in _padded(conversions.get(person, []), places)
            for touch in _padded(touches.get(person, []), places)
        ]
        for at, person in enumerate(people)
    }


def reformatted(connection: duckdb.DuckDBPyConnection, places: int = PLACES) -> dict[str, list[dict[str, object]]]:
    """Return for each person one entry per conversion: number of the ad, value, whether it is attributed.

    Ads are numbered from 1 in the order of their identifiers, 0 is none: Meta's reformatted result.
    """
    people, _, conversions = _ordered(connection, places)
    numbers = {ad: at for at, ad in enumerate(_ads(connection), 1)}
    given = {(person, conversion): ad for person, conversion, _, ad in _credited(connection)}
    values = {
        (row[0], row[1]): row[2]
        for row in connection.execute(f"SELECT id, place, value FROM ({conversions_sql(connection)})").fetchall()
    }
    return {
        str(at): [
            {
                "ad_id": numbers.get(given.get((person, one), 0), 0),
                "conv_value": values.get((person, one), 0),
                "is_attributed": (person, one) in given,
            }
            for one in _padded(conversions.get(person, []), places)
        ]
        for at, person in enumerate(people)
    }


def measurement(
    connection: duckdb.DuckDBPyConnection, pairs: Mapping[str, Sequence[Mapping[str, object]]], places: int = PLACES
) -> dict[str, dict[str, int]]:
    """Return conversions and sales of each ad from PAIRS, in either form above: Meta's measurement result.

    The checked tables give the touches and values that the default form only counts off.
    """
    people, touches, conversions = _ordered(connection, places)
    ads = _ads(connection)
    ad_of = {
        (row[0], row[1]): row[2]
        for row in connection.execute(f"SELECT id, place, ad FROM ({touches_sql(connection)})").fetchall()
    }
    value_of = {
        (row[0], row[1]): row[2]
        for row in connection.execute(f"SELECT id, place, value FROM ({conversions_sql(connection)})").fetchall()
    }
    found = {str(ad): {"sales": 0, "convs": 0} for ad in ads}

    def add(ad: int, value: int) -> None:
        found[str(ad)]["convs"] += 1
        found[str(ad)]["sales"] += value

    for at, person in enumerate(people):
        entries = pairs[str(at)]
        ordered = _padded(conversions.get(person, []), places)
        if "ad_id" in entries[0]:
            for entry in entries:
                if entry["is_attributed"]:
                    add(ads[int(str(entry["ad_id"])) - 1], int(str(entry["conv_value"])))
            continue
        seen = _padded(touches.get(person, []), places)
        for place, entry in enumerate(entries):
            if entry["is_attributed"]:
                conversion, touch = ordered[place // places], seen[place % places]
                add(ad_of[person, touch], value_of[person, conversion])
    return found


def per_ad(connection: duckdb.DuckDBPyConnection, *, fewest: int = 1) -> pa.Table:
    """Return conversions, value and people of each ad in `credits`, ads of fewer than FEWEST people in one row.

    Columns: ad (null: the rest), credit in millionths of a conversion, value in millionths of its unit, people. The
    rest takes in the next smallest ads until it has FEWEST people too, so that no small group is a difference of shown
    figures; where that never happens it is left out. This hides small groups, it is not differential privacy.
    """
    if fewest < 1:
        raise UsageError(f"the fewest people of an ad is at least 1, got {fewest}")
    connection.execute(
        """CREATE OR REPLACE TEMP TABLE by_ad AS SELECT ad, sum(credit)::BIGINT AS credit,
        sum(credit::HUGEINT * value)::HUGEINT AS value, count(DISTINCT id) AS people FROM credits GROUP BY ad"""
    )
    sizes = connection.execute("SELECT ad, people FROM by_ad ORDER BY people, ad").fetchall()
    rest, others = [ad for ad, people in sizes if people < fewest], [ad for ad, people in sizes if people >= fewest]
    together = _people_of(connection, rest)
    while rest and together < fewest and others:
        rest.append(others.pop(0))
        together = _people_of(connection, rest)
    connection.register("kept_back", pa.table({"ad": pa.array(rest, pa.int64())}))
    shown = "SELECT ad, credit, value, people FROM by_ad WHERE ad NOT IN (SELECT ad FROM kept_back)"
    if rest and together >= fewest:
        shown += f""" UNION ALL SELECT NULL, sum(credit)::BIGINT, sum(value)::HUGEINT, {together}
            FROM by_ad WHERE ad IN (SELECT ad FROM kept_back)"""
    return connection.sql(
        f"SELECT ad, credit, value::DECIMAL(38, 0) AS value, people FROM ({shown}) ORDER BY ad NULLS LAST"
    ).to_arrow_table()


def _people_of(connection: duckdb.DuckDBPyConnection, ads: list[int]) -> int:
    query = "SELECT count(DISTINCT id) FROM credits WHERE ad IN (SELECT unnest(?::BIGINT[]))"
    return int(connection.execute(query, [ads]).fetchall()[0][0])


def _ads(connection: duckdb.DuckDBPyConnection) -> list[int]:
    query = f"SELECT DISTINCT ad FROM ({touches_sql(connection)}) WHERE ad > 0 ORDER BY ad"
    return [row[0] for row in connection.execute(query).fetchall()]


def _credited(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, int, int, int]]:
    return connection.execute(f"SELECT id, conversion, touch, ad FROM credits WHERE credit = {MICRO}").fetchall()


def _ordered(
    connection: duckdb.DuckDBPyConnection, places: int
) -> tuple[list[str], dict[str, list[int]], dict[str, list[int]]]:
    """People in the publisher's order, and each one's touches and conversions in the order of Meta's results."""
    people = [row[0] for row in connection.execute("SELECT id FROM attribution_publisher ORDER BY rowid").fetchall()]
    found = []
    for query, order in (
        (touches_sql(connection), "is_click, time, place"),
        (conversions_sql(connection), "time, place"),
    ):
        lists: dict[str, list[int]] = {}
        for person, place in connection.execute(f"SELECT id, place FROM ({query}) ORDER BY id, {order}").fetchall():
            lists.setdefault(person, []).append(place)
        if any(len(one) > places for one in lists.values()):
            raise UsageError(
                f"this form has room for {places} touches and conversions of a person; ask for more places"
            )
        found.append(lists)
    return people, found[0], found[1]


def _padded(places: list[int], length: int) -> list[int]:
    return places + [0] * (length - len(places))
