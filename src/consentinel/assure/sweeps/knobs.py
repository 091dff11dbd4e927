"""Knobs of a sweep: what was typed as the settings that are trained, each part at every value of what applies to it."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from consentinel.assure.subject import RANKED_KINDS
from consentinel.core import meeting
from consentinel.core.errors import UsageError

__all__ = ["MOST", "Setting", "settings"]

MOST = 40
_PART = re.compile(r"([a-z]+/[a-z0-9_]+)(?::(.*))?", re.DOTALL)
_NEXT = re.compile(r"\s+(?=[a-z]+/[a-z0-9_]+(?:[:\s]|$))")
_CLASSIFIED = ("tabular", "text", "vision")
GENERAL = {
    "fairness": (*_CLASSIFIED, "recsys"),  # power of reweighing; of recommenders, the share of a gap that is taken away
    "noise": _CLASSIFIED,  # what the rows are disturbed by before a second copy of them is learned
}


@dataclass(frozen=True)
class Setting:
    """One setting that is trained: the part or code, its own settings in words, and the two knobs of every trainer."""

    trainer: str
    own: str = ""
    fairness: float = 0.0
    noise: float = 0.0
    turned: tuple[tuple[str, str], ...] = ()  # knobs and their values, as they were asked for

    @property
    def named(self) -> str:
        """How the trainer is named at the door of its room."""
        return f"{self.trainer}:{self.own}" if self.own else self.trainer

    @property
    def name(self) -> str:
        """What the setting is called in tables and pictures."""
        return " ".join([self.trainer.rpartition("/")[2], *(f"{name}={value}" for name, value in self.turned)])


def settings(trainers: str, knobs: str, kind: str) -> list[Setting]:
    """Return the settings of TRAINERS, separated by spaces, at all values of KNOBS ("reg=50,200 fairness=0,1").

    A knob is a setting of the part, or else one of GENERAL; it is left out for parts that set it themselves or do not
    have it, as private ones do not have what would repeat a row. Raises UsageError for a knob that no trainer has, for
    a value that is none, and for more than MOST settings.
    """
    wanted, words = _knobs(knobs), _trainers(trainers)
    if not words:
        raise UsageError("name the part to train, for example recommend/ease")
    used: set[str] = set()
    found: list[Setting] = []
    for word in words:
        part = _PART.fullmatch(word)
        trainer, own = (part[1], part[2] or "") if part else (word, "")
        fields = set(meeting.settings(trainer)) if part else set()
        general = _general(trainer, bool(part), kind)
        mine = {name: values for name, values in wanted.items() if name in fields or name in general}
        mine = {name: values for name, values in mine.items() if f",{name}=" not in f",{own.replace(' ', '')}"}
        used |= set(mine)
        found += _grid(trainer, own, mine, fields, kind)
    unused = sorted(set(wanted) - used)
    if unused:
        there = sorted({*GENERAL, *(field for word in words for field in _fields(word))})
        raise UsageError(
            f"no trainer of {kind} models here has the knob '{unused[0][:40]}', or all set it; "
            f"there is: {', '.join(there)}"
        )
    found = list(dict.fromkeys(found))
    if len(found) > MOST:
        raise UsageError(f"{len(found)} settings are more than {MOST}: give fewer values")
    if len({one.name for one in found}) < len(found):
        raise UsageError("two settings have the same name: turn what differs by a knob")
    return found


def _trainers(text: str) -> list[str]:
    """Return the trainers in TEXT: a new one begins at each word that is shelf/part, since settings may hold spaces."""
    found: list[str] = []
    for word in _NEXT.split(text.strip()):
        found += [word] if _PART.fullmatch(word) else word.split()
    return found


def _general(trainer: str, part: bool, kind: str) -> set[str]:
    """Return the knobs of every trainer that TRAINER has: a private part learns every row once, as it is, since its
    epsilon is about that, so of these only what is done to finished lists is for it."""
    private = part and meeting.private(trainer)
    return {name for name, kinds in GENERAL.items() if kind in kinds and (kind in RANKED_KINDS or not private)}


def _fields(word: str) -> Sequence[str]:
    part = _PART.fullmatch(word)
    return meeting.settings(part[1]) if part else ()


def _knobs(text: str) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for word in text.split():
        name, sign, values = word.partition("=")
        made = list(dict.fromkeys(value for value in values.split(",") if value))
        if not sign or not made or name in found:
            raise UsageError(f"knobs are name=value,value, separated by spaces, each name once; got '{word[:60]}'")
        found[name] = made
    return found


def _grid(trainer: str, own: str, knobs: Mapping[str, list[str]], fields: set[str], kind: str) -> Iterator[Setting]:
    for values in product(*knobs.values()):
        turned = tuple(zip(knobs, values, strict=True))
        general = {name: _amount(name, value, kind) for name, value in turned if name not in fields}
        pieces = [own, *(f"{name}={value}" for name, value in turned if name in fields)]
        yield Setting(trainer, ",".join(filter(None, pieces)), turned=turned, **general)


def _amount(name: str, text: str, kind: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    most = 1.0 if (name == "fairness" and kind in RANKED_KINDS) or (name == "noise" and kind == "text") else 10.0
    if not 0 <= value <= most:
        raise UsageError(f"{name} is a number from 0 to {most:g} for {kind} models; got '{text[:40]}'")
    return value
