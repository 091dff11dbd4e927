"""Flows: what to do on a site after the first page, as a small script with one step a line.

    # sign in and look around
    goto /account
    fill "#sign-in input" {email}
    click "#sign-in button"
    wait_for "text=You are signed in"
    optional click "#newsletter .close"
    press "#search" Enter
    scroll end

Words are separated by spaces; what holds spaces is put in quotes. {email}, {phone}, {name}, {user_id} and {password}
stand for the invented person of the visit. `optional` before a step lets the visit go on when it cannot be done.
"""

import asyncio
import re
import shlex
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from consentinel.core.errors import UsageError

if TYPE_CHECKING:
    from playwright.async_api import Page

__all__ = ["PERSON", "STEPS", "Step", "parse", "read", "take"]

PERSON = ("email", "phone", "name", "user_id", "password")
# The words of each step: how many it takes at least and at most, and how it is written.
STEPS = {
    "goto": (1, 1, "goto ADDRESS"),
    "click": (1, 1, "click SELECTOR"),
    "fill": (2, 2, "fill SELECTOR TEXT"),
    "type": (2, 2, "type SELECTOR TEXT"),
    "select": (2, 2, "select SELECTOR OPTION"),
    "check": (1, 1, "check SELECTOR"),
    "press": (1, 2, "press [SELECTOR] KEY"),
    "wait_for": (1, 1, "wait_for SELECTOR"),
    "wait": (1, 1, "wait SECONDS"),
    "scroll": (0, 1, "scroll [end | PIXELS | SELECTOR]"),
    "back": (0, 0, "back"),
}
_SCROLLS = 8  # screens that `scroll end` goes down, for pages that never end
_MARK = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a flow: where it is written, what to do, and with what."""

    line: int
    do: str
    words: tuple[str, ...]
    optional: bool = False

    def __str__(self) -> str:
        return f"line {self.line}: {shlex.join([self.do, *self.words])}"


def read(path: Path) -> list[Step]:
    """Return the steps in the file PATH; raises UsageError naming the line, what is wrong and what to write."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as why:
        reason = getattr(why, "strerror", None) or "it is not UTF-8 text"
        raise UsageError(f"{path.name}: the flow cannot be read ({reason})") from None
    return parse(text, path.name)


def parse(text: str, name: str) -> list[Step]:
    """Return the steps in TEXT, the content of the file NAME; raises UsageError as `read` does."""
    steps = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            steps.append(_step(line, number, f"{name}, line {number}"))
    if not steps:
        raise UsageError(f'{name}: the flow has no step; write for example: click "#sign-in"')
    return steps


def _step(line: str, number: int, where: str) -> Step:
    try:
        do, *words = shlex.split(line)
    except ValueError:
        raise UsageError(f"{where}: a quote is not closed") from None
    optional = do == "optional"
    if optional:
        if not words:
            raise UsageError(f"{where}: 'optional' stands before a step, for example: optional click \"#close\"")
        do, *words = words
    if do not in STEPS:
        near = get_close_matches(do, STEPS, n=1)
        raise UsageError(
            f"{where}: '{do}' is no step; "
            + (f"did you mean '{near[0]}'?" if near else f"there is: {', '.join(STEPS)}")
        )
    least, most, form = STEPS[do]
    if not least <= len(words) <= most:
        raise UsageError(
            f"{where}: write '{form}' (put what holds spaces in quotes); got {len(words)} words after '{do}'"
        )
    for name in (name for word in words for name in _MARK.findall(word)):
        if name not in PERSON:
            raise UsageError(f"{where}: there is no {{{name}}}; there is: {', '.join(f'{{{n}}}' for n in PERSON)}")
    if do == "wait" and not re.fullmatch(r"\d+(\.\d+)?", words[0]):
        raise UsageError(f"{where}: '{words[0]}' is not a number of seconds")
    return Step(number, do, tuple(words), optional)


async def take(page: "Page", step: Step, values: Mapping[str, Any], *, timeout_s: float) -> None:
    """Do STEP on PAGE with the person's VALUES; raises what Playwright raises when it cannot be done in TIMEOUT_S."""
    words = [_MARK.sub(lambda mark: str(values[mark[1]]), word) for word in step.words]
    limit = timeout_s * 1000
    doing: dict[str, Callable[[], Awaitable[Any]]] = {
        "goto": lambda: page.goto(urljoin(page.url, words[0]), timeout=limit, wait_until="load"),
        "click": lambda: page.locator(words[0]).first.click(timeout=limit),
        "fill": lambda: page.locator(words[0]).first.fill(words[1], timeout=limit),
        "type": lambda: page.locator(words[0]).first.press_sequentially(words[1], delay=30, timeout=limit),
        "select": lambda: page.locator(words[0]).first.select_option(words[1], timeout=limit),
        "check": lambda: page.locator(words[0]).first.check(timeout=limit),
        "press": lambda: _press(page, words, limit),
        "wait_for": lambda: page.locator(words[0]).first.wait_for(timeout=limit),
        "wait": lambda: asyncio.sleep(min(float(words[0]), timeout_s)),
        "scroll": lambda: _scroll(page, words[0] if words else "", limit),
        "back": lambda: page.go_back(timeout=limit),
    }
    await doing[step.do]()


async def _press(page: "Page", words: list[str], limit: float) -> None:
    if len(words) == 2:
        await page.locator(words[0]).first.press(words[1], timeout=limit)
    else:
        await page.keyboard.press(words[0])


async def _scroll(page: "Page", where: str, limit: float) -> None:
    if where in ("", "end"):
        for _ in range(_SCROLLS if where else 1):
            await page.mouse.wheel(0, 700)
            await page.wait_for_timeout(120)
    elif where.lstrip("-").isdigit():
        await page.mouse.wheel(0, int(where))
    else:
        await page.locator(where).first.scroll_into_view_if_needed(timeout=limit)
