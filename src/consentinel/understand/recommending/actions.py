"""What was done, read from text: fixed rules say which mitigations a sentence tells of, and where that begins.

A narrative first says what happened and then what was done about it. What comes before the first sentence that tells of
a mitigation, or that opens the corrective part, is the case as it stood; all after it is what must not be seen before.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Narrative", "Rule", "done", "rules_of", "sentences", "told"]

# An end of a sentence: not after an initial or a usual abbreviation, and before a capital, a quote or a bracket.
_END = re.compile(
    r"(?<=[.!?])(?<!\b[A-Z]\.)(?<!\b(?:Dr|Mr|Ms|St|No|vs)\.)(?<!\b(?:Mrs|Inc|dba)\.)"
    r"[\"\u201d\u2019)]*\s+(?=[\"\u201c\u2018(]?[A-Z])|\n+"
)
# Words that open the corrective part, whatever follows them.
_OPENS = re.compile(
    r"\b(?:in response\b|in (?:its|their) mitigation\b|as a result of (?:the|this|its|ocr)\b|as a result,|"
    r"following (?:the|this|its|discovery|ocr)\b|after (?:the|this) (?:breach|incident|theft|loss)|"
    r"(?:up)?on (?:discovery|discovering|learning)\b|subsequent(?:ly| to)\b|to prevent\b|corrective action|"
    r"ocr (?:obtained|provided|reviewed|verified|opened|closed|confirmed)|ocr.s (?:\w+ )?investigation|"
    r"mitigat(?:e|ed|ing|ion)\b|remediat\w+)",
    re.IGNORECASE,
)  # fmt: skip
# What was not done, or not yet, or is said of somebody's duty: no rule reads these.
_NOT = re.compile(
    r"^[\"\u201c]|\bsaid (?:\w+ ){0,3}director|\bnon-?complian|\bfailures?\b|\bfail(?:ed|ing)? to\b|"
    r"\b(?:expected to|must|should)\b|"
    r"\b(?:had|did|does) not (?:\w+ ){0,2}(?:conduct|have|encrypt|implement|perform|execut|obtain|provid|requir|"
    r"maintain|train|notif)\w*|\bobligations? to\b|\bpotential(?:ly)? violat|"
    # what the authority did, unless the sentence says what came of it
    r"^(?=.*\bocr (?:also |has |additionally |then )?(?:provid|advis|review|verif|determin|found|initiat|open|confirm|"
    r"obtained (?:a )?cop|obtained (?:the|its))\w*)(?!.*\b(?:implemented|revised|improved|executed|established|"
    r"(?:re-?)?trained|updated|adopted|completed|entered|developed|conducted|sanctioned|encrypted)\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Rule:
    """The rule of one mitigation: a sentence that SAID is found in and UNSAID is not tells that it was done."""

    name: str
    said: re.Pattern[str]
    unsaid: re.Pattern[str] | None

    def tells(self, sentence: str) -> bool:
        """Return whether SENTENCE tells that the mitigation was done."""
        if _NOT.search(sentence) or not self.said.search(sentence):
            return False
        return not (self.unsaid and self.unsaid.search(sentence))


@dataclass(frozen=True)
class Narrative:
    """A text in two parts: what happened, and the sentences about what was done, with the mitigations they tell."""

    before: str
    corrective: tuple[str, ...]
    actions: tuple[str, ...]


def rules_of(catalog: Mapping[str, Mapping[str, Sequence[str]]]) -> list[Rule]:
    """Return the rules of the mitigations in CATALOG (name -> said, unsaid) that have one."""
    return [Rule(name, _any(one["said"]), _any(one["unsaid"]) if one.get("unsaid") else None)
            for name, one in catalog.items() if one.get("said")]  # fmt: skip


def _any(patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{one})" for one in patterns), re.IGNORECASE)


def sentences(text: str) -> list[str]:
    """Return the sentences of TEXT, without spaces around."""
    return [one for piece in _END.split(text) if (one := " ".join(piece.split()))]


def done(text: str, rules: Sequence[Rule]) -> list[str]:
    """Return the names of the RULES that any sentence of TEXT tells of, in the order of the rules."""
    parts = sentences(text)
    return [rule.name for rule in rules if any(rule.tells(one) for one in parts)]


def told(text: str, rules: Sequence[Rule]) -> Narrative:
    """Return TEXT parted where telling of mitigations begins.

    The first sentence says what happened: it opens nothing, and what it tells of is no mitigation.
    """
    parts = sentences(text)
    opens = (i for i, one in enumerate(parts) if i and (_OPENS.search(one) or any(r.tells(one) for r in rules)))
    at = next(opens, len(parts))
    after = parts[at:]
    found = tuple(rule.name for rule in rules if any(rule.tells(one) for one in after))
    return Narrative(" ".join(parts[:at]), tuple(after), found)
