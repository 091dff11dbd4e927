"""Write one visit as HAR 1.2, with what only a recorder knows in `_consentinel`, and its events as NDJSON."""

from collections.abc import Iterable
from datetime import UTC, datetime
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from consentinel.detect.live.capture import Capture
from consentinel.detect.live.hops import Event, Hop, PageSeen, Socket

__all__ = ["events", "har", "iso"]

_VERSIONS = {"http/1.1": "HTTP/1.1", "h2": "h2", "h3": "h3"}


def iso(wall: float) -> str:
    """Return the wall time WALL (seconds since 1970) as HAR writes it."""
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def har(capture: Capture, extra: Event, *, browser: str, version: str) -> Event:
    """Return the visit that CAPTURE saw as HAR; EXTRA is what `_consentinel` says beside storage and calls."""
    about = extra | {"storage": _storage(capture.notes), "calls": _calls(capture.notes)}
    entries = [_entry(hop) for hop in capture.hops] + [_socket(one) for one in capture.sockets]
    entries.sort(key=lambda entry: entry["startedDateTime"])
    return {
        "log": {
            "version": "1.2",
            "creator": {"name": "consentinel", "version": version},
            "browser": {"name": "Chromium", "version": browser},
            "pages": [_page(number, page) for number, page in enumerate(capture.pages, 1)],
            "entries": entries,
            "_consentinel": about,
        }
    }


def events(capture: Capture, cookies: Iterable[Event]) -> list[Event]:
    """Return every event of the visit in the order of its time: reports, messages, cookies at the end."""
    told = [dict(note) for note in capture.notes]
    for socket in capture.sockets:
        told += [{"what": "message", "url": socket.url, **message} for message in socket.messages]
    told.sort(key=lambda event: event["time"])
    last = told[-1]["time"] if told else 0.0
    told += [{"what": "cookie", **cookie, "time": last} for cookie in cookies]
    return [event | {"time": iso(event["time"])} for event in told]


def _page(number: int, page: PageSeen) -> Event:
    def since(moment: float | None) -> float:
        return -1 if moment is None else _ms(moment - page.started)

    return {
        "id": f"page_{number}", "title": page.url, "startedDateTime": iso(page.wall),
        "pageTimings": {"onContentLoad": since(page.ready), "onLoad": since(page.loaded)},
    }  # fmt: skip


def _entry(hop: Hop) -> Event:
    request, response = hop.request, hop.response or {}
    sent = _pairs(hop.sent_headers or response.get("requestHeaders") or request.get("headers") or {})
    got = _pairs((hop.got or {}).get("headers") or response.get("headers") or {})
    version = _VERSIONS.get(response.get("protocol", ""), "HTTP/1.1")
    times = _timings(hop)
    entry: Event = {
        "_initiator": hop.initiator,
        "_priority": request.get("initialPriority"),
        "_resourceType": hop.kind.lower(),
    }
    if hop.cached or response.get("fromDiskCache"):
        entry["_fromCache"] = hop.cached or "disk"
    if response.get("fromServiceWorker"):
        entry["_fromServiceWorker"] = True
    if response.get("remoteIPAddress"):
        entry["serverIPAddress"] = response["remoteIPAddress"].strip("[]")
    if hop.source:
        entry["_source"] = hop.source
    content: Event = {"size": hop.received, "mimeType": response.get("mimeType") or "x-unknown"}
    if hop.text is not None:
        content["text"] = hop.text
    return entry | {
        "pageref": f"page_{hop.page}",
        "startedDateTime": iso(hop.wall),
        "time": round(sum(max(0, value) for name, value in times.items() if name != "ssl"), 3),
        "request": _request(request, sent, version, hop.body),
        "response": {
            "status": (hop.got or {}).get("statusCode") or response.get("status", 0),
            "statusText": response.get("statusText", ""), "httpVersion": version, "headers": got,
            "cookies": _set_cookies(got), "content": content, "redirectURL": _header(got, "location") or "",
            "headersSize": -1, "bodySize": -1 if hop.response else 0, "_transferSize": hop.encoded, "_error": hop.error,
        },
        "cache": {},
        "timings": times,
    }  # fmt: skip


def _request(request: Event, headers: list[Event], version: str, body: bytes | None) -> Event:
    url = request["url"] + (request.get("urlFragment") or "")
    told: Event = {
        "method": request["method"], "url": url, "httpVersion": version, "headers": headers,
        "queryString": [{"name": k, "value": v} for k, v in _query(url)],
        "cookies": _cookies(_header(headers, "cookie") or ""), "headersSize": -1, "bodySize": len(body or b""),
    }  # fmt: skip
    if body:
        told["postData"] = _post(body, _header(headers, "content-type") or "")
    return told


def _post(body: bytes, mime: str) -> Event:
    """A body that is not UTF-8 is given as base64 and says so; HAR 1.2 has no field for it, hence the underscore."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        from base64 import b64encode

        return {"mimeType": mime, "text": b64encode(body).decode("ascii"), "_encoding": "base64"}
    told: Event = {"mimeType": mime, "text": text}
    if mime.startswith("application/x-www-form-urlencoded"):
        told["params"] = [{"name": k, "value": v} for k, v in parse_qsl(text, keep_blank_values=True)]
    return told


def _socket(socket: Socket) -> Event:
    sent, got = _pairs(socket.request.get("headers") or {}), _pairs(socket.response.get("headers") or {})
    status = socket.response.get("status", 0)
    return {
        "_initiator": socket.initiator, "_resourceType": "websocket", "pageref": f"page_{socket.page}",
        "_webSocketMessages": socket.messages, "startedDateTime": iso(socket.wall), "time": 0,
        "request": _request({"method": "GET", "url": socket.url}, sent, "HTTP/1.1", None),
        "response": {
            "status": status, "statusText": socket.response.get("statusText", ""), "httpVersion": "HTTP/1.1",
            "headers": got, "cookies": _set_cookies(got), "content": {"size": 0, "mimeType": "x-unknown"},
            "redirectURL": "", "headersSize": -1, "bodySize": 0, "_transferSize": 0, "_error": None,
        },
        "cache": {}, "timings": {"send": 0, "wait": 0, "receive": 0},
    }  # fmt: skip


def _storage(notes: list[Event]) -> list[Event]:
    return [
        {k: v for k, v in note.items() if k not in ("what", "frame", "n")} | {"time": iso(note["time"])}
        for note in notes
        if note["what"] == "storage"
    ]


def _calls(notes: list[Event]) -> list[Event]:
    """Reads of one API from one place are one call with their number; the time is that of the first."""
    found: dict[tuple[Any, ...], Event] = {}
    for note in notes:
        if note["what"] == "call":
            key = tuple(note.get(name) for name in ("api", "script_url", "line", "col"))
            call = found.setdefault(
                key,
                {"time": iso(note["time"]), "api": key[0], "script_url": key[1], "line": key[2], "col": key[3], "n": 0},
            )
            call["n"] += int(note.get("n", 1))
    return list(found.values())


def _pairs(headers: dict[str, Any]) -> list[Event]:
    return [
        {"name": name, "value": line}
        for name, value in headers.items()
        if not name.startswith(":")
        for line in str(value).split("\n")
    ]


def _header(headers: list[Event], wanted: str) -> str | None:
    return next((h["value"] for h in headers if h["name"].lower() == wanted), None)


def _query(url: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(urlsplit(url).query, keep_blank_values=True)
    except ValueError:
        return []


def _cookies(text: str) -> list[Event]:
    pairs = (part.strip().partition("=") for part in text.split(";") if part.strip())
    return [{"name": name, "value": value} for name, _, value in pairs]


def _set_cookies(headers: list[Event]) -> list[Event]:
    found = []
    for header in headers:
        if header["name"].lower() == "set-cookie":
            pair, _, rest = header["value"].partition(";")
            name, _, value = pair.partition("=")
            cookie: Event = {"name": name.strip(), "value": value.strip()}
            found.append(cookie | _attributes(rest))
    return found


def _attributes(text: str) -> Event:
    try:
        parsed = SimpleCookie(f"x=x;{text}").get("x")
    except CookieError:
        parsed = None
    if parsed is None:
        return {}
    told = {"path": parsed["path"], "domain": parsed["domain"], "sameSite": parsed["samesite"]}
    flags = {"httpOnly": bool(parsed["httponly"]), "secure": bool(parsed["secure"])}
    return {k: v for k, v in told.items() if v} | {k: v for k, v in flags.items() if v}


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)


def _timings(hop: Hop) -> dict[str, float]:
    total = max(0.0, ((hop.ended or hop.started) - hop.started) * 1000)
    timing = (hop.response or {}).get("timing")
    if not timing or hop.cached or timing["sendStart"] < 0:
        return {"blocked": -1, "dns": -1, "connect": -1, "ssl": -1, "send": 0, "wait": round(total, 3), "receive": 0}

    def span(name: str) -> float:
        start, end = timing[f"{name}Start"], timing[f"{name}End"]
        return round(end - start, 3) if 0 <= start <= end else -1

    before = max(0.0, (timing["requestTime"] - hop.started) * 1000)
    first = next(timing[name] for name in ("dnsStart", "connectStart", "sendStart") if timing[name] >= 0)
    done = timing["receiveHeadersEnd"]
    return {
        "blocked": round(before + first, 3), "dns": span("dns"), "connect": span("connect"), "ssl": span("ssl"),
        "send": span("send"), "wait": round(done - timing["sendEnd"], 3),
        "receive": round(max(0.0, total - before - done), 3),
    }  # fmt: skip
