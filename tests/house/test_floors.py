"""Floors hold and modules form no cycle."""

from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import importlinter.cli
import pytest

ROOT = Path(__file__).parents[2]


def test_contracts_of_import_linter_hold() -> None:
    assert importlinter.cli.lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == 0


def test_there_is_no_import_cycle() -> None:
    graph = grimp.build_graph("consentinel", exclude_type_checking_imports=True, cache_dir=None)
    assert len(graph.modules) > 10
    TopologicalSorter({m: graph.find_modules_directly_imported_by(m) for m in graph.modules}).prepare()


def test_a_cycle_would_be_found() -> None:
    graph = grimp.ImportGraph()
    graph.add_import(importer="one", imported="two")
    graph.add_import(importer="two", imported="one")
    with pytest.raises(CycleError):
        TopologicalSorter({m: graph.find_modules_directly_imported_by(m) for m in graph.modules}).prepare()
