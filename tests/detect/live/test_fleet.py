"""Turns, retries and workers, without a browser."""

import asyncio
import time
from typing import Any, cast

import pytest

from consentinel.core.errors import ConsentinelError
from consentinel.detect.live import fleet
from consentinel.detect.live.fleet import Post, Turns, travel
from consentinel.detect.live.guard import Guard
from consentinel.detect.live.visit import Manner, Seen, Task


def task(number: int, host: str = "a.example") -> Task:
    return Task(f"{host}~{number}", f"https://{host}/{number}", host, "no_action", number)


def test_sites_take_turns_and_rest_between_visits() -> None:
    async def all_turns() -> list[tuple[str, float]]:
        turns = Turns([task(0), task(1), task(2), task(0, "b.example")], str, 0.15)
        begun, found = time.monotonic(), []
        while turn := await turns.next():
            found.append((turn[0].name, time.monotonic() - begun))
            turns.done()
        return found

    found = asyncio.run(all_turns())
    assert [name for name, _ in found] == ["a.example~0", "b.example~0", "a.example~1", "a.example~2"]
    assert found[2][1] >= 0.15
    assert found[3][1] - found[2][1] >= 0.14


def test_who_waits_gets_what_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "BACKOFF_S", 0.05)

    async def go() -> tuple[Any, Any]:
        turns = Turns([task(0)], str, 0.0)
        first = await turns.next()
        waiting = asyncio.ensure_future(turns.next())
        await asyncio.sleep(0.01)
        assert not waiting.done()
        turns.again(task(0), 1)
        again = await waiting
        turns.done()
        assert first == (task(0), 0)
        return again, await turns.next()

    assert asyncio.run(go()) == ((task(0), 1), None)


class Made:
    """A stand-in for visits: the outcomes of each task in order, and what was kept."""

    def __init__(self, outcomes: dict[int, list[Any]]) -> None:
        self.outcomes, self.kept = outcomes, dict[str, tuple[str, int]]()

    async def visit(self, _: Any, one: Task, __: Any) -> Seen:
        await asyncio.sleep(0.001)
        outcome = self.outcomes.get(one.repeat, ["done"])
        end = outcome.pop(0) if len(outcome) > 1 else outcome[0]
        if isinstance(end, Exception):
            raise end
        return Seen(outcome=end)

    async def keep(self, one: Task, seen: Seen, attempts: int) -> None:
        self.kept[one.name] = (seen.outcome, attempts)


class NoBrowser(Post):
    def __init__(self) -> None:
        super().__init__(None, resolver="", sandbox=True)

    async def browser(self) -> Any:
        return None


def run(made: Made, tasks: list[Task], monkeypatch: pytest.MonkeyPatch, *, retries: int = 1) -> None:
    monkeypatch.setattr(fleet, "BACKOFF_S", 0.01)
    monkeypatch.setattr(fleet, "visit", made.visit)
    manner = cast(Manner, type("M", (), {"guard": Guard(resolves=False)})())
    posts: list[Post] = [NoBrowser() for _ in range(3)]
    asyncio.run(travel(tasks, manner, made.keep, posts=posts, site_of=str, politeness_s=0.0, retries=retries))


def test_what_may_end_otherwise_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made({1: ["crashed", "done"], 2: ["timeout"], 3: ["tls_error"], 4: [ValueError("x")]})
    run(made, [*map(task, range(6)), task(9, "10.0.0.1")], monkeypatch)
    assert made.kept == {
        "a.example~0": ("done", 1), "a.example~1": ("done", 2), "a.example~2": ("timeout", 2),
        "a.example~3": ("tls_error", 1), "a.example~4": ("failed", 2), "a.example~5": ("done", 1),
        "10.0.0.1~9": ("refused", 1),
    }  # fmt: skip


def test_a_run_without_a_browser_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made({0: [ConsentinelError("no Chromium was found")]})
    with pytest.raises(ConsentinelError, match="no Chromium"):
        run(made, [task(0), *map(task, range(1, 50))], monkeypatch)
