"""The capture against a session that says what Chromium says, and the HAR that comes of it, read by the scanner."""

import asyncio
import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.detect.collectors import har as reader
from consentinel.detect.collectors._batch import Options
from consentinel.detect.live.archive import events, har
from consentinel.detect.live.capture import BINDING, DOCUMENTS, Capture, Look
from consentinel.detect.live.guard import Guard

Handler = Callable[[dict[str, Any]], None]
WALL = time.time()


class Session:
    """A DevTools session: events are told to it, and what it is asked is kept."""

    def __init__(self, answers: dict[str, dict[str, Any]] | None = None) -> None:
        self.handlers: dict[str, list[Handler]] = {}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answers = {"Page.getFrameTree": {"frameTree": {"frame": {"id": "F"}}}} | (answers or {})

    async def send(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        self.asked.append((method, params or {}))
        return self.answers.get(method, {})

    def on(self, event: Any, f: Any) -> None:
        self.handlers.setdefault(event, []).append(f)

    def tell(self, method: str, **params: Any) -> None:
        for handler in self.handlers[method]:
            handler(params)

    def request(self, number: str, url: str, *, at: float = 1.0, kind: str = "Fetch", **more: Any) -> None:
        request = {"url": url, "method": "GET", "headers": {}} | more.pop("request", {})
        self.tell(
            "Network.requestWillBeSent", requestId=number, request=request, timestamp=at, wallTime=WALL + at,
            initiator=more.pop("initiator", {"type": "other"}), type=kind, frameId="F", loaderId=number, **more,
        )  # fmt: skip


class Context:
    """As much of a browser context as the capture uses."""

    def __init__(self, session: Session) -> None:
        self.session = session

    async def new_cdp_session(self, _: Any) -> Session:
        return self.session

    def on(self, *_: Any) -> None:
        pass


def captured(play: Callable[[Session, Capture], Any], *, session: Session | None = None, **look: Any) -> Capture:
    """The capture of a visit in which PLAY happened."""

    async def go() -> Capture:
        told = session or Session()
        guard = look.pop("guard", Guard(allow_private=True))
        capture = Capture(Look([("Emulation.setLocaleOverride", {"locale": "en-IE"})], "script", guard, **look))
        context: Any = Context(told)
        await capture.join(context, None)  # type: ignore[arg-type]
        play(told, capture)
        await asyncio.sleep(0.01)
        await capture.finish()
        return capture

    return asyncio.run(go())


def entries(capture: Capture) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = har(capture, {"site": "a.example"}, browser="156", version="1")["log"]["entries"]
    return made


def test_a_redirect_is_a_hop_of_its_own_with_the_headers_that_travelled() -> None:
    def play(session: Session, _: Capture) -> None:
        session.request("1", "https://a.example/", kind="Document")
        session.tell("Network.requestWillBeSentExtraInfo", requestId="1", headers={"Cookie": "a=1; b=2", ":path": "/"})
        moved = {"status": 302, "headers": {}, "protocol": "h2", "mimeType": ""}
        got = {"location": "/next", "Set-Cookie": "s=1; Path=/; HttpOnly; SameSite=Lax\nt=2"}
        session.tell("Network.responseReceivedExtraInfo", requestId="1", headers=got, statusCode=302)
        session.request(
            "1", "https://a.example/next", at=1.5, kind="Document", redirectResponse=moved, redirectHasExtraInfo=True
        )
        session.tell("Network.requestWillBeSentExtraInfo", requestId="1", headers={"Cookie": "s=1"})
        session.tell("Network.loadingFinished", requestId="1", timestamp=2.0, encodedDataLength=10)

    first, second = entries(captured(play))
    assert first["request"]["cookies"] == [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]
    assert all(not header["name"].startswith(":") for header in first["request"]["headers"])
    assert first["response"]["status"] == 302
    assert first["response"]["redirectURL"] == "/next"
    assert first["response"]["cookies"][0] == {
        "name": "s",
        "value": "1",
        "path": "/",
        "sameSite": "Lax",
        "httpOnly": True,
    }
    assert [c["name"] for c in first["response"]["cookies"]] == ["s", "t"]
    assert second["request"]["headers"] == [{"name": "Cookie", "value": "s=1"}]
    assert second["time"] == 500.0


def test_bodies_come_from_the_entries_or_are_asked_for() -> None:
    session = Session({"Network.getRequestPostData": {"postData": "/w==", "base64Encoded": True}})
    shown = {
        "method": "POST",
        "hasPostData": True,
        "postDataEntries": [{"bytes": base64.b64encode(b"a=1&b=2").decode()}],
    }
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    def play(told: Session, _: Capture) -> None:
        told.request("1", "https://a.example/form", request=shown | {"headers": form})
        told.request("2", "https://a.example/blob", at=1.1, request={"method": "POST", "hasPostData": True})
        told.request("1", "https://a.example/form", at=1.2)  # told twice, by two sessions
        told.request("3", "data:text/plain,x")

    first, second = entries(captured(play, session=session))
    assert first["request"]["postData"]["params"] == [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]
    assert second["request"]["postData"] == {"mimeType": "", "text": "/w==", "_encoding": "base64"}


def test_the_scanner_reads_what_was_captured(tmp_path: Path) -> None:
    stack = {"callFrames": [{"functionName": "f", "url": "https://t.example/t.js", "lineNumber": 3, "columnNumber": 7}]}

    call = {"what": "call", "api": "Screen.width", "script_url": "https://t.example/t.js", "line": 4, "col": 8}

    def play(session: Session, capture: Capture) -> None:
        session.request("1", "https://a.example/", kind="Document")
        session.request("2", "https://t.example/p?x=1", at=1.2, initiator={"type": "script", "stack": stack})
        session.tell("Network.webSocketCreated", requestId="3", url="wss://t.example/s", initiator={"type": "script"})
        frame = {"opcode": 1, "payloadData": "hello", "mask": True}
        session.tell("Network.webSocketFrameSent", requestId="3", timestamp=1.4, response=frame)
        for note in (
            {"what": "storage", "kind": "local", "origin": "https://a.example", "key": "k", "value": "v",
             "lifetime_s": None, "script_url": "https://t.example/t.js", "line": 4},
            call | {"n": 1}, call | {"n": 6},
            {"what": "unheard"}, ["no"],
        ):  # fmt: skip
            told = note | {"time": WALL + 2} if isinstance(note, dict) else note
            session.tell("Runtime.bindingCalled", name=BINDING, payload=json.dumps(told))
        session.tell("Runtime.bindingCalled", name=BINDING, payload="no json")
        session.tell("Runtime.bindingCalled", name="other", payload="{}")

    capture = captured(play)
    about = {"site": "a.example", "scenario": "reject", "scenario_proof": "verified", "repeat": 2, "region": "EU"}
    file = tmp_path / "a.har"
    file.write_text(json.dumps(har(capture, about, browser="156", version="1")))
    notes: list[str] = []
    (batch,) = reader.read(file, Options(), notes)
    assert notes == []
    assert batch.traffic
    assert batch.visits
    assert batch.calls
    assert batch.traffic["host"].to_pylist() == ["a.example", "t.example", "t.example", "t.example"]
    assert batch.traffic["initiator_url"].to_pylist()[1] == "https://t.example/t.js"
    assert batch.visits.select(["scenario", "scenario_proof", "repeat"]).to_pylist() == [
        {"scenario": "reject", "scenario_proof": "verified", "repeat": 2}
    ]
    assert batch.calls["n"].to_pylist() == [7]
    assert batch.raw
    assert b"hello" in batch.raw["value"].to_pylist()
    kinds = [event["what"] for event in events(capture, [{"name": "c", "value": "1"}])]
    assert sorted(kinds) == ["call", "call", "cookie", "message", "storage"]


def test_limits_end_the_visit() -> None:
    def big(session: Session, _: Capture) -> None:
        session.request("1", "https://a.example/")
        session.tell("Network.dataReceived", requestId="1", dataLength=2000)

    assert captured(big, max_bytes=1000).ended.result()[0] == "too_big"

    def spinning(session: Session, _: Capture) -> None:
        for number in range(DOCUMENTS + 1):
            session.request(str(number), f"https://a.example/{number}", kind="Document")

    assert captured(spinning).ended.result()[0] == "redirect_loop"


def test_a_name_that_leads_to_a_private_address_is_ended_or_blocked() -> None:
    def play(kind: str) -> Callable[[Session, Capture], None]:
        def told(session: Session, _: Capture) -> None:
            session.request("1", "https://inside.example/", kind=kind)
            response = {"url": "https://inside.example/", "status": 200, "remoteIPAddress": "10.0.0.1", "headers": {}}
            session.tell("Network.responseReceived", requestId="1", response=response, type=kind, frameId="F")

        return told

    page = captured(play("Document"), guard=Guard())
    assert page.ended.result()[0] == "refused"
    session = Session()
    part = captured(play("Fetch"), session=session, guard=Guard())
    assert not part.ended.done()
    assert ("Network.setBlockedURLs", {"urls": ["*://inside.example/*"]}) in session.asked
    assert [note["what"] for note in part.notes] == ["refused"]
    assert not captured(play("Document")).ended.done()


@pytest.mark.parametrize(("kind", "ends"), [("Document", True), ("Image", False)])
def test_paused_requests_are_decided(kind: str, ends: bool) -> None:
    session = Session()

    def play(told: Session, _: Capture) -> None:
        for number, url in (("1", "http://127.0.0.1/x"), ("2", "https://93.184.215.14/")):
            told.tell("Fetch.requestPaused", requestId=number, request={"url": url}, frameId="F", resourceType=kind)

    capture = captured(play, session=session, guard=Guard(resolves=False))
    assert ("Fetch.failRequest", {"requestId": "1", "errorReason": "BlockedByClient"}) in session.asked
    assert ("Fetch.continueRequest", {"requestId": "2"}) in session.asked
    assert capture.ended.done() == ends


def test_a_child_is_listened_to_before_it_runs() -> None:
    session = Session()
    child: list[str] = []

    def play(told: Session, _: Capture) -> None:
        send = told.send

        async def answering(method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
            if method == "Target.sendMessageToTarget" and params:
                message = json.loads(params["message"])
                child.append(message["method"])
                answer = {"id": message["id"], "result": {}}
                if message["method"].startswith("Emulation."):
                    answer = {"id": message["id"], "error": {"message": "not here"}}
                told.tell("Target.receivedMessageFromTarget", sessionId="C", message=json.dumps(answer))
            return await send(method, params)

        told.send = answering  # type: ignore[method-assign]
        told.tell(
            "Target.attachedToTarget", sessionId="C", targetInfo={"type": "worker", "url": "https://a.example/w.js"}
        )
        asyncio.get_running_loop().call_later(0.005, from_child, told)

    def from_child(told: Session) -> None:
        params = {
            "requestId": "9", "request": {"url": "https://a.example/w", "method": "GET", "headers": {}},
            "timestamp": 1.0, "wallTime": WALL, "initiator": {"type": "script"}, "type": "Fetch",
        }  # fmt: skip
        message = json.dumps({"method": "Network.requestWillBeSent", "params": params})
        told.tell("Target.receivedMessageFromTarget", sessionId="C", message=message)

    capture = captured(play, session=session)
    assert child[0] == "Network.enable"
    assert child[-2:] == ["Target.setAutoAttach", "Runtime.runIfWaitingForDebugger"]
    assert [hop.request["url"] for hop in capture.hops] == ["https://a.example/w"]
    assert [n["commands"] for n in capture.notes if n["what"] == "not_set"] == [["Emulation.setLocaleOverride"]]


texts = st.text(max_size=30)


@settings(deadline=None)  # starts an event loop each time
@given(st.dictionaries(texts, texts, max_size=4), st.binary(max_size=60), texts)
def test_any_header_and_body_makes_a_har_that_is_read(headers: dict[str, str], body: bytes, query: str) -> None:
    request = {"method": "POST", "hasPostData": True, "postDataEntries": [{"bytes": base64.b64encode(body).decode()}]}

    def play(session: Session, _: Capture) -> None:
        session.request("1", f"https://a.example/?{query}", request=request | {"headers": headers})
        answer = {"status": 200, "headers": {"Set-Cookie": query, **headers}, "mimeType": ""}
        session.tell("Network.responseReceived", requestId="1", response=answer)

    (entry,) = entries(captured(play))
    assert entry["request"]["bodySize"] == len(body)
    json.dumps(entry)


def test_blobs_of_a_page_that_is_gone_are_filled_in() -> None:
    class Gone(Session):
        async def send(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
            if method == "Network.getRequestPostData":
                raise ConnectionError("no resource with the given identifier")
            return await super().send(method, params)

    def play(session: Session, _: Capture) -> None:
        session.request("1", "https://t.example/e", request={"method": "POST", "hasPostData": True})
        for url, body in (
            ("https://t.example/e#x", "YmxvYg=="),
            ("https://t.example/e", "!"),
            ("https://u.example/", ""),
        ):
            note = {"what": "body", "time": WALL, "method": "POST", "url": url, "body": body}
            session.tell("Runtime.bindingCalled", name=BINDING, payload=json.dumps(note))

    (entry,) = entries(captured(play, session=Gone()))
    assert entry["request"]["postData"]["text"] == "blob"


def test_our_own_frames_are_taken_from_the_stack() -> None:
    def frame(url: str) -> dict[str, Any]:
        return {"functionName": "", "url": url, "lineNumber": 0, "columnNumber": 0}

    ours, page = frame("consentinel-hooks.js"), frame("https://t.example/t.js")
    stack = {"callFrames": [ours, page], "parent": {"description": "await", "callFrames": [ours]}}

    def play(session: Session, _: Capture) -> None:
        session.request("1", "https://t.example/e", initiator={"type": "script", "stack": stack})

    (entry,) = entries(captured(play))
    parent = {"description": "await", "callFrames": []}
    assert entry["_initiator"] == {"type": "script", "stack": {"callFrames": [page], "parent": parent}}
