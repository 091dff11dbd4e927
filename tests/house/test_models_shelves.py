"""Parts of one folder of models never reach into what another folder keeps to itself."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
MODELS = SOURCE / "consentinel" / "models"
FOLDERS = sorted(file.parent for file in MODELS.glob("*/__init__.py"))


def named(text: str) -> set[str]:
    """Return the full names of the modules, or of what is in them, that the program TEXT imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def strange(text: str, package: str) -> set[str]:
    """Return the underscore names of other folders of models that TEXT, a module of PACKAGE, imports."""
    ours = {name for name in named(text) if name.startswith("consentinel.models.")}
    return {name for name in ours if "._" in name and not name.startswith(f"{package}._")}


@pytest.mark.parametrize("folder", [MODELS, *FOLDERS], ids=lambda folder: folder.name)
def test_what_a_folder_keeps_to_itself_stays_there(folder: Path) -> None:
    package = ".".join(folder.relative_to(SOURCE).parts)
    files = sorted(folder.glob("*.py"))
    assert files
    found = {f"{file.name}: {name}" for file in files for name in strange(file.read_text("utf-8"), package)}
    assert not found, "move what folders share to consentinel.models.pieces"


def test_reaching_into_another_shelf_would_be_found() -> None:
    one, other = "consentinel.models.users", "consentinel.models.recommend"
    assert strange(f"from {other}._fitted import opened", one)
    assert strange(f"from {other} import _fitted", one)
    assert strange(f"def f():\n    import {other}._fitted", one)
    assert not strange(f"from {one}._audience import LookAlike", one)
    assert not strange(f"from {other}.ease import SETTINGS", one)
