"""Consentinel: the privacy team's machine-learning system.

assure      audit a model: is it fair, explainable, robust and private, each number with an interval
detect      find personal and device-related data collected without consent
models      train, evaluate and serve rankers, classifiers and embeddings, plainly and privately
protect     measure on private data within a privacy budget that is kept in a ledger
understand  turn incidents, reviews, requests and policies into classes, groups, forecasts and a cited story
flows       what takes several rooms: from the findings of a scan to a cited story
core        the shared language: tables, runs, evidence, masking, statistics
cli         the command line, built from each room's verbs
"""

from importlib import import_module
from types import ModuleType

__version__ = "0.1.0"
__all__ = ["__version__", "assure", "detect", "flows", "models", "protect", "understand"]


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return import_module(f"consentinel.{name}")
    raise AttributeError(f"module 'consentinel' has no attribute {name!r}")
