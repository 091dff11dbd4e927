"""What a visit shows: requests hop by hop, pages and sockets, as the browser tells them."""

import base64
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Event", "Hop", "PageSeen", "Socket", "fill", "posted", "without_ours"]

Event = dict[str, Any]
OURS = "consentinel-hooks.js"


@dataclass(slots=True)
class Hop:
    """One request on its way; a redirect is a hop of its own. Times are seconds: monotonic, or of the wall."""

    request: Event
    started: float
    wall: float
    kind: str
    initiator: Event
    page: int
    frame: str = ""
    body: bytes | None = None
    response: Event | None = None
    sent_headers: dict[str, str] | None = None
    got: Event | None = None
    has_extra: bool | None = None
    received: int = 0
    encoded: int = 0
    ended: float | None = None
    error: str | None = None
    cached: str | None = None
    text: str | None = None
    source: str = ""


@dataclass(slots=True)
class PageSeen:
    """One document of the main frame."""

    url: str
    started: float
    wall: float
    ready: float | None = None
    loaded: float | None = None


@dataclass(slots=True)
class Socket:
    """One WebSocket and its messages."""

    url: str
    wall: float
    initiator: Event
    page: int
    request: Event = field(default_factory=dict)
    response: Event = field(default_factory=dict)
    messages: list[Event] = field(default_factory=list)


def posted(request: Event) -> bytes | None:
    """Return the body of REQUEST, None where the browser does not hand it out (blobs)."""
    entries = request.get("postDataEntries") or []
    if entries and all("bytes" in entry for entry in entries):
        return b"".join(base64.b64decode(entry["bytes"]) for entry in entries)
    return request["postData"].encode("utf-8", "surrogatepass") if "postData" in request else None


def without_ours(initiator: Event) -> Event:
    """Return INITIATOR without the call frames of hooks.js, through which a page sends."""
    stack = initiator.get("stack")
    if not isinstance(stack, dict):
        return initiator
    frames = [frame for frame in stack.get("callFrames", ()) if frame.get("url") != OURS]
    parent = without_ours({"stack": stack["parent"]})["stack"] if "parent" in stack else None
    kept = {k: v for k, v in stack.items() if k != "parent"} | {"callFrames": frames}
    return initiator | {"stack": kept | ({"parent": parent} if parent else {})}


def fill(hops: Iterable[Hop], told: Iterable[tuple[str, str, str]]) -> None:
    """Give HOPS whose body the browser no longer had what the page TOLD: (method, address, base64), in order."""
    waiting: dict[tuple[str, str], list[str]] = {}
    for method, url, body in told:
        waiting.setdefault((method, url.partition("#")[0]), []).append(body)
    for hop in hops:
        bodies = waiting.get((hop.request["method"], hop.request["url"]))
        if bodies and hop.body is None and hop.request.get("hasPostData"):
            with suppress(ValueError):  # a page may tell anything
                hop.body = base64.b64decode(bodies.pop(0), validate=True)
