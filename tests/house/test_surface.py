"""What a module offers is written in its `__all__` (ruff keeps it sorted)."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "consentinel"
MODULES = sorted(
    f
    for f in [*PACKAGE.glob("core/*.py"), *PACKAGE.glob("cli/*.py"), *PACKAGE.glob("*/verbs.py")]
    if f.name != "__init__.py"
)


def names(file: Path) -> tuple[list[str] | None, set[str], set[str]]:
    """Return `__all__`, the public functions and classes, and everything that FILE defines at its top."""
    listed: list[str] | None = None
    public: set[str] = set()
    defined: set[str] = set()
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            defined.add(node.name)
            public |= {node.name} - {n for n in [node.name] if n.startswith("_")}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name):
                    defined.add(target.id)
                    if target.id == "__all__" and node.value is not None:
                        listed = ast.literal_eval(node.value)
    return listed, public, defined


@pytest.mark.parametrize("file", MODULES, ids=lambda f: f"{f.parent.name}/{f.stem}")
def test_all_is_there_and_complete(file: Path) -> None:
    listed, public, defined = names(file)
    private = file.name.startswith("_")  # a file that siblings share needs no list
    assert listed is not None or private
    if listed is not None:
        assert len(set(listed)) == len(listed)
        assert public <= set(listed)
        assert set(listed) <= defined


@pytest.mark.parametrize("file", MODULES, ids=lambda f: f"{f.parent.name}/{f.stem}")
def test_what_is_public_has_a_docstring(file: Path) -> None:
    tree = ast.parse(file.read_text("utf-8"))
    assert ast.get_docstring(tree)
    bare = [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert not bare
