"""Decodes a request that arrived into leaves: (carrier, path, text) of its address, header fields, cookies and body."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_to_bytes

from labels.unpack import Unpacker, as_text, inflate

# Header fields that the browser or the transport sets by itself in every request: no component chose to send them.
OWN_HEADERS = frozenset(
    [
        "host",
        "connection",
        "content-length",
        "content-encoding",
        "content-type",
        "accept",
        "accept-encoding",
        "accept-language",
        "cache-control",
        "pragma",
        "te",
        "trailer",
        "upgrade",
        "transfer-encoding",
        "keep-alive",
        "upgrade-insecure-requests",
        "if-modified-since",
        "if-none-match",
        "origin",
        "priority",
        "purpose",
        "sec-purpose",
        "range",
        "if-range",
        "access-control-request-headers",
        "access-control-request-method",
        "user-agent",
        "sec-gpc",
        "dnt",
        "cookie",
        "sec-websocket-key",
        "sec-websocket-version",
        "sec-websocket-extensions",
        "sec-websocket-protocol",
        "expect",
        "rtt",
        "downlink",
        "ect",
        "save-data",
        "device-memory",
        "dpr",
        "width",
        "viewport-width",
    ]
)
OWN_PREFIXES = ("sec-fetch-", "sec-ch-", ":")
_ADDRESS = re.compile(r"^[a-z]+://([^/?#]*)([^?#]*)(?:\?([^#]*))?", re.I)
_TELLING = re.compile(r"\d|%|@|^.{17,}$")  # a path segment that can hold a value rather than a name
_SAME = re.compile(r"^(?:[A-Za-z][A-Za-z._-]*\d{0,3}|v?\d{1,2}(?:\.\d+)?)$")
_BOUNDARY = re.compile(r'boundary="?([^";]+)"?', re.I)
_PART_NAME = re.compile(rb'name="?([^";\r\n]*)"?', re.I)

Decoded = tuple[str, str, str]


def address(url: str) -> tuple[str, str, str]:
    """Return (host without port, path, query) of URL; empty texts where it is no address."""
    found = _ADDRESS.match(url)
    if not found:
        return "", "", ""
    host = found[1].rpartition("@")[2]
    return re.sub(r":\d+$", "", host).lower(), found[2] or "/", found[3] or ""


def path_template(path: str) -> str:
    """Return PATH with every segment that can hold a value replaced, so that one endpoint is one path."""
    return "/".join(part if not part or (_SAME.match(part) and len(part) < 40) else "{}" for part in path.split("/"))


def body_bytes(line: dict[str, Any]) -> bytes:
    """Return the body of a send or request line as bytes."""
    if packed := line.get("body_b64"):
        return base64.b64decode(packed)
    body = line.get("body")
    return body.encode("utf-8", "surrogatepass") if isinstance(body, str) else b""


class Decoder:
    """Decodes requests; remembers the leaves of texts seen before."""

    def __init__(self) -> None:
        self.unpacker = Unpacker()

    def request(self, url: str, headers: dict[str, Any], body: bytes) -> Iterator[Decoded]:
        """Yield (carrier, path, text) of all that the request carries, header fields of the browser's own left out."""
        _, path, query = address(url)
        for number, part in enumerate(path.split("/")):
            if part and _TELLING.search(part):
                for below, leaf in self.unpacker.text(part):
                    yield "path", f"{number}{below}", leaf
        if query:
            for below, leaf in self.unpacker.form(query):
                yield "query", below, leaf
        for name, value in headers.items():
            field = name.lower()
            if field == "cookie":
                for below, leaf in self.unpacker.cookies(str(value)):
                    yield "cookie", below, leaf
            elif field not in OWN_HEADERS and not field.startswith(OWN_PREFIXES):
                for below, leaf in self.unpacker.text(str(value)):
                    yield "header", f".{field}{below}", leaf
        if body:
            yield from self._body(body, {name.lower(): str(value) for name, value in headers.items()})

    def _body(self, body: bytes, headers: dict[str, str]) -> Iterator[Decoded]:
        for encoding in reversed(
            [part.strip().lower() for part in headers.get("content-encoding", "").split(",") if part.strip()]
        ):
            body = inflate(body, encoding) or body
        kind = headers.get("content-type", "")
        boundary = _BOUNDARY.search(kind) if kind.lower().startswith("multipart/") else None
        if boundary:
            for name, part in _parts(body, boundary[1].encode("latin-1", "replace")):
                yield from (("multipart", f".{name}{below}", leaf) for below, leaf in self.unpacker.data(part))
            return
        text = as_text(inflate(body) or body)
        if text is None:
            yield from (("binary", below, leaf) for below, leaf in self.unpacker.data(body))
        elif kind.lower().startswith("application/x-www-form-urlencoded") and text[:1] not in "{[":
            yield from (("form", below, leaf) for below, leaf in self.unpacker.form(text))
        else:
            carrier = "json" if text[:1] in "{[" else "text"
            leaves = self.unpacker.data(body) if carrier == "text" else self.unpacker.data(text.encode())
            yield from ((carrier, below, leaf) for below, leaf in leaves)


def _parts(body: bytes, boundary: bytes) -> Iterator[tuple[str, bytes]]:
    for part in body.split(b"--" + boundary)[1:]:
        head, found, content = part.partition(b"\r\n\r\n")
        if found:
            name = _PART_NAME.search(head)
            label = unquote_to_bytes(name[1]).decode("utf-8", "replace") if name else ""
            yield label, content.removesuffix(b"\r\n")
