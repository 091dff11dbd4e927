"""Ranks the most linked nodes first, the same for everybody: the floor of every ranker of links.

The score is the share of nodes that are linked to a node.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from consentinel.core.modelfile import ModelFile
from consentinel.models.graph._linking import Arrays, Graph, Part, Ranker, RankerTrainer, opened
from consentinel.models.graph._nodes import Csr

__all__ = ["SETTINGS", "Settings", "load", "trainer"]


@dataclass(frozen=True)
class Settings:
    """There is nothing to set."""


SETTINGS = Settings


def fit(graph: Graph, asked: Settings, seed: int) -> Arrays:
    """Return nothing: the graph says it all."""
    return {}


def scores(graph: Graph, arrays: Arrays, asked: Settings, histories: Csr) -> Any:
    """Return the same scores for each of HISTORIES (b, n)."""
    share = graph.degrees() / len(graph.nodes)
    return np.tile(share.astype(np.float32), (histories.shape[0], 1))


PART = Part("popularity", Settings, fit, scores, {})


def trainer(settings: Settings, /) -> RankerTrainer:
    """Return the trainer with SETTINGS."""
    return RankerTrainer(PART, settings)


def load(file: ModelFile, /) -> Ranker:
    """Return the model in FILE; raises BadInput."""
    return opened(PART, file)
