"""Another part's probabilities, made to agree with how often the label is 1 on rows that it was not trained on.

`method=isotonic` fits rising steps (Zadrozny and Elkan 2002), kept off 0 and 1 by one row of each label in every step;
`platt` fits a line on the log-odds (Platt 1999). The rows are split at random by the seed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core import modelfile
from consentinel.core.errors import BadInput, UsageError
from consentinel.core.extras import need
from consentinel.core.model_contracts import Model
from consentinel.core.modelfile import ModelFile
from consentinel.core.rng import generator
from consentinel.core.stats import sigmoid
from consentinel.models.ads._encode import Columns
from consentinel.models.ads._inner import kept, opened, plain
from consentinel.models.ads._linear import answered, made
from consentinel.models.asked import setting, told
from consentinel.models.pieces.classes import labels
from consentinel.models.pieces.tickets import no_ticket

__all__ = ["SETTINGS", "load", "trainer"]

PART = "calibrated"
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Settings(Columns):
    """What can be set."""

    of: str = setting("logistic", "the part whose probabilities are calibrated")
    given: str = setting("", "its settings, written a=1;b=2")
    method: str = setting("isotonic", "isotonic: rising steps; platt: a line on the log-odds")
    share: float = setting(0.2, "the share of rows that are held back to calibrate on", low=0.01, high=0.9)


SETTINGS = Settings


@dataclass(frozen=True)
class Calibrated:
    """A model and the rising curve from its scores (at) to probabilities (to): steps between the points are lines."""

    inner: Model
    at: Floats
    to: Floats
    card: Mapping[str, str] = field(default_factory=dict)
    kind: str = "tabular"

    def predict(self, rows: pa.Table, /) -> pa.Table:
        """Return one row per row: score, the probability of label 1, and label."""
        score = np.asarray(self.inner.predict(rows)["score"], dtype=np.float64)
        return answered(sigmoid(np.interp(_odds(score), self.at, self.to)))

    def file(self) -> ModelFile:
        """Return what is kept."""
        arrays, card = kept({"inner": self.inner})
        return made(PART, arrays | {"curve.at": self.at, "curve.to": self.to}, dict(self.card) | card)

    def save(self, path: Path, /) -> Path:
        """Write the model to PATH and return it."""
        modelfile.save(path, self.file())
        return path


@dataclass(frozen=True)
class Trainer:
    """Trains the other part on most rows and the curve on the rest."""

    settings: Settings
    kind: str = "tabular"

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> Calibrated:
        """Return a model of ROWS (any columns and `label`, 0 or 1). Raises UsageError."""
        no_ticket(tickets, PART)
        s = self.settings
        if s.method not in ("isotonic", "platt"):
            raise UsageError(f"{PART}: method is 'isotonic' or 'platt', got '{s.method:.20}'")
        if s.categorical or s.numeric:
            raise UsageError(f"{PART}: columns are a setting of the other part: given=categorical=a b")
        inner, y = plain(s.of, s.given, PART), labels(rows, PART)
        back = generator(seed, "models.ads.calibrated").random(rows.num_rows) < s.share
        if len(np.unique(y[back])) < 2:
            raise UsageError(f"{PART}: the rows held back all have the same label; raise share, or give more rows")
        model = inner.train(rows.filter(pa.array(~back)), seed=seed)
        score = np.asarray(model.predict(rows.filter(pa.array(back)))["score"], dtype=np.float64)
        at, to = (_isotonic if s.method == "isotonic" else _platt)(_odds(score), y[back])
        return Calibrated(model, at, to, told(s))


def _odds(score: Floats) -> Floats:
    safe = np.clip(score, 1e-9, 1 - 1e-9)
    return np.log(safe / (1 - safe))


def _isotonic(odds: Floats, y: Floats) -> tuple[Floats, Floats]:
    steps = need("sklearn.isotonic", extra="models").IsotonicRegression(out_of_bounds="clip")
    value = steps.fit(odds, y).predict(odds)
    levels, of, many = np.unique(value, return_inverse=True, return_counts=True)
    ones = np.bincount(of, y)
    low = np.full(len(levels), np.inf)
    high = np.full(len(levels), -np.inf)
    np.minimum.at(low, of, odds)
    np.maximum.at(high, of, odds)
    to = np.maximum.accumulate(_odds((ones + y.mean()) / (many + 1)))
    both = np.stack([low, high], axis=1).ravel()
    keep = np.r_[True, np.diff(both) > 0]
    return both[keep], np.repeat(to, 2)[keep]


def _platt(odds: Floats, y: Floats) -> tuple[Floats, Floats]:
    line = need("sklearn.linear_model", extra="models").LogisticRegression(C=np.inf)
    line.fit(odds[:, None], y)
    ends = np.array([-25.0, 25.0])
    return ends, line.intercept_[0] + max(float(line.coef_[0, 0]), 1e-9) * ends


def trainer(settings: Settings, /) -> Trainer:
    """Return the trainer with SETTINGS."""
    return Trainer(settings)


def load(file: ModelFile, /) -> Calibrated:
    """Return the model in FILE; raises BadInput."""
    where = f"models.ads.{PART}"
    at: Any = file.arrays.get("curve.at")
    to: Any = file.arrays.get("curve.to")
    whole = at is not None and to is not None and at.ndim == 1 and at.shape == to.shape and len(at)
    if file.kind != where or not whole or not (np.diff(at) > 0).all() or not np.isfinite(to).all():
        raise BadInput("its curve is missing or damaged", where=where, todo="Train the model again")
    own = {name: text for name, text in file.card.items() if not name.startswith("inner")}
    return Calibrated(opened(file, "inner"), at, to, own)
