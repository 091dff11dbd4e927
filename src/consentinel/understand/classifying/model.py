"""A trained classifier: margins of a part, their calibration, thresholds and sets, kept as one safe file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel import __version__
from consentinel.core import modelfile
from consentinel.core.errors import BadInput
from consentinel.core.modelfile import ModelFile
from consentinel.understand.classifying import calibration, conformal
from consentinel.understand.classifying.calibration import Curve
from consentinel.understand.classifying.taxonomy import Taxonomy
from consentinel.understand.shelves import CLASSIFIERS

__all__ = ["Answer", "Classifier", "load", "trained"]

KIND = "understand.classifier"
_AGAIN = "Train the model again"
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Answer:
    """What is said of texts: probabilities, labels given and sets, each of shape (n, classes)."""

    p: Floats
    given: Mask
    sets: Mask


@dataclass(frozen=True)
class Classifier:
    """A trained classifier; `single`: exactly one class of each text holds."""

    part: str
    taxonomy: Taxonomy
    single: bool
    arrays: Mapping[str, NDArray[Any]]
    curve: Curve
    threshold: float
    cut: Floats
    level: float
    card: Mapping[str, str]

    def answer(self, texts: Sequence[str]) -> Answer:
        """Return what is said of TEXTS."""
        return self.said(np.asarray(CLASSIFIERS.take(self.part).margins(self.arrays, texts)))

    def said(self, margins: Floats) -> Answer:
        """Return what MARGINS (n, classes) say; with parents, a parent is at least as likely as its children."""
        p = self.curve.of(margins)
        if self.single:
            given = np.zeros(p.shape, bool)
            given[np.arange(len(p)), p.argmax(axis=1)] = True
        else:
            p = self.taxonomy.consistent(p)
            given = p >= self.threshold
        return Answer(p, given, conformal.sets(p, self.cut))

    def save(self, path: Path) -> Path:
        """Write the classifier to PATH and return it."""
        arrays = dict(self.arrays) | {
            "curve.slope": self.curve.slope, "curve.offset": self.curve.offset, "curve.rival": self.curve.rival,
            "curve.top": self.curve.top, "cut": self.cut, "threshold": np.array([self.threshold]),
            "level": np.array([self.level]),
        }  # fmt: skip
        card = dict(self.card) | {
            "part": self.part, "single": str(int(self.single)), "taxonomy": json.dumps(self.taxonomy.record()),
        }  # fmt: skip
        modelfile.save(path, ModelFile(KIND, "1", f"consentinel {__version__}", arrays, card))
        return path


def trained(
    part: str, texts: Sequence[str], targets: Mask, taxonomy: Taxonomy, *, single: bool, level: float, seed: int,
    card: Mapping[str, str], weights: Floats | None = None,
) -> tuple[Classifier, Answer]:  # fmt: skip
    """Return the classifier of TEXTS and TARGETS (n, classes), and what it says of each text held out of training.

    WEIGHTS (n,), 1 for the newest, are those of the texts in calibration and in the sets.
    """
    by = CLASSIFIERS.take(part)
    wanted = targets if single else taxonomy.closed(targets)
    arrays, held = by.train(texts, wanted, seed)
    curve = calibration.fitted(held, wanted, single, weights)
    p = curve.of(held) if single else taxonomy.consistent(curve.of(held))
    threshold = 0.5 if single else calibration.best_threshold(p, wanted)
    cut = conformal.cuts(p, wanted, single, level, weights)
    made = Classifier(part, taxonomy, single, arrays, curve, threshold, cut, level, dict(card) | by.card())
    return made, made.said(held)


def load(path: Path) -> Classifier:
    """Return the classifier in the file PATH; raises BadInput, also where it needs another encoder."""
    file = modelfile.load(path, kind=KIND)
    name = path.name
    try:
        taxonomy = Taxonomy.of(json.loads(file.card["taxonomy"]))
        part, single = file.card["part"], file.card["single"] == "1"
    except (KeyError, ValueError, TypeError, RecursionError):
        raise BadInput("does not say its classes", where=name, todo=_AGAIN) from None
    if part not in CLASSIFIERS.names():
        raise BadInput("was trained by a classifier that is not here", where=name, todo=_AGAIN)
    by, k = CLASSIFIERS.take(part), len(taxonomy.ids)
    own = {
        "curve.slope": (k,),
        "curve.offset": (k,),
        "curve.rival": (k,),
        "curve.top": (2,),
        "cut": (k,),
        "threshold": (1,),
        "level": (1,),
    }
    wanted = own | by.shapes(file.arrays, k)
    for array, shape in wanted.items():
        found = file.arrays.get(array)
        kind = np.float64 if array in own else np.float32
        if found is None or found.shape != shape or found.dtype != kind or not np.isfinite(found).all():
            raise BadInput(f"its {array} does not fit", where=name, todo=_AGAIN)
    for key, value in by.card().items():
        if file.card.get(key) != value:
            raise BadInput(f"was trained with another {key} than the one installed", where=name, todo=_AGAIN)
    a = file.arrays
    arrays = {one: a[one] for one in wanted if one not in own}
    curve = Curve(np.asarray(a["curve.slope"]), np.asarray(a["curve.offset"]), single, np.asarray(a["curve.rival"]),
                  np.asarray(a["curve.top"]))  # fmt: skip
    return Classifier(part, taxonomy, single, arrays, curve, float(a["threshold"][0]), np.asarray(a["cut"]),
                      float(a["level"][0]), file.card)  # fmt: skip
