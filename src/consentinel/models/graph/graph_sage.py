"""Classifies nodes by GraphSAGE: two layers that weigh a node's own values apart from the mean of its neighbours.

All neighbours count, none is drawn. Source: Hamilton, Ying and Leskovec 2017, algorithm 1 with the mean aggregator.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from consentinel.core.modelfile import ModelFile
from consentinel.models.asked import told
from consentinel.models.graph import _network
from consentinel.models.graph._classifier import Classifier, Floats, Weights, averaged, read
from consentinel.models.graph._network import Settings
from consentinel.models.graph._nodes import Csr
from consentinel.models.pieces.tickets import no_ticket

__all__ = ["SETTINGS", "Settings", "load", "trainer"]

PART = "graph_sage"
SETTINGS = Settings
SHAPES = _network.SHAPES | _network.OWN


@dataclass(frozen=True)
class GraphSage:
    """Trains the network."""

    settings: Settings
    kind: str = "graph"

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> Classifier:
        """Return the network trained on the labelled ROWS (NODES, the whole graph).

        Raises UsageError, BadInput, ContractBroken.
        """
        no_ticket(tickets, PART)
        classes, weights = _network.learn(rows, PART, self.settings, averaged, SHAPES, seed)
        return Classifier(PART, classes, weights, told(self.settings) | {"seed": str(seed)}, _forward)


def trainer(settings: Settings, /) -> GraphSage:
    """Return the trainer with SETTINGS."""
    return GraphSage(settings)


def load(file: ModelFile, /) -> Classifier:
    """Return the model in FILE; raises BadInput."""
    return read(file, PART, _forward, SHAPES, ())


def _forward(graph: Csr, x: Csr, weights: Weights, card: Mapping[str, str]) -> Floats:
    return _network.forward(averaged(graph), x, weights)
