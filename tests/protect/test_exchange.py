"""Publisher and partner tables: her column names, lists or events, and messages that say what to correct."""

from pathlib import Path
from typing import Any, cast

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from consentinel.core.errors import BadInput, UsageError
from consentinel.protect.dry_run import dry_run, dummy
from consentinel.protect.exchange import ROLES, load_map, read, take

PUBLISHER = "lift.publisher"


def publisher(**changes: object) -> pa.Table:
    columns: dict[str, object] = {"id": ["a", "b"], "test_flag": [1, 0], "opportunity_timestamp": [5, 6]}
    return pa.table({name: values for name, values in (columns | changes).items() if values is not None})


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"test_flag": None}, "has no column test_flag"),
        ({"test_flag": [1, 2]}, "test_flag is neither 0 nor 1 in 1 rows"),
        ({"test_flag": ["1", "yes"]}, "test_flag is empty or is no whole number"),
        ({"opportunity_timestamp": [5, 1_700_000_000_000]}, "seconds are wanted"),
        ({"opportunity_timestamp": [5.5, 6.0]}, "opportunity_timestamp is empty or is no whole number"),
        ({"opportunity_timestamp": [float("nan"), 6.0]}, "is no whole number"),
        ({"opportunity_timestamp": [float("inf"), 6.0]}, "is no whole number"),
        ({"id": ["a", "a"]}, "more than once"),
        ({"id": ["a", ""]}, "id is empty in 1 rows"),
        ({"id": ["a", None]}, "id is empty in 1 rows"),
        ({"num_impressions": [1, None]}, "num_impressions is empty"),
    ],
)
def test_bad_tables_are_refused_with_what_and_how_many(changes: dict[str, object], told: str) -> None:
    with pytest.raises(BadInput, match=told) as raised:
        take(duckdb.connect(), publisher(**changes), PUBLISHER)
    assert "1_700" not in str(raised.value)
    assert "nothing was counted" in str(raised.value) or "column map" in str(raised.value)


def test_values_beyond_64_bits_and_uneven_lists_are_refused() -> None:
    big = pa.table({"id": ["a"], "event_timestamps": [[1, 2]], "values": pa.array([[1, 2**63]], pa.list_(pa.uint64()))})
    with pytest.raises(BadInput, match="values is empty or is no whole number"):
        take(duckdb.connect(), big, "lift.partner")
    uneven = pa.table({"id": ["a"], "event_timestamps": [[1, 2]], "values": [[1]]})
    with pytest.raises(BadInput, match="other lengths than event_timestamps"):
        take(duckdb.connect(), uneven, "lift.partner")


def test_lists_events_csv_and_parquet_say_the_same(tmp_path: Path) -> None:
    lists = pa.table(
        {"id": ["a", "b"], "event_timestamps": [[3, 7], [5]], "values": [[30, 70], [50]], "cohort_id": [0, 1]}
    )
    events = pa.table(
        {"id": ["a", "b", "a"], "event_timestamp": [7, 5, 3], "value": [70, 50, 30], "cohort_id": [0, 1, 0]}
    )
    pq.write_table(lists, tmp_path / "lists.parquet")
    (tmp_path / "lists.csv").write_text(
        'id_,event_timestamps,values,cohort_id\r\n\na,[3, 7],"[30,70]",0\nb,[5],[50],1\n'
    )
    (tmp_path / "events.csv").write_text("id,cohort_id,event_timestamp,value\nb,1,5,50.0\na,0,7,70\na,0,3,30\n")
    found = []
    connection = duckdb.connect()
    for table in (lists, events):
        take(connection, table, "lift.partner")
        found.append(
            connection.execute('SELECT id, event_timestamps, "values", cohort_id FROM lift_partner ORDER BY id')
        )
        found[-1] = found[-1].fetchall()
    for name in ("lists.parquet", "lists.csv", "events.csv"):
        read(connection, tmp_path / name, "lift.partner")
        rows = connection.execute('SELECT id, event_timestamps, "values", cohort_id FROM lift_partner ORDER BY id')
        found.append(rows.fetchall())
    assert found == [[("a", [3, 7], [30, 70], 0), ("b", [5], [50], 1)]] * 5


def test_a_cohort_that_differs_between_events_of_a_person_is_refused() -> None:
    events = pa.table({"id": ["a", "a"], "event_timestamp": [7, 3], "cohort_id": [0, 1]})
    with pytest.raises(BadInput, match="cohort_id differs between rows of the same person for 1 people"):
        take(duckdb.connect(), events, "lift.partner")


def test_empty_lists_stay_empty() -> None:
    table = pa.table({"id": ["a", "b"], "event_timestamps": ["[]", "[4]"]})
    connection = duckdb.connect()
    take(connection, table, "lift.partner")
    assert connection.execute("SELECT event_timestamps FROM lift_partner ORDER BY id").fetchall() == [([],), ([4],)]


def test_her_names_by_a_map(tmp_path: Path) -> None:
    file = tmp_path / "columns.toml"
    file.write_text('[publisher]\nid = "user"\ntest_flag = "Arm ""\'\n')
    with pytest.raises(BadInput, match=r"columns\.toml"):
        load_map(file)
    file.write_text('[publisher]\nid = "user"\ntest_flag = "arm of test"\n')
    maps = load_map(file)
    hers = publisher().rename_columns(["user", "arm of test", "opportunity_timestamp"])
    connection = duckdb.connect()
    take(connection, hers, PUBLISHER, maps["publisher"])
    assert connection.execute("SELECT id, test_flag FROM lift_publisher ORDER BY id").fetchall() == [("a", 1), ("b", 0)]
    with pytest.raises(BadInput, match="has no column user, which the column map names"):
        take(connection, publisher(), PUBLISHER, {"id": "user"})
    with pytest.raises(UsageError, match="has no column arm"):
        take(connection, publisher(), PUBLISHER, {"arm": "test_flag"})
    file.write_text('[advertiser]\nid = "user"\n')
    with pytest.raises(UsageError, match="neither"):
        load_map(file)
    file.write_text("[publisher]\nid = 3\n")
    with pytest.raises(UsageError, match="maps names to names"):
        load_map(file)


def test_files_that_are_no_tables(tmp_path: Path) -> None:
    connection = duckdb.connect()
    with pytest.raises(BadInput, match="no such file"):
        read(connection, tmp_path / "none.csv", PUBLISHER)
    (tmp_path / "bad.parquet").write_bytes(b"no")
    with pytest.raises(BadInput, match=r"bad\.parquet: cannot be read"):
        read(connection, tmp_path / "bad.parquet", PUBLISHER)
    (tmp_path / "twice.csv").write_text("id,id\n1,2\n")
    with pytest.raises(BadInput, match="repeated column name"):
        read(connection, tmp_path / "twice.csv", PUBLISHER)
    with pytest.raises(UsageError, match="there is no table"):
        read(connection, tmp_path / "twice.csv", "lift.advertiser")


@pytest.mark.parametrize("role", sorted(ROLES))
def test_dummy_tables_pass_the_checks_under_any_names(role: str) -> None:
    columns = {name: f"her {name}" for name in ROLES[role].names}
    table = dummy(role, columns, people=50)
    assert "her id" in table.column_names
    take(duckdb.connect(), table, role, columns)


def test_dry_runs_give_results_and_find_wrong_maps() -> None:
    rows = dry_run("lift", {"publisher": {"test_flag": "arm"}}, people=300)
    assert {row["kind"] for row in rows} == {"everyone", "cohort", "breakdown"}
    assert sum(int(str(row["people"])) for row in dry_run("attribution", people=2000)) > 0
    with pytest.raises(UsageError, match="has no column arms"):
        dry_run("lift", {"publisher": {"arms": "arm"}})
    with pytest.raises(UsageError, match="lift and attribution"):
        dry_run(cast(Any, "reach"))
