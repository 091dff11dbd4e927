"""The tables of a study of apps: which table is which by its columns, and the study's words in ours."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow as pa

from consentinel.core.errors import UsageError
from consentinel.core.mask import field_names
from consentinel.detect.collectors import _open
from consentinel.detect.collectors._request_table import rows as table_rows

__all__ = ["DECLARED", "FIELDS", "SCREENS", "SENT", "StudyTable", "kind_of", "opened", "plain", "words"]

SENT, SCREENS, DECLARED = "sent", "screens", "declared"

# What a row may tell, and the column names under which it is looked for unless the column map says otherwise.
FIELDS: dict[str, tuple[str, ...]] = {
    "app": ("app_id", "app", "package", "bundle_id", "name"),
    "tracker": ("tracker", "recipient", "endpoint", "host", "domain"),
    "data_type": ("data_type", "datum", "type"),
    "linked": ("transmission_type", "transmission", "linked"),
    "platform": ("platform",),
    "condition": ("condition", "scenario", "phase"),
    "count": ("count", "n", "n_requests"),
    "time": ("time", "date", "started"),
    "screen": ("screen", "verdict", "consent_screen", "dialog"),
    "declared": ("declared", "declaration"),
}
_URLS = ("url", "request_url", "requestUrl", "uri")  # a table of requests, whatever else it has
_COLUMN_NAME = re.compile(r"[A-Za-z_][\w .:-]{0,60}")


@dataclass(frozen=True, slots=True)
class StudyTable:
    """One table: its KIND (sent, screens, declared), and the texts of its fields, one row a row; "" is not told."""

    name: str
    kind: str
    told: frozenset[str]  # fields that it has a column for
    rows: pa.Table


def _mapped(have: list[str], asked: dict[str, str]) -> dict[str, str]:
    """Field -> column of this table; what was asked for counts where the table has it."""
    usual = {f: next((c for c in names if c in have), "") for f, names in FIELDS.items()}
    found = usual | {f: c for f, c in asked.items() if c in have and f in FIELDS}
    return {f: c for f, c in found.items() if c}


def kind_of(have: list[str], asked: dict[str, str]) -> str:
    """Return which of the tables has the columns HAVE under the column map ASKED; "" when it is none of them."""
    fields = _mapped(have, asked)
    if "app" not in fields or any(name in have for name in _URLS) or "url" in asked:
        return ""
    if "tracker" in fields:
        return SENT
    if "declared" in fields and "data_type" in fields:
        return DECLARED
    return SCREENS if "screen" in fields else ""


def opened(path: Path, key: bytes, asked: dict[str, str], notes: list[str], have: set[str]) -> StudyTable | None:
    """Read the table at PATH, or return None when it is no table of a study; its columns are added to HAVE.

    Raises UsageError when it tells what was sent but not of which type, and BadInput when it cannot be read.
    """
    for name, stream in _open.members(path, key):
        with _open.unpacking(name):
            columns, batches = table_rows(name, stream, path, notes)
            have.update(columns)
            kind, fields = kind_of(columns, asked), _mapped(columns, asked)
            if not kind:
                return None
            if kind == SENT and "data_type" not in fields:
                raise UsageError(
                    f"{name}: no column holds the type of the data that was sent. Name it with "
                    f"--columns data_type=COLUMN. There is: {shown(columns)}"
                )
            parts = [_texts(batch, fields) for batch in batches]
            empty = pa.table({f: pa.array([], pa.string()) for f in FIELDS})
            return StudyTable(name, kind, frozenset(fields), pa.concat_tables([empty, *parts]).combine_chunks())
    return None


def _texts(batch: dict[str, list[Any]], fields: dict[str, str]) -> pa.Table:
    n = len(next(iter(batch.values()), []))
    columns = {f: batch[fields[f]] if f in fields else [None] * n for f in FIELDS}
    return pa.table({f: pa.array([_text(v) for v in column], pa.string()) for f, column in columns.items()})


def _text(value: object) -> str:
    text = "" if value is None else str(value).strip()
    return text if text.isascii() else text.encode("utf-8", "replace").decode()  # half characters of JSON texts


def shown(columns: list[str]) -> str:
    """Return column names for a message; a table without a head has data in their place, which is not repeated."""
    return ", ".join(name for name in field_names(columns[:40]) if _COLUMN_NAME.fullmatch(name))


def check_map(asked: dict[str, str], have: set[str], where: str) -> None:
    """Raise UsageError for a column of the map ASKED that none of the tables has."""
    for name, column in asked.items():
        if column not in have:
            near = get_close_matches(column, sorted(have), n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"there is: {shown(sorted(have))}"
            raise UsageError(f"{where}: no table has the column '{column}' for {name}; {hint}")


def plain(text: str) -> str:
    """Return TEXT as words are compared: lower case, everything but letters and digits as one underscore."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


@cache
def words(section: str) -> dict[str, str]:
    """Return word -> meaning of one section of data/app_study.toml; what is one text maps a word to it."""
    told = tomllib.loads(files("consentinel.detect").joinpath("data/app_study.toml").read_text("utf-8"))[section]
    return dict(_pairs(told))


def _pairs(told: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for meaning, listed in told.items():
        yield from [(meaning, listed)] if isinstance(listed, str) else ((word, meaning) for word in listed)
