"""Projected gradient descent within a ball around pictures: the nearest wrong answer that it finds.

Source: Madry et al. 2018 (PGD with random restarts); Carlini and Wagner 2017, f6 (the margin of logits as the loss,
which does not fade where a softmax is saturated).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import ContractBroken
from consentinel.core.model_contracts import Differentiable

__all__ = ["RESTARTS", "STEPS", "Ball", "Singles", "attacked", "ball", "margins", "noisy"]

Singles = NDArray[np.float32]
Ints = NDArray[np.int64]
STEPS = 20
RESTARTS = 2  # the first begins at the picture itself, the others at random in the ball
STRIDE = 2.5  # the steps together reach so many times the radius


@dataclass(frozen=True)
class Ball:
    """A norm of pictures (n, ...): `size` (n,) of a move, `within` the radius, the `steepest` move of length 1, and
    a `drawn` move of at most length 1."""

    name: str
    size: Callable[[Singles], Singles]
    within: Callable[[Singles, float], Singles]
    steepest: Callable[[Singles], Singles]
    drawn: Callable[[np.random.Generator, tuple[int, ...]], Singles]
    edge: Callable[[np.random.Generator, tuple[int, ...]], Singles]


def ball(name: str) -> Ball:
    """Return the ball of the norm NAME, Linf or L2."""
    if name == "Linf":
        return Ball(
            name,
            lambda move: np.abs(_rows(move)).max(axis=1),
            lambda move, radius: np.clip(move, -np.float32(radius), np.float32(radius)),
            lambda slope: np.sign(slope),
            lambda rng, shape: rng.uniform(-1, 1, shape).astype(np.float32),
            lambda rng, shape: (rng.integers(0, 2, shape) * 2 - 1).astype(np.float32),
        )
    return Ball(name, _length, _shortened, _unit, _inside, lambda rng, shape: _unit(_normal(rng, shape)))


def margins(model: Differentiable, x: Singles, label: Ints) -> tuple[NDArray[np.float64], Ints]:
    """Return by how much the logit of LABEL (n,) leads, not above 0 where it is not the only largest, and who is next.

    Raises ContractBroken where a logit is not finite.
    """
    logits = np.asarray(model.scores(x), np.float64)
    if not np.isfinite(logits).all():
        raise ContractBroken("the model has a logit that is not finite for pixels between 0 and 1")
    own = logits[np.arange(len(x)), label]
    logits[np.arange(len(x)), label] = -np.inf
    rival = logits.argmax(axis=1).astype(np.int64)
    return own - logits[np.arange(len(x)), rival], rival


def attacked(
    model: Differentiable, x: Singles, label: Ints, radius: float, norm: Ball, rng: np.random.Generator,
    *, steps: int = STEPS, restarts: int = RESTARTS,
) -> tuple[Singles, Ints]:  # fmt: skip
    """Return for pictures X (n, ...), pixels in [0, 1], one within RADIUS that is answered wrongly, or X where none was
    found, and in which of the RESTARTS (n,), -1 where in none."""
    found, when = x.copy(), np.full(len(x), -1, np.int64)
    for restart in range(restarts):
        open_ = np.flatnonzero(when < 0)
        if not len(open_):
            break
        here = x[open_]
        if restart:
            here = np.clip(here + norm.within(np.float32(radius) * norm.drawn(rng, here.shape), radius), 0, 1)
        for step in range(steps + 1):
            margin, rival = margins(model, here, label[open_])
            wrong = margin <= 0
            found[open_[wrong]], when[open_[wrong]] = here[wrong], restart
            open_, here, rival = open_[~wrong], here[~wrong], rival[~wrong]
            if step == steps or not len(open_):
                break
            both = model.gradient(np.concatenate([here, here]), np.concatenate([label[open_], rival]))
            slope = both[len(here) :] - both[: len(here)]
            here = here + np.float32(STRIDE * radius / steps) * norm.steepest(slope)
            here = np.clip(x[open_] + norm.within(here - x[open_], radius), 0, 1).astype(np.float32)
    return found, when


def noisy(
    model: Differentiable, x: Singles, label: Ints, radius: float, norm: Ball, rng: np.random.Generator, tries: int
) -> tuple[Singles, NDArray[np.bool_]]:
    """Return for pictures X a picture that random noise of length RADIUS makes wrong, and whether there is one."""
    found, wrong = x.copy(), np.zeros(len(x), bool)
    for _ in range(tries):
        open_ = np.flatnonzero(~wrong)
        if not len(open_):
            break
        there = np.clip(x[open_] + np.float32(radius) * norm.edge(rng, x[open_].shape), 0, 1).astype(np.float32)
        hit = margins(model, there, label[open_])[0] <= 0
        found[open_[hit]], wrong[open_[hit]] = there[hit], True
    return found, wrong


def _rows(x: Singles) -> Singles:
    return x.reshape(len(x), -1)


def _length(move: Singles) -> Singles:
    return np.asarray(np.sqrt((_rows(move).astype(np.float64) ** 2).sum(axis=1)), np.float32)


def _shaped(of: NDArray[Any], like: Singles) -> Singles:
    return of.reshape(len(of), *[1] * (like.ndim - 1)).astype(np.float32)


def _shortened(move: Singles, radius: float) -> Singles:
    return move * _shaped(np.minimum(1, radius / np.maximum(_length(move), 1e-12)), move)


def _unit(move: Singles) -> Singles:
    return move / _shaped(np.maximum(_length(move), 1e-12), move)


def _normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Singles:
    return rng.standard_normal(shape, np.float32)


def _inside(rng: np.random.Generator, shape: tuple[int, ...]) -> Singles:
    """Return points evenly spread in the ball of length 1."""
    width = int(np.prod(shape[1:]))
    move = _unit(_normal(rng, shape))
    return move * _shaped(rng.random(shape[0]) ** (1 / width), move)
