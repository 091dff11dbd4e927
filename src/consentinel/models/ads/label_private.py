"""Logistic regression with privacy of the labels, where the features are known to everybody (label DP).

`method=sums` releases the sum of rows with label 1 once, with noise, and fits the model to it; `projected` descends
along noisy gradients that are projected on what labels can give; `response` flips every label. Features are public, so
lists of categories and scales of numbers are taken from them.

Guarantee: replace the labels of one unit; response: epsilon / `most` for each label; others: (epsilon, delta).
Assumes: public-features.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import pyarrow as pa

from consentinel.core.accounting import exact, pure_rho
from consentinel.core.errors import UsageError
from consentinel.core.ledger import Ticket
from consentinel.core.modelfile import ModelFile
from consentinel.models.ads._encode import Encoding, Sparse, distinct, learnt
from consentinel.models.ads._linear import Linear, read
from consentinel.models.ads._private import Private, card, units
from consentinel.models.asked import setting
from consentinel.models.pieces.classes import labels
from consentinel.models.private import label_dp
from consentinel.models.private.exact import Contributions
from consentinel.models.private.paid import Ask, Paying, asked, redeem, sigma_for

__all__ = ["SETTINGS", "load", "trainer"]

PART, METHODS = "label_private", ("sums", "projected", "response")


@dataclass(frozen=True)
class Settings(Private):
    """What can be set."""

    categories: str = setting("public", "public: features are known to everybody; no other value is taken here")
    method: str = setting("sums", "sums: one noisy release; projected: noisy descent; response: flipped labels")
    prior: float = setting(0.5, "response: the chance of label 1 that is publicly known", low=0.0, high=1.0)
    most: int = setting(1, "rows of one unit that count; of more, the first ones are used", low=1, high=10_000)
    pull: float = setting(4.0, "quadratic pull of single weights towards 0, in rows", low=0.01)
    pull_pairs: float = setting(64.0, "the same for the weights of pairs", low=0.01)
    steps: int = setting(40, "steps of projected", low=1, high=1000)


SETTINGS = Settings


@dataclass(frozen=True)
class Trainer(Paying):
    """Trains with what its ticket paid for."""

    settings: Settings
    kind: str = "tabular"

    def ask(self, rows: pa.Table, /) -> Ask:
        """Return what training on ROWS draws; it depends on the names of columns and on settings alone."""
        return self._ask(self._encoding(rows))

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> Linear:
        """Return a model of ROWS (any columns and `label`, 0 or 1); noise comes from the system and not from SEED.

        Raises BudgetRefused without a ticket for exactly this, UsageError for rows that cannot be read.
        """
        settings = self.settings
        rows, unit = _first(rows, settings)
        encoding = self._encoding(rows)
        y, x = labels(rows, PART, varied=False), encoding.sparse(rows, PART)
        ticket = redeem(self.ledger, tickets, self._ask(encoding))
        theta = _fitted(settings, encoding, x, y, unit, ticket)
        return Linear(PART, encoding, theta, card(settings, ticket, label_dp.ASSUMES))

    def _encoding(self, rows: pa.Table) -> Encoding:
        settings = self.settings
        if settings.categories != "public":
            raise UsageError(f"{PART}: features are public here; where they are not, take private_logistic")
        without = ("label",) if settings.unit == "event" else ("label", settings.unit)
        return learnt(rows, settings, pairs=settings.pairs, who=PART, without=without)

    def _ask(self, encoding: Encoding) -> Ask:
        settings = self.settings
        names = (*encoding.categorical, *encoding.numeric)
        if settings.method not in METHODS:
            raise UsageError(f"{PART}: method is one of {', '.join(METHODS)}, got '{settings.method:.20}'")
        if settings.method == "response":
            eps = exact(settings.epsilon, "epsilon")
            more = (("epsilon", eps / settings.most),)
            # the noise of a lie is not Gaussian: sigma stands for the pure epsilon that is paid
            return asked(PART, settings, names, sigma=1 / eps, unit=settings.unit, rho=pure_rho(eps), more=more)
        steps = settings.steps if settings.method == "projected" else 1
        one = sigma_for(settings.epsilon, settings.delta, settings.accounting)
        sigma = Fraction(math.isqrt(int(4 * one**2 * steps * 10**12)) + 1, 10**6)  # labels change a clipped sum by 2
        return asked(
            PART, settings, names, sigma=sigma, sensitivity=Fraction(2), steps=steps, unit=settings.unit,
            planned=settings.accounting == "plan",
        )  # fmt: skip


def _first(rows: pa.Table, settings: Settings) -> tuple[pa.Table, np.ndarray | None]:
    """Return the rows that count and whose they are: which ones is decided by features alone."""
    unit = units(rows, settings, PART)
    if unit is None:
        return rows, None
    order = np.argsort(unit, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(unit[order]) > 0])
    place = np.arange(len(unit)) - np.repeat(starts, np.diff(np.r_[starts, len(unit)]))
    keep = np.sort(order[place < settings.most])
    return rows.take(pa.array(keep)), unit[keep]


def _fitted(
    settings: Settings, encoding: Encoding, x: Sparse, y: np.ndarray, unit: np.ndarray | None, ticket: Ticket
) -> np.ndarray:
    pull = np.full(x.width, settings.pull)
    singles = 1 + sum(encoding.cells[: len(encoding.categorical)])
    pull[singles : x.width - len(encoding.numeric)] = settings.pull_pairs
    pull[0] = 1e-6
    alike, _, times = distinct(x, np.zeros(len(y)))  # rows of equal features are looked at once where labels are done
    squares = replace(alike, value=alike.value**2)
    weight, often = squares.add(times), times.astype(np.float64)
    if settings.method == "response":
        answers, chance = label_dp.response(y, np.full(len(y), settings.prior), ticket.param("epsilon"))
        whole = replace(x, value=x.value**2).add(np.ones(len(y)))
        return label_dp.fit_flipped(x.dot, x.add, whole, answers, chance, pull)
    # a row adds x / 2 or -x / 2; features are public, so is the largest norm
    clip = float(np.sqrt(squares.value.sum(axis=1).max())) / 2 * settings.most
    cells, sigma = Contributions(x.index, unit, x.width), ticket.param("sigma")
    if settings.method == "projected":
        found = cells.total(x.value * (y - 0.5)[:, None], clip)
        return label_dp.projected(
            alike.dot, lambda w: alike.add(often * w), found, len(y), often, sigma, clip=clip, steps=settings.steps,
            rate=1.5 / (clip / settings.most) ** 2, pull=settings.pull,
        )  # fmt: skip
    sums = label_dp.centred_sums(cells, x.value, y, clip, sigma)
    return label_dp.fit_sums(
        alike.dot,
        lambda w: alike.add(often * w),
        lambda w: squares.add(often * w),
        sums,
        float(sigma) * clip,
        weight,
        pull,
    )


def trainer(settings: Settings, /) -> Trainer:
    """Return the trainer with SETTINGS."""
    return Trainer(settings)


def load(file: ModelFile, /) -> Linear:
    """Return the model in FILE; raises BadInput."""
    return read(file, PART)
