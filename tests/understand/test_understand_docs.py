"""The page of the room names all that there is."""

import re
from pathlib import Path

from consentinel.understand.quality import DEFAULTS
from consentinel.understand.shelves import SOURCES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "rooms" / "understand.md").read_text("utf-8")


def test_the_page_names_every_source_and_check() -> None:
    for name in SOURCES.names():
        assert f"| `{name}` |" in PAGE, name
    for name, (most, _) in DEFAULTS.items():
        assert re.search(rf"\| `{name}` \| .* \| {100 * most:g}% \|", PAGE), name
