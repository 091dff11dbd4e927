"""Read decisions from files that spreadsheets and scripts write: CSV with , ; or tab, and JSON."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path

from consentinel.core.errors import BadInput
from consentinel.core.text import one_line
from consentinel.detect.reviews.decisions import COLUMNS

__all__ = ["LARGEST", "rows"]

LARGEST = 64_000_000  # bytes
_NEEDED = ("claim", "decision")
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_SAVE = "Save it as 'CSV UTF-8', or as JSON"


def rows(path: Path) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Yield the rows of the file PATH with the name that each has for a person, the header being row 1.

    A file is JSON when its first character is [ or {: a list of objects, or the queue.json of a review. Else it is CSV;
    a first line sep=; is understood. Raises BadInput when it is neither, damaged, cut off, or in another encoding.
    """
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= LARGEST else b""
    except OSError as why:
        raise BadInput(f"cannot be read ({why.strerror or why})", where=path.name, todo="Check the path") from None
    if size > LARGEST:
        raise BadInput(f"has {size:,} bytes; at most {LARGEST:,} are read", where=path.name, todo="Split it")
    text = _text(data, path.name)
    yield from _json(text, path.name) if text.lstrip()[:1] in ("[", "{") else _csv(text, path.name)


def _text(data: bytes, where: str) -> str:
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as why:
        line = data[: why.start].count(b"\n") + 1
        raise BadInput(f"line {line:,} is not {encoding.partition('-sig')[0]}", where=where, todo=_SAVE) from None
    if "\x00" in text:
        raise BadInput("holds zero bytes, so it is no text", where=where, todo=_SAVE)
    return text


def _csv(text: str, where: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    head, _, rest = text.partition("\n")
    if head.lower().startswith("sep=") and len(head.strip()) == 5:
        text, head = rest, rest.partition("\n")[0]
    mark = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    names: list[str] = []
    number = 0
    try:
        for number, cells in enumerate(reader, 1):
            if number == 1:
                names = [one_line(cell).lower() for cell in cells]
                _check_names(names, where)
            elif any(cell.strip() for cell in cells):
                if len(cells) != len(names):
                    got = f"row {number}: wanted {len(names)} columns; got {len(cells)}"
                    raise BadInput(got, where=where, todo="The file is cut off or damaged: export the queue again")
                yield f"row {number}", dict(zip(names, cells, strict=True))
    except csv.Error as why:
        raise BadInput(f"after row {number}: {why}", where=where, todo="Correct the quotes around this row") from None
    if not names:
        raise BadInput("is empty", where=where, todo=f"Give a table with the columns {', '.join(COLUMNS)}")


def _check_names(names: list[str], where: str) -> None:
    for needed in _NEEDED:
        if needed not in names:
            near = get_close_matches(needed, names, n=1)
            got = f"'{one_line(near[0], 40)}'" if near else one_line(", ".join(names), 80) or "nothing"
            raise BadInput(
                f"row 1: wanted the column '{needed}'; got {got}", where=where, todo=f"Columns: {', '.join(COLUMNS)}"
            )
    twice = sorted({name for name in names if name in COLUMNS and names.count(name) > 1})
    if twice:
        raise BadInput(f"row 1: the column '{twice[0]}' is there twice", where=where, todo="Remove one of them")


def _json(text: str, where: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as why:
        at = f" at line {why.lineno}" if isinstance(why, json.JSONDecodeError) else ""
        raise BadInput(f"is not JSON{at}", where=where, todo="The file is cut off or damaged") from None
    items = document.get("queue") if isinstance(document, dict) else document
    if not isinstance(items, list):
        raise BadInput("wanted a list of decisions, or a document with a list 'queue'", where=where, todo=_SAVE)
    for number, item in enumerate(items, 1):
        if not isinstance(item, dict):
            got = f"item {number}: wanted an object with {', '.join(COLUMNS)}; got {type(item).__name__}"
            raise BadInput(got, where=where, todo="Correct it")
        yield f"item {number}", item
