"""One HTML page that opens offline; a press on a figure shows its query, its answer and the digests of the tables."""

from consentinel.understand.papers._page import html
from consentinel.understand.telling.story import Story

__all__ = ["SUFFIX", "write"]

SUFFIX = "html"


def write(story: Story) -> bytes:
    """Return STORY as an HTML page in UTF-8."""
    return html(story).encode()
