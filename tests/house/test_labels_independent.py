"""The labeller of the range shares nothing with the detector that its labels grade."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

LABELS = Path(__file__).parents[2] / "range" / "labels"
ALLOWED = {"labels", "pyarrow", "duckdb", "numpy", "scipy", "zstandard", "brotli"}
LOADERS = {"importlib", "imp", "pkgutil", "runpy", "subprocess"}  # ways round an import statement
CALLS = {"__import__", "exec", "eval", "import_module"}
FILES = sorted(LABELS.rglob("*.py"))


def imported(tree: ast.AST) -> Iterator[str]:
    """The first names of all modules that TREE imports, anywhere; a relative import is the package itself."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "labels" if node.level else str(node.module).partition(".")[0]


def test_there_are_files() -> None:
    assert len(FILES) > 10


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_imports_nothing_of_the_detector(file: Path) -> None:
    tree = ast.parse(file.read_text("utf-8"))
    names = set(imported(tree))
    assert not names - ALLOWED - set(sys.stdlib_module_names)
    assert not names & LOADERS
    assert not {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} & CALLS
    assert "consentinel" not in file.read_text("utf-8")


def test_finds_an_import_inside_a_function() -> None:
    assert set(imported(ast.parse("def f():\n    from consentinel.detect import decode\n    import os.path"))) == {
        "consentinel",
        "os",
    }
