"""Recommends in two stages: several recommenders retrieve candidates, LambdaRank orders them by all their scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.core.modelfile import ModelFile
from consentinel.core.rng import generator
from consentinel.models.asked import setting
from consentinel.models.asked import settings as settings_of
from consentinel.models.pieces.best import top
from consentinel.models.pieces.logs import Csr, Log
from consentinel.models.pieces.trees import Forest, Judged, grown
from consentinel.models.recommend._fitted import Recommender, RecommenderTrainer, Scorer, opened
from consentinel.models.shelves import RECOMMEND

__all__ = ["SETTINGS", "load", "trainer"]

Floats = NDArray[np.float32]
_FOREST = "forest."  # before the arrays of the trees in a model file
_BLOCK = 256  # people whose scores by all retrievers are held at once


@dataclass(frozen=True)
class SETTINGS:
    """What can be set of the two stages."""

    retrievers: str = setting(
        "ease+graph_filter+item_knn+ials", "parts of this shelf, with settings after colons: ease:reg=100+popularity"
    )
    depth: int = setting(100, "candidates of each retriever", low=1)
    held: float = setting(0.2, "share of the history that the second stage learns from", low=0.01, high=0.9)
    people: int = setting(10_000, "most people that the second stage learns from", low=1)
    trees: int = setting(300, "most trees of the forest; people set aside decide how many", low=1)
    leaves: int = setting(15, "leaves of a tree", low=2, high=1024)
    rate: float = setting(0.05, "learning rate", low=1e-6, high=1)
    cutoff: int = setting(30, "ranks that the forest is to get right", low=1)
    threads: int = setting(1, "threads of the forest; 0: one a core", low=0)


@dataclass(frozen=True)
class _TwoStage:
    retrievers: Mapping[str, Scorer]
    people: NDArray[np.int64]
    line: NDArray[np.float64]
    forest: Forest
    depth: int

    def scores(self, people: NDArray[np.int32], histories: Csr, /) -> Floats:
        """Return the forest's scores for candidates, and below all of them what the retrievers say of the rest."""
        made = np.empty(histories.shape, np.float32)
        for start in range(0, len(people), _BLOCK):
            some = slice(start, start + _BLOCK)
            stage = _candidates(list(self.retrievers.values()), people[some], histories[some], self.people, self.depth)
            if not len(stage.rows):
                made[some] = stage.rest
                continue
            ranked = _on(self.line, stage.features) + self.forest.score(stage.features, 1)
            made[some] = stage.rest + np.float32(ranked.min() - 2)  # rest is at most 1
            made[some][stage.rows, stage.items] = ranked
        return made

    def arrays(self) -> dict[str, NDArray[Any]]:
        kept = {f"{name}.{key}": array for name, one in self.retrievers.items() for key, array in one.arrays().items()}
        kept |= {f"{_FOREST}{key}": array for key, array in self.forest.arrays.items()}
        return kept | {"line": self.line, "depth": np.array(self.depth)}


@dataclass(frozen=True)
class _Stage:
    """Candidates: rows of the block (c,), items (c,), features (c, f); rest, mean scores of all items in [-1, 1]."""

    rows: NDArray[np.int64]
    items: NDArray[np.int64]
    features: Floats
    rest: Floats


def trainer(settings: SETTINGS) -> RecommenderTrainer:
    """Return the trainer; strangers are scored by their history, and without one get the most popular items.

    The retrievers learn without a held share of everyone's history; a logistic regression and, boosted from it, a
    forest learn to put that share first among their candidates; then the retrievers learn from everything.
    Source: Covington, Adams and Sargin 2016 (two stages); Burges 2010 (LambdaMART).
    """
    return RecommenderTrainer("two_stage", settings, fit)


def load(file: ModelFile) -> Recommender:
    """Return the model in FILE; raises BadInput."""
    return opened("two_stage", file, read)


def fit(log: Log, settings: SETTINGS, seed: int) -> _TwoStage:
    """Return the retrievers of LOG and the forest over their scores."""
    asked = _asked(settings.retrievers)
    rng = generator(seed, "models.recommend.two_stage")
    held = rng.random(log.matrix.nnz) < settings.held
    less = log.without(held)
    whole, rest = np.diff(log.matrix.indptr), np.diff(less.matrix.indptr)
    useful = np.flatnonzero((rest > 0) & (rest < whole))
    if not len(useful):
        raise UsageError("recommend/two_stage: nobody has enough items to hold some back; train a single recommender")
    some = np.sort(rng.permutation(useful)[: settings.people]).astype(np.int32)
    line, forest = _second(_fitted(asked, less, seed), log, less, some, settings, seed)
    return _TwoStage(_fitted(asked, log, seed), log.people(), line, forest, settings.depth)


def read(log: Log, arrays: Mapping[str, NDArray[Any]]) -> _TwoStage:
    """Return what ARRAYS keep; raises KeyError, ValueError or BadInput."""
    trees = {key.removeprefix(_FOREST): array for key, array in arrays.items() if key.startswith(_FOREST)}
    names = sorted({key.partition(".")[0] for key in arrays if "." in key and not key.startswith(_FOREST)})
    unknown = [name for name in names if name not in RECOMMEND.names() or not hasattr(RECOMMEND.take(name), "read")]
    if unknown or not names:
        raise ValueError(f"retrievers that are not on the shelf: {', '.join(unknown) or 'none named'}")
    retrievers = {}
    for name in names:
        own = {key.partition(".")[2]: array for key, array in arrays.items() if key.startswith(f"{name}.")}
        part: Any = RECOMMEND.take(name)
        retrievers[name] = part.read(log, own)
    width, line, depth = 2 * len(names) + 2, arrays["line"], arrays["depth"]
    fits = line.shape == (3, width) and bool((line[1] > 0).all()) and depth.shape == () and depth >= 1
    if not fits or not np.isfinite(line).all():
        raise ValueError("the second stage does not fit the retrievers")
    forest = Forest.read(trees, width, "models.recommend.two_stage")
    return _TwoStage(retrievers, log.people(), line, forest, int(depth))


def _asked(text: str) -> dict[str, tuple[Any, Any]]:
    """Return by name the part and the settings that TEXT asks for, names sorted."""
    found = {}
    for piece in filter(None, (piece.strip() for piece in text.split("+"))):
        name, _, told = piece.partition(":")
        part: Any = RECOMMEND.take(name)
        if name == "two_stage" or not hasattr(part, "fit"):
            raise UsageError(f"recommend/two_stage: '{name}' scores no single items, so it cannot retrieve for it")
        found[name] = (part, settings_of(part.SETTINGS, told.replace(":", ","), f"recommend/{name}"))
    if not found:
        raise UsageError("recommend/two_stage: retrievers names no part")
    return dict(sorted(found.items()))


def _fitted(asked: Mapping[str, tuple[Any, Any]], log: Log, seed: int) -> dict[str, Scorer]:
    return {name: part.fit(log, settings, seed) for name, (part, settings) in asked.items()}


def _second(
    retrievers: Mapping[str, Scorer], log: Log, less: Log, some: NDArray[np.int32], settings: SETTINGS, seed: int
) -> tuple[NDArray[np.float64], Forest]:
    """Return what puts the held items of the people SOME first among the candidates of RETRIEVERS: line and forest."""
    seen, true, people = less.seen(), log.seen(), less.people()
    features, labels, groups = [], [], []
    for start in range(0, len(some), _BLOCK):
        block = some[start : start + _BLOCK]
        stage = _candidates(list(retrievers.values()), block, seen[block], people, settings.depth)
        wanted = np.zeros(stage.rest.shape, bool)
        right = true[block]
        wanted[np.repeat(np.arange(len(block)), np.diff(right.indptr)), right.indices] = True
        features.append(stage.features)
        labels.append(wanted[stage.rows, stage.items])  # candidates are unseen, so what is true was held
        groups.append(np.bincount(stage.rows, minlength=len(block)))
    told, sizes, rows = np.concatenate(labels), np.concatenate(groups), np.concatenate(features)
    if not told.any() or told.all():
        raise UsageError("recommend/two_stage: no candidate can be told from another; raise depth or held")
    line = _line(rows.astype(np.float64), told)
    judged = Judged(rows, told.astype(np.int32), sizes[sizes > 0], _on(line, rows))
    return line, _forest(judged, settings, seed)


def _line(rows: NDArray[np.float64], told: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return mean, deviation and weight of each feature (3, f): the ridge logistic regression of TOLD, by Newton."""
    mean, deviation = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-9)
    x = np.column_stack([(rows - mean) / deviation, np.ones(len(rows))])
    weights = np.zeros(x.shape[1])
    weights[-1] = np.log(told.mean() / (1 - told.mean()))
    ridge = np.append(np.ones(rows.shape[1]), 0.0)
    for _ in range(15):
        p = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        curve = x.T @ (x * (p * (1 - p))[:, None]) + np.diag(ridge)
        step = np.linalg.solve(curve, x.T @ (told - p) - ridge * weights)
        weights += step
        if np.abs(step).max() < 1e-6:
            break
    return np.stack([mean, deviation, weights[:-1]])


def _on(line: NDArray[np.float64], rows: Floats) -> NDArray[np.float64]:
    """Return the value of LINE at ROWS; (c,)."""
    found: NDArray[np.float64] = ((rows - line[0]) / line[1]) @ line[2]
    return found


def _forest(rows: Judged, settings: SETTINGS, seed: int) -> Forest:
    """Return the forest learnt from ROWS, of which every fifth person says when to end."""
    params = {
        "num_leaves": settings.leaves, "learning_rate": settings.rate, "min_data_in_leaf": 100, "seed": seed % 2**31,
        "lambdarank_truncation_level": settings.cutoff, "metric": "ndcg", "eval_at": [min(20, settings.cutoff)],
        "force_col_wise": True, "num_threads": settings.threads,
    }  # fmt: skip
    learned, aside = rows.parted(np.arange(len(rows.group)) % 5 == 4)
    return grown(learned, params, settings.trees, stop=aside if aside.label.any() else None)


def _candidates(
    retrievers: Sequence[Scorer], people: NDArray[np.int32], histories: Csr, known: NDArray[np.int64], depth: int
) -> _Stage:
    """Return the DEPTH best unseen items of each retriever for each of PEOPLE, and what all retrievers say of them.

    Features: for each retriever the score over the person's largest, and the logarithm of the rank among candidates;
    then the logarithms of an item's people KNOWN over those of the most popular item, and of the length of the history
    over the mean of KNOWN: a part of the log gives about the same as all of it.
    """
    seen = np.repeat(np.arange(histories.shape[0]), np.diff(histories.indptr)), histories.indices
    chosen, scores = np.zeros(histories.shape, bool), []
    for one in retrievers:
        found = np.array(one.scores(people, histories), np.float32)
        found[seen] = 0  # what is seen is no candidate and should not set the scale
        found /= np.maximum(np.abs(found).max(axis=1, keepdims=True), np.finfo(np.float32).tiny)
        scores.append(found)
        hidden = found.copy()
        hidden[seen] = -np.inf
        row, item, _ = top(hidden, depth)
        chosen[row, item] = True
    rows, items = np.nonzero(chosen)
    first = np.searchsorted(rows, rows)
    columns = []
    for found in scores:
        value = found[rows, items]
        rank = np.empty(len(rows), np.float32)
        order = np.lexsort((items, -value, rows))
        rank[order] = np.arange(len(rows)) - first  # rows are sorted, so `first` stands in the same places
        columns += [value, np.log1p(rank)]
    length = np.diff(histories.indptr)[rows] * (len(known) / max(1, known.sum()))
    columns += [np.log1p(known[items]) - np.log1p(known.max()), np.log1p(length)]
    rest = np.asarray(np.mean(scores, axis=0), np.float32)
    return _Stage(rows, items, np.stack(columns, axis=1).astype(np.float32), rest)
