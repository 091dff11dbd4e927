"""A function or an estimator of yours, named module:name; naming it runs its code, which a file path never does."""

import inspect
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from consentinel.assure.intake._opened import Opened, classified, is_file, numbers
from consentinel.core.errors import ContractBroken, UsageError
from consentinel.core.model_contracts import Model, Trainer

__all__ = ["ALLOWS", "opened", "takes"]

ALLOWS = "it can be asked again; what looks inside needs the protocols of core/contracts.py, training needs --trainer"
_NAMED = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*", re.ASCII)


def takes(given: str, /) -> bool:
    """Return whether GIVEN looks like module:name and is no file."""
    return _NAMED.fullmatch(given) is not None and not is_file(given)


def opened(given: str, kind: str, /) -> Opened:
    """Return the model, trainer, estimator or function GIVEN; raises UsageError where it cannot be imported or asked.

    A function takes the rows (a pyarrow table without the label) and returns a table with score and label (rankings:
    query, item, score), a dict of such columns, or an array: scores of the positive label (n,). An estimator has
    predict_proba and classes_, as scikit-learn's.
    """
    module, _, name = given.partition(":")
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        found: Any = import_module(module)
        for word in name.split("."):
            found = getattr(found, word)
    except (ImportError, AttributeError, ValueError):
        raise UsageError(f"there is no '{name[:60]}' in a module '{module[:60]}' that can be imported here") from None
    finally:
        sys.path.remove(here)
    source = tuple(Path(file) for file in [getattr(sys.modules.get(module), "__file__", None)] if file)
    if isinstance(found, Trainer) and not inspect.isclass(found):
        return Opened(trainer=found, made_of=source)
    if isinstance(found, Model) and not inspect.isclass(found):
        return Opened(model=found, made_of=source)
    if hasattr(found, "predict_proba") and hasattr(found, "classes_"):
        return Opened(model=Estimator(found, kind, given), made_of=source)
    if not callable(found):
        raise UsageError(f"'{given[:80]}' is no function of rows, and has no predict_proba with classes_")
    return Opened(model=Function(found, kind, given), made_of=source)


@dataclass(frozen=True)
class Function:
    """A function of rows as a model."""

    asked: Callable[[pa.Table], Any]
    kind: str
    name: str

    def predict(self, rows: pa.Table, /) -> pa.Table:
        """Return what the function answers, as a table; raises ContractBroken for anything that is none."""
        got = self.asked(rows)
        if isinstance(got, pa.Table):
            return got
        try:
            return pa.table(got) if isinstance(got, dict) else pa.table({"score": np.asarray(got, np.float64).ravel()})
        except (pa.ArrowException, ValueError, TypeError):
            raise ContractBroken(f"{self.name} answers neither a table, a dict of columns nor numbers") from None

    def save(self, path: Path, /) -> Path:
        """Refused: code is not kept."""
        raise UsageError(f"{self.name} is code, which no model file holds")


@dataclass(frozen=True)
class Estimator:
    """An estimator of scikit-learn's form as a model."""

    asked: Any
    kind: str
    name: str

    def predict(self, rows: pa.Table, /) -> pa.Table:
        """Return score, label and probabilities in the order of classes_."""
        names = [str(name) for name in getattr(self.asked, "feature_names_in_", [])]
        x = numbers(rows, names, int(getattr(self.asked, "n_features_in_", 0)), self.name)
        return classified(np.asarray(self.asked.predict_proba(x)), [str(label) for label in self.asked.classes_])

    def save(self, path: Path, /) -> Path:
        """Refused: code is not kept."""
        raise UsageError(f"{self.name} is code, which no model file holds")
