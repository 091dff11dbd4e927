"""Verdicts of people on links, kept in small state: what they merged, split and took back, and the evidence of then."""

import csv
import io
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import BadInput
from consentinel.core.state import Area, State
from consentinel.core.text import cell, plain_cell

__all__ = ["AREA", "Verdict", "form", "given", "remember", "remembered"]

# One row is one verdict; the latest of a pair counts. Evidence is that of when it was given, so that it teaches also
# where its records are no longer read.
AREA = Area("links", ((
    "CREATE TABLE link_verdicts (seq INTEGER PRIMARY KEY, left_id TEXT NOT NULL, right_id TEXT NOT NULL, "
    "verdict TEXT NOT NULL, chance REAL NOT NULL, evidence TEXT NOT NULL, at REAL NOT NULL)",
),))  # fmt: skip
WORDS = {"merge": 1, "split": -1, "undo": 0}
Pair = tuple[str, str]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Verdict:
    """What people said of a pair: 1 merged, -1 split; what the program thought then; the evidence by piece."""

    verdict: int
    chance: float
    evidence: Mapping[str, float]


def given(path: Path) -> dict[Pair, int]:
    """Return the verdicts in the CSV file PATH: left, right, and verdict, which is merge, split, undo or empty.

    The last of a pair counts. Raises BadInput that names the line.
    """
    found: dict[Pair, int] = {}
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput("cannot be read as UTF-8", where=path.name, todo="Save it as CSV in UTF-8") from None
    mark = max(",;\t", key=text.partition("\n")[0].count)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=mark)
    if not {"left", "right", "verdict"} <= set(rows.fieldnames or ()):
        raise BadInput("has no columns left, right and verdict", where=path.name, todo="Use verdicts.csv of a run")
    for row in rows:
        left, right, word = (plain_cell(row[name] or "").strip() for name in ("left", "right", "verdict"))
        if not word:
            continue  # not decided
        if word.lower() not in WORDS or not left or not right or left == right:
            raise BadInput(
                "a verdict is two different ids and merge, split or undo",
                where=f"{path.name}, line {rows.line_num}", todo="Correct it",
            )  # fmt: skip
        found[min(left, right), max(left, right)] = WORDS[word.lower()]
    return found


def form(path: Path, rows: Iterable[Sequence[str]]) -> None:
    """Write ROWS (ids left and right, state, chance, texts left and right) as a CSV form for verdicts to PATH."""
    with path.open("w", encoding="utf-8", newline="") as file:
        written = csv.writer(file)
        written.writerow(["left", "right", "verdict", "now", "chance", "left_text", "right_text"])
        for left, right, *about in rows:
            written.writerow([cell(left), cell(right), "", *map(cell, about)])


def remember(state: State, pairs: Sequence[Pair], verdicts: Sequence[int], chance: Floats, evidence: Floats,
             pieces: Sequence[str]) -> None:  # fmt: skip
    """Keep VERDICTS on PAIRS; one that is already the latest of its pair is not kept twice."""
    words = {number: word for word, number in WORDS.items()}
    with state.write() as turn:
        latest = {(row[0], row[1]): row[2] for row in turn.rows(_LATEST)}
        seq = int(turn.rows("SELECT COALESCE(MAX(seq), 0) FROM link_verdicts")[0][0])
        rows = []
        for pair, verdict, likely, numbers in zip(pairs, verdicts, chance.tolist(), evidence.tolist(), strict=True):
            if latest.get(pair, "undo") != words[verdict]:
                seq += 1
                rows.append({"seq": seq, "left": pair[0], "right": pair[1], "verdict": words[verdict],
                             "chance": likely, "at": time.time(),
                             "evidence": json.dumps(dict(zip(pieces, numbers, strict=True)))})  # fmt: skip
        turn.run("INSERT INTO link_verdicts (seq, left_id, right_id, verdict, chance, evidence, at) "
                 "VALUES (:seq, :left, :right, :verdict, :chance, :evidence, :at)", rows)  # fmt: skip


_LATEST = (
    "SELECT left_id, right_id, verdict, chance, evidence FROM link_verdicts AS one WHERE seq = "
    "(SELECT MAX(seq) FROM link_verdicts AS other WHERE other.left_id = one.left_id AND "
    "other.right_id = one.right_id) ORDER BY seq"
)


def remembered(state: State) -> dict[Pair, Verdict]:
    """Return the verdicts that count now, by pair of ids in order; those taken back are not among them."""
    with state.read() as now:
        rows = now.rows(_LATEST)
    return {
        (left, right): Verdict(WORDS[word], float(chance), json.loads(evidence))
        for left, right, word, chance, evidence in rows
        if WORDS[word]
    }
