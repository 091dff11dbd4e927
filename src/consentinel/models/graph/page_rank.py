"""Ranks related nodes by personalised PageRank: where a walker from the node's links is found, who often starts anew.

The walk starts at the links of the one who asks, which is PageRank personalised to that node but for its own place.
Hubs are found by everybody's walk, so what is found may be divided by a power of a node's links.
Source: Page et al. 1999, section 6; Haveliwala 2002.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from consentinel.core.extras import need
from consentinel.core.modelfile import ModelFile
from consentinel.models.asked import setting
from consentinel.models.graph._linking import Arrays, Graph, Part, Ranker, RankerTrainer, opened
from consentinel.models.graph._nodes import Csr

__all__ = ["SETTINGS", "Settings", "load", "trainer"]


@dataclass(frozen=True)
class Settings:
    """What can be set."""

    restart: float = setting(0.3, "chance that the walker starts anew at each step", low=0.01, high=0.99)
    iterations: int = setting(
        15, "steps of the power iteration; what is left out weighs (1 - restart)^this", low=1, high=1000
    )
    discount: float = setting(0.0, "what is found at a node of d links counts d^-p as much, p this", low=0.0, high=2.0)


SETTINGS = Settings


def fit(graph: Graph, asked: Settings, seed: int) -> Arrays:
    """Return nothing: the graph says it all."""
    return {}


def scores(graph: Graph, arrays: Arrays, asked: Settings, histories: Csr) -> Any:
    """Return where walks from HISTORIES (b, n) are."""
    sparse = need("scipy.sparse", extra="models")
    degrees = np.maximum(1, graph.degrees()).astype(np.float32)
    steps = (graph.links @ sparse.diags(1 / degrees)).tocsr()  # column j: the ways that lead on from j
    start = histories.toarray().T / np.maximum(1, np.diff(histories.indptr)).astype(np.float32)
    found = start
    for _ in range(asked.iterations):
        found = np.float32(asked.restart) * start + np.float32(1 - asked.restart) * (steps @ found)
    return (found / degrees[:, None] ** np.float32(asked.discount)).T


PART = Part("page_rank", Settings, fit, scores, {})


def trainer(settings: Settings, /) -> RankerTrainer:
    """Return the trainer with SETTINGS."""
    return RankerTrainer(PART, settings)


def load(file: ModelFile, /) -> Ranker:
    """Return the model in FILE; raises BadInput."""
    return opened(PART, file)
