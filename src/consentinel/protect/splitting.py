"""One budget, split between the statistics of a question in exact fractions; noise scales from parts, and prices back.

Independent Gaussian noise of variance s_i^2 / (2 rho_i) in statistics that enter an estimate with weights w_i adds
sum of (w_i s_i)^2 / (2 rho_i) to its variance; that is least where rho_i is proportional to w_i s_i. A mechanism's
`shares` are these proportions, so the split is rho_i = rho * share_i / sum of shares, which loses nothing to rounding.
"""

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

from consentinel.core.accounting import pure_rho
from consentinel.core.errors import UsageError
from consentinel.protect.statistic import Bounds, Statistic, l1, l2_squared

__all__ = ["deviations", "params", "price", "root_up", "split"]

BITS = 40  # of a noise scale that was rounded up: at most 2^-39 more noise than the budget asks for


def split(budget: Fraction, shares: Mapping[str, Fraction]) -> dict[str, Fraction]:
    """Return BUDGET in parts proportional to SHARES; they add up to it exactly. Raises UsageError."""
    if not isinstance(budget, Fraction) or budget <= 0:
        raise UsageError(f"a budget is an exact positive fraction (core.accounting.exact), got {budget!r:.60}")
    if not shares or not all(isinstance(share, Fraction) and share > 0 for share in shares.values()):
        raise UsageError("shares are exact positive fractions, one for each statistic")
    whole = sum(shares.values(), Fraction(0))
    return {name: budget * share / whole for name, share in shares.items()}


def root_up(square: Fraction) -> Fraction:
    """Return a fraction of few bits that is at least the square root of SQUARE and at most 2^-39 of it larger."""
    if square <= 0:
        raise UsageError(f"a square root is taken of a positive fraction, got {square}")
    scale = BITS - (square.numerator.bit_length() - square.denominator.bit_length()) // 2
    shifted = square * Fraction(4) ** scale
    whole = -(-shifted.numerator // shifted.denominator)
    root = math.isqrt(whole - 1) + 1
    return root / Fraction(2) ** scale


def params(
    statistics: Sequence[Statistic],
    bounds: Bounds,
    budget: Fraction,
    shares: Mapping[str, Fraction],
    *,
    law: str = "gaussian",
) -> dict[str, Fraction]:
    """Return the parameters of a charge: the noise scale of every statistic, in its lattice steps, and the budget.

    "sigma_<statistic>" and "rho" for Gaussian noise; "scale_<statistic>" and "epsilon" for Laplace noise.
    SHARES may name more statistics than are asked. Raises UsageError where they miss one, or one is asked twice.
    """
    names = [one.name for one in statistics]
    if len(set(names)) != len(names) or not set(names) <= set(shares):
        raise UsageError(f"shares are needed for each of {', '.join(names)}, each of them asked once")
    parts = split(budget, {name: shares[name] for name in names})
    if law == "laplace":
        scales = {f"scale_{one.name}": _short_up(l1(one, bounds) / parts[one.name]) for one in statistics}
        return scales | {"epsilon": budget}
    if law != "gaussian":
        raise UsageError(f"no noise law '{law}'; there is: gaussian, laplace")
    sigmas = {f"sigma_{one.name}": root_up(l2_squared(one, bounds) / (2 * parts[one.name])) for one in statistics}
    return sigmas | {"rho": budget}


def price(statistics: Sequence[Statistic], bounds: Bounds, paid: Mapping[str, Fraction]) -> Fraction:
    """Return the exact rho that noise with the scales in PAID costs: never more than the budget it was made from.

    Raises UsageError where a statistic has no scale.
    """
    spent, pure = Fraction(0), Fraction(0)
    for one in statistics:
        sigma, scale = paid.get(f"sigma_{one.name}"), paid.get(f"scale_{one.name}")
        if (sigma is None) == (scale is None) or any(part is not None and part <= 0 for part in (sigma, scale)):
            raise UsageError(f"'{one.name}' needs one positive noise scale: sigma_{one.name} or scale_{one.name}")
        if sigma is not None:
            spent += l2_squared(one, bounds) / (2 * sigma**2)
        elif scale is not None:
            pure += l1(one, bounds) / scale
    return spent + (pure_rho(pure) if pure else Fraction(0))


def deviations(statistics: Sequence[Statistic], paid: Mapping[str, Fraction]) -> dict[str, float]:
    """Return the standard deviation of the noise of every statistic, in lattice steps, from the scales in PAID.

    That of discrete noise: at most the one of the continuous law, and 0 where the scale is far below one step.
    """
    found = {}
    for one in statistics:
        sigma, scale = paid.get(f"sigma_{one.name}"), paid.get(f"scale_{one.name}")
        if sigma is not None:
            found[one.name] = _gaussian(float(sigma))
        elif scale is not None:
            found[one.name] = _laplace(float(scale))
        else:
            raise UsageError(f"'{one.name}' has no noise scale: sigma_{one.name} or scale_{one.name} is needed")
    return found


def _gaussian(sigma: float) -> float:
    if sigma > 5:
        return sigma
    weights = [math.exp(-(k * k) / (2 * sigma * sigma)) for k in range(1, 60)]
    return math.sqrt(2 * sum(k * k * w for k, w in enumerate(weights, 1)) / (1 + 2 * sum(weights)))


def _laplace(scale: float) -> float:
    return 1 / (math.sqrt(2) * math.sinh(1 / (2 * scale))) if scale > 1e-3 else 0.0


def _short_up(value: Fraction) -> Fraction:
    """Return a fraction of few bits that is at least VALUE and at most 2^-39 of it larger."""
    scale = BITS - (value.numerator.bit_length() - value.denominator.bit_length())
    shifted = value * Fraction(2) ** scale
    return -(-shifted.numerator // shifted.denominator) / Fraction(2) ** scale
