"""Unpacks one text or byte string into its leaves: JSON, URLs, forms, cookies, base64, hex and packed bytes, nested.

The labeller's own decoder: no code and no tables of the detector. A leaf is (path below the value, text).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_to_bytes

import brotli
import zstandard

DEEPEST = 5  # layers of encoding
MOST_LEAVES = 20_000  # of one value
LARGEST = 16 << 20  # bytes after unpacking
LONGEST = 1 << 20  # characters of a text that is still looked into
REMEMBERED = 300_000  # unique texts
NUMBERED = 16  # an object with more members, all of them numbers, is a list
INDEXED = 64  # list positions that are told apart

Leaf = tuple[str, str]

_ID_KEY = re.compile(r"^(?:\d{4,}|[0-9a-f]{8,}|[0-9a-f-]{32,}|.{65,})$", re.I)
_URL = re.compile(r"^(?:[a-z][a-z0-9+.-]{1,20}:)?//([^/?#\s]+)([^?#\s]*)(?:\?([^#\s]*))?(?:#(\S*))?$", re.I)
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
_FORM = re.compile(r"^\??[\w.$~%\[\]:-]{1,128}=[^=&\s]*(?:=*)(?:&[\w.$~%\[\]:-]{1,128}(?:=[^&\s]*)?)*$")
_PAIRS = re.compile(r"^[\w.$-]{1,128}=[^;]*(?:; ?[\w.$-]{1,128}=[^;]*)+;? ?$")
_BASE64 = re.compile(r"^[A-Za-z0-9+/_-]{16,}={0,2}$")
_HEX = re.compile(r"^(?:[0-9a-fA-F]{2}){8,}$")
_JWT = re.compile(r"^eyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?$")
_RUN = re.compile(rb"[\x20-\x7e]{3,}")
_WORD = re.compile(r"^[A-Za-z_$][\w.$-]{1,31}$")
_NAMING = ("key", "name", "k", "n", "field", "schema", "source", "id")


def inflate(data: bytes, encoding: str = "") -> bytes | None:
    """Return DATA unpacked by the named content encoding, else by its first bytes; None where it is not packed."""
    try:
        if encoding == "br":
            return brotli.decompress(data)[:LARGEST]
        if encoding == "zstd" or data[:4] == b"\x28\xb5\x2f\xfd":
            return zstandard.ZstdDecompressor().stream_reader(data).read(LARGEST)
        if data[:2] == b"\x1f\x8b":
            return zlib.decompressobj(47).decompress(data, LARGEST)
        if len(data) > 2 and data[0] == 0x78 and ((data[0] << 8) + data[1]) % 31 == 0:
            return zlib.decompressobj().decompress(data, LARGEST)
        if encoding == "deflate":
            return zlib.decompressobj(-15).decompress(data, LARGEST)
    except (zlib.error, brotli.error, zstandard.ZstdError):
        return None
    return None


def _printable(text: str) -> bool:
    if text.isprintable():
        return True
    good = sum(character.isprintable() or character in "\r\n\t" for character in text[:4096])
    return good >= 0.97 * min(len(text), 4096)


def as_text(data: bytes) -> str | None:
    """Return DATA as text where it is text in UTF-8 (or UTF-16 with a mark), else None."""
    try:
        text = (
            data.decode("utf-16")
            if data[:2] in (b"\xff\xfe", b"\xfe\xff")
            else data.decode("utf-8").removeprefix("\ufeff")
        )
    except UnicodeDecodeError:
        return None
    return text if _printable(text) else None


def _from_base64(text: str) -> bytes | None:
    body = text.rstrip("=").replace("-", "+").replace("_", "/")
    if len(body) % 4 == 1:
        return None
    try:
        return base64.b64decode(body + "=" * (-len(body) % 4))
    except binascii.Error:
        return None


def parse_json(text: str) -> Any:
    """Return the value that TEXT is in JSON, with numbers kept as they were written; raises ValueError."""
    try:
        return json.loads(text, parse_int=str, parse_float=str)
    except RecursionError as cause:
        raise ValueError("nested too deeply") from cause


def key_name(key: str) -> str:
    """Return KEY, or one name for all keys that are themselves numbers or identifiers."""
    return "{id}" if _ID_KEY.match(key) else key


class Unpacker:
    """Unpacks texts, each unique text once."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Leaf, ...]] = {}

    def text(self, text: str) -> tuple[Leaf, ...]:
        """Return the leaves of TEXT; a text that is no more than itself is its own leaf at path ""."""
        known = self._known.get(text)
        if known is None:
            known = tuple(self._cut(self._text(text, 0)))
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            if len(text) <= 4096:
                self._known[text] = known
        return known

    def json(self, value: Any, depth: int = 0) -> Iterator[Leaf]:
        """Yield the leaves of a parsed JSON value."""
        return self._walk(value, "", depth, 0)

    def data(self, data: bytes, depth: int = 0) -> Iterator[Leaf]:
        """Yield the leaves of bytes: unpacked, as text, or the printable runs of a binary format."""
        for _ in range(3):
            unpacked = inflate(data)
            if unpacked is None:
                break
            data = unpacked
        text = as_text(data)
        if text is not None:
            yield from self._text(text, depth)
            return
        before = ""
        for found in _RUN.finditer(data[:LARGEST]):
            run = found[0].decode("ascii")
            for path, leaf in self._text(run, depth + 1):
                yield f"run({before}){path}", leaf
            before = run if _WORD.match(run) else ""

    @staticmethod
    def _cut(leaves: Iterator[Leaf]) -> Iterator[Leaf]:
        for number, leaf in enumerate(leaves):
            if number >= MOST_LEAVES:
                return
            yield leaf

    def _walk(self, node: Any, path: str, depth: int, level: int) -> Iterator[Leaf]:
        if isinstance(node, str):
            if node:
                leaves = self.text(node) if depth == 0 else self._text(node, depth)
                for below, leaf in leaves:
                    yield path + below, leaf
        elif isinstance(node, bool):
            yield path, "true" if node else "false"
        elif level > 40 or node is None:
            return
        elif isinstance(node, dict):
            numbered = len(node) > NUMBERED and all(key.isdigit() for key in node)  # a list of vendors or the like
            for key, item in node.items():
                yield from self._walk(item, f"{path}.{'{id}' if numbered else key_name(key)}", depth, level + 1)
        else:
            for index, item in enumerate(node):
                yield from self._walk(item, f"{path}[{self._place(index, item)}]", depth, level + 1)

    @staticmethod
    def _place(index: int, item: Any) -> str:
        """Return what tells a list item apart: its name, else its position; the events of a batch are one."""
        if isinstance(item, dict):
            if len(item) <= 5:
                for key in _NAMING:
                    if isinstance(name := item.get(key), str) and _WORD.match(name) and not _ID_KEY.match(name):
                        return name
            return "*"
        if isinstance(item, list) and item and isinstance(item[0], str) and _WORD.match(item[0]):
            return item[0]
        return str(index) if index < INDEXED else "*"

    def _text(self, text: str, depth: int) -> Iterator[Leaf]:
        if len(text) < 4 or depth >= DEEPEST or (len(text) > LONGEST and text[0] not in "[{"):
            yield "", text
            return
        if text[0] in '{["' or "\n" in text:
            value = self._as_json(text)
            if value is not None and not isinstance(value, str):
                yield from self._walk(value, "", depth + 1, 0)
                return
            if isinstance(value, str) and value != text:
                yield from self._text(value, depth + 1)
                return
        if "//" in text[:24] and (url := _URL.match(text)):
            yield from self._url(url, depth)
        elif "=" in text and not _BASE64.match(text) and _FORM.match(text):
            yield from self.form(text.removeprefix("?"), depth)
        elif "=" in text and len(text) < 65_536 and _PAIRS.match(text):
            yield from self.cookies(text, depth)
        elif "%" in text and _PERCENT.search(text) and (plain := as_text(unquote_to_bytes(text))) not in (None, text):
            yield from self._text(str(plain), depth + 1)
        else:
            yield "", text
            yield from self._encoded(text, depth)

    @staticmethod
    def _as_json(text: str) -> Any:
        try:
            return parse_json(text)
        except ValueError:
            pass
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) < 2 or not all(line.lstrip()[:1] in "{[" for line in lines[:2]):
            return None
        values = []
        for line in lines[:MOST_LEAVES]:  # lines of JSON, as in an envelope; a line that is something else stays text
            try:
                values.append(parse_json(line))
            except ValueError:
                values.append(line)
        return values

    def _url(self, url: re.Match[str], depth: int) -> Iterator[Leaf]:
        host, path, query, fragment = url.groups()
        yield ".host", host
        for number, part in enumerate(path.split("/")[1:]):
            if part:
                for below, leaf in self._text(part, depth + 1):
                    yield f".path{number}{below}", leaf
        if query:
            yield from ((f".query{below}", leaf) for below, leaf in self.form(query, depth))
        if fragment:
            yield from ((f".fragment{below}", leaf) for below, leaf in self._text(fragment, depth + 1))

    def form(self, text: str, depth: int = 0) -> Iterator[Leaf]:
        """Yield the leaves of name=value pairs joined by &."""
        for pair in text.split("&"):
            name, _, value = pair.partition("=")
            if not value:
                value, name = name, ""
            name = key_name(unquote_to_bytes(name).decode("utf-8", "replace"))
            plain = unquote_to_bytes(value.replace("+", " "))
            decoded = as_text(plain)
            leaves = self.data(plain, depth + 1) if decoded is None else self._text(decoded, depth + 1)
            for below, leaf in leaves:
                yield f".{name}{below}", leaf
            if "+" in value and _BASE64.match(value):  # base64 that was put into a query as it is
                yield from ((f".{name}{below}", leaf) for below, leaf in self._encoded(value, depth))

    def cookies(self, text: str, depth: int = 0) -> Iterator[Leaf]:
        """Yield the leaves of name=value pairs joined by semicolons."""
        for pair in text.split(";"):
            name, _, value = pair.strip().partition("=")
            if value:
                for below, leaf in self._text(value, depth + 1):
                    yield f".{key_name(name)}{below}", leaf

    def _encoded(self, text: str, depth: int) -> Iterator[Leaf]:
        """Yield what base64, hex or a signed token holds, where that is text or packed text."""
        if len(text) < 16 or " " in text[:64]:
            return
        if _JWT.match(text):
            for number, part in enumerate(text.split(".")[:2]):
                if decoded := _from_base64(part):
                    yield from ((f"~jwt{number}{below}", leaf) for below, leaf in self.data(decoded, depth + 1))
            return
        if _HEX.match(text):
            decoded, name = bytes.fromhex(text), "~hex"
        elif _BASE64.match(text) and (raw := _from_base64(text)):
            decoded, name = raw, "~base64"
        else:
            return
        unpacked = inflate(decoded)
        if unpacked is not None or as_text(decoded) is not None:
            yield from ((name + below, leaf) for below, leaf in self.data(unpacked or decoded, depth + 1))
