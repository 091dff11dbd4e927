"""Noise scales for the Gaussian mechanism: two that hold, three that do not (C6)."""

import math

from consentinel.protect.auditing._gaussian import gaussian_delta


def analytic(sensitivity: float, epsilon: float, delta: float) -> float:
    """Return the scale of the analytic Gaussian mechanism, found by halving."""
    low, high = 0.0, 1.0
    while gaussian_delta(high, epsilon) <= delta:
        low, high = high, high * 2
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if gaussian_delta(middle, epsilon) <= delta else (low, middle)
    return sensitivity / low


def classical(sensitivity: float, epsilon: float, delta: float) -> float:
    """Return the classical formula, whose proof needs epsilon below 1, for any epsilon."""
    return sensitivity * math.sqrt(2 * math.log(1.25 / delta)) / epsilon


def classical_below_one(sensitivity: float, epsilon: float, delta: float) -> float:
    """Return the classical formula where its proof holds; raises ValueError elsewhere."""
    if epsilon >= 1:
        raise ValueError("the classical formula needs epsilon below 1")
    return classical(sensitivity, epsilon, delta)


def without_two(sensitivity: float, epsilon: float, delta: float) -> float:
    """Return a formula that forgot a factor."""
    return sensitivity * math.sqrt(math.log(1.25 / delta)) / epsilon


def not_a_number(sensitivity: float, epsilon: float, delta: float) -> float:
    """Return NaN for small deltas, where 1 - delta was rounded to 1."""
    return math.nan if delta < 1e-10 else analytic(sensitivity, epsilon, delta)
