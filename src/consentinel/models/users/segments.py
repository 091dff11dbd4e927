"""Segments of people by what they did, with how stable they are when the people are drawn again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel import __version__
from consentinel.core.errors import BadInput, UsageError
from consentinel.core.extras import need
from consentinel.core.modelfile import ModelFile, save
from consentinel.core.rng import generator
from consentinel.models.asked import setting, told
from consentinel.models.pieces.histories import Histories, Sequences, histories, sequences_from_file, sequences_of
from consentinel.models.pieces.logs import csr
from consentinel.models.pieces.nearness import damped_log, factors, unit
from consentinel.models.pieces.tickets import no_ticket
from consentinel.models.rows import RANKED

__all__ = ["SETTINGS", "load", "trainer"]

KIND = "models.users.segments"
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Settings:
    """What can be set."""

    segments: int = setting(8, "how many segments", low=2, high=1000)
    width: int = setting(16, "numbers that what people did is brought down to", low=1, high=1024)
    resamples: int = setting(20, "how often people are drawn again to see whether segments stay", low=2, high=1000)


SETTINGS = Settings


@dataclass(frozen=True)
class Segments:
    """Centres of segments (segments, width), the largest first, and vectors of items (items, width).

    Segments are called `segment 1`, `segment 2`, ... Strangers are placed by their `history`; who has none gets the
    largest segments first, with their share of people as the score. `stability`, shape (resamples,), is the adjusted
    Rand index between these segments and those of people drawn again: 1 where they are the same, 0 by chance.
    """

    about: Sequences
    vectors: Floats
    centres: Floats
    share: NDArray[np.float64]
    stability: NDArray[np.float64]
    card: Mapping[str, str]
    kind: str = "recsys"

    def predict(self, rows: pa.Table, /) -> pa.Table:
        """Return the segments of each of ROWS (QUERIES) as RANKED, the best first; scores are minus the distance."""
        asked = histories(rows, self.about)
        made = placed(asked.done, self.vectors)
        scores = -_distances(made, self.centres)
        scores[asked.done.lengths == 0] = self.share
        order = np.argsort(-scores, axis=1, kind="stable")
        keep = np.arange(order.shape[1]) < asked.k[:, None]
        names = pa.array([f"segment {at + 1}" for at in range(len(self.centres))])
        columns = [pa.DictionaryArray.from_arrays(pa.array(np.nonzero(keep)[0].astype(np.int32)), asked.ids),
                   pa.DictionaryArray.from_arrays(pa.array(order[keep].astype(np.int32)), names),
                   pa.array(np.take_along_axis(scores, order, axis=1)[keep])]  # fmt: skip
        return pa.table(columns, schema=RANKED)

    def save(self, path: Path, /) -> Path:
        """Write the model as one safe file and return it."""
        arrays = self.about.arrays() | {"vectors": self.vectors, "centres": self.centres, "share": self.share,
                                        "stability": self.stability}  # fmt: skip
        save(path, ModelFile(KIND, "1", f"consentinel {__version__}", arrays, self.card))
        return path


@dataclass(frozen=True)
class SegmentsTrainer:
    """Groups people by k-means, and again after drawing people with replacement."""

    settings: Settings
    kind: str = "recsys"

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> Segments:
        """Return the segments of ROWS (INTERACTIONS; weights are not read); UsageError for tickets or too few people.

        Source: Hennig 2007 (stability by resampling); Hubert and Arabie 1985 (adjusted Rand index).
        """
        no_ticket(tickets, "users/segments")
        about, many = sequences_of(rows), self.settings.segments
        people, items = len(about.users), len(about.items)
        cluster = need("sklearn.cluster", extra="models")
        agreement = need("sklearn.metrics", extra="models").adjusted_rand_score
        limits = need("threadpoolctl", extra="models").threadpool_limits  # comes with scikit-learn
        scaled, _, damped = damped_log(about.done, people, items)
        vectors = factors(scaled, self.settings.width, seed)[2] * damped[:, None]
        made = placed(about.done, vectors)
        if len(np.unique(made, axis=0)) < many:
            raise UsageError(f"users/segments: fewer than {many} people differ in what they did; ask for fewer")
        rng = generator(seed, KIND)

        def grouped(some: Floats) -> Floats:
            means = cluster.KMeans(many, n_init=4, random_state=int(rng.integers(2**31)))
            with limits(1):  # several threads add up in any order
                centres: Floats = means.fit(some).cluster_centers_.astype(np.float32)
            return centres

        centres = grouped(made)
        mine = _distances(made, centres).argmin(axis=1)
        sizes = np.bincount(mine, minlength=many)
        order = np.argsort(-sizes, kind="stable")
        stability = np.zeros(self.settings.resamples)  # people drawn again who cannot fill all segments count 0
        for at in range(len(stability)):
            some = made[rng.integers(0, people, people)]
            if len(np.unique(some, axis=0)) >= many:
                stability[at] = agreement(mine, _distances(made, grouped(some)).argmin(axis=1))
        card = told(self.settings) | {"seed": str(seed), "stability": f"{stability.mean():.4f}"}
        return Segments(about, vectors, centres[order], sizes[order] / people, stability, card)


def trainer(asked: Settings, /) -> SegmentsTrainer:
    """Return the trainer with the settings ASKED."""
    return SegmentsTrainer(asked)


def load(file: ModelFile, /) -> Segments:
    """Return the model kept in FILE; raises BadInput where it holds none."""
    if file.kind != KIND:
        raise BadInput(f"is a model of kind '{file.kind}'", where="model file", todo=f"Give one of kind '{KIND}'")
    about, none = sequences_from_file(file), np.zeros(0)
    vectors, centres, share, stability = (
        file.arrays.get(name, none) for name in ("vectors", "centres", "share", "stability")
    )
    whole = vectors.ndim == centres.ndim == 2 and vectors.shape == (len(about.items), centres.shape[1])
    if not whole or share.shape != (len(centres),) or stability.ndim != 1 or not len(stability):
        raise BadInput("does not hold segments of its people", where=KIND, todo="Train the model again")
    if not all(np.isfinite(one).all() for one in (vectors, centres, share, stability)):
        raise BadInput("holds numbers that are not finite", where=KIND, todo="Train the model again")
    return Segments(about, vectors, centres, share, stability, file.card)


def placed(done: Histories, vectors: Floats) -> Floats:
    """Return where people who did DONE lie, of length 1: (people, width)."""
    ones = np.ones(len(done.items), np.float32)
    return unit(csr(ones, done.items, done.starts, (len(done), len(vectors))) @ vectors)


def _distances(made: Floats, centres: Floats) -> NDArray[np.float64]:
    """Return how far each of MADE (people, width) is from each of CENTRES: (people, segments)."""
    square = (made**2).sum(axis=1)[:, None] + (centres**2).sum(axis=1)[None, :] - 2 * made @ centres.T
    found: NDArray[np.float64] = np.sqrt(np.maximum(square, 0)).astype(np.float64)
    return found
