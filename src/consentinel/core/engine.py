"""Run a whole-visit function or a SQL statement: here (process pool, DuckDB) or on Spark, with equal results.

A whole-visit function is `find(visits: pa.Table) -> pa.Table`: it gets all rows of every visit that it gets a row of,
and returns the same columns whatever the rows are. Batches are cut at visit edges, so that it may run anywhere.
"""

import pickle
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core.allowed_sql import CLOSED, check_sql
from consentinel.core.errors import ConsentinelError, ContractBroken, NotSupported, UsageError

__all__ = [
    "Find",
    "cut",
    "map_visits",
    "plain",
    "spark_frame",
    "spark_sql",
    "spark_type",
    "spark_visits",
    "sql",
    "whole_visits",
]

Find = Callable[[pa.Table], pa.Table]
_VISIT = "visit_id"


# Locally: a whole-visit function


def map_visits(find: Find, visits: pa.Table, *, workers: int = 1, batch_rows: int = 50_000) -> pa.Table:
    """Return FIND of VISITS, run over batches of about BATCH_ROWS rows that never split a visit.

    Arguments: find, importable by its module path where workers > 1; visits with a column visit_id, in any order of
    rows (visits are brought together first, in order of first appearance, rows in their order); workers, processes.
    Results are joined in input order, with one dictionary per column. What FIND raises is passed on.
    Raises UsageError for bad numbers or a FIND that a process cannot import; ContractBroken for a null visit_id or
    for results that are no tables or differ in their columns.
    """
    if workers < 1:
        raise UsageError(f"workers is a whole number of at least 1, got {workers}")
    together = whole_visits(visits)
    places = cut(together, batch_rows) or [(0, 0)]
    batches = (together.slice(start, stop - start) for start, stop in places)
    one_process = workers == 1 or len(places) == 1
    found = list(map(find, batches)) if one_process else list(_in_processes(find, batches, workers))
    return _joined(found, _name(find))


def cut(visits: pa.Table, batch_rows: int) -> list[tuple[int, int]]:
    """Return the (start, stop) rows of batches of at most BATCH_ROWS rows cut at visit edges, all rows in order.

    A visit longer than that is a batch of its own. Visits must be contiguous (`whole_visits`). None for no rows.
    """
    if batch_rows < 1:
        raise UsageError(f"batch_rows is a whole number of at least 1, got {batch_rows}")
    edges = np.append(_starts(_codes(visits)), visits.num_rows)
    places, start = [], 0
    while start < visits.num_rows:
        last = int(np.searchsorted(edges, start + batch_rows, side="right")) - 1
        stop = int(edges[last])
        if stop <= start:  # the visit is longer than a batch
            stop = int(edges[last + 1])
        places.append((start, stop))
        start = stop
    return places


def whole_visits(visits: pa.Table) -> pa.Table:
    """Return VISITS with the rows of each visit together: by first appearance, rows of a visit in their order."""
    codes = _codes(visits)
    starts = _starts(codes)
    names, first = np.unique(codes, return_index=True)
    if len(starts) == len(names):
        return visits
    rank = np.empty(int(names[-1]) + 1, dtype=np.int64)
    rank[names[np.argsort(first)]] = np.arange(len(names))
    return visits.take(pa.array(np.argsort(rank[codes], kind="stable")))


def _codes(visits: pa.Table) -> NDArray[np.int64]:
    """Return a number per row, equal where and only where visit_id is."""
    if _VISIT not in visits.column_names:
        raise ContractBroken(f"engine: column '{_VISIT}' is missing; there is: {', '.join(visits.column_names)}")
    column = visits.column(_VISIT)
    if pa.types.is_dictionary(column.type) and any(_ambiguous(chunk.dictionary) for chunk in column.chunks):
        column = column.cast(column.type.value_type)
    if column.null_count:
        raise ContractBroken(f"engine: column '{_VISIT}' has {column.null_count} nulls; every row belongs to a visit")
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    parts = [np.asarray(chunk.indices, dtype=np.int64) for chunk in encoded.unify_dictionaries().chunks]
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)


def _ambiguous(dictionary: pa.Array) -> bool:
    return bool(dictionary.null_count) or len(dictionary.unique()) != len(dictionary)


def _starts(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    if not len(codes):
        return np.empty(0, dtype=np.int64)
    return np.concatenate([[0], np.flatnonzero(codes[1:] != codes[:-1]) + 1]).astype(np.int64)


def _joined(found: list[Any], who: str) -> pa.Table:
    for table in found:
        if not isinstance(table, pa.Table):
            raise ContractBroken(f"{who}: should return a pyarrow.Table, got {type(table).__name__}")
        if not table.schema.equals(found[0].schema):
            raise ContractBroken(f"{who}: columns differ between batches: {found[0].schema} and {table.schema}")
    return pa.concat_tables(found).unify_dictionaries()


def _name(find: Find) -> str:
    return f"{getattr(find, '__module__', '?')}.{getattr(find, '__qualname__', type(find).__name__)}"


# Processes. Tables travel as Arrow streams: pickle would send the buffers of the whole table with every slice.


def _in_processes(find: Find, batches: Iterator[pa.Table], workers: int) -> Iterator[pa.Table]:
    try:
        packed = pickle.dumps(find)
    except (pickle.PicklingError, AttributeError, TypeError):
        raise UsageError(f"{_name(find)} cannot run in other processes; move it to the top of a module") from None
    waiting: deque[Future[bytes]] = deque()
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_start_worker)
    try:
        for batch in batches:
            if len(waiting) >= 2 * workers:  # bounds the memory that batches in flight take
                yield _unpack(waiting.popleft().result())
            waiting.append(pool.submit(_run, packed, _pack(batch)))
        while waiting:
            yield _unpack(waiting.popleft().result())
    except BrokenProcessPool:
        raise ConsentinelError(
            f"a worker process of {_name(find)} ended early, perhaps for lack of memory; use fewer workers"
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start_worker() -> None:
    pa.set_cpu_count(1)  # the processes are the parallelism


def _run(packed: bytes, batch: bytes) -> bytes:
    find: Find = pickle.loads(packed)
    found = find(_unpack(batch))
    if not isinstance(found, pa.Table):
        raise ContractBroken(f"{_name(find)}: should return a pyarrow.Table, got {type(found).__name__}")
    return _pack(found)


def _pack(table: pa.Table) -> bytes:
    for at, field in enumerate(table.schema):
        if not pa.types.is_dictionary(field.type):
            continue
        column = table.column(at)
        if sum(len(chunk.dictionary) for chunk in column.chunks) > 2 * table.num_rows:  # send what the batch uses
            used = column.cast(field.type.value_type).dictionary_encode()
            table = table.set_column(at, field, used.cast(field.type))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table.combine_chunks())
    return bytes(sink.getvalue())


def _unpack(data: bytes) -> pa.Table:
    with pa.ipc.open_stream(pa.py_buffer(data)) as stream:
        return stream.read_all()


# On Spark


def spark_visits(find: Find, frame: Any, schema: pa.Schema, *, reads: pa.Schema | None = None) -> Any:
    """Return the Spark data frame of FIND over the visits of FRAME: groupBy("visit_id").applyInArrow.

    Arguments: frame with a column visit_id; schema, the columns that FIND returns; reads, the columns that FIND
    expects: Spark knows no dictionaries, so each group is cast to it first. The result is lazy and in no order.
    """

    def on_group(group: pa.Table) -> pa.Table:
        found = find(group if reads is None else group.select(reads.names).cast(reads))
        return found.select(schema.names).cast(plain(schema))

    return frame.groupBy(_VISIT).applyInArrow(on_group, _columns(schema))


def spark_frame(spark: Any, table: pa.Table) -> Any:
    """Return TABLE, with or without rows, as a data frame of the Spark session SPARK.

    Making one only asks the server for its settings; an answer that came garbled is asked for once more.
    """
    rows, columns = (table.cast(plain(table.schema)), None) if table.num_rows else ([], _columns(table.schema))
    try:
        return spark.createDataFrame(rows, columns)
    except Exception as why:
        if "deserializing response" not in str(why):
            raise
        return spark.createDataFrame(rows, columns)


def _columns(schema: pa.Schema) -> str:
    return ", ".join(f"`{field.name}` {spark_type(field.type)}" for field in schema)


def plain(schema: pa.Schema) -> pa.Schema:
    """Return SCHEMA with dictionary columns as what they stand for, which is how Spark carries them."""
    return pa.schema(
        [pa.field(f.name, f.type.value_type if pa.types.is_dictionary(f.type) else f.type) for f in schema]
    )


_SPARK_TYPES = {
    pa.string(): "STRING", pa.large_string(): "STRING", pa.binary(): "BINARY", pa.bool_(): "BOOLEAN",
    pa.int8(): "TINYINT", pa.int16(): "SMALLINT", pa.int32(): "INT", pa.int64(): "BIGINT",
    pa.float32(): "FLOAT", pa.float64(): "DOUBLE",
}  # fmt: skip


def spark_type(kind: pa.DataType) -> str:
    """Return the Spark SQL name of the Arrow type KIND; raises NotSupported for one that Spark cannot carry."""
    if kind in _SPARK_TYPES:
        return _SPARK_TYPES[kind]
    if pa.types.is_dictionary(kind):
        return spark_type(kind.value_type)
    if pa.types.is_list(kind):
        return f"ARRAY<{spark_type(kind.value_type)}>"
    if pa.types.is_struct(kind):
        return f"STRUCT<{', '.join(f'`{field.name}`: {spark_type(field.type)}' for field in kind)}>"
    raise NotSupported(f"Spark cannot carry the column type {kind}; use one that core/tables.py uses")


def spark_sql(spark: Any, statement: str, **tables: Any) -> pa.Table:
    """Return the rows of STATEMENT run by the Spark session SPARK over TABLES (Arrow tables or Spark data frames).

    The statement passes `check_sql`. Names of TABLES become temporary views for the time of the call.
    """
    check_sql(statement)
    try:
        for name, table in tables.items():
            frame = spark_frame(spark, table) if isinstance(table, pa.Table) else table
            frame.createOrReplaceTempView(name)
        return spark.sql(statement).toArrow()
    finally:
        for name in tables:
            spark.catalog.dropTempView(name)


# Locally: SQL


def sql(statement: str, /, *, threads: int | None = None, **tables: pa.Table) -> pa.Table:
    """Return the rows of STATEMENT run by DuckDB over TABLES, named as the keywords are.

    The statement passes `check_sql`, so that Spark runs it too. It sees these tables only: no files, no network, no
    extensions. Text columns come back without dictionaries and rows in no order unless ORDER BY says one.
    """
    import duckdb  # only who asks in SQL waits for it

    check_sql(statement)
    if threads is not None and threads < 1:
        raise UsageError(f"threads is a whole number of at least 1, got {threads}")
    closed: dict[str, Any] = {**CLOSED, "lock_configuration": True}
    with duckdb.connect(":memory:", config=closed | ({"threads": threads} if threads else {})) as connection:
        for name, table in tables.items():
            connection.register(name, table)
        try:
            return connection.sql(statement).to_arrow_table()
        except duckdb.Error as why:
            raise UsageError(f"the SQL does not run: {str(why).splitlines()[0]}") from None
