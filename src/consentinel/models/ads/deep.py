"""Deep and cross network: vectors of categories and numbers through explicit products of features beside a deep net.

Source: Wang et al. 2021 (DCN V2, parallel form).
"""

from dataclasses import dataclass
from typing import Any

from consentinel.core.errors import BadInput
from consentinel.core.extras import need
from consentinel.core.modelfile import ModelFile
from consentinel.models.ads._encode import Columns, Encoding
from consentinel.models.ads._nets import Net, NetTrainer, read
from consentinel.models.asked import setting

__all__ = ["SETTINGS", "load", "trainer"]

PART = "deep"


@dataclass(frozen=True)
class Settings(Columns):
    """What can be set."""

    factors: int = setting(8, "length of the vector of a category", low=1, high=512)
    crosses: int = setting(2, "layers of products", low=0, high=8)
    hidden: int = setting(64, "units of each of the two deep layers", low=1, high=4096)
    epochs: int = setting(4, "times that every row is looked at", low=1, high=1000)
    batch: int = setting(1024, "rows in one step", low=1)
    rate: float = setting(0.003, "highest rate of a step", low=1e-6, high=1)
    decay: float = setting(0.05, "decay of weights", low=0, high=10)


SETTINGS = Settings


def _maker(factors: int, crosses: int, hidden: int) -> Any:
    torch: Any = need("torch", extra="models")
    nn: Any = torch.nn

    class Crossed(torch.nn.Module):  # type: ignore[misc]
        def __init__(self, encoding: Encoding) -> None:
            super().__init__()
            width = len(encoding.categorical) * factors + len(encoding.numeric)
            self.vector = nn.Embedding(max(1, sum(encoding.sizes)), factors)
            nn.init.normal_(self.vector.weight, std=0.05)
            self.cross = nn.ModuleList(nn.Linear(width, width) for _ in range(crosses))
            self.deep = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
            self.last = nn.Linear(width + hidden, 1)

        def forward(self, codes: Any, numbers: Any) -> Any:
            first = torch.cat([self.vector(codes).flatten(1), numbers], dim=1)
            crossed = first
            for layer in self.cross:
                crossed = first * layer(crossed) + crossed
            return self.last(torch.cat([crossed, self.deep(first)], dim=1))[:, 0]

    return Crossed


def trainer(settings: Settings, /) -> NetTrainer:
    """Return the trainer with SETTINGS."""
    return NetTrainer(PART, settings, lambda s: _maker(s.factors, s.crosses, s.hidden))


def load(file: ModelFile, /) -> Net:
    """Return the model in FILE; raises BadInput."""
    try:
        sizes = [int(file.card[name]) for name in ("factors", "crosses", "hidden")]
    except (KeyError, ValueError):
        raise BadInput("its sizes are missing", where=f"models.ads.{PART}", todo="Train the model again") from None
    if not all(0 <= size <= 4096 for size in sizes):
        raise BadInput("its sizes are out of range", where=f"models.ads.{PART}", todo="Train the model again")
    return read(file, PART, _maker(*sizes))
