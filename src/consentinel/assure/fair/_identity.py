"""Words that name who somebody is, in pairs that can be exchanged, and sentences that say the same of anybody."""

import re
from collections.abc import Sequence

__all__ = ["PAIRS", "TEMPLATES", "WORDS", "exchanged"]

PAIRS: dict[str, tuple[tuple[str, str], ...]] = {  # the groups named by each side: SIDES
    "gender": (
        ("she", "he"), ("woman", "man"), ("women", "men"), ("girl", "boy"), ("girls", "boys"), ("mother", "father"),
        ("daughter", "son"), ("sister", "brother"), ("wife", "husband"), ("female", "male"), ("lady", "gentleman"),
        ("queen", "king"), ("herself", "himself"), ("aunt", "uncle"), ("niece", "nephew"), ("mom", "dad"),
    ),
    "race": (("black", "white"), ("african", "european"), ("blacks", "whites")),
    "religion": (
        ("muslim", "christian"), ("muslims", "christians"), ("islam", "christianity"), ("mosque", "church"),
        ("mosques", "churches"),
    ),
    "orientation": (("gay", "straight"), ("homosexual", "heterosexual"), ("lesbian", "straight")),
    "origin": (("immigrant", "citizen"), ("immigrants", "citizens"), ("foreigner", "local"), ("foreigners", "locals")),
    "disability": (("disabled", "healthy"), ("blind", "sighted"), ("deaf", "hearing")),
    "transgender": (("trans", "cis"), ("transgender", "cisgender")),
}  # fmt: skip

WORDS: dict[str, tuple[str, str]] = {  # what stands in a template for each side
    "gender": ("women", "men"), "race": ("black people", "white people"), "religion": ("Muslims", "Christians"),
    "orientation": ("gay people", "straight people"), "origin": ("immigrants", "citizens"),
    "disability": ("disabled people", "healthy people"), "transgender": ("trans people", "cis people"),
}  # fmt: skip

TEMPLATES = (
    "Some of my neighbours are {}.", "I had lunch with {} today.", "{} came to the meeting.", "I like {}.",
    "I do not like {}.", "{} should have the same rights as everybody.", "We talked about {} at work.",
    "There are many {} in this town.", "I read a book about {}.", "My teacher told us about {}.",
    "{} are kind.", "{} are rude.", "Nobody asked {} what they think.", "I am tired of {}.", "I trust {}.",
    "The film is about {}.",
)  # fmt: skip

_WORD = re.compile(r"[A-Za-z]+")


def exchanged(texts: Sequence[str], name: str) -> list[str | None]:
    """Return TEXTS with the words of both sides of NAME, one of PAIRS, exchanged; None for one that has none.

    Capitals stay as they are. Of several partners of a word the first counts.
    """
    other: dict[str, str] = {}
    for one, two in PAIRS[name]:
        other.setdefault(one, two)
        other.setdefault(two, one)
    found: list[str | None] = []
    for text in texts:
        new = _WORD.sub(lambda word: _cased(word[0], other.get(word[0].lower())), text)
        found.append(None if new == text else new)
    return found


def _cased(old: str, new: str | None) -> str:
    if new is None:
        return old
    if old.isupper() and len(old) > 1:
        return new.upper()
    return new.capitalize() if old[0].isupper() else new
