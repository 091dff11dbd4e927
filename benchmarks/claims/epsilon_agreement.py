"""Every epsilon that we state against an exact sum over the outcomes: how far apart at most, and how often below."""

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from benchmarks._claim import write
from consentinel.core.losses import Kind, Step, agreed

NAMES = ("epsilon_agreement", "epsilon_below_truth")
MOST = 4e6  # atoms of the exact sum
DELTAS = ("1/100", "1/100000", "1/10000000000", "1/1000000000000")
Atoms = tuple[NDArray[np.float64], NDArray[np.float64]]


def plans() -> Iterator[list[Step]]:
    """Yield the plans: each mechanism alone and repeated at small and large losses, then mixtures."""
    for kind, pairs in ALONE.items():
        for (sensitivity, scale), count in ((p, c) for p in pairs for c in (1, 2, 7, 50)):
            if kind != "laplace" or count <= 2:  # no exact sum for many continuous Laplace losses
                yield [Step(kind, Fraction(sensitivity), Fraction(scale), count)]
    half, tenth = Fraction(1, 2), Fraction(1, 10)
    yield [Step("discrete_gaussian", Fraction(1), Fraction(9), 12), Step("pure", tenth, Fraction(1), 8)]
    yield [Step("gaussian", Fraction(1), Fraction(4)), Step("discrete_laplace", Fraction(2), Fraction(5), 3)]
    yield [Step("gaussian", half, Fraction(3), 20), Step("laplace", Fraction(1), Fraction(3))]
    yield [
        Step("discrete_gaussian", Fraction(3), Fraction(40), 9),
        Step("discrete_laplace", Fraction(3), Fraction(70), 9),
    ]
    yield [Step("gaussian", Fraction(1), Fraction(50), 100), Step("gaussian", Fraction(1), Fraction(2))]
    yield [Step("pure", Fraction(1), Fraction(1)), Step("pure", Fraction(1), Fraction(20), 40)]
    yield [Step("laplace", Fraction(1), Fraction(2)), Step("discrete_gaussian", Fraction(1), Fraction(15), 30)]


ALONE: dict[Kind, list[tuple[str, str]]] = {
    "gaussian": [("1", "1/3"), ("1", "1"), ("1", "10"), ("1/3", "500")],
    "laplace": [("1", "1/4"), ("1", "1"), ("1", "30"), ("1/7", "100")],
    "discrete_gaussian": [("1", "1/2"), ("1", "3"), ("5", "40"), ("100", "3000"), ("2", "5000")],
    "discrete_laplace": [("1", "1/4"), ("1", "2"), ("4", "9"), ("10", "1000"), ("500", "7000")],
    "pure": [("3", "1"), ("1", "2"), ("1", "100")],
}


def truth(plan: list[Step], delta: float) -> float | None:
    """Return the smallest epsilon of PLAN from an exact sum over its outcomes; None when they are too many."""
    losses, mass = np.zeros(1), np.ones(1)
    mu2 = 0.0
    for step in plan:
        if step.kind == "gaussian":
            mu2 += step.count * float(step.sensitivity / step.scale) ** 2
            continue
        more = repeated(step)
        if more is None or len(losses) * float(len(more[0])) > MOST:
            return None
        losses = (losses[:, None] + more[0]).ravel()
        mass = (mass[:, None] * more[1]).ravel()
        keep = mass > 1e-28
        losses, mass = losses[keep], mass[keep]
    low, high = 0.0, float(losses.max()) + mu2 / 2 + 9 * math.sqrt(mu2)
    for _ in range(70):
        middle = (low + high) / 2
        low, high = (middle, high) if hockey_stick(middle, losses, mass, mu2) > delta else (low, middle)
    return high


def hockey_stick(eps: float, losses: NDArray[np.float64], mass: NDArray[np.float64], mu2: float) -> float:
    """Return the delta at EPS of the atoms, together with Gaussian noise whose (sensitivity / sigma)^2 is MU2."""
    from scipy.special import log_ndtr, ndtr

    left = eps - losses
    if not mu2:
        return float(mass @ -np.expm1(np.minimum(left, 0.0)))
    mu = math.sqrt(mu2)
    return float(mass @ (ndtr(mu / 2 - left / mu) - np.exp(left + log_ndtr(-mu / 2 - left / mu))))


def repeated(step: Step) -> Atoms | None:
    """Return loss and mass of every outcome of STEP: sums over the lattice that its noise lies on."""
    d, b, k = float(step.sensitivity), float(step.scale), step.count
    if step.kind == "pure":
        e = d / b
        times = np.arange(k + 1)
        logs = [math.lgamma(k + 1) - math.lgamma(i + 1) - math.lgamma(k - i + 1) for i in times.tolist()]
        return (2 * times - k) * e, np.exp(np.array(logs) - times * math.log1p(math.exp(-e)) - (k - times) * math.log1p(math.exp(e)))  # fmt: skip  # noqa: E501
    if step.kind == "laplace":
        cells = 2000 if k > 1 else 400_000
        ends = np.linspace(-d / b, d / b, cells + 1)
        middle = (np.exp((ends[1:] - d / b) / 2) - np.exp((ends[:-1] - d / b) / 2)) / 2
        x = np.concatenate([[-cells / 2], np.arange(cells) - cells / 2 + 0.5, [cells / 2]]) * 2
        once = np.zeros(2 * cells + 1)
        once[(x + cells).astype(int)] = np.concatenate([[math.exp(-d / b) / 2], middle, [0.5]])
        start, unit = -float(cells), d / b / cells
    elif step.kind == "discrete_laplace":
        q = math.exp(-1 / b)
        x = np.arange(-int(d), 1)
        once = np.exp(-np.abs(x) / b) * (1 - q) / (1 + q)
        once[0], once[-1] = math.exp(-d / b) / (1 + q), 1 / (1 + q)
        start, unit = -d / 2, 2 / b
    else:
        reach = math.ceil(12 * b) + 2
        x = np.arange(-reach, reach + 1)
        once = np.exp(-((x / b) ** 2) / 2)
        once /= once.sum()
        start, unit = -reach + d / 2, d / b**2
    if k > 1 and len(once) * float(len(once)) * k > 4e9:
        return None
    mass = once
    for _ in range(k - 1):
        mass = np.convolve(mass, once)
        if len(mass) > MOST:
            return None
    losses: NDArray[np.float64] = np.arange(len(mass)).astype(np.float64)
    return (losses + k * start) * unit, mass.astype(np.float64)


def main() -> None:
    """Measure and write the numbers."""
    apart, below, n, skipped, widest = 0.0, 0, 0, 0, 0.0
    for plan in plans():
        for delta in map(Fraction, DELTAS):
            exact = truth(plan, float(delta))
            if exact is None:
                skipped += 1
                continue
            found = agreed(plan, delta)
            if exact < 1e-9:  # nothing to divide by: delta alone covers the loss
                continue
            n += 1
            apart = max(apart, abs(found.epsilon / exact - 1))
            widest = max(widest, abs(found.pld / found.high - 1))
            below += found.epsilon < exact * (1 - 1e-9)
    protocol = (
        f"{n} pairs of a declared plan (Gaussian, Laplace, discrete Gaussian, discrete Laplace, pure; alone, repeated "
        f"up to 100 times, mixed) and a delta from 1e-2 to 1e-12; stated: the larger of dp-accounting's PLD and our "
        f"own bound (those two differ by at most {widest:.1e} relative); truth: an exact sum over the outcomes on the "
        f"lattice of the noise, in closed form for Gaussian parts; {skipped} pairs with too many outcomes left out"
    )
    write(NAMES[0], value=apart, low=apart, high=apart, n=n, protocol=protocol)
    write(NAMES[1], value=below, low=below, high=below, n=n, protocol=protocol)


if __name__ == "__main__":
    main()
