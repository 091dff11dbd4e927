"""Hold back what a visit may not ask for: pages, frames, and parts of pages that are written as private addresses."""

from typing import TYPE_CHECKING

from consentinel.detect.live.guard import LITERALS, private
from consentinel.detect.live.hops import Event
from consentinel.detect.live.wires import Wire

if TYPE_CHECKING:
    from consentinel.detect.live.capture import Capture

__all__ = ["Gate"]


class Gate:
    """Applies the guard of CAPTURE to the requests of its visit."""

    def __init__(self, capture: "Capture") -> None:
        self._capture, self._guard = capture, capture.look.guard
        self._blocked: set[str] = set()

    def commands(self) -> list[tuple[str, Event]]:
        """Return the commands that make a target ask before it opens a document or a private address."""
        if self._guard.idle:
            return []
        literals = [] if self._guard.allow_private else [{"urlPattern": pattern} for pattern in LITERALS]
        return [("Fetch.enable", {"patterns": [{"urlPattern": "*", "resourceType": "Document"}, *literals]})]

    def listen(self, wire: Wire) -> None:
        """Answer what WIRE asks."""
        wire.on("Fetch.requestPaused", lambda e: self._capture.later(self._decide(wire, e)))
        wire.on("Network.responseReceived", lambda e: self._answered(wire, e))

    async def _decide(self, wire: Wire, event: Event) -> None:
        main, url = self._main(event, "resourceType"), event["request"]["url"]
        why = await self._guard.refuses(url, page=main)
        if why is None:
            await wire.send("Fetch.continueRequest", {"requestId": event["requestId"]})
            return
        await wire.send("Fetch.failRequest", {"requestId": event["requestId"], "errorReason": "BlockedByClient"})
        self._capture.note("refused", url=url, why=why)
        if main:
            self._capture.stop("refused", why)

    def _main(self, event: Event, kind: str) -> bool:
        return event.get("frameId") == self._capture.main_frame and event.get(kind) == "Document"

    def _answered(self, wire: Wire, event: Event) -> None:
        """Where a name led to a private address after all, end a page that is there and block the name in pages."""
        response = event["response"]
        address = response.get("remoteIPAddress", "")
        if not address or self._guard.allow_private or not private(address):
            return
        why = "the name of the host leads to a private address; allow it with --allow-private"
        self._capture.note("refused", url=response["url"], why=why)
        if self._main(event, "type"):
            self._capture.stop("refused", why)
        self._blocked.add(response["url"].partition("://")[2].partition("/")[0])
        patterns = [f"*://{name}/*" for name in sorted(self._blocked)]
        self._capture.later(wire.send("Network.setBlockedURLs", {"urls": patterns}))

    async def socket(self, url: str) -> None:
        """Note a WebSocket to an address that would be refused: it cannot be held back."""
        why = await self._guard.refuses(url, page=False)
        if why:
            self._capture.note("refused", url=url, why=why, sent=True)
