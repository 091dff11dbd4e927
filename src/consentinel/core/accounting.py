"""What a charge costs: exact zero-concentrated differential privacy (zCDP) in whole micro-rho, always rounded up.

A mechanism with rho-zCDP composes by adding rho (Bun and Steinke 2016, Lemma 1.7), also when the next question
depends on earlier answers (Feldman and Zrnic 2021), so a budget is one integer. Prices are exact fractions of exact
parameters; floating point appears only in `epsilon`, the figure shown to people, and there it errs upwards.
"""

import math
import re
from fractions import Fraction

from consentinel.core.errors import UsageError

__all__ = ["MICRO", "epsilon", "exact", "gaussian_rho", "laplace_rho", "micro_rho", "pure_rho", "written"]

MICRO = 1_000_000  # micro-rho in one rho
LEAST, MOST = Fraction(1, 10**18), Fraction(10**18)
_NUMBER = re.compile(r"[0-9]{1,80}(?:/[0-9]{1,80}|(?:\.[0-9]{1,80})?(?:[eE][+-]?[0-9]{1,3})?)", re.ASCII)


def exact(number: str | int | Fraction, what: str = "a privacy parameter") -> Fraction:
    """Return NUMBER as an exact fraction: "1/4", "0.25", "1e-6", 2 or Fraction(1, 4).

    Raises UsageError unless it is a plain positive number in [1e-18, 1e18]: NaN, infinities, zero, negative numbers,
    1e-320 and floats (which are not the decimal that was typed) are refused, WHAT names it.
    """
    if isinstance(number, bool) or not isinstance(number, str | int | Fraction):
        raise UsageError(f"{what}: write the number as text so that it is exact, for example '1/4' or '0.25'")
    if isinstance(number, str):
        if not _NUMBER.fullmatch(number):
            raise UsageError(f"{what}: '{number[:50]}' is not a positive number such as '1/4', '0.25' or '1e-6'")
        top, _, bottom = number.partition("/")
        if bottom and int(bottom) == 0:
            raise UsageError(f"{what}: '{number}' divides by zero")
        value = Fraction(int(top), int(bottom)) if bottom else Fraction(number)
    else:
        value = Fraction(number)
    if not LEAST <= value <= MOST:
        raise UsageError(
            f"{what}: a number in [1e-18, 1e18] is needed; zero, negative and vanishing values are refused"
        )
    if max(value.numerator, value.denominator).bit_length() > 256:
        raise UsageError(f"{what}: the number needs more than 256 bits; round it")
    return value


def written(value: Fraction) -> str:
    """Return the one way to write VALUE: "n/d" in lowest terms, or "n"."""
    return str(value)


def gaussian_rho(sensitivity: Fraction, sigma: Fraction) -> Fraction:
    """Return the rho of (discrete) Gaussian noise: sensitivity^2 / (2 sigma^2), exactly.

    Arguments: L2 sensitivity; the sigma parameter of the noise, in the same unit.
    Source: Bun and Steinke 2016, Proposition 1.6; discrete: Canonne, Kamath and Steinke 2020, Theorem 4.
    """
    return (_positive(sensitivity, "sensitivity") / _positive(sigma, "sigma")) ** 2 / 2


def pure_rho(eps: Fraction) -> Fraction:
    """Return the rho of an EPS-differentially private mechanism: eps^2 / 2 (Bun and Steinke 2016, Proposition 1.4)."""
    return _positive(eps, "epsilon") ** 2 / 2


def laplace_rho(sensitivity: Fraction, scale: Fraction) -> Fraction:
    """Return the rho of (discrete) Laplace noise, which is (sensitivity / scale)-differentially private.

    Arguments: L1 sensitivity; scale, in the same unit.
    """
    return pure_rho(_positive(sensitivity, "sensitivity") / _positive(scale, "scale"))


def micro_rho(rho: Fraction) -> int:
    """Return RHO in whole micro-rho, rounded up: never less than the exact value, at least 1."""
    return math.ceil(_positive(rho, "rho") * MICRO)


def epsilon(micro: int, delta: Fraction) -> float:
    """Return an epsilon for which MICRO micro-rho of zCDP give (epsilon, DELTA)-differential privacy.

    It is the better of rho + 2 sqrt(rho ln(1/delta)) (Bun and Steinke 2016, Proposition 1.3) and, over orders
    alpha > 1, alpha rho + ln(1 - 1/alpha) - (ln delta + ln alpha) / (alpha - 1) (Canonne, Kamath and Steinke 2020,
    section 2.3). Both hold, for every alpha, so an inexact search only makes the figure larger; a relative 1e-9 is
    added for floating point. Raises UsageError for a negative budget or a delta outside (0, 1).
    """
    if micro < 0:
        raise UsageError(f"a budget is at least 0 micro-rho, got {micro}")
    chance = _positive(delta, "delta")
    if chance >= 1:
        raise UsageError(f"delta is in (0, 1), got {delta}")
    if micro == 0:
        return 0.0
    rho = micro / MICRO
    if chance > Fraction(1, 2):
        bits = -math.log1p(-float(1 - chance))  # ln(1/delta)
    else:
        bits = math.log(chance.denominator) - math.log(chance.numerator)  # without underflow

    def at(log_gap: float) -> float:  # the order is 1 + gap; log1p keeps orders next to 1 exact
        gap = math.exp(log_gap)
        log_order = math.log1p(gap)
        return (1 + gap) * rho + log_gap - log_order + (bits - log_order) / gap

    middle = math.log(bits / rho) / 2  # the order that is best for Proposition 1.3
    low, high = middle - 20, middle + 20
    golden = (math.sqrt(5) - 1) / 2
    for _ in range(120):
        left, right = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, right) if at(left) < at(right) else (left, high)
    best = min(at((low + high) / 2), rho + 2 * math.sqrt(rho * bits))
    return max(0.0, best) * (1 + 1e-9)


def _positive(value: Fraction, what: str) -> Fraction:
    if not isinstance(value, Fraction) or value <= 0:
        raise UsageError(f"{what} is an exact positive fraction (make one with `exact`), got {value!r}")
    return value
