"""Consent dialogs handled by the rules of the autoconsent project: about a thousand, most for one site each.

The rules and their engine come with the package duckduckgo-autoconsent-py (MPL-2.0), which is used as it is. They
run in every frame of the page. Rules that only hide a dialog are left out, and so are steps that would set a choice
by calling the consent manager instead of clicking: what is proven later has to be what a person's click does.
"""

import asyncio
import json
import re
import time
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from consentinel.core.extras import need

__all__ = ["Ran", "run"]

# Steps of the engine that choose by a call; refused, so that the rule goes on to click, or fails and the texts decide.
_CHOOSES_BY_CALL = re.compile(
    r"DIDOMI_OPT_OUT|CONSENTMANAGER_[34]|NCMP_|COOKIEBOT_[34]|KLARO_TRY_API|EZOIC_0|COOKIEINFORMATION|"
    r"TARTEAUCITRON_[01]|TEALIUM_(1|2|DONOTSELL$)|THEFREEDICTIONARY|USERCENTRICS_API_[1-4]|_CLOSE$"
)
# The engine's text is part of the script, not evaluated by it: pages may forbid that.
_START = (
    """([rules, action]) => {
  const queue = [];
  const box = { queue, wake: null };
  delete window.autoconsentReceiveMessage;
  window.autoconsentSendMessage = (message) => { queue.push(structuredClone(message)); box.wake?.(); };
""",
    """
  box.tell = window.autoconsentReceiveMessage;
  for (const name of ['SendMessage', 'ReceiveMessage', 'Heuristics']) delete window[`autoconsent${name}`];
  box.tell({ type: 'initResp', rules: { autoconsent: JSON.parse(rules) }, config: {
    enabled: true, autoAction: action, disabledCmps: [], enablePrehide: false, enableCosmeticRules: false,
    enableGeneratedRules: true, detectRetries: 0, isMainWorld: false,
    logs: Object.fromEntries(['lifecycle', 'rulesteps', 'detectionsteps', 'evals', 'errors', 'messages', 'waits']
      .map((name) => [name, false])),
  } });
  return box;
}
//# sourceURL=consentinel-banner.js
""",
)
_SHOWN = "() => innerWidth >= 100 && innerHeight >= 40"
_NEXT = """
(box) => new Promise((resolve) => {
  const give = () => { box.wake = null; resolve(box.queue.splice(0)); };
  if (box.queue.length) give(); else { box.wake = give; setTimeout(give, 400); }
})
"""
_TELL = "([box, message]) => { box.tell(message); }"
_OVER = ("nothingDetected", "done", "optOutFailed", "optInFailed")


@dataclass(slots=True)
class Ran:
    """What the rules did: the rule whose dialog was open, whether it went through, and since when (µs, UTC)."""

    rule: str = ""
    done: bool = False
    time: int = 0
    tested: bool | None = None  # the rule's own test of a refusal
    lost: bool = False  # the page went away while a rule was at work
    refused: list[str] = field(default_factory=list)  # steps that were not taken because they do not click


@cache
def _rules() -> tuple[str, list[tuple[re.Pattern[str] | None, str]]]:
    """Return the script of the engine, and each rule as text with the addresses that it is for (None: any)."""
    package = need("duckduckgo_autoconsent", extra="browser")
    kept: list[tuple[re.Pattern[str] | None, str]] = []
    for rule in json.loads(package.rules_json()):
        pattern = str((rule.get("runContext") or {}).get("urlPattern") or "")
        if rule.get("cosmetic"):
            continue
        try:
            kept.append((re.compile(pattern) if pattern else None, json.dumps(rule)))
        except re.error:  # a pattern that only JavaScript reads: the engine itself decides
            kept.append((None, json.dumps(rule)))
    return package.bundle().join(_START), kept


def _for(url: str) -> str:
    """Return the rules that may apply at URL as a JSON list; most rules are for one site."""
    return "[" + ",".join(text for pattern, text in _rules()[1] if pattern is None or pattern.search(url)) + "]"


async def run(page: Any, action: str, *, timeout_s: float) -> Ran:
    """Let the rules answer the consent dialogs of PAGE (an asynchronous Playwright page).

    ACTION is optIn or optOut. Returns as soon as a rule is through, or when no frame has a dialog that a rule knows.
    Raises MissingExtra when the rules are not installed.
    """
    _rules()
    ran = Ran()
    tasks = [asyncio.create_task(_frame(frame, action, ran)) for frame in page.frames if not frame.is_detached()]
    try:
        async with asyncio.timeout(timeout_s):
            for task in asyncio.as_completed(tasks):
                await task
                if ran.done:
                    break
    except TimeoutError:
        pass
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return ran


async def _frame(frame: Any, action: str, ran: Ran) -> None:
    """Run the rules in one frame until they are through or have nothing to do there."""
    engine_error = need("playwright.async_api", extra="browser").Error
    try:
        if not await frame.evaluate(_SHOWN):
            return  # a frame that only carries a pixel
        box = await frame.evaluate_handle(_rules()[0], [_for(frame.url), action])
        over, testing = False, False
        while not over or (testing and ran.tested is None):
            for message in await box.evaluate(_NEXT):
                if message["type"] == "eval":
                    await _answer(frame, box, message, ran)
                elif message["type"] == "optOutResult" and message["result"] and message["scheduleSelfTest"]:
                    testing = True
                    await frame.evaluate(_TELL, [box, {"type": "selfTest"}])
                else:
                    over |= _take(message, ran)
    except engine_error:  # the frame went away, or does not run scripts
        ran.lost |= frame is frame.page.main_frame


def _take(message: dict[str, Any], ran: Ran) -> bool:
    """Note what the engine says; True where there is nothing more to wait for in this frame."""
    kind = message["type"]
    if kind == "popupFound" and not ran.rule:
        ran.rule, ran.time = message["cmp"], time.time_ns() // 1000
    elif kind == "autoconsentDone":
        ran.rule, ran.done = message["cmp"], True
    elif kind == "selfTestResult":
        ran.tested = bool(message["result"])
    return kind == "report" and message["state"]["lifecycle"] in _OVER


async def _answer(frame: Any, box: Any, message: dict[str, Any], ran: Ran) -> None:
    """Run a step that the engine wants run in the page, unless it would choose by a call."""
    snippet = str(message.get("snippetId") or "")
    if _CHOOSES_BY_CALL.search(snippet):
        ran.refused.append(snippet)
        result = False
    else:
        result = bool(await frame.evaluate(message["code"]))
    await frame.evaluate(_TELL, [box, {"type": "evalResp", "id": message["id"], "result": result}])
