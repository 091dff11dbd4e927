"""Finds the consent dialogs of a page with their buttons and toggles, in all frames and open shadow roots."""

import asyncio
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from consentinel.core.extras import need
from consentinel.detect.live.banner_text import Meaning, category, meaning, plain_text, says_all

__all__ = ["Control", "Dialog", "dialogs", "script"]

FRAME_TIMEOUT_S = 3.0
_CLICK_MS = 1500
_PRESS = "(element) => { element.click(); }\n//# sourceURL=consentinel-banner.js"
_STATE = """(element) => ({ checked: element.checked ?? element.getAttribute('aria-checked') === 'true' })"""


@cache
def script(name: str) -> str:
    """Return the text of a page script that ships with the package."""
    return files("consentinel.detect").joinpath(f"data/{name}").read_text("utf-8")


@dataclass(slots=True)
class Control:
    """A button, link or toggle of a dialog."""

    kind: str  # button, link, toggle
    text: str
    near: list[str]  # texts around it, from near to far
    checked: bool | None
    disabled: bool
    area: int
    meaning: Meaning
    handle: Any  # of the list of elements, see AT
    at: int
    name: str = ""
    side: int = -1  # equal for buttons side by side

    @property
    def category(self) -> str:
        """What a toggle, or a pair of buttons for one purpose, is for; "all" where it moves the other toggles too."""
        if self.kind == "toggle" and category(self.text) == "other" and says_all(self.text):
            return "all"
        for text in (self.text if self.kind == "toggle" else "", *self.near):
            found = category(text)
            if text and found != "other":
                return found
        return "other"

    async def click(self) -> None:
        """Click as a person does; where something lies over it, on the element itself."""
        error = need("playwright.async_api", extra="browser").Error
        element = (await self.handle.evaluate_handle(f"(found) => found.elements[{self.at}]")).as_element()
        try:
            await element.click(timeout=_CLICK_MS)
        except error:
            await element.evaluate(_PRESS)

    async def switch(self, on: bool) -> bool:
        """Bring a toggle into the state ON; says whether it is in it then."""
        element = (await self.handle.evaluate_handle(f"(found) => found.elements[{self.at}]")).as_element()
        state = await element.evaluate(_STATE)
        if state["checked"] != on:
            await element.evaluate(_PRESS)
            state = await element.evaluate(_STATE)
        if state["checked"] != on:
            await self.click()
            state = await element.evaluate(_STATE)
        return bool(state["checked"]) == on


@dataclass(slots=True)
class Dialog:
    """What may be a consent dialog: its text, whether it speaks of consent, its controls."""

    text: str
    consent: bool
    named: bool  # ids or classes say so
    modal: bool
    whole: bool  # all of a frame or page, not a part of it
    area: int
    controls: list[Control] = field(default_factory=list)

    def best(self, *labels: str, least: float = 0.55) -> Control | None:
        """Return the button that most surely means one of LABELS, or None."""
        texts = [plain_text(c.text) for c in self.controls]
        found = [
            c
            for c in self.controls
            if c.kind != "toggle" and not c.disabled and c.meaning.label in labels and c.meaning.sure >= least
        ]

        def weight(c: Control) -> tuple[float, int]:
            for_one = texts.count(plain_text(c.text)) > 1  # a button that stands beside every service
            return c.meaning.sure + 0.1 * _of_all(c.text) - 0.1 * (c.kind == "link") - 0.3 * for_one, c.area

        return max(found, key=weight, default=None)

    def toggles(self) -> list[Control]:
        """Return the toggles that can be changed."""
        return [c for c in self.controls if c.kind == "toggle" and not c.disabled and not _is_tab(c)]

    def pairs(self) -> list[tuple[Control, Control]]:
        """Return the buttons that allow and deny one purpose or service each: the same two beside several of them."""
        yes = [c for c in self.controls if c.kind == "button" and c.near and c.meaning.label == "accept"]
        no = [c for c in self.controls if c.kind == "button" and c.near and c.meaning.label == "reject"]
        found = [(a, b) for a in yes for b in no if a.side == b.side and not _of_all(a.text) and not _of_all(b.text)]
        texts = [(a.text, b.text) for a, b in found]
        return [pair for pair, text in zip(found, texts, strict=True) if texts.count(text) > 1]


def _of_all(text: str) -> bool:
    words = set(plain_text(text).split())
    return bool(words & {"all", "alle", "alles", "tout", "tous", "toutes", "todo", "todos", "todas", "tutti", "tutto",
                         "tudo", "wszystkie", "alla", "kaikki", "vse", "vsetky", "toate"})  # fmt: skip


def _is_tab(control: Control) -> bool:
    return "tab" in control.name.split()


async def dialogs(page: Any, *, anywhere: bool = False) -> list[Dialog]:
    """Return what may be consent dialogs on PAGE, the likeliest first.

    ANYWHERE: take the page itself as one more, to find links that open a dialog.
    """
    frames = [f for f in page.frames if not f.is_detached()]
    found = await asyncio.gather(*(_of_frame(f, anywhere and f is page.main_frame) for f in frames))
    every = [dialog for some in found for dialog in some]
    return sorted(every, key=_likely, reverse=True)


def _likely(dialog: Dialog) -> float:
    labels = {c.meaning.label for c in dialog.controls if c.meaning.sure >= 0.5}
    answers = len(labels & {"accept", "reject", "settings", "save"}) + 0.5 * ("acknowledge" in labels)
    return 2.0 * dialog.consent + 1.5 * dialog.named + answers + 0.5 * dialog.modal - 3.0 * dialog.whole


async def _of_frame(frame: Any, anywhere: bool) -> list[Dialog]:
    error = need("playwright.async_api", extra="browser").Error
    try:
        async with asyncio.timeout(FRAME_TIMEOUT_S):
            handle = await frame.evaluate_handle(script("banner_find.js"), anywhere)
            told = await handle.evaluate("(found) => found.boxes")
    except (error, TimeoutError):  # the frame went away, or is busy
        return []
    result = []
    for box in told:
        controls = [
            Control(
                c["kind"], c["text"], c["near"], c["checked"], c["disabled"], c["area"], meaning(c["text"]), handle,
                c["at"], c["name"], c["side"],
            )
            for c in box["controls"]
        ]  # fmt: skip
        about = {name: box[name] for name in ("text", "consent", "named", "modal", "whole", "area")}
        result.append(Dialog(**about, controls=controls))
    return result
