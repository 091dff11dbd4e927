"""One whole-visit function and one SQL statement give equal results here and on Spark (Sail)."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from consentinel.core.engine import map_visits, spark_frame, spark_sql, spark_visits, sql
from consentinel.core.errors import UsageError
from consentinel.core.rng import generator
from consentinel.core.tables import CONSENT, DATA, TABLES, check, empty, narrow
from consentinel.detect.collectors import har
from consentinel.detect.collectors._batch import Options
from consentinel.detect.judge import Judge
from consentinel.detect.observe import Observer
from consentinel.detect.pipeline import Pipeline
from consentinel.detect.policy import load
from consentinel.detect.shelves import RULES, SIGNALS, SURFACES
from consentinel.detect.sightings import SIGHTINGS, Sighter

pytestmark = pytest.mark.real

RECORDED = Path(__file__).parents[2] / "examples" / "recorded"
SEEN = narrow(DATA, "visit_id", "seq", "time", "key", "type_p")


def repeated_keys(visits: pa.Table) -> pa.Table:
    """Return the rows whose key occurs at least twice in their visit; needs dictionaries, as rules do."""
    assert all(pa.types.is_dictionary(visits.schema.field(name).type) for name in ("visit_id", "key"))
    counts = visits.group_by(["visit_id", "key"]).aggregate([("seq", "count")])
    found = visits.join(counts, ["visit_id", "key"]).filter(pc.field("seq_count") > 1)
    return check(found, SEEN, "repeated_keys")


@pytest.fixture(scope="module")
def seen() -> pa.Table:
    rng = generator(1, "sail")
    n = 3000
    visits = rng.integers(0, 150, n)
    columns = {
        "visit_id": pa.array([f"visit {i}" for i in visits]),
        "seq": pa.array(range(n), pa.int32()),
        "time": pa.array(rng.integers(0, 1000, n)),
        "key": pa.array([None if k == 60 else f"key {k}" for k in rng.integers(0, 61, n)]),
        "type_p": pa.array(rng.random(n), pa.float32()),
    }
    return check(pa.table(columns), SEEN, "test")


@pytest.fixture(scope="module")
def consent() -> pa.Table:
    start = pa.array([0, 300, 700] * 150)
    until = pa.array([300, 700, 1000] * 150)
    names = pa.array([f"visit {i // 3}" for i in range(450)])
    rows = pa.table(
        {"visit_id": names, "valid_from": start, "valid_until": until, "state": ["unset", "denied", "granted"] * 150}
    )
    return check(rows, narrow(CONSENT, "visit_id", "valid_from", "valid_until", "state"), "test")


def rows(table: pa.Table) -> list[dict[str, Any]]:
    return sorted(table.to_pylist(), key=str)


def test_a_whole_visit_function(spark: Any, seen: pa.Table) -> None:
    here = map_visits(repeated_keys, seen, batch_rows=500)
    frame = spark_frame(spark, seen)
    there = check(spark_visits(repeated_keys, frame, SEEN, reads=SEEN).toArrow(), SEEN, "sail")
    assert 0 < here.num_rows < seen.num_rows
    assert rows(there) == rows(here)


@pytest.mark.parametrize("which", ["traffic", "data", "consent", "findings"])
def test_every_column_type_survives(spark: Any, which: str) -> None:
    schema = TABLES[which]
    row = {field.name: _example(field.type) for field in schema}
    table = pa.Table.from_pylist([row, dict.fromkeys(row) | {"visit_id": "v"}], schema=schema)
    frame = spark_frame(spark, table)
    if "visit_id" in schema.names:
        frame = spark_visits(_same, frame, schema, reads=schema)
    assert rows(check(frame.toArrow(), schema, "sail")) == rows(table)


def _same(visits: pa.Table) -> pa.Table:
    return visits


def _example(kind: pa.DataType) -> Any:
    if pa.types.is_dictionary(kind):
        return _example(kind.value_type)
    if pa.types.is_list(kind):
        return [_example(kind.value_type)]
    if pa.types.is_struct(kind):
        return {field.name: _example(field.type) for field in kind}
    if pa.types.is_floating(kind):
        return 0.5
    return {pa.string(): "visit é", pa.binary(): b"\x00\xff", pa.bool_(): True}.get(kind, 7)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT s.visit_id, s.seq, c.state FROM seen AS s LEFT JOIN consent AS c ON s.visit_id = c.visit_id "
        "AND s.time >= c.valid_from AND s.time < c.valid_until",
        "SELECT visit_id, count(*) AS n, cast(sum(time) AS BIGINT) AS total, min(key) AS first_key, "
        "count(DISTINCT key) AS kinds, avg(time) AS middle, cast(sum(seq) AS BIGINT) / 4 AS quarter, "
        "sum(CASE WHEN key IS NULL THEN 1.0 ELSE 0.0 END) > 0 AS any_null, greatest(max(seq), 5) AS top "
        "FROM seen GROUP BY visit_id HAVING count(*) > 10",
        "SELECT * FROM (SELECT visit_id, seq, row_number() OVER (PARTITION BY visit_id ORDER BY time, seq) AS k, "
        "lag(time) OVER (PARTITION BY visit_id ORDER BY time, seq) AS before FROM seen) AS r WHERE r.k <= 3",
        "SELECT visit_id, seq, upper(trim(key)) || '!' AS shout, coalesce(key, 'none') AS k, -seq % 7 AS m, "
        "round(time / 7, 2) AS r, substring(key, 2, 3) AS part, length(key) AS size, cast(time AS STRING) AS t, "
        "abs(3 - seq) AS a, nullif(key, 'key 3') AS nk, replace(key, 'key', 'k') AS rk FROM seen "
        "WHERE key LIKE 'key 1%' OR key IN ('key 2', 'key 3') OR time BETWEEN 10 AND 20",
        "SELECT visit_id FROM seen WHERE seq < 100 EXCEPT SELECT visit_id FROM seen WHERE seq > 2950",
        "WITH few AS (SELECT DISTINCT visit_id FROM seen WHERE seq < 50) SELECT s.seq FROM seen AS s "
        "WHERE EXISTS (SELECT 1 FROM few WHERE few.visit_id = s.visit_id) UNION ALL SELECT 1 AS seq",
        "SELECT visit_id, bool_or(time > 900) AS late, bool_and(time > 1) AS started, count_if(time > 500) AS n, "
        "round(stddev_samp(time), 6) AS sd, round(var_samp(time), 3) AS v, count(key) FILTER (WHERE seq > 9) AS f "
        "FROM seen GROUP BY visit_id",
        "SELECT seq, floor(time / 3) AS lower_third, ceil(time / 3) AS upper_third, round(sqrt(time), 9) AS root, "
        "round(ln(time + 1), 9) AS log, round(exp(time / 1000.0), 9) AS e, ltrim(lower(key)) AS l, rtrim(key) AS r, "
        "least(seq, time) AS small, dense_rank() OVER (ORDER BY time) AS dr, rank() OVER (ORDER BY time) AS rk, "
        "lead(seq) OVER (ORDER BY seq) AS nxt FROM seen",
    ],
)  # fmt: skip
def test_a_statement(spark: Any, seen: pa.Table, consent: pa.Table, statement: str) -> None:
    here = sql(statement, seen=seen, consent=consent)
    there = spark_sql(spark, statement, seen=seen, consent=consent)
    assert here.column_names == there.column_names
    assert here.num_rows > 0
    assert _comparable(here) == _comparable(there)


def _comparable(table: pa.Table) -> list[list[str]]:
    """Return the rows sorted, numbers to nine digits: the engines differ in number types and in the last bits."""
    found = [[f"{v:.9g}" if _number(v) else repr(v) for v in row.values()] for row in table.to_pylist()]
    return sorted(found)


def _number(value: object) -> bool:
    return value is not None and not isinstance(value, str | bool)


def test_both_refuse_what_one_does_not_know(spark: Any, seen: pa.Table) -> None:
    for run in (lambda text: sql(text, seen=seen), lambda text: spark_sql(spark, text, seen=seen)):
        with pytest.raises(UsageError, match="ASOF"):
            run("SELECT * FROM seen ASOF JOIN seen AS other ON seen.time >= other.time")


def test_no_rows(spark: Any) -> None:
    frame = spark_frame(spark, empty(SEEN))
    there = spark_visits(repeated_keys, frame, SEEN, reads=SEEN).toArrow()
    assert check(there, SEEN, "sail").num_rows == map_visits(repeated_keys, empty(SEEN)).num_rows == 0


class _Remembering(Sighter):
    """A Sighter that keeps what it joins."""

    def join(self, *tables: pa.Table) -> pa.Table:
        self.joined = super().join(*tables)
        return self.joined


@pytest.fixture(scope="module")
def wide() -> pa.Table:
    """SIGHTINGS of the recorded traffic: what every rule is given."""
    sighter = _Remembering(load(), region="EU")
    parts = [[shelf.take(name) for name in shelf.names()] for shelf in (SURFACES, SIGNALS)]
    pipeline = Pipeline(Observer(bytes(32), *parts), Judge(sighter, []), {n: lambda table: None for n in TABLES}, [])
    for number, file in enumerate(sorted(RECORDED.glob("*.har.zst"))):
        pipeline.file(file, har, Options(file_no=number))
    pipeline.flush()
    return sighter.joined


@pytest.mark.parametrize("name", RULES.names())
def test_a_rule(spark: Any, wide: pa.Table, name: str) -> None:
    find = RULES.take(name).find
    here = map_visits(find, wide, batch_rows=500)
    frame = spark_frame(spark, wide)
    there = check(spark_visits(find, frame, SIGHTINGS, reads=SIGHTINGS).toArrow(), SIGHTINGS, "sail")
    assert here.num_rows or name in {"consent_mode_denied", "coarse_location"}  # no such thing was recorded
    assert rows(there) == rows(here)
    assert here["row"].to_pylist() == find(wide)["row"].to_pylist()
