"""Triage of launch reviews by stated criteria: risk tier, whether a person has to look, and which answers are missing.

A criterion holds where the form says yes or the text uses its words, and does not hold where the form says no. What is
silent is not a no: where an open answer could raise the tier, the tier is unsure, and the answer is asked for.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from consentinel.core.errors import BadInput

__all__ = ["Criteria", "Criterion", "Reason", "Review", "Triaged", "criteria", "triaged"]

Tier = Literal["low", "medium", "high"]
TIERS: tuple[Tier, ...] = ("low", "medium", "high")
_YES, _NO = {"yes", "y", "true", "1", "ja", "oui"}, {"no", "n", "false", "0", "none", "nein", "non"}
_NEGATED = re.compile(r"\b(?:no|not|never|without|don't|doesn't|does not|do not|won't|neither|nor)\b[^.;!?]{0,40}$")
_FIELDS = {"id", "ask", "cites", "words", "alone", "counts"}


@dataclass(frozen=True)
class Criterion:
    """One criterion: the question, what it rests on, the words that say it, and what it does to the tier."""

    id: str
    ask: str
    cites: Sequence[str]
    words: re.Pattern[str] | None
    alone: bool
    counts: bool


@dataclass(frozen=True)
class Criteria:
    """All criteria, and how many that count make a tier."""

    version: str
    high: int
    medium: int
    each: Sequence[Criterion]


@dataclass(frozen=True)
class Review:
    """A launch review: its name, what it says in free text, and answers by criterion."""

    name: str
    text: str
    answers: Mapping[str, str]


@dataclass(frozen=True)
class Reason:
    """Why a criterion holds, or is in doubt: what said so (form, text, or both against each other), and the place."""

    criterion: Criterion
    state: Literal["yes", "doubt"]
    said: str
    start: int
    end: int


@dataclass(frozen=True)
class Triaged:
    """The tier that is certain, the one that open answers could make it, the reasons, and what is to be asked."""

    review: Review
    at_least: Tier
    at_most: Tier
    reasons: Sequence[Reason]
    missing: Sequence[Criterion]

    @property
    def tier(self) -> str:
        """The tier, or unsure."""
        return self.at_least if self.at_least == self.at_most else "unsure"

    @property
    def needs_review(self) -> bool:
        """Whether a person has to look: anything but a tier that is surely low."""
        return self.tier != "low"


def criteria(path: Path | None = None) -> Criteria:
    """Return our criteria, or those in the TOML file PATH. Raises BadInput."""
    name = path.name if path else "triage.toml"
    try:
        text = path.read_text("utf-8") if path else (files("consentinel.understand") / "data" / name).read_text("utf-8")
        record = tomllib.loads(text)
        each = [_criterion(row) for row in record["criterion"]]
        tiers = record["tiers"]
        made = Criteria(str(record.get("version", "")), int(tiers["high"]), int(tiers["medium"]), each)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError, AttributeError):
        raise BadInput("holds no criteria: [tiers] high and medium, and [[criterion]] with id, ask and cites",
                       where=name, todo="See the criteria that come with the package") from None  # fmt: skip
    if not each or len({one.id for one in each}) < len(each) or not 1 <= made.medium <= made.high:
        raise BadInput("criteria need ids of their own, and tiers 1 <= medium <= high", where=name, todo="Check it")
    return made


def triaged(review: Review, by: Criteria) -> Triaged:
    """Return the triage of REVIEW by the criteria BY; the same review gives the same triage."""
    reasons: list[Reason] = []
    unknown: list[Criterion] = []
    for one in by.each:
        answer = _answer(review.answers.get(one.id))
        found = _found(one, review.text)
        if answer == "yes":
            reasons.append(Reason(one, "yes", "form", -1, -1))
        elif answer == "no" and found:
            reasons.append(Reason(one, "doubt", "form says no, text says otherwise", *found))
            unknown.append(one)
        elif answer == "" and found:
            reasons.append(Reason(one, "yes", "text", *found))
        elif answer == "":
            unknown.append(one)
    sure = [reason.criterion for reason in reasons if reason.state == "yes"]
    least, most = _tier(sure, by), _tier([*sure, *unknown], by)
    weighs = [one for one in unknown if one.alone or one.counts] if least != most else []
    asked = [*sorted(weighs, key=lambda one: not one.alone), *(one for one in unknown if one not in weighs)]
    return Triaged(review, least, most, reasons, asked)


def _tier(holds: Sequence[Criterion], by: Criteria) -> Tier:
    many = sum(one.counts for one in holds)
    if any(one.alone for one in holds) or many >= by.high:
        return "high"
    return "medium" if many >= by.medium else "low"


def _answer(said: str | None) -> str:
    """Return yes, no, or nothing for an answer that is neither."""
    plain = (said or "").strip().lower()
    return "yes" if plain in _YES else "no" if plain in _NO else ""


def _found(one: Criterion, text: str) -> tuple[int, int] | None:
    """Return where TEXT says the criterion, not counting what a negation stands before in the same clause."""
    if one.words is None:
        return None
    plain = text.lower() if len(text.lower()) == len(text) else text
    for match in one.words.finditer(plain):
        if not _NEGATED.search(plain, max(0, match.start() - 60), match.start()):
            return match.start(), match.end()
    return None


def _criterion(row: Mapping[str, Any]) -> Criterion:
    if set(row) - _FIELDS or not row["id"] or not row["ask"] or not row["cites"]:
        raise ValueError("a criterion")
    words = [r"\w*".join(re.escape(piece) for piece in word.lower().split("*")) for word in row.get("words", [])]
    pattern = re.compile(rf"\b(?:{'|'.join(words)})\b") if words else None
    return Criterion(str(row["id"]), str(row["ask"]), [str(one) for one in row["cites"]], pattern,
                     bool(row.get("alone")), bool(row.get("counts")))  # fmt: skip
