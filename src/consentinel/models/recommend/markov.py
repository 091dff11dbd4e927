"""Markov chain: the next item from the last few, by how often it followed them within a few steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel import __version__
from consentinel.core.errors import BadInput, UsageError
from consentinel.core.extras import need
from consentinel.core.modelfile import ModelFile, save
from consentinel.models.asked import setting, settings, told
from consentinel.models.pieces.histories import (
    Histories,
    Sequences,
    answer,
    histories,
    sequences_from_file,
    sequences_of,
)
from consentinel.models.pieces.logs import csr
from consentinel.models.pieces.tickets import no_ticket

__all__ = ["SETTINGS", "load", "trainer"]

KIND = "models.recommend.markov"


@dataclass(frozen=True)
class Settings:
    """What can be set."""

    window: int = setting(5, "how many steps ahead still count as following; 1: only the next item", low=1, high=100)
    decay: float = setting(0.7, "how much less each further step counts", low=0, high=1)
    backward: float = setting(0.5, "how much an item counts as following the one after it", low=0, high=1)
    last: int = setting(3, "how many last items of a person are looked at", low=1, high=1000)
    fade: float = setting(0.5, "how much less each earlier one of them counts", low=0, high=1)
    damping: float = setting(0.5, "exponent of an item's total that its transitions are divided by", low=0, high=1)


SETTINGS = Settings


@dataclass(frozen=True)
class Chain:
    """Damped transitions from item to item, (items, items) in CSR, and the histories that they were counted in.

    Strangers are answered from `history`; who has none gets the most popular items. Where nothing followed, the most
    popular items fill up what is asked for: their share of rows, made smaller than any transition, is added.
    """

    about: Sequences
    steps: Any
    settings: Settings
    seed: int
    kind: str = "recsys"

    def predict(self, rows: pa.Table, /) -> pa.Table:
        """Return the most likely next items for each of ROWS (QUERIES) as RANKED."""
        return answer(histories(rows, self.about), self.about, self._scores)

    def save(self, path: Path, /) -> Path:
        """Write the model as one safe file and return it."""
        arrays = {"steps.starts": self.steps.indptr.astype(np.int64), "steps.items": self.steps.indices,
                  "steps.weights": self.steps.data}  # fmt: skip
        card = told(self.settings) | {"seed": str(self.seed)}
        save(path, ModelFile(KIND, "1", f"consentinel {__version__}", self.about.arrays() | arrays, card))
        return path

    def _scores(self, done: Histories) -> NDArray[np.float32]:
        lengths, n = done.lengths, len(self.about.items)
        latest = done.part(np.maximum(0, lengths - self.settings.last), lengths)
        back = np.repeat(latest.starts[1:], latest.lengths) - 1 - np.arange(len(latest.items))
        weights = (self.settings.fade**back).astype(np.float32)
        near = csr(weights, latest.items, latest.starts, (len(done), n))
        least = self.steps.data.min(initial=1.0) * weights.min(initial=1.0) / 2
        found: NDArray[np.float32] = (near @ self.steps).toarray() + least * self.about.share
        return found


@dataclass(frozen=True)
class MarkovTrainer:
    """Counts transitions; nothing is drawn, so the seed changes nothing."""

    settings: Settings
    kind: str = "recsys"

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> Chain:
        """Return the chain of ROWS (INTERACTIONS, taken by time; weights are not read); raises UsageError for tickets.

        Source: Rendle, Freudenthaler and Schmidt-Thieme 2010 (the chain); Ludewig and Jannach 2018, section 3.2
        (sequential rules: several steps, decayed).
        """
        no_ticket(tickets, "recommend/markov")
        about = sequences_of(rows)
        return Chain(about, _steps(about, self.settings), self.settings, seed)


def trainer(asked: Settings, /) -> MarkovTrainer:
    """Return the trainer with the settings ASKED."""
    return MarkovTrainer(asked)


def load(file: ModelFile, /) -> Chain:
    """Return the chain kept in FILE; raises BadInput where it holds none."""
    if file.kind != KIND:
        raise BadInput(f"is a model of kind '{file.kind}'", where="model file", todo=f"Give one of kind '{KIND}'")
    about = sequences_from_file(file)
    n = len(about.items)
    try:
        asked: Settings = settings(Settings, ",".join(f"{name}={file.card[name]}" for name in told(Settings())), KIND)
        starts, items, weights = (file.arrays[f"steps.{name}"] for name in ("starts", "items", "weights"))
        whole = starts.shape == (n + 1,) and starts[0] == 0 and starts[-1] == len(items) == len(weights)
        if not whole or (np.diff(starts) < 0).any() or (len(items) and not 0 <= items.min() <= items.max() < n):
            raise ValueError("transitions do not fit the items")
        return Chain(about, csr(weights, items, starts, (n, n)), asked, int(file.card["seed"]))
    except (KeyError, ValueError, UsageError) as why:
        raise BadInput(f"holds no Markov chain ({why})", where=KIND, todo="Train the model again") from None


def _steps(about: Sequences, asked: Settings) -> Any:
    """Return how often each item (column) follows each (row), decayed by distance and damped by the row's total."""
    items, owner, n = about.done.items, about.done.owner, len(about.items)
    ahead: list[NDArray[Any]] = []
    for step in range(1, min(asked.window, max(1, int(about.done.lengths.max()) - 1)) + 1):
        both = owner[step:] == owner[:-step]
        both &= items[step:] != items[:-step]
        counted = np.full(int(both.sum()), asked.decay ** (step - 1))
        ahead.append(np.stack([items[:-step][both], items[step:][both], counted]))
    first, then, weight = np.concatenate(ahead, axis=1)
    pairs = need("scipy.sparse", extra="models").coo_matrix((weight, (first.astype(int), then.astype(int))), (n, n))
    found = pairs.tocsr()
    if asked.backward:
        found = found + asked.backward * found.T.tocsr()
    found.eliminate_zeros()
    total = np.asarray(found.sum(axis=1)).ravel()
    found.data = found.data / np.repeat(total, np.diff(found.indptr)) ** asked.damping
    found.sort_indices()
    return csr(found.data.astype(np.float32), found.indices.astype(np.int32), found.indptr, (n, n))
