"""Ranks links by a spectral embedding: nodes are near that the smoothest directions of the graph do not tell apart.

The embedding is made of the eigenvectors, of the largest eigenvalues, of the links, each divided by the root of its
ends' numbers of links; eigenvalues to a higher power leave less of the rough directions. Who asks is placed by their
links, strangers too. Source: Kunegis and Lommatzsch 2009, section 3 (link prediction by spectral transformation).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from consentinel.core.extras import need
from consentinel.core.modelfile import ModelFile
from consentinel.core.rng import generator
from consentinel.models.asked import setting
from consentinel.models.graph._linking import Arrays, Graph, Part, Ranker, RankerTrainer, opened
from consentinel.models.graph._nodes import Csr

__all__ = ["SETTINGS", "Settings", "load", "trainer"]


@dataclass(frozen=True)
class Settings:
    """What can be set."""

    width: int = setting(128, "numbers in the embedding of a node", low=1, high=4096)
    power: float = setting(2.0, "the power of the eigenvalues in the score; 1 rebuilds the links", low=0.0, high=10.0)
    popularity: float = setting(0.25, "a node of d links counts d^p as much, p this", low=-2.0, high=2.0)


SETTINGS = Settings


def fit(graph: Graph, asked: Settings, seed: int) -> Arrays:
    """Return the embeddings of nodes as they ask and as they are found, by Lanczos iteration from a SEED of its own."""
    sparse, solver = need("scipy.sparse", extra="models"), need("scipy.sparse.linalg", extra="models")
    n, degrees = len(graph.nodes), np.maximum(1, graph.degrees()).astype(np.float64)
    root = sparse.diags(degrees**-0.5)
    matrix, width = (root @ graph.links @ root).astype(np.float64), min(asked.width, n - 1)
    if width < n // 2:
        start = generator(seed, "models.graph.links").normal(size=n)
        values, vectors = solver.eigsh(matrix, k=width, which="LA", v0=start)
    else:
        values, vectors = np.linalg.eigh(matrix.toarray())
    order = np.argsort(-values)[:width]
    order = order[values[order] > 1e-6]  # of two ends that a negative direction joins, one is far from the other
    values, vectors = values[order], vectors[:, order]
    asking = root @ vectors * values ** (asked.power - 1)
    found = vectors * degrees[:, None] ** asked.popularity
    return {"asking": asking.astype(np.float32), "found": found.astype(np.float32)}


def scores(graph: Graph, arrays: Arrays, asked: Settings, histories: Csr) -> Any:
    """Return the scores of all nodes for HISTORIES (b, n)."""
    return (histories @ arrays["asking"]) @ arrays["found"].T


PART = Part("links", Settings, fit, scores, {"asking": "nw", "found": "nw"})


def trainer(settings: Settings, /) -> RankerTrainer:
    """Return the trainer with SETTINGS."""
    return RankerTrainer(PART, settings)


def load(file: ModelFile, /) -> Ranker:
    """Return the model in FILE; raises BadInput."""
    return opened(PART, file)
