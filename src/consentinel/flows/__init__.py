"""Work that needs several rooms, one after the other: from findings to a cited story."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

__all__ = ["incidents"]


def __getattr__(name: str) -> Callable[..., Any]:
    if name in __all__:
        verb: Callable[..., Any] = getattr(import_module("consentinel.flows.verbs"), name)
        return verb
    raise AttributeError(f"module 'consentinel.flows' has no attribute {name!r}")
