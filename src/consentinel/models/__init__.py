"""Train, evaluate and serve rankers, classifiers and embeddings, plainly and privately."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

__all__ = ["evaluate", "frontier", "predict", "train"]


def __getattr__(name: str) -> Callable[..., Any]:
    if name in __all__:
        verb: Callable[..., Any] = getattr(import_module("consentinel.models.verbs"), name)
        return verb
    raise AttributeError(f"module 'consentinel.models' has no attribute {name!r}")
