"""A frontier as it is asked for: parts of the ads shelf by name, their settings in one text, and epsilons."""

from collections.abc import Sequence

from consentinel.core.accounting import exact
from consentinel.core.contracts import Trainer
from consentinel.core.errors import UsageError
from consentinel.models.asked import settings
from consentinel.models.frontier_curve import Way
from consentinel.models.private._paid import PrivateTrainer
from consentinel.models.shelves import ADS

__all__ = ["DEFAULT", "epsilons", "ways"]

DEFAULT = "logistic private_logistic aggregate_logistic label_private"


def ways(trainers: str, *, given: str = "", delta: str = "1e-6") -> list[Way]:
    """Return what TRAINERS names, separated by spaces, each "part" or "part:a=1,b=2"; GIVEN holds for all of them.

    Plain parts are the ceiling. DELTA goes to every private part. Raises UsageError.
    """
    exact(delta, "delta")
    found: list[Way] = []
    for text in trainers.split() or DEFAULT.split():
        name, _, own = text.partition(":")
        part = ADS.take(name)
        private = isinstance(part.trainer(part.SETTINGS()), PrivateTrainer)

        def made(epsilon: str, name: str = name, own: str = own, private: bool = private) -> Trainer:
            there = ADS.take(name)
            known = set(there.SETTINGS.__dataclass_fields__)
            wide = [piece for piece in given.split(",") if piece.partition("=")[0].strip() in known]
            budget = [f"epsilon={epsilon}", f"delta={delta}"] if private else []
            return there.trainer(settings(there.SETTINGS, ",".join([*wide, *filter(None, [own]), *budget]), name))

        if any(way.name == text for way in found):
            raise UsageError(f"'{text:.60}' is named twice")
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
