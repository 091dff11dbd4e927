"""A small convolutional network, trained plainly by Adam with a falling step and mirrored pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from consentinel.core.extras import need
from consentinel.core.modelfile import ModelFile
from consentinel.core.rng import generator
from consentinel.models.asked import setting, told
from consentinel.models.pieces.classes import labelled
from consentinel.models.pieces.tickets import no_ticket
from consentinel.models.vision import _boxes, _network
from consentinel.models.vision._network import Network
from consentinel.models.vision._pictures import pictures

__all__ = ["SETTINGS", "Settings", "load", "trainer"]

PART = "small_cnn"


@dataclass(frozen=True)
class Settings:
    """What can be set."""

    epochs: int = setting(10, "passes over the pictures", low=1, high=1000)
    batch: int = setting(128, "pictures in a step", low=1, high=65536)
    rate: float = setting(2e-3, "largest step of Adam; it falls to nothing along a cosine", low=1e-6, high=1.0)
    mirror: bool = setting(True, "show each picture mirrored half of the time (not where left and right matter)")
    noise: float = setting(0.0, "standard deviation of the noise added to pictures in [0, 1], for certificates by "
                           "smoothing", low=0.0, high=4.0)  # fmt: skip
    box: float = setting(0.0, "distance that each pixel may move without the label changing, learned by interval "
                         "bounds", low=0.0, high=0.5)  # fmt: skip


SETTINGS = Settings


@dataclass(frozen=True)
class SmallCnn:
    """Trains the network."""

    settings: Settings
    kind: str = "vision"

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> Network:
        """Return the network trained on ROWS (IMAGES); raises UsageError, BadInput."""
        no_ticket(tickets, PART)
        torch: Any = need("torch", extra="models")
        x, (codes, classes) = pictures(rows, PART), labelled(rows, PART)
        size, asked = (x.shape[1], x.shape[2], x.shape[3]), self.settings
        net, order = _network.initial(size, len(classes), "relu", seed), generator(seed, "models.vision", PART)
        inputs, targets = _network.scaled(x), torch.from_numpy(codes)
        optimizer = torch.optim.Adam(net.parameters(), lr=asked.rate)
        steps = asked.epochs * -(-len(x) // asked.batch)
        falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        for epoch in range(asked.epochs):
            shuffled = order.permutation(len(x))
            for at in range(0, len(x), asked.batch):
                some = torch.from_numpy(shuffled[at : at + asked.batch])
                shown = inputs[some]
                if asked.mirror:
                    turned = torch.from_numpy(order.random(len(some)) < 0.5)
                    shown[turned] = shown[turned].flip(-1)
                if asked.noise:  # what is clipped is a picture again
                    noise = torch.from_numpy(order.standard_normal(tuple(shown.shape), np.float32))
                    shown = (shown + 2 * asked.noise * noise).clamp_(-1, 1)
                optimizer.zero_grad()
                loss = torch.nn.functional.cross_entropy(net(shown), targets[some])
                if asked.box:
                    loss = _boxed(net, shown, targets[some], loss, asked.box, (epoch + at / len(x)) / asked.epochs)
                loss.backward()
                optimizer.step()
                falling.step()
        weights = {name: np.asarray(tensor.detach().numpy()) for name, tensor in net.state_dict().items()}
        return Network(PART, "relu", size, classes, weights, told(asked) | {"seed": str(seed), "rows": str(len(x))})


def _boxed(net: Any, shown: Any, targets: Any, loss: Any, box: float, done: float) -> Any:
    """Return LOSS mixed with that of the worst scores in a box around each picture SHOWN, in [-1, 1].

    The box grows from nothing and its weight to a half while DONE, the share of training behind, goes from a tenth to
    six tenths. Source: Gowal et al. 2018, section 4.
    """
    torch: Any = need("torch", extra="models")
    grown = min(1.0, max(0.0, (done - 0.1) / 0.5))
    if not grown:
        return loss
    arm = 2 * box * grown
    low, high = _boxes.bounds(net, (shown - arm).clamp(-1, 1), (shown + arm).clamp(-1, 1))
    worst = torch.nn.functional.cross_entropy(_boxes.worst(low, high, targets), targets)
    return (1 - grown / 2) * loss + grown / 2 * worst


def trainer(settings: Settings) -> SmallCnn:
    """Return the trainer with SETTINGS."""
    return SmallCnn(settings)


def load(file: ModelFile) -> Network:
    """Return the model in FILE; raises BadInput."""
    return _network.read(file, PART)
