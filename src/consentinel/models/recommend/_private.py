"""What the private recommenders share: settings, people cut down to length 1, which items stand out, and the model.

Who is protected is a person with all rows (add or remove one). The catalogue is public: which items occur is not read
off the rows. Three tools, each with its sensitivity. All sums are of whole numbers, all noise is discrete (`exact`).

1. A person with n items adds floor(S / sqrt(n)) steps to each of them. n * floor(S / sqrt(n))^2 <= S^2, so the vector
   has length S at most: that is the sensitivity of the sums over people, in steps, S = 2^20 or 2^15.
2. Items are ordered by that sum with noise. All that follows looks at the first of them, the head: post-processing.
3. An outer product of two vectors of lengths a and b has the Frobenius norm a * b: with both at most S it is S^2.

Costs add up (zCDP): noise sigma / sqrt(share) on the order and sigma / sqrt(1 - share) on the rest cost what one draw
of sigma does, 1 / (2 sigma^2); the roots are rounded up.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel import __version__
from consentinel.core.accounting import exact
from consentinel.core.errors import BadInput, ContractBroken, UsageError
from consentinel.core.modelfile import ModelFile, save
from consentinel.models.asked import setting, told
from consentinel.models.pieces.ids import positions
from consentinel.models.pieces.logs import Csr, Log, csr, log_arrays, log_from_file, log_of
from consentinel.models.private.exact import STEPS, discrete_gaussian
from consentinel.models.private.paid import Ask, Paying, asked, redeem, sigma_for
from consentinel.models.recommend._fitted import Scorer
from consentinel.models.recommend._ranking import answer
from consentinel.models.recommend._ranking import asked as asked_for

__all__ = ["UNIT", "Learnt", "Private", "PrivateRecommender", "PrivateRecommenderTrainer", "opened", "padded", "scale"]

UNIT = 2**15  # whole steps in length 1 of vectors whose products are summed
_LEAST = 2  # items of the head
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Private:
    """What both parts can be set to; every value here is public."""

    epsilon: str = setting("4", "epsilon of the whole training for a person with all rows, an exact number")
    delta: str = setting("1e-6", "its delta, far below one in the number of people")
    accounting: str = setting("plan", "plan: paid as one declared plan (less noise); filter: adds to other questions")
    catalogue: str = setting("", "the items there are, separated by |; which of them occur is itself private")
    share: str = setting("0.1", "part of the budget for the order of popularity")
    most: int = setting(200, "items of a person that are learnt from, those of the head first", low=2, high=100_000)
    head: int = setting(0, "items that are learnt about, the others follow by popularity; 0: as noise allows", low=0)
    histories: bool = setting(True, "keep people's histories, for their own lists; false: ask with `history`")


@dataclass(frozen=True)
class Learnt:
    """What a part learns from: people by items of the head, in whole steps (p, h); the standing of these items, in
    people of one item (h,); the noise that is left to draw, in parts of length 1; how many items there are."""

    people: Csr
    standing: Floats
    sigma: Fraction
    items: int


Fit = Callable[[Learnt, Any, int], Scorer]  # settings, seed


@dataclass(frozen=True)
class PrivateRecommender:
    """A privately trained recommender: NAME of its part, histories, the noisy standing of all items, what it learnt."""

    name: str
    log: Log
    standing: NDArray[np.float32]
    scorer: Scorer
    card: Mapping[str, str]
    kind: str = "recsys"

    def predict(self, rows: pa.Table, /) -> pa.Table:
        """Return the best unseen items for each of ROWS (QUERIES) as RANKED; without a history by noisy popularity."""
        return answer(asked_for(rows, self.log), self.log, self.scorer.scores, share=self.standing)

    def save(self, path: Path, /) -> Path:
        """Write the model as one safe file and return it; with histories=false nothing in it is anybody's rows."""
        arrays = {f"model.{name}": array for name, array in self.scorer.arrays().items()}
        arrays |= log_arrays(self.log) | {"standing": self.standing}
        save(path, ModelFile(f"models.recommend.{self.name}", "1", f"consentinel {__version__}", arrays, self.card))
        return path


@dataclass(frozen=True)
class PrivateRecommenderTrainer(Paying):
    """Trains the part NAME by its FIT with what its ticket paid for."""

    name: str
    settings: Any
    fit: Fit
    kind: str = "recsys"

    def ask(self, rows: pa.Table, /) -> Ask:
        """Return what training draws; it depends on the names of columns and on settings alone."""
        settings, who = self.settings, f"recommend/{self.name}"
        missing = [name for name in ("user", "item") if name not in rows.column_names]
        if missing:
            raise ContractBroken(f"{who}: no column '{missing[0]}'; there is: {', '.join(rows.column_names)}")
        _catalogue(settings.catalogue, who)
        if not 0 < (part := exact(settings.share, "share")) < 1:
            raise UsageError(f"{who}: share is in (0, 1), got {settings.share}")
        sigma = sigma_for(settings.epsilon, settings.delta, settings.accounting)
        return asked(f"models.{who.replace('/', '.')}", settings, ("user", "item"), sigma=sigma, unit="user",
                     more=[("share", part)], planned=settings.accounting == "plan")  # fmt: skip

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> PrivateRecommender:
        """Return the model of ROWS (INTERACTIONS, whose weights are not read); noise does not come from SEED.

        Raises BudgetRefused without a ticket for exactly this, UsageError for an item that is not in the catalogue.
        """
        ask = self.ask(rows)
        log = _declared(rows, self.settings.catalogue, f"recommend/{self.name}")
        ticket = redeem(self.ledger, tickets, ask)
        sigma, part = ticket.param("sigma"), ticket.param("share")
        rest = scale(sigma, 1 - part)
        counted = np.asarray(_steps(log.matrix, STEPS).sum(axis=0)).ravel()
        noisy = counted + discrete_gaussian(STEPS * scale(sigma, part), len(counted))
        order = np.argsort(-noisy, kind="stable")
        standing = noisy[order] / STEPS
        log = _ordered(log, order)
        size = min(len(order), self.settings.head or _head(standing, float(rest)))
        chosen = _first(log.matrix[:, :size], self.settings.most)
        scorer = self.fit(Learnt(_steps(chosen, UNIT), standing[:size], rest, len(order)), self.settings, seed)
        kept = log if self.settings.histories else Log(log.users[:0], log.items, log.matrix[:0])
        share = (np.maximum(standing, 0) / max(1.0, standing[0])).astype(np.float32)
        return PrivateRecommender(self.name, kept, share, scorer, self._card(ask, ticket.charge))

    def _card(self, ask: Ask, charge: str) -> Mapping[str, str]:
        says = {
            "guarantee": "weights, order and standing of items: (epsilon, delta)-differentially private for a person "
            "with all rows, one more or less. A list for a person is made of these and of that person's own history: "
            "all lists of others together tell nothing more of them (joint differential privacy)",
            "assumes": "public-catalogue; settings were not tuned on these rows",
            "file": "holds people's histories; guard it like the rows" if self.settings.histories else "private itself",
        }
        paid = {f"paid.{name}": str(value) for name, value in ask.params}
        return told(replace(self.settings, catalogue="")) | paid | says | {"mechanism": ask.mechanism, "charge": charge}


def opened(
    name: str, file: ModelFile, scorer: Callable[[Mapping[str, NDArray[Any]], int], Scorer]
) -> PrivateRecommender:
    """Return the model of part NAME in FILE; SCORER makes sense of its arrays for that many items. Raises BadInput."""
    kind = f"models.recommend.{name}"
    if file.kind != kind:
        raise BadInput(f"is a model of kind '{file.kind}'", where="model file", todo=f"Give one of kind '{kind}'")
    log, standing = log_from_file(file), file.arrays.get("standing")
    learnt = {key.removeprefix("model."): array for key, array in file.arrays.items() if key.startswith("model.")}
    try:
        if standing is None or standing.dtype != np.float32 or standing.shape != (len(log.items),):
            raise ValueError("one standing an item is needed")
        if not np.isfinite(standing).all():
            raise ValueError("a standing is not finite")
        return PrivateRecommender(name, log, standing, scorer(learnt, len(log.items)), file.card)
    except (KeyError, ValueError, IndexError) as why:
        raise BadInput(f"does not hold what {name} learnt ({why})", where=kind, todo="Train the model again") from None


def scale(sigma: Fraction, part: Fraction) -> Fraction:
    """Return noise that costs PART of what noise of SIGMA costs: sigma / sqrt(part), a multiple of 1e-9, rounded up."""
    return Fraction(math.isqrt(math.ceil(sigma**2 / part * 10**18)) + 1, 10**9)


def padded(scores: NDArray[np.float32], items: int) -> NDArray[np.float32]:
    """Return SCORES (b, h) of the head with the other items, ITEMS in all, below them in their order; (b, items)."""
    below = np.arange(1, items - scores.shape[1] + 1, dtype=np.float32)
    return np.hstack([scores, scores.min(axis=1, keepdims=True) - below])


def _catalogue(text: str, who: str) -> pa.Array:
    names = [name.strip() for name in text.split("|") if name.strip()]
    if len(names) < _LEAST or len(set(names)) != len(names):
        raise UsageError(f"{who}: declare the items, for example catalogue=i1|i2|i3; which of them occur is private")
    return pa.array(names, pa.string())


def _declared(rows: pa.Table, catalogue: str, who: str) -> Log:
    """Return the log of ROWS, 1 for each thing that a person did, its items those of CATALOGUE in that order."""
    items, log = _catalogue(catalogue, who), log_of(rows)
    place = positions(items, log.items)
    if (place < 0).any():
        raise UsageError(f"{who}: rows have items that are not in the catalogue; declare them, or leave the rows out")
    seen = log.seen()
    found = csr(seen.data, place[seen.indices], seen.indptr, (len(log.users), len(items)))
    found.sort_indices()
    return Log(log.users, items, found)


def _ordered(log: Log, order: Ints) -> Log:
    matrix = log.matrix[:, order]
    matrix.sort_indices()
    return Log(log.users, log.items.take(pa.array(order)), matrix)


def _steps(seen: Csr, whole: int) -> Csr:
    """Return SEEN (people, items) of ones with floor(WHOLE / sqrt(n)) instead, n the items of the person; int64."""
    many = np.diff(seen.indptr)
    each = np.array([0, *(math.isqrt(whole**2 // n) for n in range(1, int(many.max(initial=0)) + 1))], np.int64)
    return csr(np.repeat(each[many], many), seen.indices, seen.indptr, seen.shape)


def _first(seen: Csr, most: int) -> Csr:
    """Return SEEN with the first MOST items of each person only; columns stand in order."""
    rank = np.arange(seen.nnz) - np.repeat(seen.indptr[:-1], np.diff(seen.indptr))
    starts = np.concatenate([[0], np.cumsum(np.minimum(np.diff(seen.indptr), most))])
    return csr(seen.data[rank < most], seen.indices[rank < most], starts, seen.shape)


def _head(standing: Floats, sigma: float) -> int:
    """Return how many items are learnt about: with h of them, a row of products holds noise of length sigma sqrt(h/2),
    and the item is worth it while its STANDING (items, falling) is 1/sqrt(2) of that or more."""
    worth = standing >= sigma * np.sqrt(np.arange(1, len(standing) + 1)) / 2
    return max(_LEAST, len(standing) if worth.all() else int(np.argmin(worth)))
