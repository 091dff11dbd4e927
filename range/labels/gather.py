"""Goes through all visits once and gathers what left as columns: requests and their hashed leaves.

What source (a) finds is noted on the way, while the texts are there.
"""

from __future__ import annotations

import json
from array import array
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from labels.attribute import HostMap, Sent, sent_things
from labels.decode import Decoder, address, path_template
from labels.read import TruthError, Visit, read_visit
from labels.shapes import Shapes, value_hash
from labels.traced import IDENTIFIERS, SlotBook, needles_of, parts_of, planted_in, stored_identifiers

Ints = npt.NDArray[np.int64]
EMPTY_LEAVES = frozenset(("", "null", "undefined", "none", "None", "NaN", "[object Object]"))
MOST_LEAVES = 20_000  # of one request
LONGEST_PATH = 240
COOKIE = "cookie||"


class Names:
    """Numbers for texts, in the order they were met."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def __call__(self, text: str) -> int:
        return self.numbers.setdefault(text, len(self.numbers))

    def texts(self) -> list[str]:
        """Return the texts by number."""
        return list(self.numbers)


@dataclass(slots=True)
class Gathered:
    """Everything of all visits. Requests and leaves are parallel columns; `hits` are the findings of source (a)."""

    visits: list[dict[str, Any]] = field(default_factory=list)  # head lines, without the values
    levels: list[dict[str, str]] = field(default_factory=list)  # property -> text that stands for its value
    hosts: HostMap = field(default_factory=HostMap)
    fields: Names = field(default_factory=Names)
    broken: list[str] = field(default_factory=list)
    request: dict[str, list[Any]] = field(
        default_factory=lambda: {name: [] for name in ("visit", "host", "component", "page", "states")}
    )
    leaf: dict[str, array[int]] = field(
        default_factory=lambda: {"request": array("i"), "field": array("i"), "value": array("q"), "flags": array("h")}
    )
    hits: dict[tuple[int, int, str], None] = field(default_factory=dict)  # (request, field, type)
    stored_hits: list[tuple[int, int, int, frozenset[Any]]] = field(
        default_factory=list
    )  # request, field, value, slots
    planted_in: list[tuple[int, int, str]] = field(default_factory=list)  # visit, hash of a whole text, type
    kept_in: list[tuple[int, int, int, frozenset[Any]]] = field(default_factory=list)  # visit, text, its part, slots
    slots: SlotBook = field(default_factory=SlotBook)
    reads: dict[tuple[str, str], int] = field(
        default_factory=lambda: defaultdict(int)
    )  # (component, property) -> visits

    def leaves(self) -> dict[str, npt.NDArray[Any]]:
        """Return the leaves as arrays."""
        kinds = {"request": np.int32, "field": np.int32, "value": np.int64, "flags": np.int16}
        return {
            name: np.frombuffer(column, kinds[name]) if len(column) else np.zeros(0, kinds[name])
            for name, column in self.leaf.items()
        }

    def identifier_hits(self) -> dict[tuple[int, int, str], None]:
        """Return the findings of source (a) for identifiers: stored, lasting, of one visit only, and sent."""
        lasting = {slot for slot in self.slots.loads if self.slots.is_lasting(slot)}
        return {
            (request, number, IDENTIFIERS): None
            for request, number, value, slots in self.stored_hits
            if not lasting.isdisjoint(slots) and self.slots.is_unique(value)
        }


def _level_texts(visit: Visit) -> dict[str, str]:
    """Return what stands for each property's level: its value, so that pools that share no value share no level."""
    values, levels = visit.values, visit.meta["profile"].get("levels", {})
    return {prop: json.dumps(values.get(prop, levels.get(prop)), sort_keys=True) for prop in {**levels, **values}}


class Gatherer:
    """Gathers visits one after another."""

    def __init__(self) -> None:
        self.all = Gathered()
        self.decoder = Decoder()
        self.shapes = Shapes()
        self.cookies: dict[int, str] = {}  # numbers of the fields that are cookies, with their names

    def add(self, visit: Visit) -> None:
        """Take up one visit."""
        out = self.all
        number = len(out.visits)
        meta = {name: value for name, value in visit.meta.items() if name != "profile"}
        out.visits.append({**meta, "name": visit.name})
        out.levels.append(_level_texts(visit))
        out.hosts.learn(visit)
        for component, prop in {(event.get("component") or "", event["prop"]) for event in visit.lines["read"]}:
            out.reads[component, prop] += 1

        things = list(sent_things(visit))
        begin = len(out.request["visit"])
        leaves: list[tuple[int, int, str]] = []
        for thing in things:
            request = len(out.request["visit"])
            for name, value in zip(
                out.request, (number, thing.host, thing.component, thing.page, thing.states), strict=True
            ):
                out.request[name].append(value)
            leaves += self._leaves(thing, request)
        self._follow(visit, number, [thing.page for thing in things], begin, leaves)

    def _leaves(self, thing: Sent, request: int) -> list[tuple[int, int, str]]:
        """Add the leaves of one request to the columns; return (request, field, text) of each."""
        out, fields, of = self.all, self.all.fields, self.shapes.of
        requests, numbers, values, flags = out.leaf.values()
        place = path_template(address(thing.url)[1])[:LONGEST_PATH]
        kept = []
        decoded = islice(self.decoder.request(thing.url, thing.headers, thing.body), MOST_LEAVES)
        for carrier, path, text in dict.fromkeys(decoded):
            if text in EMPTY_LEAVES:
                continue
            name = (
                f"{carrier}|{place}|{path[:LONGEST_PATH]}" if carrier != "cookie" else f"{COOKIE}{path[:LONGEST_PATH]}"
            )
            for suffix, value, looks in of(text):
                requests.append(request)
                numbers.append(fields(name + suffix))
                values.append(value)
                flags.append(looks)
            kept.append((request, fields(name), text))
            if carrier == "cookie":
                self.cookies[fields(name)] = path
        return kept

    def _follow(
        self, visit: Visit, number: int, pages: list[int], begin: int, leaves: list[tuple[int, int, str]]
    ) -> None:
        """Note where planted and stored values stand among the leaves of a visit, its requests numbered from BEGIN."""
        out = self.all
        texts = {text for _, _, text in leaves}
        planted = planted_in(texts, needles_of(visit))
        jar = {(self.cookies[name], text) for _, name, text in leaves if name in self.cookies}
        stored = stored_identifiers(visit, self.decoder.unpacker, jar)
        carrying = {text: parts_of(text) & stored.keys() for text in texts if len(text) >= 8} if stored else {}
        slots = {text: frozenset(found) for text, found in stored.items()}
        out.planted_in += ((number, value_hash(text), kind) for text, kinds in planted.items() for kind in kinds)
        out.kept_in += (
            (number, value_hash(text), value_hash(part), slots[part])
            for text, parts in carrying.items()
            for part in parts
        )
        sent_on: dict[str, set[int]] = defaultdict(set)
        for request, name, text in leaves:
            for kind in planted.get(text, ()):
                out.hits[request, name, kind] = None
            for part in carrying.get(text, ()):
                sent_on[part].add(pages[request - begin])
                out.stored_hits.append((request, name, value_hash(part), slots[part]))
        out.slots.add(number, stored, sent_on)


def gather(files: list[Path], tell: Callable[[str], None]) -> Gathered:
    """Read and gather all FILES; a broken one is told, noted and left out. Raises TruthError where none can be used."""
    gatherer = Gatherer()
    for count, file in enumerate(files, 1):
        try:
            gatherer.add(read_visit(file))
        except TruthError as fault:
            tell(f"left out: {fault}")
            gatherer.all.broken.append(str(fault))
        if count % 100 == 0:
            tell(f"{count} of {len(files)} visits read, {len(gatherer.all.leaf['request']):,} leaves")
    if not gatherer.all.visits:
        raise TruthError("no visit could be read: " + "; ".join(gatherer.all.broken[:3]))
    return gatherer.all
