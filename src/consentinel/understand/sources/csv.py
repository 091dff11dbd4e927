"""Tables as text: CSV with comma, semicolon, tab or bar between the fields, the first line naming the columns."""

import csv
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path

import pyarrow as pa

from consentinel.core.errors import BadInput
from consentinel.understand.sources._asking import Asking, batches
from consentinel.understand.sources._text import lines

__all__ = ["COLUMNS", "KIND", "fits", "read"]

COLUMNS: Mapping[str, str] = {}
KIND = ""
SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".txt")
BROKEN = 100  # most records with broken quotes
FIELD = 1 << 30  # most characters of a field


def fits(path: Path) -> int:
    """Return 1 when PATH ends as a CSV file does, else 0."""
    return int(path.name.lower().endswith(SUFFIXES))


def read(path: Path, asking: Asking) -> Iterator[pa.Table]:
    """Yield the rows of PATH; one of another length than the first line is counted as unreadable. Raises BadInput.

    A quote that is not closed costs its line: reading goes on behind it. Source: RFC 4180.
    """
    return batches(_records(path, asking), asking)


def _records(path: Path, asking: Asking) -> Iterator[dict[str, str | None]]:
    source = (line.replace("\0", "") for line in lines(path, asking))
    first = next((line for line in source if line.strip()), "")
    mark = max(",;\t|", key=first.count)
    limit = csv.field_size_limit(FIELD)
    try:
        rows = _rows(chain((first,), source), mark, path.name, asking)
        names = [name.strip() for name in next(rows, [])]
        if not any(names):
            raise BadInput("holds no rows", where=path.name, todo="Check that it is the file you mean")
        if len(set(names)) != len(names) or "" in names:
            raise BadInput("the first line should name each column once", where=path.name, todo="Add a header line")
        for row in rows:
            if len(row) == len(names):
                yield {name: cell or None for name, cell in zip(names, row, strict=True)}
            elif any(cell.strip() for cell in row):
                asking.unreadable += 1
    finally:
        csv.field_size_limit(limit)


def _rows(source: Iterator[str], mark: str, where: str, asking: Asking) -> Iterator[list[str]]:
    """Yield the records of SOURCE; after a broken one go on with the line behind the one that it began in."""
    broken = 0
    while True:
        taken: list[str] = []

        def remember(source: Iterator[str] = source, taken: list[str] = taken) -> Iterator[str]:
            for line in source:
                taken.append(line)
                yield line

        reader = csv.reader(remember(), delimiter=mark, strict=True)
        try:
            for row in reader:
                taken.clear()
                yield row
            return
        except csv.Error:
            broken += 1
            asking.unreadable += 1
            if broken > BROKEN:
                raise BadInput(
                    f"more than {BROKEN} records have quotes that are not closed", where=where,
                    todo="Export it again with every quote inside a field doubled",
                ) from None  # fmt: skip
            source = chain(taken[1:], source)
