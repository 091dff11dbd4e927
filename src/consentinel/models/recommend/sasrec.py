"""SASRec: the next item by causal self-attention over a person's last items, learnt by gradient descent."""

from collections.abc import Mapping, Sequence
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
from consentinel.models.pieces.nearness import factors, surprise, unit
from consentinel.models.pieces.tickets import no_ticket
from consentinel.models.pieces.torch_weights import tensors_of
from consentinel.models.recommend._attention import encode, initial, padded
from consentinel.models.recommend._learning import learn, split

__all__ = ["SETTINGS", "load", "trainer"]

KIND = "models.recommend.sasrec"


@dataclass(frozen=True)
class Settings:
    """What can be set."""

    width: int = setting(64, "numbers in an embedding; a multiple of heads", low=1, high=1024)
    blocks: int = setting(2, "how many steps of attention", low=1, high=12)
    heads: int = setting(1, "attentions side by side in a step", low=1, high=16)
    longest: int = setting(50, "how many last items of a person are read", low=1, high=1000)
    dropout: float = setting(0.3, "share of values that training leaves out", low=0, high=0.95)
    loss: str = setting("softmax", "softmax over drawn items, or bce: one drawn item for each, as first published")
    negatives: int = setting(500, "items drawn for the softmax of a step; 0: all items", low=0, high=1_000_000)
    warm: bool = setting(True, "whether items start from which lie near in histories, not from random numbers")
    batch: int = setting(128, "people in a step", low=1, high=100_000)
    rate: float = setting(0.002, "step size of Adam", low=1e-6, high=1)
    epochs: int = setting(100, "most rounds over everyone", low=1, high=10_000)
    patience: int = setting(4, "rounds without a better nDCG@10 on held out items before it ends", low=1, high=1000)
    held_out: int = setting(2000, "people, at most a tenth, whose last item only decides when to end", low=1)


SETTINGS = Settings


@dataclass(frozen=True)
class SelfAttention:
    """Weights by name and the histories that they were learnt from.

    Strangers are answered from `history`; who has none gets the most popular items.
    """

    about: Sequences
    weights: Mapping[str, NDArray[np.float32]]
    settings: Settings
    card: Mapping[str, str]
    kind: str = "recsys"

    def predict(self, rows: pa.Table, /) -> pa.Table:
        """Return the most likely next items for each of ROWS (QUERIES) as RANKED."""
        torch = need("torch", extra="models")
        weights = tensors_of(torch, self.weights, learn=False)
        return answer(histories(rows, self.about), self.about, lambda done: scores(torch, weights, done, self.settings))

    def save(self, path: Path, /) -> Path:
        """Write the model as one safe file and return it."""
        arrays = {f"model.{name}": array for name, array in self.weights.items()}
        save(path, ModelFile(KIND, "1", f"consentinel {__version__}", self.about.arrays() | arrays, self.card))
        return path


@dataclass(frozen=True)
class SasrecTrainer:
    """Trains SASRec with its SETTINGS."""

    settings: Settings
    kind: str = "recsys"

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> SelfAttention:
        """Return the model of ROWS (INTERACTIONS, taken by time; weights are not read).

        Equal rows and seed give an equal model for an equal number of torch threads. Raises UsageError for tickets or
        where nobody did two things, MissingExtra without torch.
        Source: Kang and McAuley 2018; loss softmax: Klenitskiy and Vasilev 2023.
        """
        no_ticket(tickets, "recommend/sasrec")
        asked = self.settings
        if asked.loss not in ("softmax", "bce") or asked.width % asked.heads:
            raise UsageError("recommend/sasrec: loss is softmax or bce, and width is a multiple of heads")
        about = sequences_of(rows)
        if about.done.lengths.max() < 2:
            raise UsageError("recommend/sasrec: nobody did two things, so there is no order to learn; use popularity")
        first = initial(len(about.items), asked.longest, asked.width, asked.blocks, seed)
        kept, held = split(about.done, asked.held_out, seed)
        if asked.warm:
            near = surprise(kept, len(about.items), 3)
            left, values, _ = factors(near, asked.width, seed)
            first["item"][:, : len(values)] = unit(left * np.sqrt(values))
        weights, epochs, reached = learn(kept, held, first, asked, scores, seed)
        card = told(asked) | {"seed": str(seed), "epochs_kept": str(epochs), "held_out_ndcg10": f"{reached:.4f}"}
        return SelfAttention(about, weights, asked, card)


def scores(torch: Any, weights: Mapping[str, Any], done: Histories, asked: Settings) -> NDArray[np.float32]:
    """Return the score of every item after each history of DONE, none of which is empty; shape (people, items)."""
    starts = np.maximum(done.starts[:-1], done.starts[1:] - asked.longest)
    lengths = torch.from_numpy(done.starts[1:] - starts)
    rows = torch.from_numpy(padded(done.items, starts, done.starts[1:]))
    with torch.no_grad():
        made = encode(torch, weights, rows, lengths, asked.heads, 0.0)
        found: NDArray[np.float32] = (made[torch.arange(len(rows)), lengths - 1] @ weights["item"].T).numpy()
    return found


def trainer(asked: Settings, /) -> SasrecTrainer:
    """Return the trainer with the settings ASKED."""
    return SasrecTrainer(asked)


def load(file: ModelFile, /) -> SelfAttention:
    """Return the model kept in FILE; raises BadInput where it holds none."""
    if file.kind != KIND:
        raise BadInput(f"is a model of kind '{file.kind}'", where="model file", todo=f"Give one of kind '{KIND}'")
    about = sequences_from_file(file)
    try:
        asked: Settings = settings(Settings, ",".join(f"{name}={file.card[name]}" for name in told(Settings())), KIND)
        wanted = initial(len(about.items), asked.longest, asked.width, asked.blocks, 0)
        weights = {name: file.arrays[f"model.{name}"] for name in wanted}
        for name, like in wanted.items():
            if weights[name].shape != like.shape or weights[name].dtype != np.float32:
                raise ValueError(f"'{name}' has the wrong shape")
            if not np.isfinite(weights[name]).all():
                raise ValueError(f"'{name}' is not finite")
    except (KeyError, ValueError, UsageError) as why:
        raise BadInput(f"holds no SASRec ({why})", where=KIND, todo="Train the model again") from None
    return SelfAttention(about, weights, asked, file.card)
