"""Whether a consent scenario took place: what was wanted against what the page's consent managers recorded.

The state is read back independently of the clicking, right after it and again after a reload. Verified: every source
that holds the choice says what was wanted, both times. Contradicted: one says the opposite, or the choice did not
outlive the reload; that is a finding of its own. Unknown: nothing tells.
"""

import asyncio
import time
from dataclasses import dataclass, replace
from typing import Any

from consentinel.core.errors import UsageError
from consentinel.core.extras import need
from consentinel.detect.live.banner import Acted, open_dialogs
from consentinel.detect.live.banner_read import Readback, Said, read

__all__ = ["SCENARIOS", "Change", "Proof", "changes", "confirm", "prove", "weigh"]

SCENARIOS = ("no_action", "accept", "reject", "partial", "gpc", "withdraw")
AGREE_S = 2.0  # managers write their state some time after the click, some say "done" before that
SPEAK_S = 3.0  # and load some time after the page
_EXPECTED = {"accept": (True, True), "reject": (False, False), "partial": (True, False), "withdraw": (False, False)}
_WORDS = {True: "granted", False: "denied"}


@dataclass(frozen=True, slots=True)
class Change:
    """From TIME on (µs, UTC) consent is in STATE (unset, granted, denied, partial, unknown), said by SOURCE."""

    time: int
    state: str
    analytics: bool | None = None
    advertising: bool | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether the scenario took place.

    state: verified, contradicted or unknown, why in plain words. changes: the states of consent in order. said: what
    each source said last. doubts: what does not fit, but does not decide (a follower that differs). acted: what was
    done, so that `confirm` can weigh again after the visit's own next page.
    """

    wanted: str
    state: str
    why: str
    changes: tuple[Change, ...] = ()
    said: tuple[Said, ...] = ()
    doubts: tuple[str, ...] = ()
    reloaded: bool = False
    acted: Acted | None = None


def weigh(wanted: str, now: Readback, *, dialog: bool, acted: Acted | None) -> tuple[str, str]:
    """Return (verified | contradicted | unknown, why) for one reading.

    WANTED: one of SCENARIOS. DIALOG: whether a consent dialog is on the page. ACTED: what was done, None for nothing.
    """
    if wanted == "gpc":
        return ("verified", "the browser says Global Privacy Control") if now.gpc else (
            "contradicted", "the page does not see Global Privacy Control")  # fmt: skip
    sources = now.managers()
    if wanted == "no_action":
        chosen = [s for s in sources if s.chosen and not s.follows]
        if chosen:
            return "contradicted", f"{chosen[0].source} records a choice that nobody made"
        return "verified", "no choice was made" if sources else "no choice was made and no consent manager speaks"
    analytics, advertising = _EXPECTED[wanted]
    against = [why for s in sources for why in _against(s, wanted, analytics, advertising)]
    done = acted is not None and acted.done
    if against and done:
        return "contradicted", "; ".join(dict.fromkeys(against))
    if not done:
        return "unknown", (acted.why if acted else "") or "no choice was made"
    if not sources:
        return "unknown", "the choice was clicked, but no consent manager tells what it recorded"
    if any(s.chosen is False for s in sources if not s.follows):
        waiting = next(s for s in sources if s.chosen is False and not s.follows)
        return "unknown", f"{waiting.source} has recorded no choice" + (f" ({waiting.note})" if waiting.note else "")
    if all(s.follows and s.chosen is False for s in sources):
        return "unknown", "Google Consent Mode stayed at its default, and nothing else tells"
    if wanted == "partial" and all(s.coarse for s in sources):
        return "unknown", f"{sources[0].source} records yes or no only"
    if dialog:
        return "unknown", "the consent dialog is still there after the click"
    names = " and ".join(sorted({s.source for s in sources}))
    return "verified", f"{names} recorded what was wanted"


def _against(said: Said, wanted: str, analytics: bool, advertising: bool) -> list[str]:
    """Say in which way one source records the opposite of what was wanted."""
    if said.chosen is False:
        return []
    if wanted == "accept":
        told = [x for x in (said.analytics, said.advertising, said.others) if x is not None]
        return [f"{said.source} records a refusal, although everything was accepted"] if told and not any(told) else []
    if wanted == "partial" and said.coarse and said.advertising:
        return []
    verb = {"reject": "refused", "withdraw": "withdrawn", "partial": "refused"}[wanted]
    result = []
    for name, expected in (("analytics", analytics), ("advertising", advertising)):
        got = getattr(said, name)
        if got is not None and got != expected:
            how = f"although it was {verb}" if got else "although it was chosen"
            result.append(f"{said.source} records {name} as {_WORDS[got]}, {how}")
    if wanted != "partial" and said.others and not result:
        result.append(f"{said.source} records consent to other purposes, although everything was {verb}")
    return result


def changes(before: Readback, acted: Acted | None, after: Readback) -> tuple[Change, ...]:
    """Return the states of consent in order: before anything was done, and from the deciding step on."""
    first = _change(before.time, before)
    if not acted or not acted.decided:
        return (first,)
    last = _change(acted.decided, after)
    same = (first.state, first.analytics, first.advertising) == (last.state, last.analytics, last.advertising)
    return (first,) if same else (first, last)


def _change(when: int, at: Readback) -> Change:
    told = at.managers()
    chosen = at.state
    if chosen == "unset" or not told:
        return Change(when, "unset" if chosen == "unset" else "unknown", source=told[0].source if told else "")
    analytics = next((s.analytics for s in told if s.analytics is not None), None)
    advertising = next((s.advertising for s in told if s.advertising is not None), None)
    return Change(when, chosen, analytics, advertising, told[0].source)


async def prove(page: Any, wanted: str, before: Readback, acted: Acted | None, *, reload: bool = True) -> Proof:
    """Return whether PAGE (an asynchronous Playwright page) is in the consent state WANTED.

    BEFORE: what was read before acting. ACTED: what was done; None for no_action and gpc. RELOAD: read once more
    after reloading the page; without it call `confirm` after the visit's next page. Raises UsageError for another
    WANTED; what the page does is told in the proof.
    """
    if wanted not in SCENARIOS:
        raise UsageError(f"'{wanted}' is no scenario; there is: {', '.join(SCENARIOS)}")
    state, why, now = await _agreed(page, wanted, acted, AGREE_S)
    proof = Proof(wanted, state, why, changes(before, acted, now), now.said, _doubts(wanted, now, acted), acted=acted)
    if not reload or wanted in ("gpc", "no_action"):
        return proof
    error = need("playwright.async_api", extra="browser").Error
    try:
        await page.reload(wait_until="domcontentloaded")
    except error as problem:
        return replace(proof, why=f"{why}; not read again, as the reload failed: {str(problem).splitlines()[0][:80]}")
    return await confirm(page, proof)


async def confirm(page: Any, proof: Proof) -> Proof:
    """Return PROOF weighed again on a page that was loaded after the choice."""
    patience = SPEAK_S if proof.state != "contradicted" else 0.0
    state, why, now = await _agreed(page, proof.wanted, proof.acted, patience)
    again = replace(proof, reloaded=True, said=now.said or proof.said)
    if "contradicted" in (state, proof.state):
        first = proof.state == "contradicted"
        return replace(again, state="contradicted", why=proof.why if first else f"after a reload {why}",
                       changes=proof.changes if first else (*proof.changes, _change(now.time, now)))  # fmt: skip
    if proof.state == "verified" and state == "unknown":
        if any(s.chosen is False and not s.follows for s in now.said) and await open_dialogs(page):
            forgotten = "the choice was forgotten: after a reload the dialog asks again"
            changed = (*proof.changes, _change(now.time, now))
            return replace(again, state="contradicted", why=forgotten, changes=changed)
        return replace(again, state="unknown", why=f"after a reload {why}")
    if proof.state == "unknown" and state == "verified":
        return replace(again, state=state, why=f"after a reload {why}", changes=_filled(proof, now))
    return again


def _filled(proof: Proof, now: Readback) -> tuple[Change, ...]:
    """The changes, where the state after the choice could only be read after the reload."""
    if proof.acted is None or not proof.acted.decided:
        return proof.changes
    return (*proof.changes[:1], _change(proof.acted.decided, now))


async def _agreed(page: Any, wanted: str, acted: Acted | None, most_s: float) -> tuple[str, str, Readback]:
    """Read until what is read is what was wanted, for at most MOST_S seconds; the last reading counts."""
    until = time.monotonic() + most_s
    while True:
        now = await read(page)
        state, why = weigh(wanted, now, dialog=False, acted=acted)
        if state == "verified" and wanted in _EXPECTED:
            state, why = weigh(wanted, now, dialog=bool(await open_dialogs(page)), acted=acted)
        settled = state == "verified" or (wanted in _EXPECTED and (acted is None or not acted.done))
        if settled or time.monotonic() > until:
            return state, why, now
        await asyncio.sleep(0.25)


def _doubts(wanted: str, now: Readback, acted: Acted | None) -> tuple[str, ...]:
    """What does not fit, but does not decide."""
    found = [f"{s.source}: {s.note}" for s in now.said if s.note and not s.follows]
    if wanted in _EXPECTED:
        followers = [s for s in now.said if s.follows and s not in now.managers()]
        found += [why for s in followers for why in _against(s, wanted, *_EXPECTED[wanted])]
        mode = next((s for s in followers if s.source == "consent_mode" and s.chosen is False), None)
        if mode and acted and acted.done and (mode.analytics or mode.advertising):
            found.append("Google Consent Mode grants by default and was not told of the choice")
    if acted and acted.tested is False:
        found.append("the rule's own test says that the refusal did not take effect")
    if now.automated:
        found.append("the page can see that the browser is automated")
    return tuple(found)
