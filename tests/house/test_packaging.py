"""What is declared is what is used: dependencies, pins, make targets, tiers."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from consentinel import __version__

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
SOURCES = sorted((ROOT / "src").rglob("*.py"))


def plain(requirement: str) -> str:
    """Return the normalised name in REQUIREMENT."""
    return re.sub(r"[-_.]+", "-", re.split(r"[ <>=!~;\[]", requirement)[0]).lower()


def imports() -> tuple[set[str], dict[str, set[str]]]:
    """Return the packages that the source imports, and those it takes with `need`, by extra."""
    direct: set[str] = set()
    needed: dict[str, set[str]] = {}
    for file in SOURCES:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                direct |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                direct.add(node.module.partition(".")[0])
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == "need" and node.args:
                extra = next(ast.literal_eval(k.value) for k in node.keywords if k.arg == "extra")
                needed.setdefault(extra, set()).add(ast.literal_eval(node.args[0]).partition(".")[0])
    return direct - set(sys.stdlib_module_names) - {"consentinel"}, needed


def distributions(modules: set[str]) -> set[str]:
    """Return the names of what brings MODULES; a module that is not installed keeps its own name."""
    known = packages_distributions()
    return {plain(name) for module in modules for name in set(known.get(module, [module]))}


def test_the_core_declares_what_it_imports_and_imports_what_it_declares() -> None:
    direct, needed = imports()
    core = {plain(r) for r in PROJECT["dependencies"]}
    optional = {plain(r) for requirements in EXTRAS.values() for r in requirements} - core
    used = distributions(direct)
    assert used <= core | optional
    assert core <= used
    # what an extra brings may be named in a function or for the type checker, but it is taken with `need`
    for extra, modules in needed.items():
        assert distributions(modules) <= {plain(r) for r in EXTRAS[extra]} | core
    taken = distributions(set().union(*needed.values())) if needed else set()
    assert used & optional <= taken


def test_pins_are_plain_and_cover_what_is_declared() -> None:
    lines = [x for x in (ROOT / "constraints.txt").read_text("utf-8").splitlines() if x and not x.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9.-]*==[A-Za-z0-9.]+", line) for line in lines)
    assert lines == sorted(set(lines))
    pinned = {plain(line) for line in lines}
    asked = {plain(r) for rs in [PROJECT["dependencies"], *EXTRAS.values()] for r in rs} - {"consentinel"}
    assert asked <= pinned


def test_every_make_target_has_help() -> None:
    text = (ROOT / "Makefile").read_text("utf-8")
    phony = set(re.findall(r"^\.PHONY: (.*)$", text, re.M)[0].split())
    helped = set(re.findall(r"^([a-z]+):.*## ", text, re.M))
    assert phony - helped == {"chromium", "node"}  # steps of other targets
    assert {"demo", "test", "unit", "real", "check", "bench", "claims", "docs", "range", "parties", "clean"} <= helped


def test_the_version_is_in_the_changelog() -> None:
    assert __version__ in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_tests_that_start_things_are_marked_real() -> None:
    for file in (ROOT / "tests" / "real").rglob("test_*.py"):
        assert "pytest.mark.real" in file.read_text("utf-8"), file.name
