"""Lines to a page and to the workers and frames that live in processes of their own.

Playwright hands out a DevTools session for a page. Children of the page are reached through it in the nested form of
the protocol (`Target.sendMessageToTarget`), because Playwright routes the flat form to its own sessions only.
"""

import asyncio
import itertools
import json
from collections.abc import Callable
from typing import Any, Protocol

__all__ = ["Nested", "Wire", "adopt"]

Handler = Callable[[dict[str, Any]], None]
ANSWER_S = 10.0  # a child that is being torn down never answers


class Wire(Protocol):
    """A DevTools session: Playwright's own, or a nested one."""

    async def send(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask METHOD and return its answer."""

    def on(self, event: Any, f: Any) -> None:
        """Call F with the parameters of each EVENT."""


class Nested:
    """The session of a child target, carried by the session PARENT."""

    def __init__(self, parent: Wire, session_id: str) -> None:
        self._parent, self._id = parent, session_id
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._handlers: dict[str, list[Handler]] = {}

    def on(self, event: Any, f: Any) -> None:
        """Call F with the parameters of each EVENT of the child."""
        self._handlers.setdefault(event, []).append(f)

    async def send(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask METHOD of the child and return its answer.

        Raises ConnectionError when the child refuses or does not answer.
        """
        number = next(self._numbers)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        message = json.dumps({"id": number, "method": method, "params": params or {}})
        try:
            await self._parent.send("Target.sendMessageToTarget", {"sessionId": self._id, "message": message})
            got = await asyncio.wait_for(answer, ANSWER_S)
        except TimeoutError:
            raise ConnectionError(f"{method}: no answer") from None
        finally:
            self._waiting.pop(number, None)
        if "error" in got:
            raise ConnectionError(f"{method}: {got['error'].get('message', 'refused')}")
        result: dict[str, Any] = got.get("result", {})
        return result

    def take(self, message: str) -> None:
        """Handle one MESSAGE that came from the child."""
        got = json.loads(message)
        if "id" in got:
            answer = self._waiting.get(got["id"])
            if answer and not answer.done():
                answer.set_result(got)
            return
        for handler in self._handlers.get(got.get("method"), ()):
            handler(got.get("params", {}))


async def adopt(wire: Wire, born: Callable[[Nested, dict[str, Any]], None]) -> None:
    """Call BORN with the session and the target of every child of WIRE, which waits until it is told to run."""
    children: dict[str, Nested] = {}

    def attached(event: dict[str, Any]) -> None:
        child = children[event["sessionId"]] = Nested(wire, event["sessionId"])
        born(child, event["targetInfo"])

    def received(event: dict[str, Any]) -> None:
        child = children.get(event["sessionId"])
        if child:
            child.take(event["message"])

    wire.on("Target.attachedToTarget", attached)
    wire.on("Target.receivedMessageFromTarget", received)
    wire.on("Target.detachedFromTarget", lambda event: children.pop(event["sessionId"], None))
    await wire.send("Target.setAutoAttach", {"autoAttach": True, "waitForDebuggerOnStart": True, "flatten": False})
