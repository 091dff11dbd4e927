"""Start-up stays light: lists of modules are compared, never seconds."""

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from consentinel.cli.rooms import rooms

ROOT = Path(__file__).parents[2]
LIGHT = ["__init__", "__main__", "cli.app", "cli.command", "cli.rooms"]
LIGHT += [f"core.{name}" for name in ("contracts", "errors", "extras", "progress", "settings", "shelf")]
OURS_AT_FRONT = {"", ".cli", ".cli.app", ".cli.rooms", ".core", ".core.errors", ".core.shelf"}


def imported(code: str) -> set[str]:
    """Return the modules that are there after CODE ran in a fresh process."""
    code = f"{code}\nimport sys, json; print('\\n' + json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT / "src")
    return set(json.loads(done.stdout.splitlines()[-1]))


def foreign(modules: set[str]) -> set[str]:
    """Return the packages among MODULES that do not come with Python."""
    bare = {m.partition(".")[0] for m in imported("pass")}
    roots = {m.partition(".")[0] for m in modules} - bare
    return {r for r in roots if r not in sys.stdlib_module_names} - {"consentinel"}


def test_the_check_sees_an_engine() -> None:
    assert "numpy" in foreign(imported("import numpy"))


def test_the_front_page_imports_no_room_and_no_other_package() -> None:
    modules = imported("from consentinel.cli.app import run; run(['--help'])")
    assert not foreign(modules)
    assert {m.removeprefix("consentinel") for m in modules if m.partition(".")[0] == "consentinel"} == OURS_AT_FRONT


def test_listing_parts_imports_none() -> None:
    modules = imported("from consentinel.cli.app import run; run(['parts'])")
    assert not foreign(modules)
    assert not [m for m in modules if m.startswith("consentinel.") and m.count(".") > 2]


@pytest.mark.parametrize("module", LIGHT)
def test_light_modules_import_no_engine(module: str) -> None:
    assert not foreign(imported(f"import consentinel.{module}" if module != "__init__" else "import consentinel"))


@pytest.mark.parametrize("room", rooms("consentinel"))
def test_a_room_hands_out_its_verbs_and_imports_them_only_then(room: str) -> None:
    bare = imported(f"import consentinel.{room}")
    assert not foreign(bare)
    assert f"consentinel.{room}.verbs" not in bare
    asked = imported(f"from consentinel import {room}; assert [getattr({room}, name) for name in {room}.__all__]")
    assert not foreign(asked)
    assert f"consentinel.{room}.verbs" in asked
    package, verbs = import_module(f"consentinel.{room}"), import_module(f"consentinel.{room}.verbs")
    assert package.__all__ == verbs.__all__
    assert all(getattr(package, name) is getattr(verbs, name) for name in verbs.__all__)
    with pytest.raises(AttributeError, match=f"module 'consentinel.{room}' has no attribute 'nothing'"):
        _ = package.nothing


@pytest.mark.parametrize("room", rooms("consentinel"))
def test_verbs_import_no_engine(room: str) -> None:
    assert not foreign(imported(f"import consentinel.{room}.verbs"))
    assert not foreign(imported(f"from consentinel.cli.app import run; run(['{room}', '--help'])"))
