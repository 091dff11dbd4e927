"""Find personal and device-related data collected without consent."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

__all__ = ["collect", "evaluate", "review", "scan", "train"]


def __getattr__(name: str) -> Callable[..., Any]:
    if name in __all__:
        verb: Callable[..., Any] = getattr(import_module("consentinel.detect.verbs"), name)
        return verb
    raise AttributeError(f"module 'consentinel.detect' has no attribute {name!r}")
