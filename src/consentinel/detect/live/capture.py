"""Listen to one visit over the DevTools protocol: every request hop by hop, sockets, and the reports of hooks.js."""

import asyncio
import base64
import json
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from consentinel.detect.live.gate import Gate
from consentinel.detect.live.guard import Guard
from consentinel.detect.live.hops import Event, Hop, PageSeen, Socket, fill, posted, without_ours
from consentinel.detect.live.others import Others
from consentinel.detect.live.sockets import Sockets
from consentinel.detect.live.wires import Nested, Wire, adopt

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Page

__all__ = ["BINDING", "Capture", "Look"]

BINDING = "__consentinel"
MB = 1 << 20
MAX_POST = 8 * MB
BODY = 256 * 1024  # bytes of the text of one response that are kept where texts are asked for
BODIES = 16 * MB
STACK_DEPTH = 4
DOCUMENTS = 25  # pages that a visit may be sent on to by scripts before it counts as endless
REPORTS = ("call", "storage", "form", "body")  # of hooks.js
_TEXT = ("text/", "application/json", "application/javascript", "application/xml", "application/x-javascript")


@dataclass(frozen=True, slots=True)
class Look:
    """How a visit looks and what it may do: the commands and the script of its profile, the guard and the limits."""

    commands: list[tuple[str, Event]]
    script: str
    guard: Guard
    bodies: bool = False
    max_bytes: int = 100 * MB


class Capture:
    """Everything that one visit showed. `ended` is set when the visit must stop: (outcome, why)."""

    def __init__(self, look: Look) -> None:
        self.look = look
        self.hops: list[Hop] = []
        self.pages: list[PageSeen] = []
        self._gate = Gate(self)
        self._sockets = Sockets(lambda url: self.later(self._gate.socket(url)), self._page)
        self.notes: list[Event] = []
        self.ended: asyncio.Future[tuple[str, str]] = asyncio.get_running_loop().create_future()
        self.main_frame = ""
        self._others: Others | None = None
        self._told: list[tuple[str, str, str]] = []  # bodies of Blobs: method, address, base64
        self._open: dict[str, Hop] = {}
        self._sent: dict[str, list[dict[str, str]]] = defaultdict(list)
        self._got: dict[str, list[Event]] = defaultdict(list)
        self._ids: list[tuple[str, Hop]] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self.received = self._texts = 0
        self._active = time.monotonic()

    @property
    def sockets(self) -> list[Socket]:
        """The WebSockets of the visit."""
        return list(self._sockets.found.values())

    def _page(self) -> int:
        return max(1, len(self.pages))

    # Joining the visit

    async def join(self, context: "BrowserContext", page: "Page") -> None:
        """Listen to PAGE and to every worker and frame that it starts; to be called before it opens anything."""
        session: Wire = await context.new_cdp_session(page)
        self._others = self._others or Others(context)
        await self._attend(session, "page", main=not self.main_frame)

    async def _attend(self, wire: Wire, kind: str, *, main: bool = False) -> None:
        """Listen to one target; a child may refuse what it does not know, the page may not."""
        self._listen(wire)
        asked: list[tuple[str, Event]] = [
            (
                "Network.enable",
                {"maxPostDataSize": MAX_POST, "maxTotalBufferSize": 32 * MB, "maxResourceBufferSize": 8 * MB},
            ),
            ("Runtime.enable", {}),
            ("Runtime.setAsyncCallStackDepth", {"maxDepth": STACK_DEPTH}),
        ]
        if kind in ("page", "iframe"):
            asked += [("Page.enable", {}), ("Runtime.addBinding", {"name": BINDING})]
            asked.append(("Page.addScriptToEvaluateOnNewDocument", {"source": self.look.script}))
            asked += self._gate.commands()
        asked += [c for c in self.look.commands if kind == "page" or not c[0].startswith("Emulation.setDeviceMetrics")]
        answers = await asyncio.gather(*(wire.send(*one) for one in asked), return_exceptions=kind != "page")
        refused = [name for (name, _), answer in zip(asked, answers, strict=True) if isinstance(answer, BaseException)]
        if refused:
            self.note("not_set", target=kind, commands=refused)
        if main:
            self.main_frame = (await wire.send("Page.getFrameTree"))["frameTree"]["frame"]["id"]
        await adopt(wire, self._born)

    def _born(self, child: Nested, target: Event) -> None:
        self.note("target", kind=target["type"], url=target["url"])
        self.later(self._raise_child(child, target["type"]))

    async def _raise_child(self, child: Nested, kind: str) -> None:
        try:
            await self._attend(child, kind)
        finally:
            await child.send("Runtime.runIfWaitingForDebugger")

    def _listen(self, wire: Wire) -> None:
        wire.on("Network.requestWillBeSent", lambda e: self._request(wire, e))
        wire.on("Network.requestWillBeSentExtraInfo", lambda e: self._sent[e["requestId"]].append(e["headers"]))
        wire.on("Network.responseReceivedExtraInfo", lambda e: self._got[e["requestId"]].append(e))
        wire.on("Network.requestServedFromCache", lambda e: self._mark(e, cached="memory"))
        wire.on("Network.responseReceived", self._response)
        wire.on("Network.dataReceived", self._data)
        wire.on("Network.loadingFinished", lambda e: self._finished(wire, e))
        wire.on("Network.loadingFailed", lambda e: self._failed(e))
        wire.on("Page.domContentEventFired", lambda e: self._page_time("ready", e))
        wire.on("Page.loadEventFired", lambda e: self._page_time("loaded", e))
        wire.on("Runtime.bindingCalled", self._report)
        self._sockets.listen(wire)
        self._gate.listen(wire)

    # Requests

    def _request(self, wire: Wire, event: Event) -> None:
        request, number = event["request"], event["requestId"]
        self._active = time.monotonic()
        earlier = self._open.get(number)
        if earlier:
            if "redirectResponse" not in event:
                return  # told by two sessions
            earlier.response, earlier.has_extra = event["redirectResponse"], event.get("redirectHasExtraInfo")
            self._end(number, earlier, event["timestamp"])
        if not request["url"].startswith(("http:", "https:")):
            return
        kind = event.get("type") or "Other"
        if kind == "Document" and event.get("frameId") == self.main_frame and number == event.get("loaderId"):
            self.pages.append(PageSeen(request["url"], event["timestamp"], event["wallTime"]))
            if len(self.pages) > DOCUMENTS:
                self.stop("redirect_loop", f"the page sent the browser on more than {DOCUMENTS} times")
        hop = Hop(
            request,
            event["timestamp"],
            event["wallTime"],
            kind,
            without_ours(event["initiator"]),
            self._page(),
            event.get("frameId", ""),
        )
        self.hops.append(hop)
        self._open[number] = hop
        self._ids.append((number, hop))
        if request.get("hasPostData"):
            hop.body = posted(request)
            if hop.body is None:
                self.later(self._post(wire, number, hop))

    async def _post(self, wire: Wire, number: str, hop: Hop) -> None:
        """Ask for a body that is not handed out with the request, which holds for blobs."""
        got = await wire.send("Network.getRequestPostData", {"requestId": number})
        data = got.get("postData", "")
        hop.body = base64.b64decode(data) if got.get("base64Encoded") else data.encode("utf-8", "surrogatepass")

    def _mark(self, event: Event, **what: Any) -> None:
        hop = self._open.get(event["requestId"])
        if hop:
            for name, value in what.items():
                setattr(hop, name, value)

    def _response(self, event: Event) -> None:
        self._mark(event, response=event["response"], has_extra=event.get("hasExtraInfo"))

    def _data(self, event: Event) -> None:
        self._active = time.monotonic()
        hop = self._open.get(event["requestId"])
        if hop:
            hop.received += event["dataLength"]
        self.received += event["dataLength"]
        if self.received > self.look.max_bytes:
            self.stop("too_big", f"more than {self.look.max_bytes // MB} MB came")

    def _finished(self, wire: Wire, event: Event) -> None:
        number = event["requestId"]
        hop = self._open.get(number)
        if hop:
            hop.encoded = int(event.get("encodedDataLength", 0))
            self._end(number, hop, event["timestamp"])
            if (
                self.look.bodies
                and hop.response
                and hop.response.get("mimeType", "").startswith(_TEXT)
                and self._texts < BODIES
            ):
                self.later(self._text(wire, number, hop))

    async def _text(self, wire: Wire, number: str, hop: Hop) -> None:
        got = await wire.send("Network.getResponseBody", {"requestId": number})
        text = got["body"]
        if got.get("base64Encoded"):
            text = base64.b64decode(text).decode("utf-8", "replace")
        hop.text = text[:BODY]
        self._texts += len(hop.text)

    def _failed(self, event: Event) -> None:
        hop = self._open.get(event["requestId"])
        if hop:
            hop.error = "canceled" if event.get("canceled") else event.get("errorText", "failed")
            if reason := event.get("blockedReason"):
                hop.error = f"blocked: {reason}"
            self._end(event["requestId"], hop, event["timestamp"])

    def _end(self, number: str, hop: Hop, timestamp: float) -> None:
        hop.ended = timestamp
        self._open.pop(number, None)
        self._active = time.monotonic()

    # Pages and reports

    def _page_time(self, name: str, event: Event) -> None:
        if self.pages and getattr(self.pages[-1], name) is None:
            setattr(self.pages[-1], name, event["timestamp"])

    def _report(self, event: Event) -> None:
        if event["name"] != BINDING:
            return
        try:
            note = json.loads(event["payload"])
        except ValueError:  # a page may call what it finds
            return
        if isinstance(note, dict) and note.get("what") in REPORTS and isinstance(note.get("time"), (int, float)):
            if note["what"] == "body":
                self._told.append((str(note.get("method")), str(note.get("url")), str(note.get("body"))))
                return
            note["n"] = note["n"] if isinstance(note.get("n"), int) else 1
            self.notes.append(note)

    def note(self, what: str, **facts: Any) -> None:
        """Add an event of our own to the reports."""
        self.notes.append({"what": what, "time": time.time(), **facts})

    def stop(self, outcome: str, why: str) -> None:
        """End the visit with OUTCOME; the first reason counts."""
        if not self.ended.done():
            self.ended.set_result((outcome, why))

    def later(self, work: Any) -> None:
        """Do WORK beside the visit; that a target is gone by then is no fault."""
        task: asyncio.Task[Any] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())

    # Ending

    async def settle(self, least: float, *, quiet: float = 0.5, most: float | None = None) -> None:
        """Wait LEAST seconds, and on until nothing was sent for QUIET seconds, at most MOST seconds in all."""
        begun = time.monotonic()
        most = 2 * least if most is None else most
        await asyncio.sleep(least)
        while time.monotonic() - begun < most and time.monotonic() - self._active < quiet:
            await asyncio.sleep(0.1)

    async def finish(self) -> None:
        """End listening, wait a moment for what was asked, and give each hop the headers that really travelled."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1.0)
        for task in list(self._tasks):
            task.cancel()
        for number, hop in self._ids:
            sent, got = self._sent.get(number, []), self._got.get(number, [])
            if hop.has_extra is False or (hop.response is None and not sent):
                continue
            hop.sent_headers = sent.pop(0) if sent else None
            hop.got = got.pop(0) if got else None
        fill(self.hops, self._told)
        if self._others:
            self.hops += await self._others.missing(self.hops, [page.wall for page in self.pages])
        self.hops.sort(key=lambda hop: hop.wall)
        self._ids.clear()
