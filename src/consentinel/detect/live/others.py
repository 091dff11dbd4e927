"""Requests of workers that began before they could be listened to: Playwright saw them, without their call stacks.

A worker waits until all who listen are ready, but the first of them lets it run, and that is Playwright itself.
"""

import time
from collections import Counter
from typing import TYPE_CHECKING

from consentinel.detect.live.hops import Hop

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Request

__all__ = ["Others"]


class Others:
    """Everything that Playwright saw being asked for in one visit."""

    def __init__(self, context: "BrowserContext") -> None:
        self._seen: list[tuple[float, Request]] = []
        context.on("request", lambda request: self._seen.append((time.time(), request)))

    async def missing(self, hops: list[Hop], pages: list[float]) -> list[Hop]:
        """Return as hops what HOPS lack; PAGES are the wall times at which the documents of the visit began."""
        known = Counter((hop.request["method"], hop.request["url"]) for hop in hops)
        found = []
        for wall, request in self._seen:
            url, method = request.url.partition("#")[0], request.method
            if known[method, url] > 0:
                known[method, url] -= 1
            elif url.startswith(("http:", "https:")):
                found.append(await _hop(request, wall, sum(1 for begun in pages if begun <= wall)))
        return found


async def _hop(request: "Request", wall: float, page: int) -> Hop:
    headers = await request.all_headers()
    response = await request.response() if request.failure is None else None
    told = {"method": request.method, "url": request.url, "headers": headers}
    hop = Hop(told, 0.0, wall, request.resource_type.title(), {"type": "other"}, max(1, page), source="worker")
    hop.ended = 0.0
    hop.body = request.post_data_buffer
    hop.error = request.failure
    if response is not None:
        hop.response = {
            "status": response.status, "statusText": response.status_text, "headers": await response.all_headers(),
            "mimeType": (response.headers.get("content-type") or "").partition(";")[0],
        }  # fmt: skip
    return hop
