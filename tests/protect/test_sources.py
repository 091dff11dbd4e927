"""Tables as they lie on disk: kinds of files, schema checks, digests, and tables that change."""

import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from consentinel.core.errors import BadInput, UsageError
from consentinel.protect.asking import ask, bound_question
from consentinel.protect.declared import Column, Declared, Private, column
from consentinel.protect.exact import Exact, check_columns, check_unchanged, statistics
from consentinel.protect.sources import digests, opened
from consentinel.protect.statistic import Statistic, lattice

ROWS = pa.table({"who": ["x", "y", "y"], "Shop": ["a", "b", "b"], "paid": [1.25, 2.5, 99.0]})
COLUMNS = {"who": Column(), "shop": column(values=("a", "b")), "paid": column(low=0, high=10, type="double")}
NEEDS = [(Statistic("sum", "sum(x)", Fraction(10**7), Fraction(1, 10**6)),)]


def declared(*files: Path, table: str | None = None, columns: dict[str, Column] | None = None) -> Declared:
    return Declared((Private("sales", columns or COLUMNS, "who", 2, 2, files, table),))


def run(given: Declared, **more: Any) -> Exact:
    asked = ask("SELECT shop, sum(paid) FROM sales GROUP BY shop", given)
    assert lattice(asked.aggregates[0].bounds) == Fraction(1, 10**5)
    return statistics(asked, given, NEEDS, threads=1, **more)


def write(path: Path, rows: pa.Table = ROWS) -> Path:
    if path.suffix == ".parquet":
        pq.write_table(rows, path)
    elif path.suffix == ".csv":
        pyarrow.csv.write_csv(rows, path)
    else:
        with duckdb.connect(str(path)) as connection:
            connection.register("r", rows)
            connection.execute("CREATE OR REPLACE TABLE s AS FROM r")
    return path


@pytest.mark.parametrize("name", ["sales.parquet", "sales.csv", "sales.duckdb"])
def test_every_kind_of_file_gives_the_same(tmp_path: Path, name: str) -> None:
    tables = declared(write(tmp_path / name), table="s" if name.endswith("duckdb") else None)
    exact = run(tables)
    assert exact.arrays[0]["sum"].tolist() == [125_000, 1_250_000]
    assert run(declared(), tables={"sales": ROWS}).arrays[0]["sum"].tolist() == [125_000, 1_250_000]


def test_several_files_are_one_table(tmp_path: Path) -> None:
    files = [write(tmp_path / f"{at}.csv", ROWS.slice(at, 1)) for at in range(3)]
    assert run(declared(*files)).arrays[0]["sum"].tolist() == [125_000, 1_250_000]


def test_broken_cells_are_no_values_and_break_nothing(tmp_path: Path) -> None:
    file = tmp_path / "sales.csv"
    file.write_text('who,shop,paid\nx,a,1.5\ny,b,"2,5"\n"y",b,nan\n,a,9\nz,b\nq,a,1e400,7,7\n"o""p",a,0x1F\n', "utf-8")
    assert run(declared(file)).arrays[0]["sum"].tolist()[0] >= 150_000


@pytest.mark.parametrize("name", ["sales.parquet", "sales.csv", "sales.duckdb"])
def test_a_changed_table_is_noticed(tmp_path: Path, name: str) -> None:
    file = write(tmp_path / name)
    tables = declared(file, table="s" if name.endswith("duckdb") else None)
    asked = ask("SELECT shop, sum(paid) FROM sales GROUP BY shop", tables)
    planned, question = digests(asked, tables), bound_question(asked, tables)
    check_unchanged(asked, tables, planned)
    before = file.stat()
    write(file, ROWS.set_column(2, "paid", pa.array([1.25, 2.5, 98.0])))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))  # neither size nor time tells
    with pytest.raises(BadInput, match="nothing was spent"):
        check_unchanged(asked, tables, planned)
    with pytest.raises(BadInput, match="Plan again"):
        run(tables, planned=planned)
    assert bound_question(asked, tables).digest != question.digest


def test_a_table_that_changes_while_it_is_read_is_noticed(tmp_path: Path) -> None:
    file = write(tmp_path / "sales.parquet")
    tables = declared(file)
    asked = ask("SELECT count(*) FROM sales", tables)
    with opened(asked, tables, threads=1) as source:
        source.unchanged()
        write(file, ROWS.slice(1))
        with pytest.raises(BadInput, match="while it was read"):
            source.unchanged()


def test_arrow_tables_have_digests_too() -> None:
    asked = ask("SELECT count(*) FROM sales", declared())
    one, same, other = (digests(asked, declared(), {"sales": t}) for t in (ROWS, ROWS.slice(0), ROWS.slice(1)))
    assert one == same != other
    with pytest.raises(UsageError, match="hand its rows over"):
        digests(asked, declared())
    with pytest.raises(UsageError, match="hand its rows over"):
        run(declared())


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({**COLUMNS, "whom": Column()}, "column 'whom' is missing"),
        ({**COLUMNS, "shop": column(low=0, high=1)}, "has a range but holds VARCHAR"),
        ({"who": column(type="double"), "shop": COLUMNS["shop"], "paid": COLUMNS["paid"]}, "unit column"),
    ],
)
def test_a_table_that_is_not_as_declared_is_refused(tmp_path: Path, columns: dict[str, Column], told: str) -> None:
    with pytest.raises(BadInput, match=r"sales\.parquet") as why:
        run(declared(write(tmp_path / "sales.parquet"), columns=columns))
    assert told in str(why.value)
    assert str(tmp_path) not in str(why.value)


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file"):
        run(declared(tmp_path / "missing.parquet"))
    for name in ("broken.parquet", "broken.duckdb", "broken.csv"):
        (tmp_path / name).write_bytes(b"\xff\xfenot a table\n" * 100)
        with pytest.raises(BadInput, match=name):
            run(declared(tmp_path / name, table="s" if name.endswith("duckdb") else None))
    (tmp_path / "twice.csv").write_text("a,A\n1,2\n", "utf-8")
    with pytest.raises(BadInput, match="once"):
        run(declared(tmp_path / "twice.csv"))


def test_units_of_different_types_are_not_joined(tmp_path: Path) -> None:
    left = Private("l", {"who": Column()}, "who", 1, 1, fanout={"who": 1})
    right = Private("r", {"who": Column()}, "who", 1, 1, fanout={"who": 1})
    tables = Declared((left, right))
    asked = ask("SELECT count(*) FROM l JOIN r USING (who)", tables)
    rows = {"l": pa.table({"who": ["1", "01"]}), "r": pa.table({"who": [1, 2]})}
    with pytest.raises(BadInput, match="different types"):
        statistics(asked, tables, [(Statistic("rows", "sum(n)", Fraction(1), Fraction(1)),)], tables=rows)


def test_errors_quote_no_values() -> None:
    tables = declared()
    asked = ask("SELECT count(*) FROM sales WHERE CAST(who AS int) > 5 AND shop + 1 > paid", tables)
    needs = [(Statistic("rows", "sum(n)", Fraction(1), Fraction(1)),)]
    assert statistics(asked, tables, needs, tables={"sales": ROWS}, threads=1).arrays[0]["rows"].tolist() == [0]
    asked = ask("SELECT count(*) FROM sales WHERE date_trunc('day', shop) = 1", tables)
    with pytest.raises(UsageError, match="does not fit the columns"):
        statistics(asked, tables, needs, tables={"sales": ROWS}, threads=1)
    with pytest.raises(UsageError, match="does not fit the columns"):
        check_columns(asked, tables, {"sales": ROWS})
    check_columns(ask("SELECT shop, sum(paid) FROM sales GROUP BY shop", tables), tables, {"sales": ROWS})


@pytest.mark.parametrize("name", ["sales.parquet", "sales.csv", "sales.duckdb"])
def test_every_row_is_another_person_where_no_column_says_who(tmp_path: Path, name: str) -> None:
    columns = {name: column for name, column in COLUMNS.items() if name != "who"}
    sales = Private("sales", columns, "*", 1, 1, (write(tmp_path / name),), "s" if name.endswith("duckdb") else None)
    exact = run(Declared((sales,)))
    assert exact.arrays[0]["sum"].tolist() == [125_000, 1_250_000]  # nobody's rows are taken for somebody else's


def test_rows_without_ids_have_bounds_of_one_and_are_not_joined(tmp_path: Path) -> None:
    columns = {name: column for name, column in COLUMNS.items() if name != "who"}
    with pytest.raises(UsageError, match="groups and rows are 1"):
        Private("sales", columns, "*", 2, 1)
    sales = Private("sales", columns, "*", 1, 1, (write(tmp_path / "sales.parquet"),))
    people = Private("people", COLUMNS, "who", 1, 1, (write(tmp_path / "people.parquet"),), fanout={"shop": 2})
    with pytest.raises(UsageError, match="no column that says whose row it is"):
        ask("SELECT count(*) FROM sales JOIN people ON sales.shop = people.shop", Declared((sales, people)))
