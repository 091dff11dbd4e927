"""The trainer and the model that recommenders on this shelf share: a part only says how it fits and how it scores."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel import __version__
from consentinel.core.errors import BadInput, UsageError
from consentinel.core.modelfile import ModelFile, save
from consentinel.models.asked import told
from consentinel.models.pieces.ids import positions
from consentinel.models.pieces.logs import Csr, Log, log_arrays, log_from_file, log_of
from consentinel.models.recommend._ranking import answer, asked

__all__ = ["Fit", "Recommender", "RecommenderTrainer", "Scorer", "opened"]


@runtime_checkable
class Scorer(Protocol):
    """What was learnt, without the log that it was learnt from."""

    def scores(self, people: NDArray[np.int32], histories: Csr, /) -> NDArray[np.float32]:
        """Return the score of every item for PEOPLE (b,) (-1: a stranger) who did HISTORIES (b, items); (b, items)."""
        ...

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a model file keeps of it."""
        ...


@runtime_checkable
class Weighted(Protocol):
    """What was learnt, where the score of an item is a sum of weights from the items of a history."""

    def between(self) -> Any:
        """Return the weights (items, items), from an item of a history to one that is scored; dense or CSR."""
        ...


Fit = Callable[[Log, Any, int], Scorer]  # log, settings, seed


@dataclass(frozen=True)
class Recommender:
    """A trained recommender: NAME of its part, what it learnt from, what it learnt, its settings as texts."""

    name: str
    log: Log
    scorer: Scorer
    card: Mapping[str, str]
    kind: str = "recsys"

    def predict(self, rows: pa.Table, /) -> pa.Table:
        """Return the best unseen items for each of ROWS (QUERIES) as RANKED; see the part for what strangers get."""
        return answer(asked(rows, self.log), self.log, self.scorer.scores)

    def save(self, path: Path, /) -> Path:
        """Write the model as one safe file and return it."""
        arrays = {f"model.{name}": array for name, array in self.scorer.arrays().items()}
        save(path, ModelFile(f"models.recommend.{self.name}", "1", f"consentinel {__version__}",
                             log_arrays(self.log) | arrays, self.card))  # fmt: skip
        return path


@dataclass(frozen=True)
class LinearRecommender(Recommender):
    """A recommender whose scores are sums of weights (core/model_contracts.LinearRecommender)."""

    @cached_property
    def items(self) -> list[str]:
        """The items that it knows, in the order of its weights."""
        return list(self.log.items.to_pylist())

    def weights(self) -> Any:
        """Return the weights (items, items)."""
        assert isinstance(self.scorer, Weighted)
        return self.scorer.between()

    def history(self, query: str, /) -> NDArray[np.int64]:
        """Return which items QUERY did, as places in `items`; none for a stranger."""
        at = int(positions(self.log.users, pa.array([query], self.log.users.type))[0])
        starts = self.log.matrix.indptr
        found = self.log.matrix.indices[starts[at] : starts[at + 1]] if at >= 0 else []
        return np.asarray(found, np.int64)


def made(name: str, log: Log, scorer: Scorer, card: Mapping[str, str]) -> Recommender:
    """Return the recommender of what SCORER learnt, which can be looked into where scores are sums of weights."""
    return (LinearRecommender if isinstance(scorer, Weighted) else Recommender)(name, log, scorer, card)


@dataclass(frozen=True)
class RecommenderTrainer:
    """Trains the part NAME with its SETTINGS by its FIT."""

    name: str
    settings: Any
    fit: Fit
    kind: str = "recsys"

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> Recommender:
        """Return the model of ROWS (INTERACTIONS); raises UsageError when given tickets: this is no private trainer."""
        if tickets:
            raise UsageError(f"recommend/{self.name} trains without privacy and takes no ticket; do not spend on it")
        log = log_of(rows)
        card = told(self.settings) | {"seed": str(seed)}
        return made(self.name, log, self.fit(log, self.settings, seed), card)


def opened(name: str, file: ModelFile, scorer: Callable[[Log, Mapping[str, NDArray[Any]]], Scorer]) -> Recommender:
    """Return the model of part NAME in FILE, whose arrays SCORER makes sense of, given the log.

    Raises BadInput where the file is of another part or lacks an array.
    """
    kind = f"models.recommend.{name}"
    if file.kind != kind:
        raise BadInput(f"is a model of kind '{file.kind}'", where="model file", todo=f"Give one of kind '{kind}'")
    log = log_from_file(file)
    learnt = {key.removeprefix("model."): array for key, array in file.arrays.items() if key.startswith("model.")}
    if any(array.dtype.kind == "f" and not np.isfinite(array).all() for array in learnt.values()):
        raise BadInput(f"holds numbers of {name} that are not finite", where=kind, todo="Train the model again")
    try:
        return made(name, log, scorer(log, learnt), file.card)
    except (KeyError, ValueError, IndexError, TypeError) as why:
        raise BadInput(f"does not hold what {name} learnt ({why})", where=kind, todo="Train the model again") from None
