"""What the training of a variant cost the people whose data it learnt from, as its run recorded it."""

import json
import math
from fractions import Fraction
from pathlib import Path

from consentinel.core.accounting import epsilon
from consentinel.core.errors import BadInput, UsageError

__all__ = ["epsilon_spent"]


def epsilon_spent(record: Path, delta: Fraction) -> float:
    """Return the epsilon at DELTA of all that the run of `models train` in RECORD, its run.json, charged to a ledger.

    The charges are added up by their zCDP prices, whatever account paid: of a plan that was declared whole this is a
    little more than the epsilon it was paid for. Training that charged nothing had no privacy: infinite.
    Raises BadInput for a file that is no record of a finished training, UsageError for a delta outside (0, 1).
    """
    fault = BadInput("is no record of a finished training", where=record.name, todo="Give run.json of `models train`")
    try:
        says = json.loads(record.read_text("utf-8"))
        if says["verb"] != "models.train" or says["outcome"]["state"] != "finished":
            raise fault
        costs = [charge["micro_rho"] for charge in says["charges"]]
    except (OSError, ValueError, KeyError, TypeError):
        raise fault from None
    if not all(isinstance(cost, int) and cost > 0 for cost in costs):
        raise fault
    if not isinstance(delta, Fraction) or not 0 < delta < 1:
        raise UsageError(f"delta is an exact fraction in (0, 1), for example Fraction(1, 10**6); got {delta!r}")
    return epsilon(sum(costs), delta) if costs else math.inf
