"""Uplift: how much a treatment changes the chance of the label, learnt from rows that were treated at random.

`method=two` trains the part `of` on treated and on other rows and takes the difference; `robust` turns each row into an
unbiased guess of its own effect, by outcome models that were trained on the other half, and fits a linear model to the
guesses (the DR-learner, Kennedy 2023). The score is the effect, from -1 to 1, and the label says whether it is above 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core import modelfile
from consentinel.core.errors import BadInput, UsageError
from consentinel.core.extras import need
from consentinel.core.model_contracts import Model
from consentinel.core.modelfile import ModelFile
from consentinel.core.rng import generator
from consentinel.models.ads._encode import Columns, Encoding, learnt, unpacked
from consentinel.models.ads._inner import kept, opened, plain
from consentinel.models.ads._linear import made
from consentinel.models.asked import setting, told
from consentinel.models.pieces.classes import labels
from consentinel.models.pieces.tickets import no_ticket

__all__ = ["SETTINGS", "load", "trainer"]

PART = "uplift"
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Settings(Columns):
    """What can be set."""

    of: str = setting("logistic", "the part that models the outcome")
    given: str = setting("", "its settings, written a=1;b=2")
    method: str = setting("robust", "robust: a linear model of unbiased guesses; two: the difference of two models")
    treatment: str = setting("treatment", "the column that says who was treated, 0 or 1, at random")
    pull: float = setting(20.0, "robust: quadratic pull of weights towards 0, in rows", low=1e-6)


SETTINGS = Settings


@dataclass(frozen=True)
class Uplift:
    """Two models of the outcome, or a linear model of the effect."""

    models: Mapping[str, Model]
    encoding: Encoding | None = None
    theta: Floats | None = None
    card: Mapping[str, str] = field(default_factory=dict)
    kind: str = "tabular"

    def predict(self, rows: pa.Table, /) -> pa.Table:
        """Return one row per row: score, the estimated effect, and label, 1 where it is above 0."""
        if self.encoding is None or self.theta is None:
            with_, without = (_score(self.models[name], rows) for name in ("treated", "others"))
            effect = with_ - without
        else:
            effect = np.clip(self.encoding.sparse(rows, PART).dot(self.theta), -1.0, 1.0)
        return pa.table({"score": effect, "label": pa.array(np.where(effect > 0, "1", "0"), pa.string())})

    def file(self) -> ModelFile:
        """Return what is kept."""
        if self.encoding is None or self.theta is None:
            arrays, card = kept(self.models)
            return made(PART, arrays, dict(self.card) | card)
        return made(PART, self.encoding.arrays() | {"theta": self.theta}, self.card)

    def save(self, path: Path, /) -> Path:
        """Write the model to PATH and return it."""
        modelfile.save(path, self.file())
        return path


@dataclass(frozen=True)
class Trainer:
    """Trains the models of the outcome, and of the effect."""

    settings: Settings
    kind: str = "tabular"

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> Uplift:
        """Return a model of ROWS (features, `label` and the column of the treatment, 0 or 1). Raises UsageError."""
        no_ticket(tickets, PART)
        s = self.settings
        if s.method not in ("robust", "two"):
            raise UsageError(f"{PART}: method is 'robust' or 'two', got '{s.method:.20}'")
        inner, y = plain(s.of, s.given, PART), labels(rows, PART)
        treated = labels(rows, PART, column=s.treatment)
        features = rows.drop_columns([s.treatment])
        if s.method == "two":
            arms = {name: features.filter(pa.array(treated == at)) for name, at in (("treated", 1.0), ("others", 0.0))}
            return Uplift({name: inner.train(arm, seed=seed) for name, arm in arms.items()}, card=told(s))
        half, share = generator(seed, "models.ads.uplift").integers(0, 2, len(y)), float(treated.mean())
        guess = np.empty(len(y))
        for side in (0, 1):
            here, there = half == side, half != side
            said = [
                _score(inner.train(features.filter(pa.array(there & (treated == at))), seed=seed),
                       features.filter(pa.array(here)))
                for at in (0.0, 1.0)
            ]  # fmt: skip
            t, outcome = treated[here], y[here]
            rest = t * (outcome - said[1]) / share - (1 - t) * (outcome - said[0]) / (1 - share)
            guess[here] = said[1] - said[0] + rest
        encoding = learnt(features, s, pairs=False, who=PART)
        return Uplift({}, encoding, _least_squares(encoding, features, guess, s.pull), told(s))


def _score(model: Model, rows: pa.Table) -> Floats:
    return np.asarray(model.predict(rows)["score"], dtype=np.float64)


def _least_squares(encoding: Encoding, rows: pa.Table, guess: Floats, pull: float) -> Floats:
    """Return the weights of ridge regression, the constant not pulled."""
    sparse = need("scipy.sparse", extra="models")
    solve = need("scipy.sparse.linalg", extra="models").cg
    x = encoding.sparse(rows, PART)
    n, a = x.index.shape
    matrix = sparse.csr_matrix((x.value.ravel(), x.index.ravel(), np.arange(0, n * a + 1, a)), shape=(n, x.width))
    pulls = np.full(x.width, pull)
    pulls[0] = 0.0
    theta, stuck = solve(matrix.T @ matrix + sparse.diags(pulls), matrix.T @ guess, rtol=1e-10, maxiter=5000)
    if stuck:
        raise UsageError(f"{PART}: the linear model of the effect was not found; raise pull")
    return np.asarray(theta)


def trainer(settings: Settings, /) -> Trainer:
    """Return the trainer with SETTINGS."""
    return Trainer(settings)


def load(file: ModelFile, /) -> Uplift:
    """Return the model in FILE; raises BadInput."""
    where = f"models.ads.{PART}"
    if file.kind != where:
        raise BadInput(f"holds a '{file.kind}', not a '{where}'", where="model", todo="Load it with its own part")
    if "theta" not in file.arrays:
        own = {n: text for n, text in file.card.items() if not n.startswith(("treated", "others"))}
        return Uplift({name: opened(file, name) for name in ("treated", "others")}, card=own)
    encoding, theta = unpacked(file.arrays, where), np.asarray(file.arrays["theta"])
    if theta.shape != (encoding.width,) or not np.isfinite(theta).all():
        raise BadInput("its weights do not fit its columns", where=where, todo="Train the model again")
    return Uplift({}, encoding, theta, file.card)
