"""Rows of a file in the shape that a shelf learns from."""

from pathlib import Path

import pyarrow as pa

from consentinel.core.errors import ContractBroken, UsageError
from consentinel.core.run import Run
from consentinel.core.tables import check
from consentinel.models import files
from consentinel.models.evaluation.splits import Shape
from consentinel.models.rows import DOCUMENTS, IMAGES, INTERACTIONS, NODES, QUERIES, TEXTS

__all__ = ["queries", "rows", "shape", "shaped", "unlabelled"]

_FORMS: dict[str, tuple[pa.Schema | None, tuple[str, ...], Shape]] = {
    "ads": (None, (), "rows"),
    "graph": (NODES, ("neighbours",), "nodes"),
    "rank": (DOCUMENTS, (), "documents"),
    "recommend": (INTERACTIONS, ("user", "item"), "interactions"),
    "text": (TEXTS, ("text",), "rows"),
    "users": (INTERACTIONS, ("user", "item"), "interactions"),
    "vision": (IMAGES, ("image", "height", "width", "channels"), "rows"),
}


def shape(shelf: str, kind: str) -> Shape:
    """Return what rows of SHELF are, for holding some out, to a trainer of KIND: of graphs, rankers learn the links."""
    return "links" if shelf == "graph" and kind == "ranking" else _FORMS[shelf][2]


def rows(run: Run, path: Path, shelf: str, columns: str = "", more: tuple[str, ...] = ()) -> pa.Table:
    """Return the rows of the file PATH as SHELF learns from them; COLUMNS says ours=theirs, MORE have to be there.

    Raises UsageError for a missing column, BadInput for what cannot be read or has no rows.
    """
    return shaped(files.renamed(files.read(run.read(path)), columns), shelf, path.name, more)


def shaped(table: pa.Table, shelf: str, where: str, more: tuple[str, ...] = ()) -> pa.Table:
    """Return TABLE with the columns of SHELF, those that are not there as nulls, then others; MORE have to be there."""
    schema, needed, _ = _FORMS[shelf]
    _there(table, (*needed, *more), where)
    if not table.num_rows:
        raise UsageError(f"{where}: there are no rows; nothing can be learned or measured")
    if schema is None:
        return table
    for field in schema:
        if field.name not in table.column_names:
            table = table.append_column(field, pa.nulls(table.num_rows, field.type))
    made = _checked(table, schema, where)
    for name in table.column_names:  # such as whose a row is, which private parts and intervals ask for
        if name not in schema.names:
            made = made.append_column(name, table[name])
    return made


def queries(table: pa.Table, where: str, k: int) -> pa.Table:
    """Return what TABLE asks of a ranker as QUERIES: query, or else the distinct users, or the nodes of a graph.

    K stands where a row says none. Raises UsageError.
    """
    if "query" not in table.column_names and "user" in table.column_names:
        users = table["user"].cast(pa.string()).unique()
        table = pa.table({"query": users}) if len(users) != table.num_rows else table.rename_columns(
            ["query" if name == "user" else name for name in table.column_names]
        )  # fmt: skip
    if "query" not in table.column_names and "node" in table.column_names:
        table = pa.table({"query": table["node"]})
    _there(table, ("query",), where)
    if "k" not in table.column_names:
        table = table.append_column("k", pa.array([k] * table.num_rows, pa.int32()))
    for field in QUERIES:
        if field.name not in table.column_names:
            table = table.append_column(field, pa.nulls(table.num_rows, field.type))
    return _checked(table, QUERIES, where)


def unlabelled(table: pa.Table, shelf: str) -> pa.Table:
    """Return TABLE without what is to be predicted: the label is dropped (ads), or null where the shape has one."""
    at = table.schema.get_field_index("label")
    if at < 0:
        return table
    if _FORMS[shelf][0] is None:
        return table.remove_column(at)
    return table.set_column(at, table.schema.field(at), pa.nulls(table.num_rows, table.schema.field(at).type))


def _checked(table: pa.Table, schema: pa.Schema, where: str) -> pa.Table:
    """Return TABLE as SCHEMA; raises UsageError, as files are of people's own making, for a column of another type."""
    try:
        return check(table, schema, where)
    except ContractBroken as why:
        raise UsageError(f"{why}. Cast it, or name another column with --columns ours=theirs") from None


def _there(table: pa.Table, names: tuple[str, ...], where: str) -> None:
    for name in names:
        if name not in table.column_names:
            raise UsageError(
                f"{where}: no column '{name}'; there is: {', '.join(table.column_names)}. "
                f"Name it with --columns {name}=THEIRS"
            )
