"""How a value is written for people, and what in a text counts as a number."""

import re
from collections.abc import Sequence
from datetime import date

from consentinel.core.text import one_line
from consentinel.understand.telling.story import Fact, Piece, Said, Scalar, Story, Unit

__all__ = ["fact_text", "numbers", "plain", "split", "written"]

NOTHING = "–"  # noqa: RUF001  what stands where there is no value
_NUMBER = re.compile(
    r"\d|%|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozens?|hundreds?|thousands?|millions?|half|"
    r"halves|thirds?|quarters?|twice|thrice|doubled?|tripled?|majority|percent)\b",
    re.IGNORECASE,
)
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
           "December")  # fmt: skip


def numbers(text: str) -> list[str]:
    """Return what in TEXT is a number: digits, signs of percent, and words such as twice or half."""
    return _NUMBER.findall(text)


def written(value: Scalar, unit: Unit) -> str:
    """Return VALUE as people write it: 1,234; 42.9%; 12 days; 19 December 2022; a name on one line."""
    if value is None:
        return NOTHING
    if unit == "name" or (isinstance(value, str) and unit != "date"):
        return one_line(str(value), 90)
    if unit == "date":
        day = date.fromisoformat(str(value)[:10])
        return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
    figure = float(value)
    if unit == "share":
        return f"{100 * figure:.1f}%"
    if unit == "days":
        return f"{figure:,.0f} {'day' if round(figure) == 1 else 'days'}"
    return f"{figure:,.0f}" if unit == "count" or figure.is_integer() else f"{figure:,.1f}"


def fact_text(fact: Fact) -> str:
    """Return FACT as it stands in a text: its value, and of a share its interval."""
    text = written(fact.value, fact.unit)
    if fact.low is None or fact.high is None or fact.level is None:
        return text
    low, high = written(fact.low, fact.unit), written(fact.high, fact.unit)
    return f"{text} ({fact.level:.0%} interval {low} to {high})"


def split(story: Story, piece: Said) -> tuple[str, str]:
    """Return how the fact of PIECE is written and the noun that follows it."""
    fact = story.fact(piece.fact)
    noun = piece.one if fact.value == 1 else piece.several
    return fact_text(fact), f" {noun}" if noun else ""


def plain(story: Story, pieces: Sequence[Piece]) -> str:
    """Return PIECES as plain text."""
    return "".join(piece if isinstance(piece, str) else "".join(split(story, piece)) for piece in pieces)
