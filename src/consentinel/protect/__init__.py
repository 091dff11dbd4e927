"""Measure on private data within a privacy budget that is kept in a ledger."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

__all__ = ["audit", "ledger", "measure", "plan"]


def __getattr__(name: str) -> Callable[..., Any]:
    if name in __all__:
        verb: Callable[..., Any] = getattr(import_module("consentinel.protect.verbs"), name)
        return verb
    raise AttributeError(f"module 'consentinel.protect' has no attribute {name!r}")
