"""Factorisation machine: weights of categories and numbers, and products of short vectors for every pair of them.

Source: Rendle 2010. A value never seen in training has the vector that training never moved, which is near 0.
"""

from dataclasses import dataclass
from typing import Any

from consentinel.core.extras import need
from consentinel.core.modelfile import ModelFile
from consentinel.models.ads._encode import Columns, Encoding
from consentinel.models.ads._nets import Net, NetTrainer, read
from consentinel.models.asked import setting

__all__ = ["SETTINGS", "load", "trainer"]

PART = "factorisation_machine"


@dataclass(frozen=True)
class Settings(Columns):
    """What can be set."""

    factors: int = setting(8, "length of the vectors", low=1, high=512)
    epochs: int = setting(8, "times that every row is looked at", low=1, high=1000)
    batch: int = setting(1024, "rows in one step", low=1)
    rate: float = setting(0.02, "highest rate of a step", low=1e-6, high=1)
    decay: float = setting(0.01, "decay of weights", low=0, high=10)


SETTINGS = Settings


def _maker(factors: int) -> Any:
    torch: Any = need("torch", extra="models")

    class Machine(torch.nn.Module):  # type: ignore[misc]
        def __init__(self, encoding: Encoding) -> None:
            super().__init__()
            many, numbers = max(1, sum(encoding.sizes)), len(encoding.numeric)
            self.constant = torch.nn.Parameter(torch.zeros(1))
            self.weight = torch.nn.Embedding(many, 1)
            self.vector = torch.nn.Embedding(many, factors)
            self.number_weight = torch.nn.Parameter(torch.zeros(numbers))
            self.number_vector = torch.nn.Parameter(torch.randn(numbers, factors) * 0.01)
            torch.nn.init.zeros_(self.weight.weight)
            torch.nn.init.normal_(self.vector.weight, std=0.01)

        def forward(self, codes: Any, numbers: Any) -> Any:
            vectors = torch.cat([self.vector(codes), numbers[:, :, None] * self.number_vector], dim=1)
            pairs = (vectors.sum(dim=1) ** 2 - (vectors**2).sum(dim=1)).sum(dim=1) / 2
            return self.constant + self.weight(codes).sum(dim=(1, 2)) + numbers @ self.number_weight + pairs

    return Machine


def trainer(settings: Settings, /) -> NetTrainer:
    """Return the trainer with SETTINGS."""
    return NetTrainer(PART, settings, lambda s: _maker(s.factors))


def load(file: ModelFile, /) -> Net:
    """Return the model in FILE; raises BadInput."""
    vectors = file.arrays.get("net/vector.weight")
    return read(file, PART, _maker(1 if vectors is None or vectors.ndim != 2 else vectors.shape[1]))
