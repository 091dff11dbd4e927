"""Turn incidents, reviews, requests and policies into classes, groups, forecasts, recommendations and a cited story."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

__all__ = ["ask", "classify", "diagnose", "experiment", "forecast", "group", "ingest", "recommend", "tell", "triage"]


def __getattr__(name: str) -> Callable[..., Any]:
    if name in __all__:
        verb: Callable[..., Any] = getattr(import_module("consentinel.understand.verbs"), name)
        return verb
    raise AttributeError(f"module 'consentinel.understand' has no attribute {name!r}")
