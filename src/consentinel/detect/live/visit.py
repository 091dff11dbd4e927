"""One visit: a fresh profile, the page, the choice that the scenario asks for, the flow, and the farewell."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from consentinel.detect.live import steps as flows
from consentinel.detect.live.archive import events, har, iso
from consentinel.detect.live.capture import MB, Capture, Look
from consentinel.detect.live.choice import Choice
from consentinel.detect.live.guard import Guard
from consentinel.detect.live.outcomes import DONE, told_by
from consentinel.detect.live.profile import Pool, Profile, scripts
from consentinel.detect.live.watching import leave, of_playwright, stored, watch, within

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Page

__all__ = ["SCENARIOS", "Manner", "Seen", "Task", "visit"]

SCENARIOS = ("no_action", "accept", "reject", "partial", "gpc", "withdraw")
LOAD_S = 30.0  # a page that still loads after that is looked at as it is
FAREWELL_S = 0.8
CLOSE_S = 5.0


@dataclass(frozen=True, slots=True)
class Task:
    """One visit to make: its name (unique in a run), the address, its host, the scenario and the repeat."""

    name: str
    url: str
    host: str
    scenario: str
    repeat: int


@dataclass(frozen=True, slots=True)
class Manner:
    """How visits are made."""

    pool: Pool
    guard: Guard
    region: str = "EU"
    locale: str = "en-IE"
    flow: tuple[flows.Step, ...] = ()
    settle_s: float = 5.0
    timeout_s: float = 60.0
    page_mb: int = 100
    screenshots: bool = False
    bodies: bool = False
    any_certificate: bool = False
    version: str = ""


@dataclass(slots=True)
class Seen:
    """What came of a visit: how it ended and why, what was captured, and pictures by name."""

    outcome: str = DONE
    why: str = ""
    proof: str = "unknown"
    proof_why: str = ""
    started: float = 0.0
    seconds: float = 0.0
    requests: int = 0
    received: int = 0
    har: dict[str, Any] | None = None
    events: list[dict[str, Any]] = field(default_factory=list)
    pictures: dict[str, bytes] = field(default_factory=dict)


async def visit(browser: "Browser", task: Task, manner: Manner) -> Seen:
    """Make the visit TASK in BROWSER; whatever happens to the page is told in the result, never raised."""
    seen = Seen(started=time.time())
    begun = time.monotonic()
    person = manner.pool.draw(task.host, task.scenario, task.repeat)
    look = _look(person, manner, browser.version, gpc=task.scenario == "gpc")
    capture = Capture(look)
    choice = Choice(task.scenario, timeout_s=min(12.0, manner.timeout_s / 3))
    context: BrowserContext | None = None
    cookies: list[dict[str, Any]] = []
    gone = lambda *_: capture.stop("crashed", "the browser ended")  # noqa: E731
    browser.on("disconnected", gone)
    try:
        context = await browser.new_context(
            no_viewport=True, accept_downloads=False, ignore_https_errors=manner.any_certificate,
            permissions=["geolocation"], geolocation=_position(person),
            extra_http_headers={"Sec-GPC": "1"} if task.scenario == "gpc" else None,
        )  # fmt: skip
        going = asyncio.ensure_future(_go(context, task, manner, person, capture, choice, seen))
        try:
            both: set[asyncio.Future[Any]] = {going, capture.ended}
            await asyncio.wait(both, timeout=manner.timeout_s, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            going.cancel()
            raise
        await _judge(going, capture, seen, manner)
        cookies = await within(context.cookies(), 2.0, [])
        await within(capture.finish(), 5.0, None)
    except Exception as why:
        if not of_playwright(why):
            raise
        seen.outcome, seen.why = told_by(str(why))
    finally:
        browser.remove_listener("disconnected", gone)
        if context and await within(context.close(), CLOSE_S, "stuck") == "stuck":
            await within(browser.close(), CLOSE_S, None)  # a page that never rests would slow down all that follow
    seen.seconds = time.monotonic() - begun
    seen.requests, seen.received = len(capture.hops) + len(capture.sockets), capture.received
    if capture.pages:
        seen.har = har(
            capture, _about(task, manner, person, choice, seen), browser=browser.version, version=manner.version
        )
    seen.events = events(capture, cookies)
    return seen


def _look(person: Profile, manner: Manner, version: str, *, gpc: bool) -> Look:
    profile, hooks = scripts()
    return Look(
        commands=person.commands(version),
        script=f"{person.script(profile, gpc=gpc)}\n{hooks}",
        guard=manner.guard,
        bodies=manner.bodies,
        max_bytes=manner.page_mb * MB,
    )


def _position(person: Profile) -> Any:
    return {
        "latitude": float(person.values["latitude"]),
        "longitude": float(person.values["longitude"]),
        "accuracy": 12,
    }


async def _judge(going: "asyncio.Future[None]", capture: Capture, seen: Seen, manner: Manner) -> None:
    """Decide how the visit ended, and end what still runs."""
    if going.done():
        why = going.exception()
        if capture.ended.done():  # the reason behind the error
            seen.outcome, seen.why = capture.ended.result()
        elif isinstance(why, Exception) and of_playwright(why):
            downloads = sum(1 for note in capture.notes if note["what"] == "download")
            seen.outcome, seen.why = told_by(str(why), downloads=downloads)
        elif why is not None:
            raise why
        return
    if capture.ended.done():
        seen.outcome, seen.why = capture.ended.result()
    else:
        seen.outcome, seen.why = "timeout", f"not finished within {manner.timeout_s:g} s"
    going.cancel()
    await asyncio.wait({going}, timeout=2.0)


async def _go(
    context: "BrowserContext", task: Task, manner: Manner, person: Profile, capture: Capture, choice: Choice, seen: Seen
) -> None:
    page = await context.new_page()
    watch(context, page, capture)
    await capture.join(context, page)

    async def picture(name: str) -> None:
        if manner.screenshots:
            seen.pictures[name] = await page.screenshot(timeout=10_000, animations="disabled")

    if not await _open(page, task.url, manner, capture, seen):
        return
    await capture.settle(manner.settle_s)
    await picture("first")
    if await choice.make(page):
        await capture.settle(manner.settle_s)
    if not await _onward(page, task, manner, person, capture, seen):
        return
    if task.scenario == "withdraw" and await choice.withdraw(page):
        await capture.settle(manner.settle_s)
        await _again(page, manner, capture)
    await choice.prove(page)
    await picture("last")
    await stored(page, capture)
    await leave(page)
    await capture.settle(FAREWELL_S, quiet=0.3)
    await page.goto("about:blank")


async def _onward(page: "Page", task: Task, manner: Manner, person: Profile, capture: Capture, seen: Seen) -> bool:
    """Go through the flow, or load the page again where a choice was made: it must outlive a page."""
    for step in manner.flow:
        if not await _take(page, step, person, manner, capture, seen):
            return False
    if manner.flow:
        await capture.settle(manner.settle_s)
    elif task.scenario not in ("no_action", "gpc"):
        await _again(page, manner, capture)
    return True


async def _again(page: "Page", manner: Manner, capture: Capture) -> None:
    await leave(page)
    await asyncio.sleep(0.2)
    await page.reload(wait_until="domcontentloaded", timeout=manner.timeout_s * 1000)
    await capture.settle(min(2.0, manner.settle_s))


async def _open(page: "Page", url: str, manner: Manner, capture: Capture, seen: Seen) -> bool:
    """Open URL; False where the visit ends here."""
    limit = manner.timeout_s * 1000
    response = await page.goto(url, wait_until="commit", timeout=limit)
    try:
        await page.wait_for_load_state("load", timeout=min(LOAD_S, manner.timeout_s / 2) * 1000)
    except Exception as why:
        if type(why).__name__ != "TimeoutError":
            raise
        capture.note("slow", why="the page did not end loading")
    if response is not None and response.status >= 400:
        seen.outcome, seen.why = "http_error", f"status {response.status}"
        return False
    return True


async def _take(page: "Page", step: flows.Step, person: Profile, manner: Manner, capture: Capture, seen: Seen) -> bool:
    """Take one step of the flow; False where it failed and is not optional."""
    limit = 2.0 if step.optional else min(15.0, manner.timeout_s / 3)
    capture.note("step", step=str(step))
    try:
        await flows.take(page, step, person.values, timeout_s=limit)
    except Exception as why:
        if not of_playwright(why) or capture.ended.done():
            raise
        capture.note("step_failed", step=str(step), why=str(why).partition("\n")[0][:200])
        if not step.optional:
            seen.outcome, seen.why = "flow_failed", f"{step}: {_short(why)}"
            return False
    await capture.settle(0.3, quiet=0.4, most=3.0)
    return True


def _short(why: Exception) -> str:
    return (
        "nothing on the page fits, or it cannot be reached"
        if type(why).__name__ == "TimeoutError"
        else told_by(str(why))[1]
    )


def _about(task: Task, manner: Manner, person: Profile, choice: Choice, seen: Seen) -> dict[str, Any]:
    """What `_consentinel` says of the visit as a whole."""
    seen.proof, seen.proof_why = choice.state, choice.why
    return {
        "site": task.host.partition(":")[0], "scenario": task.scenario, "scenario_proof": choice.state,
        "scenario_proof_why": choice.why, "outcome": seen.outcome, "region": manner.region, "locale": manner.locale,
        "repeat": task.repeat, "profile_levels": person.levels, "acted": choice.acted, "recorded": choice.recorded,
        "consent": [{"time": iso(seen.started), "state": "unset", "categories": {}}, *choice.consent],
    }  # fmt: skip
