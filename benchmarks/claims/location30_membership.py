"""Location30: how well membership of an overfitted network is told, and of a model with differential privacy.

1,600 rows are learned, 1,600 are not, the other 1,810 are for choosing settings; several splits, each with its own
choice. The private model is a linear discriminant from three noisy sums: second moments of all rows, sums and counts
of the classes. Everything is measured by assure's own probe.
"""

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks._claim import ROOT, write_interval
from consentinel.assure.measure import Measure, Plan
from consentinel.assure.private import membership
from consentinel.assure.subject import Subject
from consentinel.core import accounting
from consentinel.core.errors import UsageError
from consentinel.core.rng import generator
from consentinel.core.stats import Interval, mean_interval

NAMES = (
    "location30_membership_auc",
    "location30_membership_private_auc",
    "location30_membership_private_lira_auc",
    "location30_membership_private_accuracy",
    "location30_membership_low_fpr_refused",
)
INPUTS = ("src/consentinel/assure/private/*.py",)
SIDE, SPLITS, SHADOWED, SHADOWS, CLASSES, FOLDS = 1600, int(os.environ.get("LOCATION30_SPLITS", "10")), 2, 32, 30, 5
KEPT = 0.93  # of the network's accuracy on the rows for choosing: a margin above the 0.90 that is claimed
WIDTHS = (8, 9, 10, 11, 12, 13, 14, 16, 20)
MOMENT, SUMS, COUNTS = Fraction(3, 10), Fraction(3, 10), Fraction(2)  # standard deviations of the noise
DELTA = Fraction(1, 100_000)
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Answering:
    """A model by the probabilities that it gives to inputs."""

    probabilities: Any
    kind: str = "tabular"

    def predict(self, rows: pa.Table, /) -> pa.Table:
        """Return score, label and probabilities of ROWS."""
        p = self.probabilities(inputs(rows))
        best = p.argmax(axis=1)
        lists = pa.FixedSizeListArray.from_arrays(pa.array(p.ravel()), p.shape[1])
        label = pa.array([f"{at:02}" for at in best])
        return pa.table({"score": p[np.arange(len(p)), best], "label": label, "probabilities": lists})

    def save(self, path: Path, /) -> Path:
        """Refuse: a model of this claim is not kept."""
        raise UsageError("a model of this claim is not kept")


@dataclass(frozen=True)
class Network:
    """The network of the published re-run: one hidden layer of 128."""

    kind: str = "tabular"

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> Answering:
        """Return what it learns of ROWS."""
        from sklearn.neural_network import MLPClassifier

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it stops before it has converged, as the published one
            made = MLPClassifier((128,), max_iter=200, random_state=seed).fit(inputs(rows), classes(rows))
        places = made.classes_

        def probabilities(x: Floats) -> Floats:
            p = np.zeros((len(x), CLASSES))
            p[:, places] = made.predict_proba(x)
            return p

        return Answering(probabilities)


@dataclass(frozen=True)
class Private:
    """A linear discriminant in the WIDTH strongest directions of noisy second moments, from noisy sums of classes."""

    width: int
    kind: str = "tabular"

    @property
    def epsilon(self) -> float:
        """What it costs at DELTA, add or remove one row: three Gaussian mechanisms of sensitivity 1."""
        rho = sum((1 / (2 * scale**2) for scale in (MOMENT, SUMS, COUNTS)), Fraction(0))
        return accounting.epsilon(accounting.micro_rho(rho), DELTA)

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> Answering:
        """Return what it learns of ROWS; its noise follows SEED, so that the claim comes out the same twice.

        A row has norm 1. Off the diagonal a moment counts twice in the norm and once in the noise.
        """
        random = generator(seed, "benchmarks.location30.noise")
        z, hot = unit(inputs(rows)), np.eye(CLASSES)[classes(rows)]
        noise = np.triu(random.normal(size=(z.shape[1],) * 2), 1) * float(MOMENT) / np.sqrt(2)
        moment = z.T @ z + noise + noise.T + np.diag(random.normal(size=z.shape[1])) * float(MOMENT)
        strength, directions = np.linalg.eigh(moment)
        chosen = directions[:, ::-1][:, : self.width]
        count = np.maximum(hot.sum(axis=0) + random.normal(size=CLASSES) * float(COUNTS), 5.0)
        total = hot.T @ (z @ chosen) + random.normal(size=(CLASSES, self.width)) * float(SUMS)
        means = total / count[:, None]
        within = (np.diag(strength[::-1][: self.width]) - (means * count[:, None]).T @ means) / count.sum()
        spread, turned = np.linalg.eigh(within)
        level = max(float(spread.mean()), 1e-3)
        weights = (turned / np.maximum((spread + level) / 2, level / 5)) @ turned.T @ means.T
        bias = -(means * weights.T).sum(axis=1) / 2

        def probabilities(x: Floats) -> Floats:
            scores = unit(x) @ chosen @ weights + bias
            p = np.exp(scores - scores.max(axis=1, keepdims=True))
            return p / p.sum(axis=1, keepdims=True)

        return Answering(probabilities)


def unit(x: Floats) -> Floats:
    """Return X with rows of norm 1."""
    return x / np.maximum(1.0, np.linalg.norm(x, axis=1, keepdims=True))


def inputs(rows: pa.Table) -> Floats:
    """Return the inputs of ROWS, shape (n, 446)."""
    names = [name for name in rows.column_names if name != "label"]
    return np.stack([np.asarray(rows[name]) for name in names], axis=1).astype(np.float64)


def classes(rows: pa.Table) -> NDArray[np.int64]:
    """Return the classes of ROWS."""
    return np.asarray(rows["label"].cast(pa.int64()), np.int64)


def data() -> pa.Table:
    """Return all rows: 446 inputs of 0 and 1, and their class as `label`."""
    place = Path(os.environ.get("CONSENTINEL_SHARED_DATA", ROOT.parent / "shared" / "data")) / "models/location30"
    if not place.is_dir():
        raise SystemExit("no location30: set CONSENTINEL_SHARED_DATA to the folder that has it under models/")
    with np.load(place / "location30.npz") as found:
        x, y = np.unpackbits(found["x_packed"], axis=1)[:, :446], found["y"]
    return pa.table({f"x{at}": x[:, at] for at in range(446)} | {"label": [f"{int(at):02}" for at in y]})


def accuracy(model: Answering, rows: pa.Table) -> float:
    """Return the share of ROWS that MODEL gets right."""
    return float((np.asarray(model.predict(rows)["label"]) == np.asarray(rows["label"])).mean())


def chosen(rest: pa.Table, seed: int) -> Private:
    """Return the narrowest private model that keeps KEPT of the network's cross-validated accuracy on REST."""
    fold = np.arange(rest.num_rows) % FOLDS
    parts = [(rest.filter(pa.array(fold != at)), rest.filter(pa.array(fold == at))) for at in range(FOLDS)]
    aim = KEPT * np.mean([accuracy(Network().train(train, seed=seed), test) for train, test in parts])
    for width in WIDTHS:
        seen = [accuracy(Private(width).train(train, seed=seed), test) for train, test in parts]
        if np.mean(seen) >= aim:
            return Private(width)
    raise SystemExit(f"no private model keeps {KEPT} of the network's accuracy on the rows for choosing")


def attacked(trainer: Network | Private, member: pa.Table, other: pa.Table, seed: int, shadows: int) -> list[Measure]:
    """Return what the probe finds of the model of TRAINER."""
    model = trainer.train(member, seed=seed)
    groups = pa.table({"unit": [f"row {at}" for at in range(other.num_rows)]})
    subject = Subject("tabular", "location30", other, model.predict(other), np.arange(other.num_rows), groups,
                      learned=member, model=model, trainer=trainer)  # fmt: skip
    return list(membership.probe(subject, Plan(shadows=shadows, rows=SIDE // 20, seed=seed)))


def value(found: list[Measure], metric: str) -> Interval:
    """Return the interval of METRIC."""
    estimate = next(one.estimate for one in found if one.metric == metric)
    assert estimate is not None
    return estimate


def main() -> None:
    """Measure and write the numbers."""
    rows = data()
    plain, private, lira, kept, widths = [], [], [], [], []
    refused = 0
    for split in range(SPLITS):
        order = np.random.default_rng(split).permutation(rows.num_rows)
        member, other, rest = (
            rows.take(pa.array(order[a:b])) for a, b in ((0, SIDE), (SIDE, 2 * SIDE), (2 * SIDE, len(order)))
        )
        found = attacked(Network(), member, other, split, 0)
        plain.append(value(found, "confidence_attack_auc"))
        refused += any(one.metric.endswith("0.001_fpr") and one.estimate is None for one in found)
        ours = chosen(rest, split)
        seen = attacked(ours, member, other, split, SHADOWS if split < SHADOWED else 0)
        private.append(value(seen, "confidence_attack_auc").value)
        if split < SHADOWED:
            lira.append(value(seen, "lira_auc"))
        ratio = accuracy(ours.train(member, seed=split), other) / accuracy(Network().train(member, seed=split), other)
        kept.append(ratio)
        widths.append(ours.width)
        print(f"split {split}: width {ours.width}, plain {plain[-1].value:.3f}, private {private[-1]:.3f}, "
              f"keeps {ratio:.3f}", flush=True)  # fmt: skip
    about = f"members and others {SIDE} each of location30's 5,010 rows"
    how = (
        f"{SPLITS} random splits, t interval over them; linear discriminant in {min(widths)} to {max(widths)} "
        f"directions, by {FOLDS} folds of the other 1,810 rows the narrowest that keeps {KEPT} of the network there; "
        f"epsilon {ours.epsilon:.3g} at delta 1e-5, add or remove one row, noise from a seed"
    )
    write_interval(NAMES[0], plain[0], f"{about}, first split; MLP-128; AUC of the confidence in the true label; "
                   f"mean over {SPLITS} splits {np.mean([one.value for one in plain]):.3f}")  # fmt: skip
    write_interval(NAMES[1], mean_interval(private), f"{about}; AUC of the same attack; {how}")
    write_interval(NAMES[2], lira[0], f"{about}, first split; online LiRA with {SHADOWS} shadow models on the private "
                   f"model; other splits {', '.join(f'{one.value:.3f}' for one in lira[1:])}")  # fmt: skip
    write_interval(NAMES[3], mean_interval(kept), f"{about}; accuracy of the private model by that of MLP-128; {how}")
    write_interval(NAMES[4], Interval(refused, refused, refused, SPLITS, 0.95, "count"),
                   f"{about}; splits in which the TPR at 0.1% FPR is refused for want of 10,000 others")  # fmt: skip


if __name__ == "__main__":
    main()
