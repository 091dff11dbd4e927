"""Source (a): follows values from inside the page to what left.

Values are planted ones, in every usual form, and identifiers that scripts stored.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from labels.read import Visit
from labels.shapes import IDENTIFIER, looks, tokens_of, value_hash
from labels.unpack import Unpacker, key_name

TYPES = {
    "email": "contact.email",
    "phone": "contact.phone",
    "name": "contact.name",
    "user_id": "user.id",
    "visitor_id": "device.id",
    "shared_id": "device.advertising_id",
    "latitude": "location.precise",
    "longitude": "location.precise",
    "ua_version": "device.browser",
    "os_version": "device.os",
}
HASHED = {"contact.email": "contact.email_hashed", "contact.phone": "contact.phone_hashed"}
GUESS = "?"  # marks a type of which source (a) only says that it may be there: many devices share the value
COORDINATES = ("latitude", "longitude")
ALGORITHMS = ("md5", "sha1", "sha256", "sha512")
_NUMBER = re.compile(r"(?<![\d.])-?\d{1,3}\.\d{3,}")
_RUNS = re.compile(r"[A-Za-z0-9+/_-]{22,86}={0,2}")
_HEX_RUNS = re.compile(r"[0-9a-fA-F]{32,128}")
_SPLIT = re.compile(r"[.:~|$!*]")
IDENTIFIERS = "device.id"


def digests(text: str) -> set[str]:
    """Return the digests of TEXT as they are written: hex in both cases, base64 and base64url, padded or not."""
    written = set()
    for algorithm in ALGORITHMS:
        raw = hashlib.new(algorithm, text.encode(), usedforsecurity=False).digest()
        plain = base64.b64encode(raw).decode()
        safe = base64.urlsafe_b64encode(raw).decode()
        written |= {raw.hex(), raw.hex().upper(), plain, plain.rstrip("="), safe, safe.rstrip("=")}
    return written


def variants(prop: str, value: str) -> tuple[set[str], set[str]]:
    """Return (forms in the clear, texts of which digests are taken) of a planted value."""
    clear = {value, value.strip().lower()}
    hashed = set(clear) | {value.upper()}
    if prop == "email":
        local, _, domain = value.strip().lower().partition("@")
        clear.add(local)
        hashed |= {f"{local.partition('+')[0]}@{domain}", f"{local.partition('+')[0].replace('.', '')}@{domain}"}
    elif prop == "phone":
        digits = re.sub(r"\D", "", value)
        clear = {digits}
        hashed |= {digits, f"+{digits}", f"00{digits}"}
    elif prop == "name":
        parts = value.split()
        clear |= {part for part in parts if len(part) >= 8} | {f"{parts[-1]} {' '.join(parts[:-1])}".lower()}
        hashed |= {part for word in parts for part in (word, word.lower())}
    elif prop in ("user_id", "visitor_id", "shared_id"):
        clear |= {value.upper(), value.replace("-", "")}
    elif prop in ("ua_version", "os_version"):
        clear |= {value.replace(".", "_")}
    return clear, hashed


@dataclass(slots=True)
class Needles:
    """The texts to look for in one visit: text -> type."""

    exact: dict[str, str] = field(default_factory=dict)
    lowered: dict[str, str] = field(default_factory=dict)
    coordinates: list[float] = field(default_factory=list)


def needles_of(visit: Visit) -> Needles:
    """Return every form of the planted values of VISIT that can be unique."""
    needles = Needles()
    for prop, kind in TYPES.items():
        value = visit.values.get(prop)
        if value is None:
            continue
        if prop in COORDINATES:
            needles.coordinates.append(float(value))
            continue
        clear, hashed = variants(prop, str(value))
        needles.lowered.update({text.lower(): kind for text in clear if len(text) >= 6})
        for text in hashed if kind.partition(".")[0] in ("contact", "user") or kind.startswith("device.") else ():
            needles.exact.update(dict.fromkeys(digests(text), HASHED.get(kind, kind)))
    needles.lowered.update({text.lower(): GUESS + kind for text, kind in _shared_texts(visit.values) if len(text) >= 5})
    return needles


def _shared_texts(values: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield those values of the device that many share, as far as their text is their own, with their type."""
    if zone := values.get("timezone"):
        yield str(zone), "device.time_zone"
    if languages := values.get("languages"):
        yield str(languages[0] if isinstance(languages, list) else languages), "device.locale"
    if isinstance(screen := values.get("screen"), dict) and {"width", "height"} <= screen.keys():
        yield f"{screen['width']}x{screen['height']}", "device.screen"
    if isinstance(webgl := values.get("webgl"), dict) and webgl.get("renderer"):
        yield str(webgl["renderer"]), "fingerprint.surface"


def _is_near(written: str, coordinate: float) -> bool:
    places = len(written.partition(".")[2])
    return abs(float(written) - coordinate) < 1.0001 * 10.0 ** -min(places, 9)


def planted_in(texts: set[str], needles: Needles) -> dict[str, tuple[str, ...]]:
    """Return which of TEXTS hold a planted value: text -> types; one search over all finds which forms occur."""
    blob = "\n".join(texts)
    small = blob.lower()
    runs = {*_RUNS.findall(blob), *_HEX_RUNS.findall(blob)}
    exact = [(text, kind) for text, kind in needles.exact.items() if text in runs]
    lowered = [(text, kind) for text, kind in needles.lowered.items() if text in small]
    near = {number for number in set(_NUMBER.findall(blob)) if any(_is_near(number, c) for c in needles.coordinates)}
    if not (exact or lowered or near):
        return {}
    found = {}
    for text in texts:
        kinds = {kind for form, kind in exact if form in text}
        if lowered:
            low = text.lower()
            kinds |= {kind for form, kind in lowered if form in low}
        if near and not near.isdisjoint(_NUMBER.findall(text)):
            kinds.add("location.precise")
        if kinds:
            found[text] = tuple(sorted(kinds))
    return found


@lru_cache(maxsize=100_000)
def parts_of(text: str) -> frozenset[str]:
    """Return TEXT and those of its parts that can be identifiers by themselves."""
    parts = {text, *tokens_of(text)}
    if len(text) <= 256:
        parts |= {part for part in _SPLIT.split(text) if len(part) >= 8}
        pieces = text.split(".")
        parts |= {
            ".".join(pieces[at : at + 2]) for at in range(len(pieces) - 1)
        }  # GA1.1.<id>.<time>: the last two together
    return frozenset(part for part in parts if looks(part) & IDENTIFIER)


Slot = tuple[str, str, str]


def stored_identifiers(visit: Visit, unpacker: Unpacker, jar: set[tuple[str, str]]) -> dict[str, set[Slot]]:
    """Return what was stored in VISIT and can be an identifier: text -> slots (component, kind, key and path).

    Scripts store, and so does a server: JAR holds (name, text) of the cookies that requests carried.
    """
    found: dict[str, set[Slot]] = defaultdict(set)
    taken = {str(visit.values[prop]).lower() for prop in TYPES if prop in visit.values}

    def add(text: str, slot: Slot) -> None:
        for part in parts_of(text):
            if part.lower() not in taken:
                found[part].add(slot)

    for store in visit.lines["store"]:
        value = store.get("value")
        if isinstance(value, str) and len(value) >= 8:
            for path, leaf in unpacker.text(value):
                add(leaf, (store.get("component") or "", store["kind"], f"{key_name(store['key'])}{path}"))
    for name, text in jar:
        add(text, ("", "cookie", name))
    return found


class SlotBook:
    """Which places of storage hold an identifier: one value over page loads, another in every other visit."""

    def __init__(self) -> None:
        self.loads: dict[Slot, Counter[str]] = defaultdict(Counter)
        self.seen_in: dict[int, int] = {}  # hash of a value -> the visit that had it first, -1 where several did

    def add(self, number: int, stored: dict[str, set[Slot]], sent_on: dict[str, set[int]]) -> None:
        """Take up one visit: SENT_ON tells for each stored text the page loads whose requests carried it."""
        for text in stored:
            known = self.seen_in.setdefault(value_hash(text), number)
            if known != number:
                self.seen_in[value_hash(text)] = -1
        best: dict[Slot, int] = defaultdict(int)
        for text, pages in sent_on.items():
            for slot in stored[text]:
                best[slot] = max(best[slot], len(pages))
        for slot, pages_seen in best.items():
            self.loads[slot]["sent"] += 1
            self.loads[slot]["again"] += pages_seen >= 2

    def is_lasting(self, slot: Slot) -> bool:
        """Say whether the value of SLOT lasts: in a third of the visits, at least one, two page loads sent it."""
        counts = self.loads[slot]
        return counts["again"] >= 1 and counts["again"] * 3 >= counts["sent"]

    def is_unique(self, hashed: int) -> bool:
        """Say whether only one visit had the value."""
        return self.seen_in.get(hashed, -1) >= 0
