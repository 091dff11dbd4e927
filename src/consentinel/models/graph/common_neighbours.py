"""Ranks first the nodes that share most neighbours with the one that asks.

A shared neighbour with d links counts d^-p: p = 0 counts them all alike, p = 1 is resource allocation.
Source: Liben-Nowell and Kleinberg 2007, section 3; Zhou, Lue and Zhang 2009 (resource allocation).
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

    discount: float = setting(0.0, "a shared neighbour of d links counts as d^-p, p this", low=0.0, high=2.0)


SETTINGS = Settings


def fit(graph: Graph, asked: Settings, seed: int) -> Arrays:
    """Return nothing: the graph says it all."""
    return {}


def scores(graph: Graph, arrays: Arrays, asked: Settings, histories: Csr) -> Any:
    """Return how much each node shares with HISTORIES (b, n)."""
    sparse = need("scipy.sparse", extra="models")
    counted = np.maximum(1, graph.degrees()).astype(np.float32) ** np.float32(-asked.discount)
    return (histories @ sparse.diags(counted) @ graph.links).toarray()


PART = Part("common_neighbours", Settings, fit, scores, {})


def trainer(settings: Settings, /) -> RankerTrainer:
    """Return the trainer with SETTINGS."""
    return RankerTrainer(PART, settings)


def load(file: ModelFile, /) -> Ranker:
    """Return the model in FILE; raises BadInput."""
    return opened(PART, file)
