"""Wavelet scattering and a linear classifier, trained with differential privacy by noisy gradient descent.

Guarantee: (epsilon, delta)-differential privacy of the whole model for the privacy unit (a picture, or all pictures of
a person), one unit more or less. Assumes: the settings were not tuned on these rows; sizes, classes and the round
number of people are public.

Scattering coefficients and a fixed random projection cost nothing. A fifth of the budget buys their mean and their
covariance, by which all directions are made to vary alike; the rest buys gradient steps in which everybody takes part
(or each person with a probability, `private/poisson`). All sums are of whole numbers with exact discrete noise.

Sources: Tramer and Boneh 2021 (scattering and linear models); Abadi et al. 2016 (clipped gradients).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core.modelfile import ModelFile
from consentinel.models.asked import setting, told
from consentinel.models.pieces.classes import declared
from consentinel.models.private.dp_sgd import Accountant, Plan
from consentinel.models.private.exact import discrete_gaussian
from consentinel.models.private.paid import Ask, Paying, redeem
from consentinel.models.private.poisson import Batch, Loader
from consentinel.models.vision import _linear
from consentinel.models.vision._features import unit, width_of
from consentinel.models.vision._linear import Embedding, Linear, evened, projection, softmax
from consentinel.models.vision._pictures import pictures
from consentinel.models.vision._private import Spending, ask_for, owners, plan_for

__all__ = ["SETTINGS", "Settings", "learned", "load", "trainer"]

PART = "private_scattering"
UNIT = 2**9  # whole steps in length 1, of an embedding and of a clipped residual; products of two stay exact
CENTRE_PART = Fraction(1, 10)  # of what is spent before the first step
AT_ONCE, EXACT = 4096, 64
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Settings(Spending):
    """What can be set."""

    steps: int = setting(80, "gradient steps", low=1, high=100_000)
    part: float = setting(1.0, "probability with which a person takes part in a step", low=0.001, high=1.0)
    rate: float = setting(125.0, "step of gradient descent", low=1e-3, high=1e5)
    momentum: float = setting(0.9, "how much of the last step is kept", low=0.0, high=0.999)
    clip: float = setting(0.3, "largest norm of a residual (label less probabilities)", low=0.01, high=1.5)
    width: int = setting(2048, "numbers in an embedding", low=2, high=8192)
    share: float = setting(0.2, "part of the budget for mean and covariance", low=0.01, high=0.5)
    floor: float = setting(0.001, "variance below which directions are not evened out", low=1e-6, high=1.0)

    def plan(self) -> Plan:
        """Return the steps, their sampling and their noise, and what is left for mean and covariance."""
        return plan_for(self.epsilon, self.delta, Fraction(str(self.part)), self.steps, Fraction(str(self.share)))


SETTINGS = Settings


@dataclass(frozen=True)
class PrivateScattering(Paying):
    """Trains the classifier privately; the ledger redeems the ticket that pays for the noise."""

    settings: Settings
    kind: str = "vision"

    def ask(self, rows: pa.Table, /) -> Ask:
        """Return what training draws; spends nothing. Pay it by its zCDP price, or as a whole plan
        (`Ledger.spend_all(loss=dp_sgd.plan_loss)`), which needs a smaller budget."""
        return ask_for(PART, self.settings, self.settings.plan(), rows)

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> Linear:
        """Return the classifier trained on ROWS (IMAGES). Nothing depends on SEED: weights start at 0, noise is secret.

        Raises UsageError, BadInput; BudgetRefused without the one ticket for `ask(rows)`. Checks first, redeems then.
        """
        asked, ask = self.settings, self.ask(rows)
        x, (codes, classes) = pictures(rows, PART), declared(rows, asked.classes, PART)
        whose, size = owners(rows, asked, PART), (x.shape[1], x.shape[2], x.shape[3])
        mix = projection(width_of(size), asked.width)
        projected = _linear.projected(x, mix)
        ticket = redeem(self.ledger, tickets, ask)
        plan = Plan(ticket.param("sigma"), ticket.param("rate"), int(ticket.param("steps")), ticket.param("before"))
        evening, weights = learned(projected, codes, len(classes), whose, plan, asked)
        # how many rows there are is private: the card does not say
        card = told(asked) | {"seed": str(seed), "noise": str(plan.noise), "unit": asked.unit or "picture"}
        embedding = Embedding(mix @ evening.mix, evening.offset)
        return Linear(PART, size, classes, embedding, weights, card)


def learned(
    projected: Floats,
    codes: NDArray[np.int64],
    classes: int,
    whose: NDArray[np.int64] | None,
    plan: Plan,
    asked: Settings,
) -> tuple[Embedding, Floats]:
    """Return what evens out PROJECTED (n, width), and weights (width, classes): all that PLAN pays for, no more.

    Arguments: CODES (n,), the class of each row; WHOSE it is (n,), or None where each is another person's.
    """  # fmt: skip
    loader = Loader(len(codes), plan.rate, people=whose, most=asked.most)
    everybody = next(Loader(len(codes), Fraction(1), people=whose, most=asked.most).batches(1))
    evening = _evening(projected, everybody, plan.before, asked)
    return evening, _descended(_whole(evening.of(projected)), codes, classes, loader, plan, asked)


def _evening(projected: Floats, everybody: Batch, rho: Fraction, asked: Settings) -> Embedding:
    """Return what evens out PROJECTED (n, width) by a noisy mean and a noisy covariance, which together cost RHO."""
    width = projected.shape[1]
    total = np.zeros(width, np.int64)
    for rows, weights in _blocks(everybody):
        some = projected[rows]
        some /= np.maximum(np.linalg.norm(some, axis=1, keepdims=True), 1)
        total += np.trunc(_whole(some) * weights[:, None]).astype(np.int64).sum(axis=0)
    total += discrete_gaussian(_sigma(UNIT, rho * CENTRE_PART), width)
    centre = (total / (UNIT * asked.people)).astype(np.float32)
    moments = np.zeros((width, width))
    for rows, weights in _blocks(everybody):
        # a person's pictures share one length: what they add to the moments then has norm UNIT^2 at most
        some = _whole(unit(projected[rows] - centre) * np.sqrt(weights)[:, None]).astype(np.float64)
        moments += some.T @ some
    # noise of one variance on the diagonal and half of it off it costs what the norm of the whole matrix says
    sigma = _sigma(UNIT**2, rho * (1 - CENTRE_PART))
    above = np.triu_indices(width, 1)
    moments[above] += discrete_gaussian(_rooted(sigma**2 / 2), len(above[0]))
    moments[np.diag_indices(width)] += discrete_gaussian(sigma, width)
    moments[above[::-1]] = moments[above]
    spread = 2 * math.sqrt(width / 2) * float(sigma) / (UNIT**2 * asked.people)  # largest eigenvalue of noise alone
    return evened(centre, moments / (UNIT**2 * asked.people), max(asked.floor, spread / 3))


def _descended(
    embedded: Floats, codes: NDArray[np.int64], classes: int, loader: Loader, plan: Plan, asked: Settings
) -> Floats:
    """Return the weights (width, classes) after all steps on EMBEDDED (n, width), in whole steps of 1 / UNIT."""
    weights = np.zeros((embedded.shape[1], classes))
    moved = np.zeros_like(weights)
    accountant, truth = Accountant(plan), np.eye(classes, dtype=np.float32)
    size = asked.rate * asked.clip / (UNIT**2 * float(plan.rate) * asked.people)
    for batch in loader.batches(plan.steps):
        total, now = np.zeros_like(weights), (weights / UNIT).astype(np.float32)
        for rows, shares in _blocks(batch):
            some = embedded[rows]
            left = softmax(some @ now) - truth[codes[rows]]
            left *= shares[:, None] / np.maximum(np.linalg.norm(left, axis=1, keepdims=True), asked.clip)
            total += _product(some, np.trunc(left * np.float32(UNIT * (1 - 2**-10))))
        moved = asked.momentum * moved + accountant.noisy(batch, total.astype(np.int64), UNIT**2)
        weights -= size * moved
    return weights.astype(np.float32)


def _blocks(batch: Batch) -> Iterator[tuple[NDArray[np.int64], Floats]]:
    for at in range(0, len(batch.rows), AT_ONCE):
        yield batch.rows[at : at + AT_ONCE], batch.weights[at : at + AT_ONCE].astype(np.float32)


def _product(x: Floats, y: Floats) -> NDArray[np.float64]:
    """Return X.T @ Y of whole numbers up to UNIT exactly: sums of 64 products fit the 24 bits of single precision."""
    cut = len(x) // EXACT * EXACT
    parts = x[:cut].reshape(-1, EXACT, x.shape[1]).transpose(0, 2, 1) @ y[:cut].reshape(-1, EXACT, y.shape[1])
    return np.asarray(parts.sum(axis=0, dtype=np.float64) + x[cut:].T @ y[cut:])


def _whole(x: Floats) -> Floats:
    """Return X (n, d), rows of length at most 1, in whole steps of 1 / UNIT, rows of length at most UNIT."""
    near = np.rint(x * np.float32(UNIT))
    long = np.einsum("nd,nd->n", near, near, dtype=np.float64) > UNIT**2
    near[long] = np.trunc(x[long] * np.float32(UNIT * (1 - 2**-10)))
    return np.asarray(near, np.float32)


def _sigma(sensitivity: int, rho: Fraction) -> Fraction:
    """Return the least whole sigma whose noise on an answer of SENSITIVITY costs at most RHO."""
    return _rooted(Fraction(sensitivity**2) / (2 * rho))


def _rooted(square: Fraction) -> Fraction:
    return Fraction(math.isqrt(math.ceil(square)) + 1)


def trainer(settings: Settings) -> PrivateScattering:
    """Return the trainer with SETTINGS."""
    return PrivateScattering(settings)


def load(file: ModelFile) -> Linear:
    """Return the model in FILE; raises BadInput."""
    return _linear.read(file, PART)
