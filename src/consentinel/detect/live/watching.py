"""What a visit tells beside its requests: dialogs, downloads, errors, windows, crashes, what is stored in the end."""

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from consentinel.detect.live.capture import Capture

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Frame, Page

__all__ = ["leave", "of_playwright", "stored", "watch", "within"]

_LEAVE = """() => { window.dispatchEvent(new Event('beforeunload', { cancelable: true })); }
//# sourceURL=consentinel-visit.js
"""
_STORES = """() => ['localStorage', 'sessionStorage'].flatMap((name) => {
  const told = ([key, value]) => [name.slice(0, -7), location.origin, key, value.slice(0, 65536)];
  try { return Object.entries(window[name]).map(told); }
  catch { return []; }
}).slice(0, 2000)
//# sourceURL=consentinel-visit.js
"""


def of_playwright(why: BaseException) -> bool:
    return type(why).__module__.partition(".")[0] == "playwright" or isinstance(why, (ConnectionError, TimeoutError))


async def within(work: Awaitable[Any], seconds: float, otherwise: Any) -> Any:
    """Wait for WORK, which a browser that is gone never ends."""
    try:
        return await asyncio.wait_for(work, seconds)
    except Exception as why:
        if not of_playwright(why):
            raise
        return otherwise


async def leave(page: "Page") -> None:
    """Announce to the page that it is left, which makes it send what it still holds (see hooks.js)."""
    for frame in page.frames:
        await within(frame.evaluate(_LEAVE), 1.0, None)


def watch(context: "BrowserContext", page: "Page", capture: Capture) -> None:
    """Note what happens beside the requests: dialogs, downloads, errors, windows, crashes."""

    def listen(one: "Page") -> None:
        def dialog(box: Any) -> None:
            capture.note("dialog", kind=box.type, text=box.message[:200])
            capture.later(box.accept() if box.type == "beforeunload" else box.dismiss())

        def said(message: Any) -> None:
            if message.type in ("error", "warning"):
                capture.note("console", kind=message.type, text=message.text[:500], url=message.location.get("url", ""))

        one.on("dialog", dialog)
        one.on("download", lambda file: capture.note("download", url=file.url, name=file.suggested_filename[:120]))
        one.on("console", said)
        one.on("pageerror", lambda why: capture.note("console", kind="exception", text=str(why)[:500], url=""))
        one.on("framenavigated", moved)

    def moved(frame: "Frame") -> None:
        if frame.parent_frame is None:
            capture.note("navigated", url=frame.url)

    def opened(window: "Page") -> None:
        if window is not page:
            capture.note("window", url=window.url)
            listen(window)
            capture.later(capture.join(context, window))

    listen(page)
    page.on("crash", lambda _: capture.stop("crashed", "the page crashed"))
    context.on("page", opened)


async def stored(page: "Page", capture: Capture) -> None:
    """Add what is stored now and was not seen being written, as scripts of workers and assignments write it."""
    written = {
        (n.get("kind"), n.get("origin"), n.get("key"), n.get("value")) for n in capture.notes if n["what"] == "storage"
    }
    for frame in page.frames:
        for kind, origin, key, value in await within(frame.evaluate(_STORES), 2.0, []):
            if (kind, origin, key, value) not in written:
                capture.note(
                    "storage",
                    kind=kind,
                    origin=origin,
                    key=key,
                    value=value,
                    lifetime_s=None,
                    script_url=None,
                    line=None,
                )
