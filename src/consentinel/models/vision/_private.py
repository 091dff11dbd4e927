"""What the private parts share: how much may be spent on whom, the plan that follows, and how it is asked for."""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core import accounting
from consentinel.core.columns import one
from consentinel.core.errors import BadInput, ContractBroken, UsageError
from consentinel.models.asked import setting
from consentinel.models.private.dp_sgd import Plan, noise_for
from consentinel.models.private.paid import Ask, asked

__all__ = ["Spending", "ask_for", "owners", "plan_for"]


@dataclass(frozen=True)
class Spending:
    """What every private part asks for; nothing of it may be read off the pictures."""

    epsilon: float = setting(3.0, "what the whole training may cost", low=0.01, high=100)
    delta: str = setting("1e-5", "the delta of that epsilon, far below one in the number of people")
    people: int = setting(0, "about how many people there are, a public number that steps are divided by", low=0)
    classes: str = setting("", "the classes, separated by |; which labels occur is itself private")
    unit: str = setting("", "the column that says whose a picture is; none: each picture is another person's")
    most: int = setting(1, "pictures of a person that are used; 0: all, their mean is what is clipped", low=0)


@lru_cache(maxsize=64)
def plan_for(epsilon: float, delta: str, rate: Fraction, steps: int, share: Fraction = Fraction(0)) -> Plan:
    """Return the plan of STEPS noisy sums at RATE that costs EPSILON at DELTA; SHARE of it is left for other draws
    about everybody (`Plan.before`)."""
    chance = accounting.exact(delta, "delta")
    if not share:
        return noise_for(epsilon, chance, rate, steps)
    whole = noise_for(epsilon, chance, Fraction(1), 1).rho
    return noise_for(epsilon, chance, rate, steps, before=(share * whole).limit_denominator(10**9))


def ask_for(part: str, settings: Spending, plan: Plan, rows: pa.Table) -> Ask:
    """Return what training PART with SETTINGS by PLAN on ROWS draws. Raises UsageError where a setting is missing."""
    if not settings.people:
        raise UsageError(f"{part}: set people, a public number of about how many there are; counting them would leak")
    columns = ["image", "height", "width", "channels", "label", *([settings.unit] if settings.unit else [])]
    missing = [name for name in columns if name not in rows.column_names]
    if missing:
        raise ContractBroken(
            f"{part}: the rows have no column '{missing[0]}'; there is: {', '.join(rows.column_names)}"
        )
    more = [("rate", plan.rate), *([("before", plan.before)] if plan.before else [])]
    return asked(
        f"models.vision.{part}", settings, columns, sigma=plan.noise, steps=plan.steps, rho=plan.rho, more=more,
        unit=settings.unit or "event",
    )  # fmt: skip


def owners(rows: pa.Table, settings: Spending, part: str) -> NDArray[np.int64] | None:
    """Return whose each row is, as codes of shape (n,); None where each is another person's."""
    if not settings.unit:
        return None
    column = one(rows[settings.unit])
    if column.null_count:
        raise BadInput(f"{settings.unit} is null in {column.null_count} rows", where=part, todo="Leave such rows out")
    coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    values = coded.dictionary  # which may name a value twice
    firsts = values.dictionary_encode().indices if len(values) else values
    return np.asarray(firsts.take(coded.indices).to_numpy(zero_copy_only=False), np.int64)
