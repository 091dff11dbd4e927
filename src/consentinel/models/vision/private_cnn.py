"""The small network trained with differential privacy: Poisson batches, clipped gradients, exact discrete noise.

Guarantee: (epsilon, delta)-differential privacy of the whole model for the privacy unit (a picture, or all pictures of
a person), one unit more or less. Assumes: the settings were not tuned on these rows, public pictures sizes and classes.
Gradients of single pictures come from Opacus; clipping, lattice, noise and accounting are ours (`private/dp_sgd`).
Source: Abadi et al. 2016; Papernot et al. 2021 (bounded activations).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core.extras import need
from consentinel.core.modelfile import ModelFile
from consentinel.models.asked import setting, told
from consentinel.models.pieces.classes import declared
from consentinel.models.private.dp_sgd import Accountant, Plan
from consentinel.models.private.paid import Ask, Paying, redeem
from consentinel.models.private.poisson import Batch, Loader
from consentinel.models.vision import _network
from consentinel.models.vision._network import Network
from consentinel.models.vision._pictures import pictures
from consentinel.models.vision._private import Spending, ask_for, owners, plan_for

__all__ = ["SETTINGS", "Settings", "load", "trainer"]

PART = "private_cnn"
CLIP_STEPS, AT_ONCE = 2**16, 128
ROUNDED = 1 - 2**-10  # single-precision norms err by less


@dataclass(frozen=True)
class Settings(Spending):
    """What can be set."""

    batch: int = setting(2048, "expected people in a step", low=1)
    epochs: int = setting(40, "expected times that a person takes part", low=1, high=10_000)
    rate: float = setting(4.0, "step of gradient descent", low=1e-6, high=1e3)
    momentum: float = setting(0.9, "how much of the last step is kept", low=0.0, high=0.999)
    clip: float = setting(0.1, "largest norm of a person's gradient", low=1e-6, high=1e3)

    def plan(self) -> Plan:
        """Return the steps, their sampling and their noise."""
        people = max(1, self.people)
        sampled = Fraction(min(self.batch, people), people)
        return plan_for(self.epsilon, self.delta, sampled, max(1, round(self.epochs / sampled)))


SETTINGS = Settings


@dataclass(frozen=True)
class PrivateCnn(Paying):
    """Trains the network privately; the ledger redeems the ticket that pays for the noise."""

    settings: Settings
    kind: str = "vision"

    def ask(self, rows: pa.Table, /) -> Ask:
        """Return what training draws; spends nothing. Its zCDP price knows no sampling: pay it as a whole plan
        (`Ledger.spend_all(loss=dp_sgd.plan_loss)`)."""
        return ask_for(PART, self.settings, self.settings.plan(), rows)

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> Network:
        """Return the network trained on ROWS (IMAGES); SEED sets the initial weights only, never the noise.

        Raises UsageError, BadInput; BudgetRefused without the one ticket for `ask(rows)`. Checks first, redeems then.
        """
        asked, ask = self.settings, self.ask(rows)
        x, (codes, classes) = pictures(rows, PART), declared(rows, asked.classes, PART)
        whose, size = owners(rows, asked, PART), (x.shape[1], x.shape[2], x.shape[3])
        torch, opacus = need("torch", extra="models"), need("opacus.grad_sample", extra="models")
        net = opacus.GradSampleModule(_network.initial(size, len(classes), "tanh", seed), loss_reduction="sum")
        ticket = redeem(self.ledger, tickets, ask)
        plan = Plan(ticket.param("sigma"), ticket.param("rate"), int(ticket.param("steps")))
        accountant, loader = Accountant(plan), Loader(len(x), plan.rate, people=whose, most=asked.most)
        optimizer = torch.optim.SGD(net.parameters(), lr=asked.rate, momentum=asked.momentum)
        expected = float(plan.rate) * asked.people
        for batch in loader.batches(plan.steps):
            noisy = accountant.noisy(batch, _total(net, x, codes, batch, asked.clip), CLIP_STEPS)
            step = torch.from_numpy(noisy * (asked.clip / CLIP_STEPS / expected)).float()
            at = 0
            for weight in net.parameters():
                weight.grad = step[at : at + weight.numel()].view_as(weight).clone()
                at += weight.numel()
            optimizer.step()
        # how many rows there are is private: the card does not say
        card = told(asked) | {"seed": str(seed), "noise": str(plan.noise), "steps": str(plan.steps)}
        weights = {n: np.asarray(t.detach().numpy()) for n, t in net._module.state_dict().items()}
        return Network(PART, "tanh", size, classes, weights, card)


def _total(net: Any, x: NDArray[np.uint8], codes: NDArray[np.int64], batch: Batch, clip: float) -> NDArray[np.int64]:
    """Return the sum of the clipped gradients of BATCH in whole steps of clip / 2^16, shape (weights,)."""
    torch: Any = need("torch", extra="models")
    total = torch.zeros(sum(weight.numel() for weight in net.parameters()), dtype=torch.float64)
    for at in range(0, len(batch.rows), AT_ONCE):
        some = batch.rows[at : at + AT_ONCE]
        net.zero_grad()
        loss = torch.nn.functional.cross_entropy(
            net(_network.scaled(x[some]).requires_grad_()), torch.from_numpy(codes[some]), reduction="sum"
        )
        loss.backward()
        each = torch.cat([weight.grad_sample.flatten(1) for weight in net.parameters()], dim=1)
        norms = each.norm(dim=1, dtype=torch.float64)
        weights = torch.from_numpy(batch.weights[at : at + AT_ONCE])
        scale = torch.where(norms.isfinite(), weights * (CLIP_STEPS * ROUNDED) / norms.clamp_min(clip), 0.0)
        total += (each.double().nan_to_num_(0.0, 0.0, 0.0) * scale[:, None]).trunc_().sum(0)
    net.zero_grad()
    return np.asarray(total.numpy().astype(np.int64))


def trainer(settings: Settings) -> PrivateCnn:
    """Return the trainer with SETTINGS."""
    return PrivateCnn(settings)


def load(file: ModelFile) -> Network:
    """Return the model in FILE; raises BadInput."""
    return _network.read(file, PART)
