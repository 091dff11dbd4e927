"""Exact counts of a randomised experiment, per arm and per group, in one pass of SQL.

Semantics are those of Meta's Private Lift (facebookresearch/fbpcs, lift/pcf2_calculator; its fixtures are our test):
a person counts with an opportunity (flag set, time after the epoch); of the partner's list the first `cap` events
stand; an event is a conversion when its time plus 10 seconds is after the opportunity; a match is any event at all;
reach is a treated person with an impression. Squares are of a person's own sum, which is what variances need.
"""

from dataclasses import astuple, dataclass
from functools import reduce

import duckdb

from consentinel.core.errors import UsageError

__all__ = ["CAP", "EPOCH", "Arm", "Arms", "Lift", "count", "people_sql"]

CAP = 4  # conversions of one person
PAD = 10  # seconds that clocks may differ
EPOCH = 1_546_300_800  # 2019-01-01: the first second of Meta's time; a time at or before it means none


@dataclass(frozen=True)
class Arm:
    """The counts of one arm of one group; the squares are sums over people of a person's own sum squared."""

    people: int = 0
    conversions: int = 0
    converters: int = 0
    value: int = 0
    value_squared: int = 0
    conversions_squared: int = 0
    matched: int = 0
    reached_people: int = 0
    reached_conversions: int = 0
    reached_value: int = 0
    impressions: int = 0

    def __add__(self, other: "Arm") -> "Arm":
        return Arm(*(mine + its for mine, its in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True)
class Arms:
    """The two arms of one group."""

    test: Arm = Arm()
    control: Arm = Arm()

    def metrics(self) -> dict[str, object]:
        """Return the fields that Meta's result file has, under its names; conversion histograms stay empty there."""
        both = {
            "Conversions": "conversions",
            "Converters": "converters",
            "Value": "value",
            "ValueSquared": "value_squared",
            "NumConvSquared": "conversions_squared",
            "MatchCount": "matched",
        }
        shown: dict[str, object] = {f"test{name}": getattr(self.test, ours) for name, ours in both.items()}
        shown |= {f"control{name}": getattr(self.control, ours) for name, ours in both.items()}
        shown |= {"reachedConversions": self.test.reached_conversions, "reachedValue": self.test.reached_value}
        return shown | {"testConvHistogram": [], "controlConvHistogram": []}


@dataclass(frozen=True)
class Lift:
    """Counts of everyone, of each cohort of the partner and of each breakdown of the publisher."""

    everyone: Arms
    cohorts: dict[int, Arms]
    breakdowns: dict[int, Arms]

    def metrics(self) -> dict[str, object]:
        """Return the result in the form of Meta's result file."""
        return {
            "metrics": self.everyone.metrics(),
            "cohortMetrics": [self.cohorts[name].metrics() for name in sorted(self.cohorts)],
            "publisherBreakdowns": [self.breakdowns[name].metrics() for name in sorted(self.breakdowns)],
        }


def people_sql(connection: duckdb.DuckDBPyConnection, *, cap: int = CAP, epoch: int = EPOCH) -> str:
    """Return the query of one row per counted person, over the checked tables lift_publisher and lift_partner.

    Columns: id, test (boolean), cohort, breakdown, conversions, value, matched (boolean), impressions. Events and
    values after the first CAP of a person are left out; times count from EPOCH. Raises UsageError.
    """
    if not 1 <= cap <= 1000 or epoch < 0:
        raise UsageError("cap is 1 to 1000 conversions of a person, and the epoch a time in seconds")
    ours, theirs = _columns(connection, "lift_publisher"), _columns(connection, "lift_partner")
    flag = "p.opportunity = 1" if "opportunity" in ours else "true"
    values = f'partner."values"[1:{cap}]' if "values" in theirs else "[]"
    valid = f"list_transform(times, lambda t: t > {epoch} AND t + {PAD} > p.opportunity_timestamp)"
    return f"""
        SELECT p.id, p.test_flag = 1 AS test,
            {"partner.cohort_id" if "cohort_id" in theirs else "NULL"} AS cohort,
            {"p.breakdown_id" if "breakdown_id" in ours else "NULL"} AS breakdown,
            {"p.num_impressions" if "num_impressions" in ours else "0"} AS impressions,
            partner.event_timestamps[1:{cap}] AS times,
            {valid} AS valid,
            coalesce(list_sum(list_transform(valid, lambda v: v::BIGINT)), 0)::BIGINT AS conversions,
            coalesce(list_sum(list_transform(list_zip({values}, valid),
                lambda pair: CASE WHEN pair[2] THEN pair[1] ELSE 0 END)), 0)::BIGINT AS value,
            coalesce(list_bool_or(list_transform(times, lambda t: t > {epoch})), false) AS matched
        FROM lift_publisher p LEFT JOIN lift_partner partner ON partner.id = p.id
        WHERE {flag} AND p.opportunity_timestamp > {epoch}"""


def count(connection: duckdb.DuckDBPyConnection, *, cap: int = CAP, epoch: int = EPOCH) -> Lift:
    """Return the counts over the checked tables lift_publisher and lift_partner (see protect/exchange.py).

    Arguments: CAP, the most conversions of a person; EPOCH, a time at or before which means none (0: none before
    1970). People of whom the partner has no row count with no events. Raises UsageError.
    """
    rows = connection.execute(
        f"""SELECT test, cohort, breakdown, count(*), sum(conversions)::BIGINT,
            count(*) FILTER (WHERE conversions > 0), sum(value)::BIGINT, sum(value::HUGEINT * value)::HUGEINT,
            sum(conversions * conversions)::BIGINT, count(*) FILTER (WHERE matched),
            count(*) FILTER (WHERE impressions > 0),
            coalesce(sum(conversions) FILTER (WHERE impressions > 0), 0)::BIGINT,
            coalesce(sum(value) FILTER (WHERE impressions > 0), 0)::BIGINT, sum(impressions)::BIGINT
        FROM ({people_sql(connection, cap=cap, epoch=epoch)}) GROUP BY test, cohort, breakdown"""
    ).fetchall()
    cells = [(row[0], {"cohort": row[1], "breakdown": row[2]}, Arm(*map(int, row[3:]))) for row in rows]

    def arms(by: str = "", name: int = 0) -> Arms:
        """Everyone, or the group NAME of the column BY."""
        one, other = (
            reduce(Arm.__add__, (arm for test, at, arm in cells if test is side and (not by or at[by] == name)), Arm())
            for side in (True, False)
        )
        return Arms(one, other)

    return Lift(
        arms(),
        {name: arms("cohort", name) for name in _groups(connection, "lift_partner", "cohort_id")},
        {name: arms("breakdown", name) for name in _groups(connection, "lift_publisher", "breakdown_id")},
    )


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> set[str]:
    return {str(row[0]) for row in connection.execute(f"DESCRIBE {table}").fetchall()}


def _groups(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> list[int]:
    """Every group of the table, also those in which nobody counts."""
    if column not in _columns(connection, table):
        return []
    return [row[0] for row in connection.execute(f"SELECT DISTINCT {column} FROM {table} ORDER BY 1").fetchall()]
