"""Classifies nodes by logistic regression over features smoothed along the links: simple, and hard to beat.

Features take so many steps to the neighbours, at each of which a share starts again from the node itself: none is the
simple graph convolution (Wu et al. 2019), more is personalised PageRank (Gasteiger et al. 2019, equation 4, without
its network). Both are linear, so only the smoothed features of labelled nodes are ever made.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from consentinel.core.extras import need
from consentinel.core.modelfile import ModelFile
from consentinel.models.asked import setting, told
from consentinel.models.graph._classifier import Classifier, Floats, Weights, even, read
from consentinel.models.graph._nodes import Csr, features, labelled, links
from consentinel.models.pieces.tickets import no_ticket

__all__ = ["SETTINGS", "Settings", "load", "trainer"]

PART = "propagation"
SHAPES = {"near": "xc", "offset": "c"}


@dataclass(frozen=True)
class Settings:
    """What can be set."""

    hops: int = setting(2, "steps along the links; 0 does without the graph", low=0, high=1000)
    restart: float = setting(0.0, "share of a node's own features at each step", low=0.0, high=1.0)
    penalty: float = setting(0.01, "pull of weights towards 0, against the sum of the losses", low=1e-9, high=1e9)
    scaled: bool = setting(True, "divide each node's features by the sum of their absolute values")


SETTINGS = Settings


@dataclass(frozen=True)
class Propagation:
    """Trains the regression."""

    settings: Settings
    kind: str = "graph"

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> Classifier:
        """Return the model of the labelled ROWS (NODES, the whole graph), the same for every SEED.

        Raises UsageError, BadInput, ContractBroken.
        """
        no_ticket(tickets, PART)
        asked = self.settings
        graph, x = even(links(rows, PART)), features(rows, PART, asked.scaled)
        known, codes, classes = labelled(rows, PART)
        ends = np.zeros((x.shape[0], len(known)), np.float32)
        ends[known, np.arange(len(known))] = 1
        smoothed = np.ascontiguousarray((x.T @ _smoothed(graph, ends, asked.hops, asked.restart)).T)
        linear = need("sklearn.linear_model", extra="models")
        fitted = linear.LogisticRegression(C=1 / asked.penalty, max_iter=2000).fit(smoothed.astype(np.float64), codes)
        near, offset = fitted.coef_.T, fitted.intercept_
        if len(classes) == 2:  # one column says both
            near, offset = np.concatenate([-near / 2, near / 2], axis=1), np.concatenate([-offset / 2, offset / 2])
        weights = {"near": near.astype(np.float32), "offset": offset.astype(np.float32)}
        return Classifier(PART, classes, weights, told(asked), _forward)


def trainer(settings: Settings, /) -> Propagation:
    """Return the trainer with SETTINGS."""
    return Propagation(settings)


def load(file: ModelFile, /) -> Classifier:
    """Return the model in FILE; raises BadInput."""
    return read(file, PART, _forward, SHAPES, ("hops", "restart"))


def _forward(graph: Csr, x: Csr, weights: Weights, card: Mapping[str, str]) -> Floats:
    made = _smoothed(even(graph), x @ weights["near"], int(card["hops"]), float(card["restart"]))
    return np.asarray(made + weights["offset"], np.float32)


def _smoothed(graph: Csr, values: Any, hops: int, restart: float) -> Floats:
    """Return VALUES (n, k) after HOPS steps along the symmetric GRAPH, each with the share RESTART of the first."""
    made = values
    for _ in range(hops):
        made = np.float32(1 - restart) * (graph @ made) + np.float32(restart) * values
    return np.asarray(made, np.float32)
