"""Audit a model: is it fair, explainable, robust and private, each number with an interval."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

__all__ = ["audit", "card", "compare", "gate", "sweep"]


def __getattr__(name: str) -> Callable[..., Any]:
    if name in __all__:
        verb: Callable[..., Any] = getattr(import_module("consentinel.assure.verbs"), name)
        return verb
    raise AttributeError(f"module 'consentinel.assure' has no attribute {name!r}")
