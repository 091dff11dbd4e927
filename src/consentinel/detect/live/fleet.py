"""Make many visits at once: turns by host, a browser for each worker, retries, and browsers that crash."""

import asyncio
import heapq
import itertools
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from consentinel.core.errors import ConsentinelError, MissingExtra
from consentinel.detect.live.browser import Chromium, start
from consentinel.detect.live.outcomes import AGAIN
from consentinel.detect.live.visit import Manner, Seen, Task, visit

if TYPE_CHECKING:
    from playwright.async_api import Browser

__all__ = ["Post", "Turns", "travel"]

FRESH_AFTER = 100  # visits of one browser, which takes more memory with each
STARTS = 3  # times that a browser is started in vain before the run gives up
BACKOFF_S = 2.0


class Turns:
    """Hands out tasks so that visits of one site begin POLITENESS_S seconds apart or more; sites take turns."""

    def __init__(self, tasks: Iterable[Task], site_of: Callable[[str], str], politeness_s: float) -> None:
        self._of, self._gap = site_of, politeness_s
        self._waiting: dict[str, deque[tuple[Task, int]]] = {}
        self._ready: list[tuple[float, int, str]] = []  # when, number, site
        self._begun: dict[str, float] = {}
        self._number = itertools.count()
        self._out = 0
        self._changed = asyncio.Event()
        for task in tasks:
            self._add(task, 0, 0.0)

    def _add(self, task: Task, attempt: int, when: float) -> None:
        site = self._of(task.host)
        queue = self._waiting.get(site)
        if queue is None:
            queue = self._waiting[site] = deque()
            self._push(site, when)
        queue.append((task, attempt))
        self._changed.set()

    def _push(self, site: str, when: float) -> None:
        earliest = self._begun.get(site, -self._gap) + self._gap
        heapq.heappush(self._ready, (max(when, earliest), next(self._number), site))

    def again(self, task: Task, attempt: int) -> None:
        """Put TASK back for its ATTEMPT, later the more there were."""
        asyncio.get_running_loop().call_later(BACKOFF_S * 2 ** (attempt - 1), self._back, task, attempt)

    def _back(self, task: Task, attempt: int) -> None:
        self._out -= 1
        self._add(task, attempt, time.monotonic())

    def done(self) -> None:
        """Say that a task that was handed out will not come back."""
        self._out -= 1
        self._changed.set()

    async def next(self) -> tuple[Task, int] | None:
        """Return the next task and its attempt (from 0) when its turn has come, None when there are no more."""
        while True:
            self._changed.clear()
            wait = None
            if self._ready:
                when, _, site = self._ready[0]
                wait = when - time.monotonic()
                if wait <= 0:
                    return self._hand_out(site)
            elif not self._out:
                self._changed.set()
                return None
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), wait)

    def _hand_out(self, site: str) -> tuple[Task, int]:
        heapq.heappop(self._ready)
        queue = self._waiting[site]
        turn = queue.popleft()
        self._out += 1
        self._begun[site] = time.monotonic()
        if queue:
            self._push(site, 0.0)
        else:
            del self._waiting[site]
        return turn


class Post:
    """The browser of one worker; a new one is started when it crashed or has made many visits."""

    def __init__(self, executable: str | None, *, resolver: str, sandbox: bool) -> None:
        self._executable, self._resolver, self._sandbox = executable, resolver, sandbox
        self._running: Chromium | None = None
        self._used = 0

    async def browser(self) -> "Browser":
        """Return a browser that runs; raises ConsentinelError when none can be started."""
        if self._running is None or not self._running.browser.is_connected() or self._used >= FRESH_AFTER:
            await self.close()
            self._running, self._used = await self._start(), 0
        self._used += 1
        return self._running.browser

    async def _start(self) -> Chromium:
        for _ in range(STARTS - 1):
            try:
                return await start(self._executable, resolver=self._resolver, sandbox=self._sandbox)
            except MissingExtra:
                raise
            except ConsentinelError:
                await asyncio.sleep(1.0)
        return await start(self._executable, resolver=self._resolver, sandbox=self._sandbox)

    async def close(self) -> None:
        """End the browser, if there is one."""
        running, self._running = self._running, None
        if running:
            await running.close()


async def travel(
    tasks: Iterable[Task],
    manner: Manner,
    keep: Callable[[Task, Seen, int], Awaitable[None]],
    *,
    posts: list[Post],
    site_of: Callable[[str], str],
    politeness_s: float,
    retries: int,
) -> None:
    """Make TASKS, one worker for each of POSTS, and hand each visit with the number of its attempts to KEEP.

    A visit that may end otherwise next time is made up to RETRIES times more. Raises what KEEP raises, and
    ConsentinelError when no browser can be started.
    """
    turns = Turns(tasks, site_of, politeness_s)

    async def work(post: Post) -> None:
        try:
            while (turn := await turns.next()) is not None:
                task, attempt = turn
                seen = await _visit(post, task, manner)
                if seen.outcome in AGAIN and attempt < retries:
                    turns.again(task, attempt + 1)
                    continue
                await keep(task, seen, attempt + 1)
                turns.done()
        finally:
            await post.close()

    loop = asyncio.get_running_loop()  # what a browser that is gone still answers is heard by nobody, and need not be
    loop.set_exception_handler(
        lambda _, told: None if "never retrieved" in told["message"] else loop.default_exception_handler(told)
    )
    working = [asyncio.ensure_future(work(post)) for post in posts]
    try:
        await asyncio.gather(*working)
    finally:
        for worker in working:
            worker.cancel()
        await asyncio.gather(*working, return_exceptions=True)


async def _visit(post: Post, task: Task, manner: Manner) -> Seen:
    refused = await manner.guard.refuses(task.url)
    if refused:
        return Seen(outcome="refused", why=refused, started=time.time())
    browser = await post.browser()
    try:
        return await visit(browser, task, manner)
    except ConsentinelError:
        raise
    except Exception as why:  # a fault of ours on one page must not cost the others
        return Seen(outcome="failed", why=f"a fault in the program ({type(why).__name__})", started=time.time())
