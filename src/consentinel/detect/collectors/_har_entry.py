"""The fields of a HAR that are read, as the exporters write them: types, parsers, body and initiator of an entry."""

import base64
import binascii
import re
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import msgspec

from consentinel.detect._layers import mend

Text = str | int | float | bool | None
# How Chromium says that no connection came about. An empty text is a request that it refused to make (mixed content).
_NOT_SENT = re.compile(
    r"$|blocked: |net::ERR_(BLOCKED_BY|NAME|CONNECTION_(REFUSED|TIMED_OUT)$|ADDRESS|INTERNET|CERT|SSL|PROXY|TUNNEL)"
)
_PROPERTY = re.compile(r"[a-z][a-z0-9_]{0,31}")


class Pair(msgspec.Struct):
    name: Text = ""
    value: Any = ""  # some exporters put parsed JSON here


class Body(msgspec.Struct, rename="camel"):
    mime_type: Text = ""
    text: Text = None
    encoding: Text = None
    own_encoding: Text = msgspec.field(default=None, name="_encoding")
    params: list[Pair] | None = None


class Request(msgspec.Struct, rename="camel"):
    url: str
    method: Text = "GET"
    headers: list[Pair] | None = None
    post_data: Body | None = None


class Response(msgspec.Struct):
    status: Text = None
    headers: list[Pair] | None = None
    error: Text = msgspec.field(default=None, name="_error")  # Chrome
    failure: Text = msgspec.field(default=None, name="_failureText")  # Playwright


class Entry(msgspec.Struct):
    request: Request
    startedDateTime: Text = None
    response: Response | None = None
    pageref: Text = None
    resource_type: Text = msgspec.field(default=None, name="_resourceType")
    initiator: Any = msgspec.field(default=None, name="_initiator")
    initiator_line: Any = msgspec.field(default=None, name="_initiator_line")
    initiator_column: Any = msgspec.field(default=None, name="_initiator_column")
    messages: list[dict[str, Any]] | None = msgspec.field(default=None, name="_webSocketMessages")


class Page(msgspec.Struct):
    id: Text = ""
    title: Text = ""
    startedDateTime: Text = None
    url: Text = msgspec.field(default=None, name="_url")


class Meta(msgspec.Struct):
    """What our recorder tells beside the traffic, in the vendor field log._consentinel."""

    site: str = ""
    scenario: str = "unknown"
    scenario_proof: str = "unknown"
    region: str | None = None
    locale: str | None = None
    repeat: int = 0
    profile_levels: dict[str, Any] = {}
    cnames: dict[str, list[str]] = {}  # by host: the names that the resolver went through to answer it
    consent: list[dict[str, Any]] = []
    storage: list[dict[str, Any]] = []
    calls: list[dict[str, Any]] = []


ENTRY = msgspec.json.Decoder(Entry, strict=False)
PAGES = msgspec.json.Decoder(list[Page], strict=False)
META = msgspec.json.Decoder(Meta, strict=False)


def parse(decoder: Any, data: bytes) -> Any:
    """Return what DECODER makes of DATA, mended where a strict parser refuses it; raises as msgspec does."""
    try:
        return decoder.decode(data)
    except (UnicodeDecodeError, msgspec.DecodeError):
        mended = mend(data)
        if mended == data:
            raise
        return decoder.decode(mended)


def never_left(response: Response | None) -> bool:
    """Return whether the recording says that the request was blocked or found no connection: nothing was sent."""
    if response is None or (isinstance(response.status, (int, float)) and response.status > 0):
        return False
    return any(
        isinstance(said, str) and _NOT_SENT.match(said) is not None for said in (response.error, response.failure)
    )


def int32(value: object) -> int | None:
    """Return VALUE as a whole number that a column of 32 bits holds (and its successor), else None."""
    return int(value) if isinstance(value, (int, float)) and abs(value) < 2**31 - 1 else None


def profile_levels(told: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Return the level of each property of the visit's profile as VISITS keeps it; None where there is no profile."""
    levels = [
        {"property": name, "level": level}
        for name, level in sorted(told.items())
        if _PROPERTY.fullmatch(name) and isinstance(level, int) and 0 <= level < 1000
    ]
    return levels or None


def profile_digest(levels: list[dict[str, Any]] | None) -> str | None:
    """Return a digest of the drawn levels: equal where visits have the same profile."""
    return sha256(msgspec.json.encode(levels)).hexdigest()[:16] if levels else None


def body_of(post: Body | None) -> tuple[bytes | str | None, str]:
    """Return the body that was posted and its MIME type."""
    if post is None:
        return None, ""
    mime = str(post.mime_type or "")
    text = post.text
    if isinstance(text, str) and text:
        if "base64" in (post.encoding, post.own_encoding):
            try:
                return base64.b64decode(text, validate=True), mime
            except (binascii.Error, ValueError):
                return text, mime
        return text, mime
    if post.params:  # some exporters write the fields only
        pairs = [(str(p.name), p.value if isinstance(p.value, str) else _json(p.value)) for p in post.params]
        return urlencode(pairs, errors="replace"), "application/x-www-form-urlencoded"
    return None, mime


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def initiator_of(entry: Entry) -> tuple[str | None, int | None, int | None]:
    """Script URL, 1-based line and column that caused a request, from the fields that exporters write."""
    told = entry.initiator
    if isinstance(told, str):
        line, col = int32(entry.initiator_line), int32(entry.initiator_column)
        return told or None, line, col
    if not isinstance(told, dict):
        return None, None, None
    stack = told.get("stack")
    while isinstance(stack, dict):
        frames = stack.get("callFrames")
        for frame in frames if isinstance(frames, list) else ():
            if isinstance(frame, dict) and isinstance(frame.get("url"), str) and frame["url"]:
                line, col = int32(frame.get("lineNumber")), int32(frame.get("columnNumber"))
                return frame["url"], None if line is None else line + 1, None if col is None else col + 1
        stack = stack.get("parent")
    url, line, col = told.get("url"), int32(told.get("lineNumber")), int32(told.get("columnNumber"))
    return (
        url if isinstance(url, str) and url else None,
        None if line is None else line + 1,
        None if col is None else col + 1,
    )
