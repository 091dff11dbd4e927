import functools
import itertools

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentinel.core.engine import cut, map_visits, plain, spark_frame, spark_type, sql, whole_visits
from consentinel.core.errors import ContractBroken, NotSupported, UsageError
from consentinel.core.tables import CONSENT, DATA, FINDINGS, TABLES, TRAFFIC

ids = st.lists(st.sampled_from("abcdefgh"), max_size=60)


def table(visit_ids: list[str], encoded: bool = True) -> pa.Table:
    column = pa.array(visit_ids, pa.string())
    return pa.table(
        {
            "visit_id": column.dictionary_encode() if encoded else column,
            "row": pa.array(range(len(visit_ids)), pa.int64()),
        }
    )


def twice(visits: pa.Table) -> pa.Table:
    """Return the rows of visits that have at least two rows."""
    counts = visits.group_by("visit_id").aggregate([("row", "count")])
    many = counts.filter(pc.field("row_count") > 1).column("visit_id")
    return visits.filter(pc.is_in(visits.column("visit_id"), many.combine_chunks().cast(pa.string())))


def sizes(visits: pa.Table, *, seen: list[int]) -> pa.Table:
    seen.append(visits.num_rows)
    return visits


@given(ids, st.integers(1, 70), st.booleans())
def test_batches_hold_whole_visits_in_order(visit_ids: list[str], batch_rows: int, encoded: bool) -> None:
    together = whole_visits(table(visit_ids, encoded))
    order = list(dict.fromkeys(visit_ids))
    assert together.column("visit_id").to_pylist() == sorted(visit_ids, key=order.index)
    assert together.column("row").to_pylist() == sorted(range(len(visit_ids)), key=lambda i: order.index(visit_ids[i]))
    places = cut(together, batch_rows)
    assert [row for start, stop in places for row in range(start, stop)] == list(range(len(visit_ids)))
    batches = [together.column("visit_id").to_pylist()[start:stop] for start, stop in places]
    assert sum(len(set(batch)) for batch in batches) == len(order)  # no visit is in two batches
    assert all(len(batch) <= batch_rows or len(set(batch)) == 1 for batch in batches)
    for one, two in itertools.pairwise(batches):  # nor could the next visit have joined the batch
        assert len(one) + two.count(two[0]) > batch_rows


@given(ids, st.integers(1, 70))
def test_the_batch_size_does_not_change_the_result(visit_ids: list[str], batch_rows: int) -> None:
    visits = table(visit_ids)
    whole = map_visits(twice, visits, batch_rows=10**6)
    assert map_visits(twice, visits, batch_rows=batch_rows).equals(whole)
    assert whole.num_rows == sum(visit_ids.count(i) > 1 for i in visit_ids)


def test_whole_visits_are_left_as_they_are() -> None:
    visits = table(["b", "b", "a"])
    assert whole_visits(visits) is visits


def test_no_rows_still_give_the_columns() -> None:
    seen: list[int] = []
    got = map_visits(functools.partial(sizes, seen=seen), table([]))
    assert seen == [0]
    assert got.schema == table([]).schema


def test_chunks_with_other_dictionaries_are_one_visit() -> None:
    visits = pa.concat_tables([table(["b", "a"]), table(["a", "c"]), table([]), table(["c", "b"])])
    seen: list[int] = []
    got = map_visits(functools.partial(sizes, seen=seen), visits, batch_rows=1)
    assert seen == [2, 2, 2]
    assert got.column("visit_id").to_pylist() == ["b", "b", "a", "a", "c", "c"]
    assert got.column("visit_id").num_chunks == 3
    assert len({str(chunk.dictionary) for chunk in got.column("visit_id").chunks}) == 1


def test_a_dictionary_that_names_a_visit_twice_is_one_visit() -> None:
    codes = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2], pa.int32()), pa.array(["a", "a", "b"]))
    assert cut(pa.table({"visit_id": codes}), 2) == [(0, 2), (2, 3)]


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["a", None]),
        pa.array(["a", None]).dictionary_encode(),
        pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int32()), pa.array(["a", None])),
    ],
)
def test_rows_of_no_visit_are_refused(column: pa.Array) -> None:
    with pytest.raises(ContractBroken, match="1 nulls"):
        map_visits(twice, pa.table({"visit_id": column, "row": pa.array([1, 2])}))


def test_broken_promises_name_who_broke_them() -> None:
    visits = table(["a", "b"])
    with pytest.raises(ContractBroken, match="'visit_id' is missing; there is: row"):
        map_visits(twice, visits.select(["row"]))
    with pytest.raises(ContractBroken, match=r"should return a pyarrow\.Table, got int"):
        map_visits(lambda batch: 3, visits)  # type: ignore[arg-type, return-value]
    with pytest.raises(ContractBroken, match="differ between batches"):
        map_visits(lambda batch: batch if batch["row"][0].as_py() else batch.select(["row"]), visits, batch_rows=1)
    with pytest.raises(UsageError, match="workers"):
        map_visits(twice, visits, workers=0)
    with pytest.raises(UsageError, match="batch_rows"):
        map_visits(twice, visits, batch_rows=0)


def test_a_function_that_no_process_can_import_is_refused_before_any_starts() -> None:
    with pytest.raises(UsageError, match="top of a module"):
        map_visits(lambda batch: batch, table(["a", "b"]), workers=2, batch_rows=1)


def test_what_a_function_raises_is_passed_on() -> None:
    def broken(visits: pa.Table) -> pa.Table:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        map_visits(broken, table(["a"]))


def test_every_table_that_crosses_rooms_goes_to_spark() -> None:
    for schema in TABLES.values():
        assert all(spark_type(field.type) for field in schema)
        assert not any(pa.types.is_dictionary(field.type) for field in plain(schema))
    assert spark_type(FINDINGS.field("keys").type) == "ARRAY<STRING>"
    assert spark_type(TRAFFIC.field("host").type) == "STRING"
    assert spark_type(DATA.field("type_p").type) == "FLOAT"
    restrictions = "ARRAY<STRUCT<`purpose`: INT, `kind`: INT, `vendors`: BINARY>>"
    assert spark_type(CONSENT.field("restrictions").type) == restrictions
    for bad in (pa.uint32(), pa.timestamp("us"), pa.decimal128(10, 2), pa.list_(pa.uint8())):
        with pytest.raises(NotSupported):
            spark_type(bad)


def test_sql_sees_the_given_tables() -> None:
    visits = table(["a", "b", "a"])
    got = sql("SELECT visit_id, cast(sum(row) AS BIGINT) AS s FROM v GROUP BY visit_id ORDER BY s", v=visits, threads=1)
    assert got.to_pydict() == {"visit_id": ["b", "a"], "s": [1, 2]}
    assert got.schema.types == [pa.string(), pa.int64()]


def test_sql_sees_nothing_else(tmp_path: object) -> None:
    hidden = table(["a"])
    assert hidden.num_rows == 1
    with pytest.raises(UsageError, match="hidden does not exist"):
        sql("SELECT * FROM hidden")
    with pytest.raises(UsageError, match="does not run"):
        sql("SELECT nothing FROM v", v=hidden)
    with pytest.raises(UsageError, match="threads"):
        sql("SELECT 1", threads=0)
    with pytest.raises(UsageError, match="ASOF"):
        sql("SELECT * FROM v ASOF JOIN v AS w ON v.row >= w.row", v=hidden)
    with pytest.raises(UsageError, match="calls 'read_csv'"):
        sql(f"SELECT * FROM read_csv('{tmp_path}')")
    with pytest.raises(UsageError, match="does not run"):
        sql(f"SELECT * FROM '{tmp_path}/x.parquet'")


def test_an_interval_join_picks_the_consent_in_force() -> None:
    sent = pa.table({"visit_id": ["a"] * 4, "time": pa.array([5, 10, 19, 20])})
    consent = pa.table(
        {
            "visit_id": ["a", "a"],
            "valid_from": pa.array([0, 10]),
            "valid_until": pa.array([10, 20]),
            "state": ["no", "yes"],
        }
    )
    got = sql(
        "SELECT s.time, c.state FROM sent AS s LEFT JOIN consent AS c ON s.visit_id = c.visit_id "
        "AND s.time >= c.valid_from AND s.time < c.valid_until ORDER BY s.time",
        sent=sent,
        consent=consent,
    )
    assert got.column("state").to_pylist() == ["no", "yes", "yes", None]


def test_large_visits_are_cut_fast() -> None:
    visits = pa.table({"visit_id": pa.array(np.repeat(np.arange(2000), 100)).cast(pa.string())})
    assert len(cut(visits, 50_000)) == 4


class Garbled:
    """A Spark session whose first answers fail."""

    def __init__(self, *failures: str) -> None:
        self.failures = list(failures)

    def createDataFrame(self, rows: object, columns: object) -> tuple[object, object]:
        if self.failures:
            raise RuntimeError(self.failures.pop(0))
        return rows, columns


def test_settings_that_came_garbled_are_asked_for_once_more() -> None:
    garbled = "Exception deserializing response!"
    rows, _ = spark_frame(Garbled(garbled), table(["a"]))
    assert rows.num_rows == 1
    for failures in ((garbled, garbled), ("refused",)):
        with pytest.raises(RuntimeError, match=failures[-1]):
            spark_frame(Garbled(*failures), table(["a"]))
