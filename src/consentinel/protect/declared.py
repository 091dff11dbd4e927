"""What is declared about tables before anything is asked: who is protected in them, the ranges, the bounds, the keys.

A declaration is public knowledge. It never holds anything that was computed from the private rows: a range that was
read off the data would itself leak. It is a TOML file, or the same dataclasses made in Python.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from consentinel.core.errors import BadInput, UsageError
from consentinel.protect.toml_values import keyed, known, near, text_of

__all__ = ["EVERY_ROW", "TYPES", "Column", "Declared", "Private", "Public", "column", "number", "read"]

Value = str | int | bool
Number = str | int | Fraction | Decimal
TYPES = ("bigint", "double", "text", "bool", "date", "timestamp")
SUFFIXES = (".parquet", ".csv", ".duckdb", ".db")
MOST_VALUES, MOST_BOUND = 1_000_000, 2**31
EVERY_ROW = "*"  # as a unit: no column says whose row it is, as each is somebody else's
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}", re.ASCII)

Table = TypeVar("Table", "Private", "Public")


@dataclass(frozen=True)
class Column:
    """What is known about one column without looking at it.

    Arguments: low and high, the range that values are clipped to; least and most, the range that they plausibly have
    (default: low and high), which bounds the bias of clipping; values, the keys that a GROUP BY of this column has
    (None: they are found by partition selection, at a price); type, one of TYPES, what values are read as (needed
    for CSV only; what cannot be read so is null). Raises UsageError.
    """

    low: Fraction | None = None
    high: Fraction | None = None
    least: Fraction | None = None
    most: Fraction | None = None
    values: tuple[Value, ...] | None = None
    type: str | None = None

    def __post_init__(self) -> None:
        for what in ("low", "high", "least", "most"):
            value = getattr(self, what)
            if value is not None and not isinstance(value, Fraction):
                raise UsageError(f"{what} is an exact fraction; declared.column makes one from a number or a text")
        if self.low is None or self.high is None:
            if any(v is not None for v in (self.low, self.high, self.least, self.most)):
                raise UsageError("low and high are given together, and least and most only with them")
        else:
            if not self.low < self.high:
                raise UsageError(f"low < high is needed, got {self.low} and {self.high}")
            if (self.least is not None and self.least > self.low) or (self.most is not None and self.most < self.high):
                raise UsageError("the plausible range [least, most] contains the clipping range [low, high]")
        if self.type is not None and self.type not in TYPES:
            raise UsageError(f"type is one of {', '.join(TYPES)}, got {self.type!r:.40}")
        if self.values is not None:
            object.__setattr__(self, "values", _values(self.values))


@dataclass(frozen=True)
class Private:
    """A table with people in it.

    Arguments: name; columns that may be asked about, by name; unit, the column that says whose row it is (a row where
    it is null is nobody's and is dropped), or "*" where every row is another person; groups, the most groups of one
    question that a unit is kept in; rows, the most rows of a unit kept in one group; files (Parquet, CSV, or one
    DuckDB file with `table`; none: rows are handed over as an Arrow table); epoch, the column that budgets are split
    by; fanout, for joins: the most rows kept for each value of a column. Raises UsageError.
    """

    name: str
    columns: Mapping[str, Column]
    unit: str
    groups: int
    rows: int
    files: tuple[Path, ...] = ()
    table: str | None = None
    epoch: str | None = None
    fanout: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_table(self)
        if self.unit == EVERY_ROW:
            if (self.groups, self.rows) != (1, 1) or self.fanout:
                raise UsageError(f"{self.name}: where every row is another person (unit = '*'), groups and rows are 1")
            object.__setattr__(self, "columns", MappingProxyType(dict(self.columns) | {EVERY_ROW: Column()}))
        for what, column in (("unit", self.unit), ("epoch", self.epoch), *(("fanout", c) for c in self.fanout)):
            if column is not None and column not in self.columns:
                raise UsageError(f"{self.name}: {what} names {_missing(str(column), self.columns)}")
        if self.columns[self.unit].low is not None:
            raise UsageError(f"{self.name}: '{self.unit}' says who a row belongs to; it has no range to be clipped to")
        for what, bound in (("groups", self.groups), ("rows", self.rows), *self.fanout.items()):
            whole(bound, f"{self.name}: {what}")
        object.__setattr__(self, "fanout", MappingProxyType(dict(self.fanout)))


@dataclass(frozen=True)
class Public:
    """A table without people in it: its rows are no secret, and joining it costs nothing.

    Arguments: as for Private. Raises UsageError.
    """

    name: str
    columns: Mapping[str, Column]
    files: tuple[Path, ...] = ()
    table: str | None = None

    def __post_init__(self) -> None:
        _check_table(self)


@dataclass(frozen=True)
class Declared:
    """All tables that may be asked about, by name.

    Arguments: tables; protects, who the privacy unit is, in one word (it goes into every charge). Raises UsageError.
    """

    tables: tuple[Private | Public, ...]
    protects: str = "person"

    def __post_init__(self) -> None:
        names = [t.name.lower() for t in self.tables]
        if not names or len(set(names)) != len(names):
            raise UsageError("a declaration has at least one table, and no name twice")
        if not _NAME.fullmatch(self.protects):
            raise UsageError("protects is one word, for example 'person'")

    def table(self, name: str) -> Private | Public:
        """Return the table NAME; raises UsageError naming the nearest."""
        for table in self.tables:
            if table.name.lower() == name.lower():
                return table
        raise UsageError(f"no table '{name[:60]}' is declared; {near(name, [t.name for t in self.tables])}")


def read(path: Path) -> Declared:
    """Return the declaration in the TOML file PATH; its file names are relative to its folder.

    [private.NAME] has unit, groups, rows, columns and may have files, table, epoch, fanout; [public.NAME] has columns
    and may have files, table. A column is {} or has low, high, least, most, values, type. Raises BadInput, UsageError.
    """
    import tomllib

    try:
        found = tomllib.loads(path.read_text("utf-8"), parse_float=Decimal)
    except OSError as why:
        raise BadInput(f"cannot be read ({why.strerror or why})", where=path.name, todo="Check the path") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as why:
        raise BadInput(f"this is not TOML ({why})", where=path.name) from None
    try:
        known(found, ("private", "public", "protects"), "the file")
        tables: list[Private | Public] = []
        for name, given in keyed(found.get("private", {}), "private").items():
            tables.append(_table(Private, name, given, path.parent))
        for name, given in keyed(found.get("public", {}), "public").items():
            tables.append(_table(Public, name, given, path.parent))
        return Declared(tuple(tables), text_of(found.get("protects", "person"), "protects"))
    except UsageError as why:
        raise UsageError(f"{path.name}: {why}") from None


def column(
    *,
    low: Number | None = None,
    high: Number | None = None,
    least: Number | None = None,
    most: Number | None = None,
    values: Iterable[Value] | None = None,
    type: str | None = None,
) -> Column:
    """Return a Column; numbers may be whole numbers, or decimals and fractions as text ("0.25", "1/3")."""
    ends = [None if v is None else number(v, "a range") for v in (low, high, least, most)]
    return Column(*ends, values=None if values is None else tuple(values), type=type)


def number(value: object, what: str) -> Fraction:
    """Return VALUE (a whole number, or a decimal or a fraction as text) exactly; raises UsageError, WHAT names it."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal | Fraction):
        raise UsageError(f"{what}: write the number as text so that it is exact, for example '0.25', got {value!r:.40}")
    try:
        if isinstance(value, str) and len(value) > 100:
            raise ValueError
        if isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) > 30:
            raise ValueError
        found = Fraction(value) if not isinstance(value, str) else _plain_number(value)
    except (ValueError, OverflowError, ZeroDivisionError):
        raise UsageError(f"{what}: '{value!s:.50}' is not a finite number such as '-1/4', '0.25' or 100") from None
    if abs(found) > 10**15 or found.denominator > 10**15:
        raise UsageError(f"{what}: a number of at most 10^15 with at most 15 decimals is needed")
    return found


def whole(value: object, what: str) -> int:
    """Return VALUE if it is a whole number in [1, 2^31]; raises UsageError, WHAT names it."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_BOUND:
        raise UsageError(f"{what} is a whole number in [1, 2^31], got {value!r:.40}")
    return value


def _plain_number(text: str) -> Fraction:
    if not re.fullmatch(r"[+-]?[0-9]{1,40}(?:/[0-9]{1,40}|(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,2})?)", text, re.ASCII):
        raise ValueError(text)
    return Fraction(text)


def _values(values: Any) -> tuple[Value, ...]:
    found = tuple(values)
    kinds = {type(v) for v in found}
    if not found or len(kinds) != 1 or not kinds <= {str, int, bool} or len(set(found)) != len(found):
        raise UsageError("values are texts, whole numbers or booleans (all of one kind), each once, at least one")
    if len(found) > MOST_VALUES or any(isinstance(v, int) and abs(v) >= 2**63 for v in found):
        raise UsageError(f"there are at most {MOST_VALUES:,} values, whole numbers inside 64 bits")
    if any(isinstance(v, str) and ("\0" in v or len(v) > 1000) for v in found):
        raise UsageError("a value has at most 1,000 characters and no zero character")
    return found


def _check_table(table: Private | Public) -> None:
    if not isinstance(table.name, str) or not _NAME.fullmatch(table.name):
        raise UsageError(f"a table's name has letters, digits and _, and starts with a letter, got {table.name!r:.40}")
    if not table.columns or len({c.lower() for c in table.columns}) != len(table.columns):
        raise UsageError(f"{table.name}: at least one column is declared, and none twice (case does not count)")
    for name in table.columns:
        if not name or len(name) > 200 or not name.isprintable() or name == EVERY_ROW:
            raise UsageError(f"{table.name}: {name!r:.40} is not the name of a column")
    kinds = {Path(f).suffix.lower() for f in table.files}
    if len(kinds) > 1 or not kinds <= set(SUFFIXES):
        raise UsageError(f"{table.name}: files are all of one kind: {', '.join(SUFFIXES)}")
    database = bool(kinds & {".duckdb", ".db"})
    if database != (table.table is not None) or (database and len(table.files) > 1):
        raise UsageError(f"{table.name}: one DuckDB file is given with the name of its table, other files without")
    if any(re.search(r"[A-Za-z][A-Za-z0-9]+:/|[*?\[]", str(f)) for f in table.files):
        raise UsageError(f"{table.name}: files are named one by one and lie on this machine")
    object.__setattr__(table, "columns", MappingProxyType(dict(table.columns)))
    object.__setattr__(table, "files", tuple(Path(f) for f in table.files))


def _table(kind: type[Table], name: str, given: Any, folder: Path) -> Table:
    asked = dict(keyed(given, name))
    known(asked, tuple(f.name for f in fields(kind) if f.name != "name"), name)
    for wanted in [f.name for f in fields(kind) if f.name in ("unit", "groups", "rows", "columns")]:
        if wanted not in asked:
            raise UsageError(f"{name}: '{wanted}' is missing")
    columns = {}
    for called, facts in keyed(asked["columns"], f"{name}.columns").items():
        facts = dict(keyed(facts, f"{name}.{called}"))
        known(facts, tuple(f.name for f in fields(Column)), f"{name}.{called}")
        if facts.get("values") == "select":
            del facts["values"]
        elif "values" in facts and not isinstance(facts["values"], list):
            raise UsageError(f"{name}.{called}: values is a list, or 'select'")
        try:
            columns[called] = column(**facts)
        except UsageError as why:
            raise UsageError(f"{name}.{called}: {why}") from None
    asked["columns"] = columns
    for what in ("unit", "table", "epoch"):
        if what in asked:
            text_of(asked[what], f"{name}.{what}")
    if "fanout" in asked:
        keyed(asked["fanout"], f"{name}.fanout")
    files = asked.get("files", [])
    if not isinstance(files, list):
        raise UsageError(f"{name}: files is a list of file names")
    asked["files"] = tuple(folder / text_of(f, f"{name}.files") for f in files)
    return kind(name=name, **asked)


def _missing(name: str, columns: Mapping[str, Column]) -> str:
    return f"column '{name[:60]}', which is not among its columns; {near(name, list(columns))}"
