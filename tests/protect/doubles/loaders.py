"""Loaders of batches at rate 1/10: one Poisson, five that are not (C4)."""

import numpy as np

from consentinel.core.rng import generator
from consentinel.protect.auditing.sampling import Batches

ROWS, RATE, ROUNDS = 50, 0.1, 60
SIZE = round(ROWS * RATE)


def poisson(seed: int) -> Batches:
    """Return batches in which each row is by its own coin."""
    rng = generator(seed, "doubles.loaders")
    return Batches(lambda rounds: rng.random((rounds, ROWS)) < RATE, ROWS, RATE, ROUNDS)


def shuffled(seed: int) -> Batches:
    """Return a shuffled table cut into equal batches, epoch after epoch."""
    rng = generator(seed, "doubles.loaders")

    def draw(rounds: int) -> np.ndarray:
        drawn = np.zeros((rounds, ROWS), bool)
        for at in range(rounds):
            if at % (ROWS // SIZE) == 0:
                order = rng.permutation(ROWS)
            begin = at % (ROWS // SIZE) * SIZE
            drawn[at, order[begin : begin + SIZE]] = True
        return drawn

    return Batches(draw, ROWS, RATE, ROUNDS)


def fixed_size(seed: int) -> Batches:
    """Return batches of a fixed size, each without replacement."""
    rng = generator(seed, "doubles.loaders")
    return Batches(lambda rounds: rng.random((rounds, ROWS)).argsort(axis=1) < SIZE, ROWS, RATE, ROUNDS)


def with_replacement(seed: int) -> Batches:
    """Return batches of a fixed size, drawn with replacement."""
    rng = generator(seed, "doubles.loaders")
    return Batches(lambda rounds: rng.multinomial(SIZE, np.full(ROWS, 1 / ROWS), rounds), ROWS, RATE, ROUNDS)


def in_blocks(seed: int) -> Batches:
    """Return batches in which two neighbouring rows share a coin: right marginals, wrong pairs."""
    rng = generator(seed, "doubles.loaders")
    return Batches(lambda rounds: np.repeat(rng.random((rounds, ROWS // 2)) < RATE, 2, axis=1), ROWS, RATE, ROUNDS)


def truncated(seed: int) -> Batches:
    """Return Poisson batches cut to a largest size, which the accountant was not told."""
    rng = generator(seed, "doubles.loaders")

    def draw(rounds: int) -> np.ndarray:
        drawn = rng.random((rounds, ROWS)) < RATE
        return drawn & (drawn.cumsum(axis=1) <= SIZE)

    return Batches(draw, ROWS, RATE, ROUNDS)
