"""Logistic regression with differential privacy for rows or persons, by noisy gradient descent or a noisy objective.

`method=descent` takes full-batch steps with exact discrete noise and clips the gradient of each unit; `objective`
perturbs the loss once and needs the exact minimum. Category lists, bounds and all settings are public knowledge.
With `pairs=true,choose=1` descent starts with single columns, finds with noise the pair of columns that the model lacks
most, and goes on with it: few pairs matter, and each one costs noise in all of them.

Guarantee: add-or-remove one unit, (epsilon, delta) of the ticket.
Assumes: descent: none beyond public settings; objective: exact-minimum, idealized-numerics.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core.accounting import exact
from consentinel.core.errors import NotSupported, UsageError
from consentinel.core.modelfile import ModelFile
from consentinel.models.ads._chosen import EXTRA, Chooser, slope
from consentinel.models.ads._encode import Encoding, Sparse, distinct
from consentinel.models.ads._linear import Linear, read
from consentinel.models.ads._private import Private, card, encoded, units
from consentinel.models.asked import setting
from consentinel.models.pieces.classes import labels
from consentinel.models.private import dp_gradient_descent as descent
from consentinel.models.private import objective_perturbation as objective
from consentinel.models.private.exact import Contributions
from consentinel.models.private.paid import Ask, Paying, asked, redeem, sigma_for

__all__ = ["SETTINGS", "load", "trainer"]

PART = "private_logistic"


@dataclass(frozen=True)
class Settings(Private):
    """What can be set."""

    method: str = setting("descent", "descent: noisy gradient descent; objective: objective perturbation")
    steps: int = setting(200, "steps of descent", low=1, high=10_000)
    clip: float = setting(0.85, "descent: norm of a unit's gradient, in norms of a row", low=0.01, high=10_000)
    rate: float = setting(
        1.5, "descent: rate of a step, for rows of norm sqrt(6); scaled to others", low=1e-6, high=100
    )
    momentum: float = setting(0.95, "descent: part of a step that is kept for the next", low=0.0, high=0.999)
    pull: float = setting(5.0, "quadratic pull of weights towards 0, in rows", low=0.0)
    choose: int = setting(0, "descent: how many pairs are chosen, with noise; 0: all of them", low=0, high=1000)
    pull_pairs: float = setting(64.0, "where pairs are chosen: the pull of their weights, in rows", low=0.01)
    pair_scale: float = setting(
        0.5, "value of a pair where a category has 1: smaller pulls pairs more", low=0.01, high=1
    )


SETTINGS = Settings


@dataclass(frozen=True)
class Trainer(Paying):
    """Trains with what its ticket paid for."""

    settings: Settings
    kind: str = "tabular"

    def ask(self, rows: pa.Table, /) -> Ask:
        """Return what training on ROWS draws; it depends on the names of columns and on settings alone."""
        return self._ask(rows, encoded(rows, self.settings, PART))

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> Linear:
        """Return a model of ROWS (any columns and `label`, 0 or 1); noise comes from the system and not from SEED.

        Raises BudgetRefused without a ticket for exactly this, UsageError for rows that cannot be read.
        """
        settings = self.settings
        encoding = encoded(rows, settings, PART)
        y, unit = labels(rows, PART, varied=False), units(rows, settings, PART)
        x, norm = _scaled(encoding.sparse(rows, PART), encoding, settings), _norm(encoding, settings)
        if unit is not None and settings.method == "objective":
            raise NotSupported(f"{PART}: objective perturbation protects events; for persons use method=descent")
        ask = self._ask(rows, encoding)
        ticket = redeem(self.ledger, tickets, ask)
        assumes = objective.ASSUMES if settings.method == "objective" else ()
        how = descent.Descent(settings.steps, settings.clip, settings.rate, settings.momentum, settings.pull)
        times = None
        if unit is None:  # equal rows are looked at once and counted as often as they occur
            x, y, times = distinct(x, y)
        if settings.method == "objective":
            pull = float(ticket.param("pull"))
            theta = objective.minimised(x.index, x.value, y, times, x.width, pull, float(ticket.param("noise")))
        elif settings.choose:
            own = (settings.choose, settings.pull_pairs, settings.pair_scale)
            theta = Chooser(encoding, x, y, unit, times, how, *own).weights(ticket.param("sigma"))
        else:
            cells = Contributions(x.index, unit, x.width, times)
            how = replace(how, clip=how.clip * norm, rate=how.rate * 6 / norm**2)
            theta = descent.descended(slope(x, y), cells, np.zeros(x.width), ticket.param("sigma"), how)
        return Linear(PART, encoding, theta * _weights(encoding, settings), card(settings, ticket, assumes))

    def _pairs(self, encoding: Encoding) -> int:
        """Return how many pairs are chosen."""
        settings, there = self.settings, len(encoding.blocks) - len(encoding.categorical)
        if settings.choose > there or (settings.choose and settings.steps < 2):
            raise UsageError(
                f"{PART}: choose={settings.choose} of {there} pairs in {settings.steps} steps; take pairs=true, no "
                "more than there are, and at least 2 steps"
            )
        return settings.choose

    def _ask(self, rows: pa.Table, encoding: Encoding) -> Ask:
        settings = self.settings
        names = (*encoding.categorical, *encoding.numeric)
        if settings.method == "descent":
            one = sigma_for(settings.epsilon, settings.delta, settings.accounting)
            extra = EXTRA if self._pairs(encoding) else Fraction(0)
            many = settings.steps * (1 + descent.COUNTING + extra)
            sigma = Fraction(math.isqrt(int(one**2 * many * 10**12)) + 1, 10**6)
            price = many / (2 * sigma**2)
            return asked(
                PART, settings, names, sigma=sigma, steps=settings.steps, unit=settings.unit, rho=price,
                planned=settings.accounting == "plan",
            )  # fmt: skip
        if settings.choose:
            raise UsageError(f"{PART}: only method=descent chooses pairs; take it, or choose=0")
        if settings.method != "objective":
            raise UsageError(f"{PART}: method is 'descent' or 'objective', got '{settings.method:.20}'")
        eps, delta = exact(settings.epsilon, "epsilon"), exact(settings.delta, "delta")
        norm = _norm(encoding, settings)
        pull = max(settings.pull, objective.least_pull(norm))
        noise = objective.noise(float(eps), float(delta), norm, pull)
        # (epsilon, delta) is epsilon^2 / 2 of zCDP but for a chance of delta (Kairouz, Oh and Viswanath 2017)
        exactly = (("epsilon", eps), ("delta", delta), ("pull", _up(pull)), ("noise", _up(noise)))
        sigma, price = _up(noise / norm), eps**2 / 2
        return asked(PART, settings, names, sigma=max(sigma, 1 / eps), rho=price, more=exactly)


def _weights(encoding: Encoding, settings: Settings) -> NDArray[np.float64]:
    scale = np.ones(encoding.width)
    singles = 1 + sum(encoding.cells[: len(encoding.categorical)])
    scale[singles : encoding.width - len(encoding.numeric)] = settings.pair_scale
    return scale


def _scaled(x: Sparse, encoding: Encoding, settings: Settings) -> Sparse:
    return replace(x, value=x.value * _weights(encoding, settings)[x.index])


def _norm(encoding: Encoding, settings: Settings) -> float:
    """Return the largest norm of any row there could be: numbers are cut to [0, 1]."""
    singles = len(encoding.categorical)
    pairs = len(encoding.blocks) - singles
    return math.sqrt(1 + singles + pairs * settings.pair_scale**2 + len(encoding.numeric))


def _up(number: float) -> Fraction:
    """Return a multiple of 1e-6 that is not below NUMBER."""
    return Fraction(math.ceil(number * 10**6), 10**6)


def trainer(settings: Settings, /) -> Trainer:
    """Return the trainer with SETTINGS."""
    return Trainer(settings)


def load(file: ModelFile, /) -> Linear:
    """Return the model in FILE; raises BadInput."""
    return read(file, PART)
