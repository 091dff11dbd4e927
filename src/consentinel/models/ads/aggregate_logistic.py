"""Logistic regression learnt from noisy tables of counts alone, without rows (the task of the AdKDD 2021 challenge).

What is released is the number of rows with label 0 and 1 in every cell of each column and each pair of columns, with
exact discrete Gaussian noise; the model is computed from that release only, and holds a weight for each cell. Columns
of numbers are not read. For at most 4 million combinations of values.

Guarantee: add-or-remove one row, (epsilon, delta) of the ticket; also towards whoever sees the tables.
Assumes: public-categories where categories=public.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from consentinel.core.errors import NotSupported
from consentinel.core.modelfile import ModelFile
from consentinel.models.ads._encode import Encoding
from consentinel.models.ads._linear import Linear, read
from consentinel.models.ads._private import Private, card, encoded
from consentinel.models.asked import setting
from consentinel.models.pieces.classes import labels
from consentinel.models.private import noisy_aggregates as aggregates
from consentinel.models.private.paid import Ask, Paying, asked, redeem, sigma_for

__all__ = ["SETTINGS", "load", "trainer"]

PART = "aggregate_logistic"


@dataclass(frozen=True)
class Settings(Private):
    """What can be set."""

    pairs: bool = setting(True, "weights for pairs of categories; false: of single categories only")
    singles: str = setting("1/2", "the part of the budget that the tables of single columns get")
    pull: float = setting(4.0, "quadratic pull of single weights towards 0, in rows", low=0.01)
    pull_pairs: float = setting(64.0, "the same for the weights of pairs", low=0.01)


SETTINGS = Settings


@dataclass(frozen=True)
class Trainer(Paying):
    """Trains on a release that its ticket paid for."""

    settings: Settings
    kind: str = "tabular"

    def ask(self, rows: pa.Table, /) -> Ask:
        """Return what training on ROWS draws; it depends on the names of columns and on settings alone."""
        return self._ask(self._encoding(rows))

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> Linear:
        """Return a model of ROWS (categories and `label`, 0 or 1); noise comes from the system and not from SEED.

        Raises BudgetRefused without a ticket for exactly this, UsageError for rows that cannot be read, NotSupported
        for too many combinations of values.
        """
        settings, encoding = self.settings, self._encoding(rows)
        tables = aggregates.Tables(tuple(encoding.sizes))
        codes, y = encoding.codes(rows, PART), labels(rows, PART, varied=False)
        ticket = redeem(self.ledger, tickets, self._ask(encoding))
        sigmas = aggregates.scales(ticket.param("sigma"), tables, settings.singles)
        noisy = aggregates.released(aggregates.counts(codes, y, tables), sigmas, tables)
        pull_pairs = settings.pull_pairs if settings.pairs else 1e9
        constant, weights = aggregates.fitted(noisy, sigmas, tables, aggregates.Prior(settings.pull, pull_pairs))
        singles = sum(tables.cells[: len(encoding.categorical)])
        theta = np.concatenate([[constant], weights if settings.pairs else weights[:singles]])
        return Linear(PART, encoding, theta, card(settings, ticket, (), tables=len(tables.blocks)))

    def _encoding(self, rows: pa.Table) -> Encoding:
        encoding = encoded(rows, self.settings, PART)
        if encoding.numeric:
            raise NotSupported(
                f"{PART}: tables count categories; cut '{encoding.numeric[0]}' into ranges, or name the categorical "
                "columns: categorical=a b"
            )
        return encoding

    def _ask(self, encoding: Encoding) -> Ask:
        settings = self.settings
        if settings.unit != "event":
            raise NotSupported(f"{PART}: tables protect events; keep one row of each person, or take private_logistic")
        sigma = sigma_for(settings.epsilon, settings.delta, settings.accounting)
        return asked(PART, settings, encoding.categorical, sigma=sigma, planned=settings.accounting == "plan")


def trainer(settings: Settings, /) -> Trainer:
    """Return the trainer with SETTINGS."""
    return Trainer(settings)


def load(file: ModelFile, /) -> Linear:
    """Return the model in FILE; raises BadInput."""
    return read(file, PART)
