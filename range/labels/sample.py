"""Draws rows for a blind check by hand: a sheet with the evidence and without the label, and a key beside it."""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from pathlib import Path
from typing import Any

from labels.attribute import Sent, sent_things
from labels.decide import TYPE_OF
from labels.decode import Decoder
from labels.gather import Gathered
from labels.read import SUFFIX, Visit, read_visit
from labels.rows import SCHEMA, Row

ROWS = 300
DECOYS = 0.15  # share of rows that ask for a type which the flow does not carry
LONGEST_CELL = 8000
SHEET = (
    "number",
    "site",
    "region",
    "consent_manager",
    "component",
    "recipient",
    "asked_type",
    "planted",
    "stored",
    "sent_at",
    "consent",
    "address",
    "decoded",
    "carries_it",
    "state_of_consent",
    "violation",
    "note",
)
KEY = ("number", "carries_it", *SCHEMA.names)


def draw(rows: list[Row], seed: int, count: int = ROWS) -> list[tuple[Row, str, bool]]:
    """Draw (row, type to ask for, does the label say it is carried?), evenly over type and outcome."""
    chance = random.Random(seed)
    strata: dict[tuple[str, str], list[Row]] = defaultdict(list)
    carried: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for row in rows:
        strata[row.type, row.outcome].append(row)
        carried[row.site, row.component, row.recipient].add(row.type)
    for stratum in strata.values():
        chance.shuffle(stratum)
    drawn: list[Row] = []
    turn = sorted(strata)
    while len(drawn) < min(count, len(rows)):
        for name in turn:
            if strata[name] and len(drawn) < count:
                drawn.append(strata[name].pop())
    types = sorted({row.type for row in rows})
    asked = []
    for row in drawn:
        others = [kind for kind in types if kind not in carried[row.site, row.component, row.recipient]]
        decoy = bool(others) and chance.random() < DECOYS
        asked.append((row, chance.choice(others) if decoy else row.type, not decoy))
    chance.shuffle(asked)
    return asked


def _planted(visit: Visit, kind: str) -> str:
    plain = kind.removesuffix("_hashed")
    wanted = "location.precise" if plain == "location.coarse" else plain
    return "; ".join(f"{prop} = {value}" for prop, value in visit.values.items() if TYPE_OF.get(prop) == wanted)


def _stored(visit: Visit, kind: str) -> str:
    if kind != "device.id":
        return ""
    lines = {
        f"{store.get('component')}: {store['kind']} {store['key']} = {str(store.get('value'))[:120]}"
        for store in visit.lines["store"]
    }
    return "\n".join(sorted(lines))[:LONGEST_CELL]


def _cells(number: int, row: Row, kind: str, visit: Visit, thing: Sent, decoder: Decoder) -> dict[str, Any]:
    consent = [line for line in visit.lines["consent"] if line.get("by") == "act"] or visit.lines["consent"]
    leaves = [
        f"{carrier} {path} = {text[:400]}"
        for carrier, path, text in decoder.request(thing.url, thing.headers, thing.body)
    ]
    return {
        "number": number,
        "site": row.site,
        "region": row.region,
        "consent_manager": row.cmp or "",
        "component": row.component,
        "recipient": row.recipient,
        "asked_type": kind,
        "planted": _planted(visit, kind),
        "stored": _stored(visit, kind),
        "sent_at": f"{thing.t:.3f}",
        "consent": "; ".join(
            f"{line['t']:.3f} {line['state']} "
            f"(analytics {line.get('analytics')}, advertising {line.get('advertising')})"
            for line in consent
        ),
        "address": thing.url[:LONGEST_CELL],
        "decoded": "\n".join(leaves)[:LONGEST_CELL],
    }


def write_sample(gathered: Gathered, rows: list[Row], truth: Path, out: Path, seed: int) -> int:
    """Write OUT/sample.csv and OUT/sample_key.csv for a check by hand; return the number of rows."""
    first: dict[int, int] = {}
    for request, number in enumerate(gathered.request["visit"]):
        first.setdefault(number, request)
    drawn = draw(rows, seed)
    by_visit: dict[int, list[int]] = defaultdict(list)
    for at, (row, _, _) in enumerate(drawn):
        by_visit[gathered.request["visit"][row.example]].append(at)
    cells: dict[int, dict[str, Any]] = {}
    decoder = Decoder()
    for number, places in sorted(by_visit.items()):
        visit = read_visit(truth / (gathered.visits[number]["name"] + SUFFIX))
        things = list(sent_things(visit))
        for at in places:
            row, kind, _ = drawn[at]
            cells[at] = _cells(at + 1, row, kind, visit, things[row.example - first[number]], decoder)
    with (out / "sample.csv").open("w", encoding="utf-8", newline="") as file:
        sheet = csv.DictWriter(file, SHEET, restval="")
        sheet.writeheader()
        sheet.writerows(cells[at] for at in range(len(drawn)))
    with (out / "sample_key.csv").open("w", encoding="utf-8", newline="") as file:
        key = csv.DictWriter(file, KEY)
        key.writeheader()
        key.writerows(
            {
                **row.columns(),
                "number": at + 1,
                "carries_it": "yes" if carried else "no",
                "type": kind,
                **({} if carried else {"violation": ""}),
            }
            for at, (row, kind, carried) in enumerate(drawn)
        )
    return len(drawn)
