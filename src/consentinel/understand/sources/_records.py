"""JSON objects as flat records of texts, and the objects in a file: one a line, or one value with them inside."""

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from consentinel.core.errors import BadInput
from consentinel.understand.sources._asking import PART, Asking
from consentinel.understand.sources._text import lines

DEPTH = 6  # objects inside objects; what lies deeper is left out
MOST = 1000  # columns of a record: an object with more is keyed by something, not a record
_EMPTY = "\ufeff \t\r\n\0"


def objects(path: Path, asking: Asking) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects of PATH: one a line, or those in one array, or in the longest array of one object.

    What is no JSON or nested too deep is counted as unreadable. Raises BadInput when nothing at all is JSON.
    """
    source = (line for line in lines(path, asking) if line.strip(_EMPTY))
    first, second = next(source, ""), next(source, "")
    if second and isinstance(_parsed(first), dict):
        yield from _each(chain((first, second), source), asking)
        return
    rest = [first, second, *source]
    whole = _parsed("".join(rest))
    if whole is not None:
        yield from _inside(whole)
    elif any(isinstance(_parsed(line), dict) for line in rest):
        yield from _each(filter(None, rest), asking)
    else:
        raise BadInput(
            "is not JSON, or is cut off", where=path.name, todo="Check the file; JSONL has one object a line"
        )


def _each(source: Iterable[str], asking: Asking) -> Iterator[dict[str, Any]]:
    for line in source:
        value = _parsed(line)
        if isinstance(value, dict):
            yield value
        else:
            asking.unreadable += 1


def _parsed(text: str) -> Any:
    """Return the JSON value of TEXT, or None: also for null, and for what is nested too deep to be read."""
    try:
        return msgspec.json.decode(text.replace("\0", "").strip(_EMPTY).encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        return None


def _inside(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects of an array, or of the longest array of objects in an object, or the object itself."""
    if isinstance(value, dict):
        arrays = [inner for inner in value.values() if isinstance(inner, list) and inner and isinstance(inner[0], dict)]
        value = max(arrays, key=len) if arrays and not any(isinstance(x, str) for x in value.values()) else [value]
    yield from (one for one in value if isinstance(one, dict)) if isinstance(value, list) else ()


def flat(record: dict[str, Any], before: str = "", depth: int = 0) -> dict[str, str | None]:
    """Return RECORD with inner names joined by dots and scalars as texts; items of a list are parted by U+001F."""
    found: dict[str, str | None] = {}
    for name, value in record.items():
        if isinstance(value, dict):
            if depth < DEPTH:
                found |= flat(value, f"{before}{name}.", depth + 1)
        elif isinstance(value, list):
            items = [_text(item) for item in value if not isinstance(item, dict | list)]
            found[before + name] = PART.join(item.replace(PART, " ") for item in items if item is not None)
        else:
            found[before + name] = _text(value)
        if len(found) >= MOST:
            break
    return found


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)
