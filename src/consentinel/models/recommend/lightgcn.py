"""LightGCN: embeddings of people and items, smoothed over who did what, learnt by pairwise ranking."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.core.extras import need
from consentinel.core.modelfile import ModelFile
from consentinel.core.rng import generator
from consentinel.models.asked import setting
from consentinel.models.pieces.logs import Csr, Log
from consentinel.models.recommend._fitted import Recommender, RecommenderTrainer, opened

__all__ = ["SETTINGS", "load", "rounds", "trainer"]

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Settings:
    """What can be set."""

    width: int = setting(64, "numbers in an embedding", low=1, high=1024)
    layers: int = setting(3, "how often embeddings are smoothed over the graph", low=0, high=10)
    steps: int = setting(300, "steps of training", low=1, high=1_000_000)
    batch: int = setting(65_536, "pairs compared in a step", low=1, high=10_000_000)
    rate: float = setting(0.02, "step size of Adam", low=1e-6, high=1)
    reg: float = setting(1e-4, "weight of squared embeddings in the loss", low=0, high=10)


SETTINGS = Settings


@dataclass(frozen=True)
class Smoothed:
    """Smoothed embeddings of people (u, width) and items (i, width).

    A stranger is the mean of the items in their history; who has none gets the most popular items.
    """

    people: Floats
    things: Floats

    def scores(self, people: NDArray[np.int32], histories: Csr, /) -> Floats:
        """Return the inner products of PEOPLE (b,) (-1: a stranger, who did HISTORIES) with every item; (b, items)."""
        count = np.maximum(1, np.diff(histories.indptr))[:, None].astype(np.float32)
        folded = (histories @ self.things) / count
        found: Floats = np.where(people[:, None] < 0, folded, self.people[people]) @ self.things.T
        return found

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays of a model file."""
        return {"people": self.people, "things": self.things}


def fit(log: Log, asked: Settings, seed: int) -> Smoothed:
    """Return the embeddings of LOG after all steps that are ASKED; raises UsageError as `rounds`."""
    *_, (_, last) = rounds(log, asked, seed, asked.steps)
    return last


def rounds(log: Log, asked: Settings, seed: int, every: int = 100) -> Iterator[tuple[Settings, Smoothed]]:
    """Yield, EVERY so many steps of Adam on the Bayesian personalised ranking loss, the settings that end there and
    the embeddings of LOG by then: who watches them on rows held back knows when to stop.

    Smoothing is linear and symmetric, so the gradient before it is the gradient after it, smoothed the same way: no
    graph of operations is kept. An item not done is drawn evenly; one that was done after all is drawn again once and
    then left out. Raises UsageError where everyone did everything.
    Source: He et al. 2020, sections 3.1 and 3.2; Rendle et al. 2009, section 4.
    """
    seen = log.seen()
    users, items = seen.shape
    if seen.nnz == users * items:
        raise UsageError("recommend/lightgcn: everyone did everything, so there is nothing to rank; give more items")
    graph, rng = _graph(seen), generator(seed, "models.recommend.lightgcn")
    flat = rng.normal(0, 0.1, (users + items, asked.width)).astype(np.float32)
    first, second = np.zeros_like(flat), np.zeros_like(flat)
    owner = np.repeat(np.arange(users), np.diff(seen.indptr))
    pairs = owner * np.int64(items) + seen.indices
    links = np.concatenate([np.diff(seen.indptr), log.people()])
    weight = np.float32(asked.reg) * (links / seen.nnz).astype(np.float32)[:, None]  # as often as a pair has the row
    for step in range(1, asked.steps + 1):
        drawn = rng.integers(0, seen.nnz, asked.batch)
        who, liked = owner[drawn], seen.indices[drawn]
        other = rng.integers(0, items, len(drawn))
        again = _done(pairs, who * np.int64(items) + other)
        other[again] = rng.integers(0, items, int(again.sum()))
        keep = ~_done(pairs, who * np.int64(items) + other)
        slope = _slope(_smooth(graph, flat, asked.layers), who[keep], users + liked[keep], users + other[keep])
        slope = _smooth(graph, slope, asked.layers) + weight * flat
        first = np.float32(0.9) * first + np.float32(0.1) * slope
        second = np.float32(0.999) * second + np.float32(0.001) * slope**2
        size = asked.rate * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        flat -= np.float32(size) * first / (np.sqrt(second) + np.float32(1e-8))
        if step % every == 0 or step == asked.steps:
            made = _smooth(graph, flat, asked.layers)
            yield replace(asked, steps=step), Smoothed(made[:users], made[users:])


def trainer(settings: Settings, /) -> RecommenderTrainer:
    """Return the trainer with SETTINGS."""
    return RecommenderTrainer("lightgcn", settings, fit)


def load(file: ModelFile, /) -> Recommender:
    """Return the model kept in FILE; raises BadInput where it holds none."""
    return opened("lightgcn", file, _read)


def _read(log: Log, arrays: Mapping[str, NDArray[Any]]) -> Smoothed:
    people, things = arrays["people"], arrays["things"]
    width = people.shape[1:]
    if len(width) != 1 or people.shape != (len(log.users), *width) or things.shape != (len(log.items), *width):
        raise ValueError("embeddings do not fit people and items")
    if not (np.isfinite(people).all() and np.isfinite(things).all()):
        raise ValueError("embeddings are not finite")
    return Smoothed(people, things)


def _graph(seen: Csr) -> Csr:
    """Return the links of people and items, (u + i, u + i), each divided by the root of both ends' numbers of links."""
    sparse = need("scipy.sparse", extra="models")
    whole = sparse.bmat([[None, seen], [seen.T, None]], format="csr")
    scale = 1 / np.sqrt(np.maximum(1, np.diff(whole.indptr)))
    return (sparse.diags(scale) @ whole @ sparse.diags(scale)).astype(np.float32).tocsr()


def _smooth(graph: Csr, values: Floats, layers: int) -> Floats:
    """Return the mean of VALUES after 0, 1, ..., LAYERS steps over GRAPH."""
    total = step = values
    for _ in range(layers):
        step = graph @ step
        total = total + step
    return np.asarray(total / (layers + 1), values.dtype)


def _slope(made: Floats, who: NDArray[Any], liked: NDArray[Any], other: NDArray[Any]) -> Floats:
    """Return the gradient of the mean of -log sigmoid(score of liked - score of other) by the rows of MADE."""
    sparse = need("scipy.sparse", extra="models")
    gap = made[liked] - made[other]
    margin = np.einsum("ij,ij->i", made[who], gap)
    pull = (-1 / (1 + np.exp(np.clip(margin, -60, 60))) / max(1, len(who))).astype(np.float32)
    rows = np.concatenate([who, liked, other])
    mine = made[who] * pull[:, None]
    parts = np.concatenate([gap * pull[:, None], mine, -mine])
    adder = sparse.csr_matrix(
        (np.ones(len(rows), np.float32), (rows, np.arange(len(rows)))), shape=(len(made), len(rows))
    )
    found: Floats = adder @ parts
    return found


def _done(pairs: NDArray[np.int64], asked: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say which of ASKED are among PAIRS, which are sorted."""
    found: NDArray[np.bool_] = pairs[np.minimum(np.searchsorted(pairs, asked), len(pairs) - 1)] == asked
    return found
