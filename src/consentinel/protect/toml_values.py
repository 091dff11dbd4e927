"""Values of a TOML file, read strictly: what is unknown or of the wrong kind is told with a way out."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from consentinel.core.errors import UsageError

__all__ = ["keyed", "known", "near", "text_of"]


def known(found: Iterable[str], names: tuple[str, ...], where: str) -> None:
    """Raise UsageError when a key of FOUND is not one of NAMES; WHERE says which part of the file it is."""
    for key in found:
        if key not in names:
            raise UsageError(f"{where}: unknown key '{key[:60]}'; {near(key, list(names))}")


def keyed(value: Any, what: str) -> Mapping[str, Any]:
    """Return VALUE if it is a table of keys and values; raises UsageError, WHAT names it."""
    if not isinstance(value, dict):
        raise UsageError(f"{what} is a table of keys and values")
    return value


def text_of(value: Any, what: str) -> str:
    """Return VALUE if it is a text with something in it; raises UsageError, WHAT names it."""
    if value is None:
        raise UsageError(f"{what} is missing")
    if not isinstance(value, str) or not value:
        raise UsageError(f"{what} is a text")
    return value


def near(name: str, have: list[str]) -> str:
    """Return the way out for a wrong NAME: the nearest of HAVE, or all of them."""
    found = get_close_matches(name.lower(), [h.lower() for h in have], n=1)
    first = next((h for h in have if found and h.lower() == found[0]), None)
    return f"did you mean '{first}'?" if first else f"there is: {', '.join(have[:20]) or 'none'}"
