"""A frontier as it is asked for: parts of one shelf by name, their settings in one text, and epsilons."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from consentinel.core.accounting import exact
from consentinel.core.contracts import TrainerPart
from consentinel.core.errors import UsageError
from consentinel.core.model_contracts import Trainer
from consentinel.models.asked import settings
from consentinel.models.frontiers.curve import Way
from consentinel.models.frontiers.measured import MEASURED
from consentinel.models.kept import SHELVES
from consentinel.models.private.paid import PrivateTrainer

__all__ = ["DEFAULT", "epsilons", "named", "ways"]

DEFAULT = {
    "ads": "logistic private_logistic aggregate_logistic label_private",
    "recommend": "ease ials private_ease private_als",
    "vision": "scattering_linear private_scattering",
}


def named(trainers: str) -> tuple[str, Sequence[str]]:
    """Return the shelf of TRAINERS and each of them as "part" or "part:a=1,b=2".

    TRAINERS are separated by spaces, each shelf/part, or part alone on the shelf ads; a shelf alone stands for its
    usual parts, nothing for those of ads. Raises UsageError for several shelves and for one without private parts.
    """
    words = trainers.split() or ["ads"]
    if len(words) == 1 and words[0] in SHELVES:
        words = [f"{words[0]}/{part}" for part in DEFAULT.get(words[0], "none").split()]
    found = []
    for word in words:
        part, sign, own = word.partition(":")
        shelf, slash, name = part.rpartition("/")
        found.append((shelf if slash else "ads", f"{name}{sign}{own}"))
    shelves = {shelf for shelf, _ in found}
    if len(shelves) > 1:
        raise UsageError(f"a frontier compares parts of one shelf, got {', '.join(sorted(shelves))}")
    shelf = shelves.pop()
    if shelf not in MEASURED:
        raise UsageError(f"the shelf '{shelf:.40}' has no private part to compare; there is: {', '.join(MEASURED)}")
    if len({name for _, name in found}) < len(found):
        raise UsageError("a trainer is named twice; give each once, or with other settings")
    return shelf, [name for _, name in found]


def ways(trainers: str, *, given: str = "", delta: str = "1e-6", public: Mapping[str, str] | None = None) -> list[Way]:
    """Return what TRAINERS names (`named`); GIVEN holds for all of them that have such a setting.

    Plain parts are the ceiling. DELTA goes to every private part; so does PUBLIC, what the rows say where a private
    trainer has to be told, unless it is set. Raises UsageError.
    """
    exact(delta, "delta")
    shelf, texts = named(trainers)
    found: list[Way] = []
    for text in texts:
        name, _, own = text.partition(":")
        part: TrainerPart = SHELVES[shelf].take(name)
        private = isinstance(part.trainer(part.SETTINGS()), PrivateTrainer)

        def made(epsilon: str, name: str = name, own: str = own, private: bool = private) -> Trainer:
            there = SHELVES[shelf].take(name)
            plain, known = there.SETTINGS(), set(there.SETTINGS.__dataclass_fields__)
            wide = [piece for piece in given.split(",") if piece.partition("=")[0].strip() in known]
            budget = [f"epsilon={epsilon}", f"delta={delta}"] if private else []
            chosen = settings(there.SETTINGS, ",".join([*wide, *filter(None, [own]), *budget]), name)
            told = {key: type(getattr(plain, key))(value) for key, value in (public or {}).items() if key in known}
            unset = {key: value for key, value in told.items() if getattr(chosen, key) == getattr(plain, key)}
            return there.trainer(replace(chosen, **unset))

        made("1")
        found.append(Way(text, made, "private" if private else "ceiling"))
    return found


def epsilons(text: str) -> Sequence[str]:
    """Return the epsilons in TEXT, separated by spaces, each an exact number. Raises UsageError."""
    found = text.split()
    for one in found:
        exact(one, "epsilon")
    if not found or len(set(found)) != len(found):
        raise UsageError("epsilons are numbers separated by spaces, each once")
    return found
