"""The WebSockets of a visit and their messages."""

import time
from collections.abc import Callable

from consentinel.detect.live.hops import Event, Socket
from consentinel.detect.live.wires import Wire

__all__ = ["Sockets"]

MOST_MESSAGES = 10_000  # of one socket that are kept
LONGEST = 1 << 20  # characters of one message that are kept


class Sockets:
    """Every WebSocket by its id; OPENED is called with the address of each, PAGE tells the page that it belongs to."""

    def __init__(self, opened: Callable[[str], None], page: Callable[[], int]) -> None:
        self.found: dict[str, Socket] = {}
        self._opened, self._page = opened, page
        self._offset: float | None = None  # wall time minus monotonic time

    def listen(self, wire: Wire) -> None:
        """Take in what WIRE tells of sockets."""
        wire.on("Network.webSocketCreated", self._created)
        wire.on("Network.webSocketWillSendHandshakeRequest", lambda e: self._part(e, "request"))
        wire.on("Network.webSocketHandshakeResponseReceived", lambda e: self._part(e, "response"))
        wire.on("Network.webSocketFrameSent", lambda e: self._message(e, "send"))
        wire.on("Network.webSocketFrameReceived", lambda e: self._message(e, "receive"))

    def _created(self, event: Event) -> None:
        socket = Socket(event["url"], time.time(), event.get("initiator") or {}, self._page())
        self.found[event["requestId"]] = socket
        self._opened(event["url"])

    def _part(self, event: Event, part: str) -> None:
        socket = self.found.get(event["requestId"])
        if socket is None:
            return
        setattr(socket, part, event[part])
        if "wallTime" in event:
            socket.wall = event["wallTime"]
            self._offset = event["wallTime"] - event["timestamp"]

    def _message(self, event: Event, kind: str) -> None:
        socket, frame = self.found.get(event["requestId"]), event["response"]
        if socket is None or len(socket.messages) >= MOST_MESSAGES:
            return
        wall = time.time() if self._offset is None else event["timestamp"] + self._offset
        message = {"type": kind, "time": wall, "opcode": frame["opcode"], "data": frame["payloadData"][:LONGEST]}
        socket.messages.append(message)
