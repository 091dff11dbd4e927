"""Recommends by a linear autoencoder whose best weights between items have a closed form (EASE)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.core.extras import need
from consentinel.core.modelfile import ModelFile
from consentinel.models.asked import setting
from consentinel.models.pieces.logs import Log
from consentinel.models.recommend._fitted import Recommender, RecommenderTrainer, opened
from consentinel.models.recommend._item_weights import ItemWeights, cooccurrence, scaled, strongest

__all__ = ["SETTINGS", "load", "trainer"]

_ROWS = 512


@dataclass(frozen=True)
class SETTINGS:
    """What can be set of EASE."""

    reg: float = setting(300.0, "L2 regularisation of every weight", low=1e-6)
    dropout: float = setting(0.0, "share of a history that is dropped while learning, in expectation", low=0, high=0.99)
    person_power: float = setting(0.0, "a person with n items counts as n^-2p, p this; reg is then smaller", low=0)
    item_power: float = setting(0.0, "columns are divided by n^p while learning, n the people of an item", low=0)
    keep: int = setting(0, "weights kept per item, the strongest; 0: all, which score better but slower", low=0)
    double: bool = setting(False, "compute in float64: twice the memory, for a reg below 1 or very many items")


def trainer(settings: SETTINGS) -> RecommenderTrainer:
    """Return the trainer; strangers are scored by their history, and without one get the most popular items.

    Memory is about 4 bytes (double: 8) times items squared, twice that where `keep` is set.
    Source: Steck 2019, algorithm 1; dropout: Steck 2020, equation 8.
    """
    return RecommenderTrainer("ease", settings, fit)


def load(file: ModelFile) -> Recommender:
    """Return the model in FILE; raises BadInput."""
    return opened("ease", file, read)


def fit(log: Log, settings: SETTINGS, seed: int) -> ItemWeights:
    """Return the weights between the items of LOG that reproduce it best without an item explaining itself."""
    lapack = need("scipy.linalg.lapack", extra="models")
    n = len(log.items)
    matrix = scaled(log.seen(), settings.person_power, settings.item_power)
    gram = np.empty((n, n), np.float64 if settings.double else np.float32)
    for which, block in cooccurrence(matrix):
        gram[which] = block
    at = np.arange(n)
    gram[at, at] += settings.reg + settings.dropout / (1 - settings.dropout) * gram[at, at]
    factor, inverse = (lapack.dpotrf, lapack.dpotri) if settings.double else (lapack.spotrf, lapack.spotri)
    # the rows of a symmetric matrix are its columns, so LAPACK works on them in place
    wrong = settings.reg < 4 * np.finfo(gram.dtype).eps * float(gram[at, at].max())
    done = gram.T
    if not wrong:
        done, wrong = factor(done, lower=1, overwrite_a=1, clean=0)
    if not wrong:
        done, wrong = inverse(done, lower=1, overwrite_c=1)
    if wrong:
        raise UsageError(f"recommend/ease: reg={settings.reg} is too small to solve for; raise it, or set double=true")
    gram = done.T
    _mirror(gram)
    item = np.maximum(log.people(), 1).astype(np.float64) ** settings.item_power
    _weigh(gram, np.diagonal(gram).copy(), item)
    if not settings.keep:
        return ItemWeights(gram.astype(np.float32, copy=False))
    return ItemWeights(strongest(_columns(gram), settings.keep, n))


def read(log: Log, arrays: Mapping[str, NDArray[Any]]) -> ItemWeights:
    """Return what ARRAYS keep; raises ValueError."""
    return ItemWeights.of(len(log.items), arrays)


def _mirror(gram: NDArray[Any]) -> None:
    """Copy the upper triangle of GRAM (n, n) to the lower one, in place."""
    for start in range(0, len(gram), _ROWS):
        stop = min(len(gram), start + _ROWS)
        square = np.triu(gram[start:stop, start:stop])
        gram[start:stop, start:stop] = square + np.triu(square, 1).T
        gram[stop:, start:stop] = gram[start:stop, stop:].T


def _weigh(inverse: NDArray[Any], own: NDArray[Any], item: NDArray[np.float64]) -> None:
    """Turn the INVERSE (n, n) into weights, in place: -P(i, j) / P(j, j) * ITEM(j) / ITEM(i), and 0 for i = j."""
    right = (-item / own).astype(inverse.dtype)
    for start in range(0, len(inverse), _ROWS):
        stop = min(len(inverse), start + _ROWS)
        inverse[start:stop] *= right / item[start:stop, None].astype(inverse.dtype)
        inverse[np.arange(start, stop), np.arange(start, stop)] = 0


def _columns(weights: NDArray[Any]) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    for start in range(0, len(weights), _ROWS):
        which = slice(start, min(len(weights), start + _ROWS))
        yield which, weights[:, which].T.astype(np.float32)
