"""Reads the truth of visits: one compressed NDJSON file for each, as `truth/run.mjs` writes them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zstandard

SUFFIX = ".truth.ndjson.zst"
LARGEST = 1 << 30  # bytes of one unpacked file; more is a broken recording
KINDS = {  # what each kind of line has to tell
    "consent": ("t", "state"),
    "read": ("prop",),
    "store": ("kind", "key"),
    "send": ("t", "url"),
    "bid": ("bidder",),
    "request": ("t", "url"),
}
NEEDED = ("site", "group", "scenario", "repeat", "region", "components", "profile")


class TruthError(ValueError):
    """A truth file that cannot be used; the message says which file, which line and what is wrong."""


@dataclass(slots=True)
class Visit:
    """One visit: `meta` is its head line, `lines` its events by kind, in the order of time."""

    name: str
    meta: dict[str, Any]
    lines: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {kind: [] for kind in KINDS})

    @property
    def values(self) -> dict[str, Any]:
        """Return what was planted: property -> value."""
        return self.meta["profile"].get("values", {})


def truth_folder(folder: Path) -> Path:
    """Return where the truth of visits in FOLDER lies: there, or in `truth` in it or beside it; or TruthError."""
    for place in (folder, folder / "truth", folder.parent / "truth"):
        if any(place.glob(f"*{SUFFIX}")):
            return place
    raise TruthError(
        f"{folder.name}: no *{SUFFIX} in this folder or in `truth` beside it; "
        "make visits first with `node truth/run.mjs`"
    )


def truth_files(folder: Path) -> list[Path]:
    """Return the truth files of the visits in FOLDER by name; raises TruthError where there is none."""
    return sorted(truth_folder(folder).glob(f"*{SUFFIX}"))


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as packed, zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True) as raw:
        size = 0
        for line in io.BufferedReader(raw, 1 << 20):
            size += len(line)
            if size > LARGEST:
                raise TruthError(f"{path.name}: more than {LARGEST >> 20} MiB unpacked; record the visit again")
            yield line


def read_visit(path: Path) -> Visit:
    """Read one truth file; raises TruthError with the file, the line and the fault."""
    visit: Visit | None = None
    try:
        for number, line in enumerate(_lines(path), 1):
            if not line.strip():
                continue
            try:
                event = json.loads(line)
                what = event["what"]
            except (ValueError, KeyError, TypeError) as cause:
                raise TruthError(
                    f"{path.name}: line {number} is no event with a `what`; record the visit again"
                ) from cause
            if what == "visit":
                missing = [name for name in NEEDED if name not in event]
                if missing or visit is not None:
                    why = f"lacks {', '.join(missing)}" if missing else "stands twice"
                    raise TruthError(f"{path.name}: line {number}: the visit line {why}; record the visit again")
                visit = Visit(path.name.removesuffix(SUFFIX), event)
            elif visit is None:
                raise TruthError(f"{path.name}: line {number} comes before the visit line; record the visit again")
            elif what in KINDS:
                if missing := [name for name in KINDS[what] if name not in event]:
                    raise TruthError(
                        f"{path.name}: line {number}: a {what} line lacks {', '.join(missing)}; record the visit again"
                    )
                visit.lines[what].append(event)
    except zstandard.ZstdError as cause:
        raise TruthError(f"{path.name}: the file ends early or is no zstd; record the visit again") from cause
    if visit is None:
        raise TruthError(f"{path.name}: no visit line; record the visit again")
    for events in visit.lines.values():
        events.sort(key=lambda event: event.get("t", 0.0))
    return visit
