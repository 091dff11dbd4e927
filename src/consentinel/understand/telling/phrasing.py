"""Let a model say a sentence in other words, and keep what it says only where it says the same.

The model sees no value: each fact is a letter in brackets. What it writes is kept only when every letter is there once,
in order, with no number, no name and no word beside small words and those of the template, and with the words that
carry the meaning (more, within, not, ...) and their order unchanged. Otherwise the sentence of the template stands.
"""

import re
from collections.abc import Callable
from typing import TypeAlias

import msgspec

from consentinel.understand.telling.story import Lead, Piece, Said, Story
from consentinel.understand.telling.written import numbers

__all__ = ["Complete", "asked", "fits", "phrased", "same"]

Complete: TypeAlias = Callable[[str], str]  # a prompt -> what the model answers
MOST_FACTS = 20
_WORD = re.compile(r"\[[A-Z]\]|[A-Za-z][A-Za-z'-]*")
_ELSE = re.compile(r"[^\w\s.,;:()'\[\]-]")
# Words that may come, go and move: they carry no meaning of their own. Prepositions stay.
_SMALL = frozenset([
    "a", "also", "an", "are", "be", "been", "being", "had", "has", "have", "is", "it", "its", "overall", "that", "the",
    "their", "there", "these", "they", "this", "those", "was", "we", "were", "which", "while", "whose",
])  # fmt: skip


def phrased(story: Story, complete: Complete) -> tuple[Story, int]:
    """Return STORY with the sentences that COMPLETE could say otherwise, and how many others it was asked for."""
    blocks, left = list(story.blocks), 0
    for at, block in enumerate(blocks):
        facts = sum(isinstance(piece, Said) for piece in block.pieces) if isinstance(block, Lead) else 0
        if not isinstance(block, Lead) or block.kind != "sentence" or not 0 < facts <= MOST_FACTS:
            continue
        template, said_facts = _lettered(block.pieces)
        said = complete(asked(template)).strip().partition("\n")[0].strip().strip('"')
        if said and said != template and fits(said, template):
            blocks[at] = msgspec.structs.replace(block, pieces=_pieces(said, said_facts), template=block.pieces)
        else:
            left += 1
    return msgspec.structs.replace(story, blocks=blocks), left


def asked(template: str) -> str:
    """Return the prompt for the sentence TEMPLATE."""
    return (
        "Rewrite the sentence so that it reads well. Keep every letter in brackets exactly as it is and in order. Use "
        f"the same words for what is counted. Add no numbers and no facts. Answer with one sentence only.\n\n{template}"
    )


def fits(said: str, template: str) -> bool:
    """Return whether SAID says what TEMPLATE says: the same letters and words of meaning, in order, and no others."""
    if not said.isascii() or numbers(said) or _ELSE.search(said) or len(said) > 2 * len(template) + 40 or "\n" in said:
        return False
    return _meaning(said) == _meaning(template)


def same(block: Lead) -> bool:
    """Return whether BLOCK, which a model phrased, says what its template says."""
    if max(len(block.pieces), len(block.template)) > 2 * MOST_FACTS + 1:
        return False
    (said, facts), (template, wanted) = _lettered(block.pieces), _lettered(block.template)
    return facts == wanted and fits(said, template)


def _meaning(text: str) -> list[str]:
    """Return the letters and the words of TEXT that carry its meaning, in order."""
    words = [word if word.startswith("[") else word.lower() for word in _WORD.findall(text)]
    return [word for word in words if word not in _SMALL]


def _lettered(pieces: list[Piece]) -> tuple[str, list[Said]]:
    """Return PIECES with a letter for each fact, and the facts in the order of their letters."""
    facts = [piece for piece in pieces if isinstance(piece, Said)]
    letters = iter("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return "".join(p if isinstance(p, str) else f"[{next(letters)}]" for p in pieces), facts


def _pieces(said: str, facts: list[Said]) -> list[Piece]:
    pieces: list[Piece] = []
    for part in re.split(r"(\[[A-Z]\])", said):
        if re.fullmatch(r"\[[A-Z]\]", part):
            pieces.append(facts[ord(part[1]) - ord("A")])
        elif part:
            pieces.append(part)
    return pieces
