"""Every part on every shelf: a sentence that says what it is, the promised door, no siblings, no side effects."""

import ast
import re
from pathlib import Path

import pytest

from consentinel.cli.rooms import shelves
from consentinel.core.shelf import Shelf

PACKAGE = Path(__file__).parents[2] / "src" / "consentinel"
SHELVES = shelves("consentinel")
PARTS = [(shelf, part) for shelf in SHELVES for part in Shelf(f"consentinel.{shelf.replace('/', '.')}", "").names()]
IDS = [f"{shelf}/{part}" for shelf, part in PARTS]


def tree(shelf: str, part: str) -> ast.Module:
    """Return the syntax tree of PART."""
    return ast.parse((PACKAGE / shelf / f"{part}.py").read_text("utf-8"))


def promised(shelf: str) -> set[str]:
    """Return the names that a part on SHELF must have: the members of its Protocol in core/*contracts.py."""
    name = re.sub("ie$", "y", shelf.rpartition("/")[2].removesuffix("s")).capitalize() + "Part"
    files = sorted((PACKAGE / "core").glob("*contracts.py"))
    contracts = [node for file in files for node in ast.parse(file.read_text("utf-8")).body]
    for node in contracts:  # a shelf whose parts keep the contract of others: AdPart = TrainerPart
        if isinstance(node, ast.AnnAssign) and node.value is not None and ast.unparse(node.target) == name:
            name = ast.unparse(node.value)
    return {
        member.name
        for node in contracts
        if isinstance(node, ast.ClassDef) and node.name == name
        for member in node.body
        if isinstance(member, ast.FunctionDef) and member.name != "__name__"  # every module has one
    }


def top(module: ast.Module) -> set[str]:
    """Return the names that MODULE defines or imports at its top."""
    found: set[str] = set()
    for node in module.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
    return found


def test_there_are_shelves() -> None:
    assert PARTS


@pytest.mark.parametrize("shelf", SHELVES)
def test_a_shelf_is_a_package_with_a_contract_and_one_declaration(shelf: str) -> None:
    assert (PACKAGE / shelf / "__init__.py").is_file()
    assert promised(shelf)
    package = f"consentinel.{shelf.replace('/', '.')}"
    calls = [
        [ast.literal_eval(argument) for argument in node.args]
        for file in (PACKAGE / shelf).parent.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).partition("[")[0] == "Shelf"
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and node.args[0].value == package
    ]
    assert len(calls) == 1, f"{shelf} should be declared once: Shelf('{package}', door)"
    assert calls[0][1] in promised(shelf)


@pytest.mark.parametrize(("shelf", "part"), PARTS, ids=IDS)
def test_its_help_is_a_plain_sentence(shelf: str, part: str) -> None:
    line = (ast.get_docstring(tree(shelf, part)) or "").partition("\n")[0]
    assert line.endswith(".")
    assert line[0] == line[0].upper()
    assert 15 <= len(line) <= 120


@pytest.mark.parametrize(("shelf", "part"), PARTS, ids=IDS)
def test_it_has_the_door(shelf: str, part: str) -> None:
    assert promised(shelf) <= top(tree(shelf, part))


@pytest.mark.parametrize(("shelf", "part"), PARTS, ids=IDS)
def test_it_imports_no_sibling(shelf: str, part: str) -> None:
    package = f"consentinel.{shelf.replace('/', '.')}"
    siblings = {name for s, name in PARTS if s == shelf} - {part}
    for node in ast.walk(tree(shelf, part)):
        if isinstance(node, ast.Import):
            assert not {a.name for a in node.names} & {f"{package}.{name}" for name in siblings}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "import by full path"
            assert node.module not in {f"{package}.{name}" for name in siblings}
            assert node.module != package or not {a.name for a in node.names} & siblings


@pytest.mark.parametrize(("shelf", "part"), PARTS, ids=IDS)
def test_importing_it_does_nothing(shelf: str, part: str) -> None:
    for node in tree(shelf, part).body:
        assert not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)), ast.unparse(node)
        assert not isinstance(node, ast.For | ast.While | ast.With), ast.unparse(node)
