"""Answers the consent dialog of a live page as a person would: accept, reject, choose some purposes, withdraw.

Rules that know the dialog go first (accept and reject); where none does, the texts of its buttons decide. What was
done is told step by step with times. Whether it took effect is for `proof` to say, which reads it back.
"""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from consentinel.core.errors import UsageError
from consentinel.core.extras import need
from consentinel.detect.live import banner_rules
from consentinel.detect.live.banner_find import Control, Dialog, dialogs, script
from consentinel.detect.live.banner_read import read
from consentinel.detect.live.banner_text import plain_text

__all__ = ["WANTED", "Acted", "Step", "act", "open_dialogs"]

WANTED = ("accept", "reject", "partial", "withdraw")
LOOK_EVERY_S = 0.3
SETTLE_S = 1.5
OPENS_S = 3.0
LOADED, AGAIN = "loaded again", "tried again"  # what happened between two steps
MAX_LAYERS = 4


@dataclass(frozen=True, slots=True)
class Step:
    """One thing done: when (µs, UTC), what (rule, click, switch on, switch off, open), and on what text."""

    time: int
    what: str
    text: str = ""
    label: str = ""


@dataclass(slots=True)
class Acted:
    """What was done about a consent dialog.

    wanted: accept, reject, partial or withdraw. done: whether a choice was made to the end. seen: whether there was
    a dialog. by: "rule:NAME" or "text:LANGUAGE". steps: in order. decided: when the last choice was made (µs, UTC;
    0 for none). tested: what the rule's own test of a refusal says, None for no test. why: where it was not done.
    """

    wanted: str
    done: bool = False
    seen: bool = False
    by: str = ""
    decided: int = 0
    tested: bool | None = None
    why: str = ""
    steps: list[Step] = field(default_factory=list)

    def note(self, what: str, text: str = "", label: str = "") -> None:
        """Note a step that is about to be taken."""
        self.steps.append(Step(_now(), what, text[:60], label))

    def finish(self, by: str = "") -> "Acted":
        """Say that the choice was made, by the last step."""
        self.done, self.by, self.why = True, by or self.by, ""
        self.decided = self.steps[-1].time if self.steps else _now()
        return self


def _now() -> int:
    return time.time_ns() // 1000


async def act(page: Any, wanted: str, *, timeout_s: float = 10.0) -> Acted:
    """Answer the consent dialog of PAGE, an asynchronous Playwright page, with WANTED.

    WANTED: accept; reject; partial (analytics on, advertising off); withdraw (open the dialog again, then reject).
    TIMEOUT_S: seconds for everything, of which at most half are spent waiting for a dialog to show. Never raises for
    what a page does; raises UsageError for another WANTED and MissingExtra where the browser extra is missing.
    """
    if wanted not in WANTED:
        raise UsageError(f"'{wanted}' is no answer to a consent dialog; there is: {', '.join(WANTED)}")
    error = need("playwright.async_api", extra="browser").Error
    acted = Acted(wanted)
    try:
        async with asyncio.timeout(timeout_s):
            try:
                return await _act(page, acted, timeout_s / 2)
            except error:  # consent managers reload the page when a choice was made
                await page.wait_for_load_state("domcontentloaded")
                acted.note(LOADED)
                return await _by_text(page, acted)
    except TimeoutError:
        acted.why = acted.why or f"not finished within {timeout_s:g} s"
    except error as problem:
        acted.why = f"the page went away: {str(problem).splitlines()[0][:120]}"
    return acted


async def _act(page: Any, acted: Acted, patience_s: float) -> Acted:
    if acted.wanted == "withdraw":
        return await _withdraw(page, acted, patience_s)
    if not await _wait(page, patience_s):
        acted.why = "no consent dialog was seen"
        return acted
    acted.seen = True
    if acted.wanted in ("accept", "reject") and await _by_rules(page, acted, patience_s):
        return acted
    return await _by_text(page, acted)


async def _withdraw(page: Any, acted: Acted, most_s: float) -> Acted:
    """Open the dialog again and refuse; once more where that changed nothing of what the page records.

    A click can come before a dialog listens; a record that stays as it was after two refusals is the page's doing.
    """
    before = await read(page)
    for _ in range(2):
        if not await _reopen(page, acted, most_s):
            return acted
        acted.seen = True
        await _by_text(page, acted)
        if not acted.done or before.state in ("unset", "unknown") or await _changed(page, before.state):
            return acted
    return acted


async def _changed(page: Any, state: str) -> bool:
    until = time.monotonic() + SETTLE_S
    while (await read(page)).state == state:
        if time.monotonic() > until:
            return False
        await asyncio.sleep(LOOK_EVERY_S)
    return True


async def open_dialogs(page: Any) -> list[Dialog]:
    """Return the dialogs on PAGE that ask for consent now."""
    return [dialog for dialog in await dialogs(page) if asks(dialog)]


def asks(dialog: Dialog) -> bool:
    """Say whether a dialog asks for consent: it speaks of it or is named so, and has an answer to click."""
    sure = {c.meaning.label for c in dialog.controls if c.meaning.sure >= 0.55 and c.kind != "toggle"}
    if not (dialog.consent or dialog.named) or (dialog.whole and not dialog.consent):
        return False
    if sure & {"accept", "reject", "save"}:
        return True
    return dialog.consent and "acknowledge" in sure and (dialog.named or len(dialog.controls) <= 4)


async def _wait(page: Any, most_s: float) -> bool:
    until = time.monotonic() + most_s
    while not await open_dialogs(page):
        if time.monotonic() > until:
            return False
        await asyncio.sleep(LOOK_EVERY_S)
    return True


async def _by_rules(page: Any, acted: Acted, most_s: float) -> bool:
    """Let the rules answer; True where one did and the dialog is gone."""
    started, before = _now(), await read(page)
    ran = await banner_rules.run(page, "optIn" if acted.wanted == "accept" else "optOut", timeout_s=most_s)
    if ran.rule:
        acted.steps.append(Step(ran.time, "rule", ran.rule, acted.wanted))
    elif ran.lost:  # with the page that it reloaded, a rule took along what it had done
        await page.wait_for_load_state("domcontentloaded")
        now = await read(page)
        if now.state in (before.state, "unset", "unknown"):
            return False
        ran.rule, ran.done = "not told", True
        acted.steps.append(Step(started, "rule", ran.rule, acted.wanted))
    acted.tested = ran.tested
    if not ran.done:
        return False
    await _gone(page)
    if await open_dialogs(page):
        return False
    acted.finish(f"rule:{ran.rule}")
    return True


async def _by_text(page: Any, acted: Acted) -> Acted:
    """Click through at most a few layers by what the buttons say."""
    for _ in range(MAX_LAYERS):
        done = await _layer(page, acted)
        if done is not None:
            return acted.finish() if done else acted
    if _decided(acted):
        return acted.finish()  # clicked to the end; that a dialog is still there is for the proof to weigh
    acted.why = acted.why or "the dialog stayed open after every click"
    return acted


async def _layer(page: Any, acted: Acted) -> bool | None:
    """Do what the dialogs that are open now allow; True: decided, False: nothing can be done, None: go on."""
    until = time.monotonic() + OPENS_S
    before: list[str] | None = None
    while True:
        asking = await open_dialogs(page)
        if not asking and _decided(acted):
            return True
        now = [control.text for dialog in asking for control in dialog.controls]
        if now != before and time.monotonic() < until:  # it is still being put up: what refuses all may come last
            before = now
            await asyncio.sleep(LOOK_EVERY_S)
            continue
        took = await _answer(page, acted, asking) if asking else None
        if took == "decided":
            await _gone(page)
            return True if not await open_dialogs(page) else None
        if took == "opened":
            await asyncio.sleep(LOOK_EVERY_S)
            return None
        if acted.steps and time.monotonic() > until - OPENS_S / 2 and not any(s.what == AGAIN for s in acted.steps):
            acted.note(AGAIN)  # the click may have come before the dialog listened: it may be made once more
        elif not acted.steps or time.monotonic() > until:  # what a click opens may take its time
            acted.why = acted.why or "the dialog closed before a choice was made"
            return False
        await asyncio.sleep(LOOK_EVERY_S)


def _decided(acted: Acted) -> bool:
    last = next((step for step in reversed(acted.steps) if step.what not in (LOADED, AGAIN)), None)
    return last is not None and last.label in ("accept", "reject", "save", "acknowledge")


async def _answer(page: Any, acted: Acted, asking: list[Dialog]) -> str:
    """Take the next step in the likeliest dialog: "decided", "opened" its settings, or "" for none."""
    refusing = acted.wanted in ("reject", "withdraw")
    for dialog in asking:
        if acted.wanted == "accept":
            button = dialog.best("accept") or dialog.best("save", "acknowledge")
        elif refusing:
            button = dialog.best("reject")
            # A panel that stays open waits to be closed, unless the click came before it listened.
            if button and (_taken(acted, button) > 1 or (_taken(acted, button) and await _recorded(page))):
                button = dialog.best("save", "acknowledge")
        else:
            button = None
        if button:
            await _click(acted, button)
            return "decided"
    for dialog in asking:
        if acted.wanted != "accept" and await _choose(acted, dialog):
            return "decided"
    for dialog in asking:
        button = dialog.best("settings", least=0.4)
        if acted.wanted != "accept" and button and not _taken(acted, button):
            await _click(acted, button)
            return "opened"
    acted.why = {
        "accept": "no button of the dialog means to accept",
        "partial": "the dialog offers no choice between analytics and advertising",
    }.get(acted.wanted, "no button of the dialog means to reject, and none opens its settings")
    return ""


async def _recorded(page: Any) -> bool:
    return (await read(page)).state == "denied"


def _taken(acted: Acted, button: Control) -> int:
    """How often a button with this text was clicked since the page was loaded or a click was found to be lost."""
    since = max((i for i, step in enumerate(acted.steps) if step.what in (LOADED, AGAIN)), default=-1)
    return sum(s.label == button.meaning.label and s.text == button.text[:60] for s in acted.steps[since + 1 :])


async def _choose(acted: Acted, dialog: Dialog) -> bool:
    """Set every toggle, or press one button of every pair, and save; False where the dialog has neither."""
    partial = acted.wanted == "partial"
    toggles = dialog.toggles()
    # With toggles, two buttons that recur answer for everything: in the panel, and in the notice that lies under it.
    pairs = [] if any(t.category in ("analytics", "advertising") for t in toggles) else dialog.pairs()
    kinds = {c.category for c in toggles} | {yes.category for yes, _ in pairs}
    if not (toggles or pairs) or (partial and not {"analytics", "advertising"} <= kinds):
        return False
    save = dialog.best("save") or (None if pairs else dialog.best("accept") if not partial else None)
    for toggle in sorted(toggles, key=lambda toggle: toggle.category != "all"):  # one that moves the others comes first
        if toggle.category == "necessary" or (partial and toggle.category == "all"):
            continue
        on = partial and toggle.category == "analytics"
        acted.note("switch on" if on else "switch off", toggle.text or " ".join(toggle.near[:1]), toggle.category)
        await toggle.switch(on)
    for yes, no in pairs:
        button = yes if partial and yes.category == "analytics" else no
        acted.note("click", f"{button.text}: {' '.join(button.near[:1])}", button.meaning.label)
        await button.click()
    if save:
        await _click(acted, save)
        return True
    if pairs:
        close = dialog.best("acknowledge", "save", least=0.4)
        if close:
            await close.click()
        return True
    acted.why = "the dialog has toggles, but no button to save them"
    return False


async def _click(acted: Acted, button: Control) -> None:
    acted.note("click", button.text, button.meaning.label)
    acted.by = acted.by or f"text:{(button.meaning.languages or ('',))[0]}"
    await button.click()


async def _gone(page: Any) -> None:
    """Wait until no dialog asks any more, for at most as long as dialogs take to fade out."""
    until = time.monotonic() + SETTLE_S
    while time.monotonic() < until and await open_dialogs(page):
        await asyncio.sleep(0.15)


async def _reopen(page: Any, acted: Acted, most_s: float) -> bool:
    """Open the dialog again: by a link or an icon of the page, else through the door of its consent manager."""
    until = time.monotonic() + most_s
    while not await open_dialogs(page):
        if time.monotonic() > until:
            acted.why = "nothing on the page opens the consent dialog again"
            return False
        for control in _ways_back(await dialogs(page, anywhere=True)):
            acted.note("open", control.text)
            before = page.url
            await control.click()
            if await _wait(page, SETTLE_S):
                return True
            if page.url.partition("#")[0] != before.partition("#")[0]:
                await page.go_back()
        acted.note("open", "the consent manager's own door")
        if await page.evaluate(script("banner_open.js")):
            await _wait(page, SETTLE_S)
        else:
            await asyncio.sleep(LOOK_EVERY_S)
    return True


def _ways_back(found: list[Dialog]) -> list[Control]:
    """Return what may open the dialog again, the likeliest first: settings links, icons named for consent."""
    ways: list[tuple[float, Control]] = []
    for dialog in found:
        for control in dialog.controls:
            plain = f" {plain_text(control.text)} "
            about = any(word in plain for word in (" cookie", " consent", " privacy", "datenschutz", " einwilligung",
                " zustimmung", " tracking", "confidential", " rgpd", " evaste", " kakor", " galet"))  # fmt: skip
            named = any(word in control.name.lower() for word in ("cookie", "consent", "cmp", "revoke", "privacy"))
            means = control.meaning.label in ("settings", "reject") or " sell " in plain
            is_link = control.kind == "link"
            weight = 2.0 * (about and means) + 1.0 * (named and not is_link) - 0.5 * is_link
            if weight >= 1.0 and control.kind != "toggle":
                ways.append((weight, control))
    return [control for _, control in sorted(ways, key=lambda item: -item[0])[:3]]
