"""Single values: what a field with a verdict, or a planted value, tells of each value in it."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from labels.leaves import last_name
from labels.shapes import value_hash


def leaves(folder: Path) -> list[dict[str, Any]]:
    return pq.read_table(folder / "labels" / "leaves.parquet").to_pylist()


def of(folder: Path, component: str, name: str) -> list[dict[str, Any]]:
    return [row for row in leaves(folder) if (row["component"], row["name"]) == (component, name)]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("json|/v1|.user.Ids[*]", "ids"),
        ("query|/p|.d~base64.lat", "lat"),
        ("query|/p|.d~base64", "d"),
        ("query|/p|.ua#3", "ua"),
        ("cookie||._ga", "_ga"),
        ("path|/{}/x|2", "path"),
        ("json|/v1|.a[0][1]", "a"),
    ],
)
def test_the_last_name_of_a_path(path: str, name: str) -> None:
    assert last_name(path) == name


def test_values_tell_what_was_written(labelled: Path) -> None:
    for name, types in {"uid": ["device.id"], "sid": ["device.advertising_id"], "dims": ["device.screen"]}.items():
        rows = of(labelled, "ads-tag", name)
        assert rows
        assert {(row["verdict"], *row["types"]) for row in rows} == {("types", *types)}


def test_noise_tells_nothing(labelled: Path) -> None:
    assert {row["verdict"] for row in of(labelled, "ads-tag", "v")} == {"constant"}
    for name in ("ctr", "cb", "req", "ab"):
        assert all(row["verdict"] in ("none", "constant") for row in of(labelled, "ads-tag", name)), name


def test_rows_are_distinct_and_of_one_part(labelled: Path) -> None:
    rows = leaves(labelled)
    keys = [tuple(row[n] for n in ("site", "component", "host", "name", "value")) for row in rows]
    assert len(keys) == len(set(keys))
    assert all((row["verdict"] in ("types", "partly")) == bool(row["types"]) for row in rows)
    assert len({(row["site"], row["group"]) for row in rows}) == len({row["site"] for row in rows})


def test_a_value_stands_for_itself_by_its_hash(labelled: Path) -> None:
    assert value_hash("1.4.2") in {row["value"] for row in of(labelled, "ads-tag", "v")}
