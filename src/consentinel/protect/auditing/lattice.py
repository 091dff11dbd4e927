"""Finds floating-point noise: outputs must lie on one lattice that does not depend on the data."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.protect.auditing._events import Scores, Tested, as_numbers, judged, tested
from consentinel.protect.auditing._finding import Finding, Plan, Release, rows

__all__ = ["CATCHES", "audit", "step_of"]

CATCHES = ("C1",)
DEPTH, MOST = 53, 8  # bits of a float64's significand; entries of a vector that are looked at

Floats = NDArray[np.float64]


def audit(release: Release, plan: Plan) -> Finding:
    """Return whether the low-order bits of RELEASE's outputs keep the plan's claim on its pairs of inputs.

    Two looks: the residue of an output modulo the step of the lattice seen on one input (a true value that was not
    rounded to the lattice shows in it), and the zero bits at the end of an output's significand (noise added in
    floating point leaves holes that move with the true value). Events of both are chosen on one half of the outputs and
    counted on the other, so the bound and the false-alarm rate are those of `events`. Of vectors the first 8 entries
    are looked at, one by one.
    Raises UsageError without pairs; ContractBroken for outputs of another shape.
    Source: Mironov 2012; Haney et al. 2022 (precision-based attacks).
    """
    if not plan.pairs:
        raise UsageError("an audit of the lattice needs a pair of neighbouring inputs")
    found: list[Tested] = []
    steps: set[float | None] = set()
    for pair in plan.pairs:
        first, second = (rows(np.asarray(release(data, plan.n)), plan.n) for data in pair)
        steps |= {step_of(column) for part in (first, second) for column in _columns(part)}
        found.append(tested(first, second, plan, [_low_bits, _residues]))
    answer = judged(found, plan)
    told = "lattices of step " + ", ".join(f"{step:g}" for step in sorted(s for s in steps if s is not None))
    told = "no fixed lattice" if None in steps else told
    return replace(answer, why=f"outputs lie on {told}; {answer.why}")


def step_of(outputs: NDArray[Any]) -> float | None:
    """Return the largest step such that all differences of OUTPUTS are whole multiples of it.

    None where that is finer than what float64 can add without rounding (there is no lattice), or nothing differs.
    """
    if outputs.dtype.kind in "iub":
        gaps = outputs.astype(np.int64) - np.int64(outputs[0])
        step = int(np.gcd.reduce(gaps))
        return float(step) if step else None
    values = outputs[np.isfinite(outputs)]
    if not values.size or not np.abs(values).max():
        return None
    finest = int(_last_bit(values[values != 0]).min())
    if math.frexp(float(np.abs(values).max()))[1] - finest > DEPTH:
        return None
    whole = np.ldexp(values, -finest).astype(np.int64)
    step = int(np.gcd.reduce(whole - whole[0]))
    return math.ldexp(step, finest) if step else None


def _low_bits(one: NDArray[Any], two: NDArray[Any]) -> Iterator[tuple[str, Scores]]:
    """Yield the zeros at the end of the significand, alone and by size, and the place of the last bit that is set."""
    for at in range(len(_columns(one))):
        yield "zero bits at the end", lambda outputs, at=at: _zeros(_columns(outputs)[at])
        yield "the last bit", lambda outputs, at=at: _places(_columns(outputs)[at])
        yield "zero bits at the end, by size", lambda outputs, at=at: _by_size(_columns(outputs)[at])


def _residues(one: NDArray[Any], two: NDArray[Any]) -> Iterator[tuple[str, Scores]]:
    for part in (one, two):
        for at, column in enumerate(_columns(part)):
            step = step_of(column)
            if step is not None:
                name = f"remainder modulo {step:g}"
                yield name, lambda outputs, at=at, step=step: np.mod(as_numbers(_columns(outputs)[at]), step)


def _places(outputs: NDArray[Any]) -> Floats:
    usual = np.isfinite(outputs) & (outputs != 0)
    return np.where(usual, _last_bit(np.where(usual, outputs, 1.0)), 2000.0)


def _by_size(outputs: NDArray[Any]) -> Floats:
    numbers = outputs.astype(np.float64)
    size = np.clip(np.frexp(np.where(np.isfinite(numbers), numbers, 0.0))[1], -12, 12)
    return _zeros(outputs) + 64.0 * size


def _zeros(outputs: NDArray[Any]) -> Floats:
    """Return how many bits at the end of each significand are 0; 60 for zero, 61 for infinities, 62 for NaN."""
    numbers = outputs.astype(np.float64)
    fraction = np.frexp(np.where(np.isfinite(numbers), numbers, 1.0))[0]
    zeros = np.where(numbers == 0, 60.0, _last_bit(np.ldexp(fraction, DEPTH)))
    return np.where(np.isfinite(numbers), zeros, 61.0 + np.isnan(numbers))


def _last_bit(values: NDArray[Any]) -> NDArray[np.int64]:
    """Return the power of two of the last bit that is set in each of VALUES, none of them zero."""
    fraction, power = np.frexp(values.astype(np.float64))
    whole = np.ldexp(fraction, DEPTH).astype(np.int64)
    last = np.maximum(whole & -whole, 1)
    return power - DEPTH + np.frexp(last.astype(np.float64))[1] - 1


def _columns(outputs: NDArray[Any]) -> list[NDArray[Any]]:
    return [outputs] if outputs.ndim == 1 else list(outputs.T[:MOST])
