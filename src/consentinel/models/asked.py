"""Settings of trainers from text: `--set reg=200,epochs=3` becomes the frozen dataclass of the part."""

from dataclasses import MISSING, Field, field, fields
from difflib import get_close_matches
from typing import Any

from consentinel.core.errors import UsageError

__all__ = ["setting", "settings", "told"]


def setting(default: Any, help: str, *, low: float | None = None, high: float | None = None) -> Any:
    """Return a dataclass field with its DEFAULT, a HELP for people, and the least and greatest value that it takes."""
    return field(default=default, metadata={"help": help, "low": low, "high": high})


def settings(kind: type[Any], text: str, where: str) -> Any:
    """Return the settings of dataclass KIND that TEXT ("a=1,b=two") asks for; WHERE names the part in messages.

    Raises UsageError naming the setting, what it takes, and the nearest name for one that there is not.
    """
    there = {one.name: one for one in fields(kind)}
    found: dict[str, Any] = {}
    for piece in filter(None, (piece.strip() for piece in text.split(","))):
        name, sign, value = (word.strip() for word in piece.partition("="))
        if not sign or name not in there:
            near = get_close_matches(name, there, 1)
            hint = f"did you mean {near[0]}?" if near else f"there is: {', '.join(there) or 'none'}"
            raise UsageError(f"{where}: no setting '{name[:40]}'; {hint}")
        if name in found:
            raise UsageError(f"{where}: {name} is set twice")
        found[name] = _value(there[name], value, where)
    made = kind(**found)
    for one in there.values():
        _within(one, getattr(made, one.name), where)
    return made


def told(made: Any) -> dict[str, str]:
    """Return settings as text, for cards and run records."""
    return {one.name: str(getattr(made, one.name)) for one in fields(made)}


def _value(one: "Field[Any]", text: str, where: str) -> Any:
    default = one.default
    kind = type(default) if default is not MISSING and default is not None else str
    try:
        if kind is bool:
            return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[text.lower()]
        return kind(text)
    except (KeyError, ValueError):
        raise UsageError(f"{where}: {one.name} is a {kind.__name__}, got '{text[:40]}'") from None


def _within(one: "Field[Any]", value: Any, where: str) -> None:
    low, high = one.metadata.get("low"), one.metadata.get("high")
    if not isinstance(value, int | float) or isinstance(value, bool):
        return
    if value != value or (low is not None and value < low) or (high is not None and value > high):
        span = "a number" if low is None else f"at least {low}" if high is None else f"in [{low}, {high}]"
        raise UsageError(f"{where}: {one.name} is {span}, got {value}")
