"""A piece of a text that says who or what it is about."""

from typing import NamedTuple

DIVIDES = "\0"  # between the documents of one text


class Span(NamedTuple):
    """The characters [start, end) of a text, what they are, and how sure that is."""

    start: int
    end: int
    kind: str
    p: float
