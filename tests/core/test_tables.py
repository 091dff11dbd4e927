import pyarrow as pa
import pytest

from consentinel.core.errors import ContractBroken
from consentinel.core.tables import EVIDENCE, TABLES, TRAFFIC, check, empty, narrow

SCHEMA = pa.schema([("id", pa.int32()), ("label", pa.dictionary(pa.int32(), pa.string())), ("bits", pa.binary())])
GOOD = pa.table({"id": [1], "label": ["a"], "bits": [b""]})


@pytest.mark.parametrize("name", TABLES)
def test_every_table_keeps_the_house_rules(name: str) -> None:
    schema = TABLES[name]
    assert schema.names[0] == "run_id"
    assert len(set(schema.names)) == len(schema.names)
    for field in schema:
        assert field.type not in (pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()), field
        assert not pa.types.is_timestamp(field.type), "times are int64 microseconds"
        if pa.types.is_dictionary(field.type):
            assert field.type == pa.dictionary(pa.int32(), pa.string())
    assert check(empty(schema), schema, "here").schema.equals(schema)


def test_a_fitting_table_is_the_same_object() -> None:
    table = empty(TRAFFIC)
    assert check(table, TRAFFIC, "here") is table


def test_columns_are_ordered_cast_and_extra_ones_dropped() -> None:
    told = GOOD.select(["bits", "label", "id"]).append_column("more", pa.array([1]))
    checked = check(told, SCHEMA, "here")
    assert checked.schema.equals(SCHEMA)
    assert checked.to_pylist() == [{"id": 1, "label": "a", "bits": b""}]
    small = pa.array(["a", "a"]).dictionary_encode().cast(pa.dictionary(pa.int8(), pa.string()))
    both = pa.table({"id": pa.array([1, 2], pa.int8()), "label": small, "bits": [None, None]})
    assert check(both, SCHEMA, "here")["label"].to_pylist() == ["a", "a"]


@pytest.mark.parametrize(
    ("column", "values"),
    [("id", [2**40]), ("id", ["jane@example.com"]), ("id", [[1]]), ("label", [[1]]), ("bits", [7]), ("id", [1.5])],
)
def test_a_wrong_column_is_named_with_wanted_and_got_but_not_its_values(column: str, values: list[object]) -> None:
    at = GOOD.schema.get_field_index(column)
    told = GOOD.set_column(at, column, pa.array(values))
    with pytest.raises(ContractBroken, match=f"^detect.scan: column '{column}' should be .*, got ") as why:
        check(told, SCHEMA, "detect.scan")
    assert "jane" not in str(why.value)


def test_a_missing_column_is_named_with_those_there_are() -> None:
    with pytest.raises(ContractBroken, match=r"here: column 'label' .* is missing; there is: id, bits"):
        check(GOOD.drop_columns(["label"]), SCHEMA, "here")


def test_narrow_takes_columns_in_the_order_asked() -> None:
    assert narrow(EVIDENCE, "record", "run_id").names == ["record", "run_id"]
    with pytest.raises(KeyError):
        narrow(EVIDENCE, "nothing")
