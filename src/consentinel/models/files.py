"""Tables in and out of files, the format chosen by the end of the file's name."""

from pathlib import Path
from typing import Any, Protocol

from consentinel.core.errors import UsageError
from consentinel.core.shelf import Shelf

__all__ = ["FORMATS", "FormatPart", "read", "renamed", "suffixes", "write"]


class FormatPart(Protocol):
    """A file format of tables."""

    @property
    def SUFFIXES(self) -> tuple[str, ...]:
        """Ends of file names that it reads and writes, lower case."""
        ...

    def read(self, path: Path, /) -> Any:
        """Return the table in PATH; raises BadInput with the line."""
        ...

    def write(self, table: Any, path: Path, /) -> Path:
        """Write the table to PATH, whole or not at all, and return it; raises UsageError for what it cannot hold."""
        ...


FORMATS: Shelf[FormatPart] = Shelf("consentinel.models.formats", "read")


def read(path: Path) -> Any:
    """Return the table in PATH; raises UsageError for an unknown suffix, BadInput for what cannot be read."""
    return _part(path).read(path)


def write(table: Any, path: Path) -> Path:
    """Write TABLE to PATH in the format of its suffix and return PATH; raises UsageError."""
    return _part(path).write(table, path)


def suffixes() -> tuple[str, ...]:
    """Return the ends of file names that are understood."""
    return tuple(end for name in FORMATS.names() for end in FORMATS.take(name).SUFFIXES)


def renamed(table: Any, columns: str) -> Any:
    """Return TABLE with columns renamed by COLUMNS, ours=theirs ("user=session_id,item=track"); raises UsageError."""
    names = list(table.column_names)
    for pair in filter(None, (pair.strip() for pair in columns.split(","))):
        ours, sign, theirs = (word.strip() for word in pair.partition("="))
        if not sign or not ours or theirs not in table.column_names:
            raise UsageError(f"columns: '{pair[:60]}' is not ours=theirs with a column of the file: {', '.join(names)}")
        if ours in names and ours != theirs:  # what had our name gives way to what was asked for
            table, names = table.drop_columns([ours]), [name for name in names if name != ours]
        names[names.index(theirs)] = ours
    return table.rename_columns(names)


def _part(path: Path) -> FormatPart:
    for name in FORMATS.names():
        part = FORMATS.take(name)
        if path.suffix.lower() in part.SUFFIXES:
            return part
    raise UsageError(f"{path.name}: no format for '{path.suffix}'; there is: {', '.join(suffixes())}")
