"""Classifies nodes by a graph convolutional network: two layers, each smoothing over a node and its neighbours.

Source: Kipf and Welling 2017 (semi-supervised classification with graph convolutional networks).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from consentinel.core.modelfile import ModelFile
from consentinel.models.asked import told
from consentinel.models.graph import _network
from consentinel.models.graph._classifier import Classifier, Floats, Weights, even, read
from consentinel.models.graph._network import Settings
from consentinel.models.graph._nodes import Csr
from consentinel.models.pieces.tickets import no_ticket

__all__ = ["SETTINGS", "Settings", "load", "trainer"]

PART = "gcn"
SETTINGS = Settings


@dataclass(frozen=True)
class Gcn:
    """Trains the network."""

    settings: Settings
    kind: str = "graph"

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> Classifier:
        """Return the network trained on the labelled ROWS (NODES, the whole graph).

        Raises UsageError, BadInput, ContractBroken.
        """
        no_ticket(tickets, PART)
        classes, weights = _network.learn(rows, PART, self.settings, even, _network.SHAPES, seed)
        return Classifier(PART, classes, weights, told(self.settings) | {"seed": str(seed)}, _forward)


def trainer(settings: Settings, /) -> Gcn:
    """Return the trainer with SETTINGS."""
    return Gcn(settings)


def load(file: ModelFile, /) -> Classifier:
    """Return the model in FILE; raises BadInput."""
    return read(file, PART, _forward, _network.SHAPES, ())


def _forward(graph: Csr, x: Csr, weights: Weights, card: Mapping[str, str]) -> Floats:
    return _network.forward(even(graph), x, weights)
