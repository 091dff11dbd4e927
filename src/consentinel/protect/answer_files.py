"""An answer for people and for programs: columns on a terminal, answer.csv, answer.json."""

import csv
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from consentinel.core.run import Run, atomic
from consentinel.core.text import cell, one_line

__all__ = ["columns", "shown", "write_csv", "write_json"]

MOST = 40  # lines of an answer on a terminal


def columns(cells: Sequence[Sequence[str]]) -> list[str]:
    """Return CELLS, the first line being the heading, as lines in columns; numbers stand to the right."""
    safe = [[one_line(text, 40) for text in line] for line in cells]
    widths = [max(len(line[at]) for line in safe) for at in range(len(safe[0]))]
    return [
        "  ".join(
            f"{text:<{width}}" if at == 0 else f"{text:>{width}}" for at, (text, width) in enumerate(pairs)
        ).rstrip()
        for pairs in (list(zip(line, widths, strict=True)) for line in safe)
    ]


def shown(answers: pa.Table) -> list[str]:
    """Return RELEASES rows as lines for a terminal, at most MOST of them."""
    rows = answers.slice(0, MOST).to_pylist()
    keys = list(dict.fromkeys(key for row in rows for key in json.loads(row["group"])))
    cells = [[*keys, "answer", "value", "low", "high"]]
    for row in rows:
        group = json.loads(row["group"])
        numbers = [f"{row[name]:,.6g}" for name in ("value", "low", "high")]
        cells.append([*(str(group.get(key, "")) for key in keys), row["name"], *numbers])
    more = answers.num_rows - len(rows)
    return columns(cells) + ([f"... and {more:,} more in answer.csv"] if more > 0 else [])


def write_csv(run: Run, answers: pa.Table) -> Any:
    """Write OUT/answer.csv, one line per row of ANSWERS, its cells safe for a spreadsheet, and return its path."""
    path = run.out / "answer.csv"
    groups = [json.loads(text) for text in answers["group"].to_pylist()]
    keys = list(dict.fromkeys(key for group in groups for key in group))
    with atomic(path) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow([*(cell(key) for key in keys), "name", "value", "low", "high", "level", "mechanism", "charge"])
        for group, row in zip(groups, answers.to_pylist(), strict=True):
            numbers = [repr(row[name]) for name in ("value", "low", "high", "level")]
            texts = [cell(str(group.get(key, ""))) for key in keys]
            lines.writerow([*texts, cell(row["name"]), *numbers, row["mechanism"], row["charge"]])
    return run.kept(path, rows=answers.num_rows)


def write_json(run: Run, answers: pa.Table, about: Mapping[str, Any]) -> Any:
    """Write OUT/answer.json: ABOUT and the answers, with null for an end that is infinite; return its path."""
    path = run.out / "answer.json"
    found = [
        {"group": json.loads(row["group"]), "name": row["name"], "level": row["level"], "charge": row["charge"]}
        | {name: row[name] if math.isfinite(row[name]) else None for name in ("value", "low", "high")}
        for row in answers.to_pylist()
    ]
    with atomic(path) as beside:
        text = json.dumps({**about, "answers": found}, indent=2, ensure_ascii=False, allow_nan=False)
        beside.write_text(text + "\n", "utf-8")
    return run.kept(path)
