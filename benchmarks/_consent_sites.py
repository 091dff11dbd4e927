"""Goes through the consent scenarios on the sites of the proving range as `detect collect` does, and keeps the truth.

The truth is the range's own: from its faults, what a manager keeps when a person goes through a scenario (known before
any visit), and what the manager holds in the page, read from its inside. Nothing of it is seen by what is measured.
"""

import asyncio
import json
import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from _claim import ROOT
from consentinel.core.errors import ConsentinelError
from consentinel.core.rng import generator
from consentinel.detect.live.browser import find, start
from consentinel.detect.live.choice import Choice
from consentinel.detect.live.profile import pool, scripts
from consentinel.detect.live.watching import of_playwright, within

__all__ = ["ACTING", "QUIET", "Ended", "go_through"]

ACTING = ("accept", "reject", "partial", "withdraw")
QUIET = ("no_action", "gpc")  # nothing is clicked; visited on the sites of the catalogue only
WANTED = {
    "accept": {"analytics": True, "advertising": True},
    "reject": {"analytics": False, "advertising": False},
    "partial": {"analytics": True, "advertising": False},
    "withdraw": {"analytics": False, "advertising": False},
}
# Without a choice: whether the manager saw an opt-out signal, which some of them record as a refusal.
REFUSED = {"analytics": False, "advertising": False}
NO_CHOICE: dict[str, tuple[dict[str, bool], ...]] = {
    "no_action": ({"opted_out": False},),
    "gpc": ({"opted_out": True}, REFUSED),
}
INSIDE = """() => {
  const { chosen, categories, optedOut } = window.rangeConsent.state();
  return chosen ? { analytics: categories.analytics, advertising: categories.advertising } : { opted_out: optedOut };
}"""
VIEWPORT: Any = {"width": 1366, "height": 768}
ANSWER_S, HOLDS_S, REST_S, CLOSE_S = 12.0, 2.0, 0.3, 5.0  # as long as `detect collect` takes for an answer at most
VISIT_S, LONGEST_S = 90.0, 30 * 60.0
EVERY = 50  # visits between two lines of progress
SERVE = ["node", "sites/driven.mjs"]
RANGE = ROOT / "range"


@dataclass(frozen=True, slots=True)
class Ended:
    """How one scenario on one site ended.

    part: train or test, of the consent manager. expected: what the proof should say. held: whether the manager held
    what it keeps after such a scenario, right after the choice and on the page loaded afterwards.
    """

    site: str
    cmp: str
    part: str
    kind: str
    faults: str
    scenario: str
    expected: str
    held: bool
    proof: str
    why: str
    seconds: float

    @property
    def right(self) -> bool:
        """Whether it ended as the truth says: in the page, and in the words of the proof."""
        return self.held and self.proof == self.expected

    @property
    def told(self) -> str:
        """All of it in words."""
        return (
            f"{self.cmp} ({self.faults or 'no fault'}) {self.site} {self.scenario}: the manager held what it should: "
            f"{'yes' if self.held else 'no'}; the proof should say {self.expected} and says {self.proof}: {self.why}"
        )


Site = dict[str, Any]  # as sites/driven.mjs tells it
Visit = tuple[Site, str]


def go_through(kept: Path, mark: str, workers: int) -> list[Ended]:
    """Return how every scenario ended on every site, with WORKERS pages at a time.

    Visits are kept in the file KEPT as they end; those that are there under the same MARK are not made again. Raises
    SystemExit, saying what to do, where something is missing, and where it takes longer than half an hour.
    """
    try:
        _needed()
        told = subprocess.run(SERVE, cwd=RANGE, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
        plan: list[Visit] = [
            (site, scenario)
            for site in json.loads(told.stdout)["sites"]
            for scenario in (ACTING if site["kind"] == "made" else (*QUIET, *ACTING))
        ]
        done = _read(kept, mark)
        print(f"{len(plan)} scenarios to go through; {len(done)} are kept from before", flush=True)
        asyncio.run(_go_through(plan, kept, done, workers))
        return [done[site["site"], scenario] for site, scenario in plan]
    except TimeoutError:
        raise SystemExit(
            f"not done within {LONGEST_S / 60:.0f} minutes; what was visited is kept: run it again"
        ) from None
    except ConsentinelError as why:
        raise SystemExit(str(why)) from None


def _needed() -> None:
    if shutil.which("node") is None:
        raise SystemExit("the sites of the range need Node.js 20 or newer with npm: install it, then run: make node")
    if not (RANGE / "node_modules" / ".package-lock.json").is_file():
        raise SystemExit("range/node_modules is missing, so the sites of the range cannot be built; run: make node")
    if find(os.environ) is None:
        raise SystemExit("no Chromium was found; run: make chromium (or name one in CONSENTINEL_CHROMIUM)")


def _read(kept: Path, mark: str) -> dict[tuple[str, str], Ended]:
    """Return the visits kept under MARK; anything else in the file is dropped."""
    lines = kept.read_text("utf-8").splitlines(keepends=True) if kept.is_file() else []
    if not lines or lines[0] != f"{mark}\n":
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(f"{mark}\n", "utf-8")
        return {}
    whole = [line for line in lines[1:] if line.endswith("\n")]  # the last may have been cut off
    kept.write_text("".join([lines[0], *whole]), "utf-8")
    rows = [Ended(**json.loads(line)) for line in whole]
    return {(row.site, row.scenario): row for row in rows}


async def _go_through(plan: list[Visit], kept: Path, done: dict[tuple[str, str], Ended], workers: int) -> None:
    left = [(site, scenario) for site, scenario in plan if (site["site"], scenario) not in done]
    by_site = [list(visits) for _, visits in groupby(left, lambda visit: visit[0]["site"])]
    order = generator(1, "consent sites").permutation(len(by_site))  # the heavy sites are spread
    waiting = iter([by_site[at] for at in order])
    begun, wrong = time.monotonic(), 0
    with kept.open("a", encoding="utf-8") as file:

        def keep(row: Ended) -> None:
            nonlocal wrong
            done[row.site, row.scenario] = row
            file.write(json.dumps(asdict(row)) + "\n")
            file.flush()
            wrong += not row.right
            if not row.right:
                print(f"WRONG {row.told}", flush=True)
            still = len(plan) - len(done)
            if still % EVERY == 0:
                rate = (len(left) - still) / (time.monotonic() - begun)
                print(f"{still} left, {rate:.2f} a second: {still / rate / 60:.0f} minutes; wrong: {wrong}", flush=True)

        async def work() -> None:
            async with _desk() as (node, browser):
                for visits in waiting:  # a site is built once, by the worker that takes it
                    for site, scenario in visits:
                        keep(await _visit(node, browser, site, scenario))

        async with asyncio.timeout(LONGEST_S), asyncio.TaskGroup() as group:
            for _ in range(min(workers, len(by_site))):
                group.create_task(work())


@asynccontextmanager
async def _desk() -> AsyncIterator[tuple[asyncio.subprocess.Process, Any]]:
    """A worker's own server, which answers for every host, and the browser that finds it there."""
    pipe = asyncio.subprocess.PIPE
    node = await asyncio.create_subprocess_exec(*SERVE, cwd=RANGE, stdin=pipe, stdout=pipe, limit=2**22)
    try:
        port = json.loads(await _line(node))["port"]
        try:
            chromium = await start(find(os.environ), resolver=f"MAP * 127.0.0.1:{port}")
        except ConsentinelError as why:
            raise SystemExit(str(why)) from None
        try:
            yield node, chromium.browser
        finally:
            await chromium.close()
    finally:
        if node.returncode is None:
            node.terminate()
        await node.wait()


async def _line(node: asyncio.subprocess.Process) -> bytes:
    line = await node.stdout.readline()  # type: ignore[union-attr]
    if not line:
        raise SystemExit("the server of the sites ended; what it said is above. What was visited is kept: run it again")
    return line


async def _visit(node: asyncio.subprocess.Process, browser: Any, site: Site, scenario: str) -> Ended:
    """Go through one scenario in a fresh context, as a visit of `detect collect` does."""
    region = "US-CA" if scenario == "gpc" else "EU"
    node.stdin.write(f"{site['site']} {region}\n".encode())  # type: ignore[union-attr]
    await _line(node)
    choice = Choice(scenario, timeout_s=ANSWER_S)
    held, problem, begun = False, "", time.monotonic()
    headers = {"Sec-GPC": "1"} if scenario == "gpc" else None
    context = await browser.new_context(ignore_https_errors=True, extra_http_headers=headers, viewport=VIEWPORT)
    try:
        async with asyncio.timeout(VISIT_S):
            page = await context.new_page()
            if scenario == "gpc":
                person = pool(1, region=region, locale="en-US", version=browser.version, plain=True).draw(site["site"])
                await page.add_init_script(person.script(scripts()[0], gpc=True))
            held = await _take(page, choice, site, scenario)
    except Exception as why:
        if not of_playwright(why):
            raise
        if not browser.is_connected():  # says nothing of the site
            raise SystemExit("the browser ended; what was visited is kept: run it again") from None
        problem = f"the visit broke off: {str(why).partition(chr(10))[0][:120] or type(why).__name__}; "
    finally:
        await within(context.close(), CLOSE_S, None)
    recorded = site["recorded"].get(scenario)
    return Ended(
        site=site["site"], cmp=site["cmp"], part=site["part"], kind=site["kind"], faults=",".join(site["faults"]),
        scenario=scenario, expected="verified" if recorded == WANTED.get(scenario) else "contradicted",
        held=held, proof=choice.state, why=problem + choice.why, seconds=round(time.monotonic() - begun, 2),
    )  # fmt: skip


async def _take(page: Any, choice: Choice, site: Site, scenario: str) -> bool:
    """Go through SCENARIO; whether the manager held at every stage what it should."""
    await page.goto(f"https://{site['site']}/", wait_until="load")
    await asyncio.sleep(REST_S)
    await choice.make(page)
    if scenario in NO_CHOICE:
        await choice.prove(page)
        return await _holds(page, *NO_CHOICE[scenario])
    stages = [await _holds(page, site["recorded"]["accept" if scenario == "withdraw" else scenario])]
    await page.reload(wait_until="domcontentloaded")
    if scenario == "withdraw":
        await asyncio.sleep(REST_S)
        await choice.withdraw(page)
        stages.append(await _holds(page, site["recorded"]["withdraw"]))
        await page.reload(wait_until="domcontentloaded")
    await choice.prove(page)
    stages.append(await _holds(page, site["recorded"][scenario]))
    return all(stages)


async def _holds(page: Any, *wanted: dict[str, bool]) -> bool:
    """Whether the consent manager holds one of WANTED; some write it a moment after a click, or load the page."""
    until = time.monotonic() + HOLDS_S
    while time.monotonic() < until:
        try:
            if await page.evaluate(INSIDE) in wanted:
                return True
        except Exception as why:
            if not of_playwright(why):
                raise
        await asyncio.sleep(0.2)
    return False
