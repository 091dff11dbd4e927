"""map_visits in other processes gives what it gives in this one."""

from pathlib import Path
from types import ModuleType

import pyarrow as pa
import pytest

from consentinel.core.engine import map_visits
from consentinel.core.errors import BadInput, ConsentinelError, ContractBroken
from consentinel.core.rng import generator

pytestmark = pytest.mark.real

SOURCE = """
import os
import pyarrow.compute as pc
from consentinel.core.errors import BadInput

def small(visits):
    return visits.filter(pc.field("row") < 900)

def refuses(visits):
    raise BadInput("row is odd", where="rows.csv", todo="repair it")

def no_table(visits):
    return 3

def dies(visits):
    os._exit(9)
"""


@pytest.fixture
def finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    (tmp_path / "engine_pool_finds.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    import engine_pool_finds  # type: ignore[import-not-found]

    return engine_pool_finds


@pytest.fixture(scope="module")
def visits() -> pa.Table:
    rng = generator(1, "pool")
    names = pa.array([f"visit {i}" for i in range(5000)])
    codes = pa.array(rng.integers(0, 40, 2000), pa.int32())
    return pa.table({
        "visit_id": pa.DictionaryArray.from_arrays(codes, names),  # far more names than a batch uses
        "row": pa.array(range(2000)),
        "label": pa.array([None if i % 7 == 0 else f"label {i % 5}" for i in range(2000)]).dictionary_encode(),
    })  # fmt: skip


def test_two_processes_give_the_same(finds: ModuleType, visits: pa.Table) -> None:
    here = map_visits(finds.small, visits, batch_rows=150)
    there = map_visits(finds.small, visits, batch_rows=150, workers=2)
    assert here.num_rows == 900
    assert there.schema == here.schema
    assert there.to_pylist() == here.to_pylist()


def test_errors_come_back_whole(finds: ModuleType, visits: pa.Table) -> None:
    with pytest.raises(BadInput, match=r"rows\.csv: row is odd\. repair it"):
        map_visits(finds.refuses, visits, batch_rows=150, workers=2)
    with pytest.raises(ContractBroken, match="no_table: should return"):
        map_visits(finds.no_table, visits, batch_rows=150, workers=2)


def test_a_lost_process_is_an_error_and_not_a_hang(finds: ModuleType, visits: pa.Table) -> None:
    with pytest.raises(ConsentinelError, match=r"dies ended early.*fewer workers"):
        map_visits(finds.dies, visits, batch_rows=150, workers=2)
