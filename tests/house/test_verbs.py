"""Verbs can be commands, and their pages are up to date."""

import inspect
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from benchmarks.table import block, placed, rows
from consentinel.cli.command import described, options, parser
from consentinel.cli.rooms import rooms, summary
from docs.reference.write import FILE, page

ROOT = Path(__file__).parents[2]
ROOMS = rooms("consentinel")
VERBS = [(room, name) for room in ROOMS for name in import_module(f"consentinel.{room}.verbs").__all__]


def verb(room: str, name: str) -> Any:
    """Return the function."""
    return getattr(import_module(f"consentinel.{room}.verbs"), name)


def test_there_are_verbs() -> None:
    assert VERBS
    assert all(summary("consentinel", room).endswith(".") for room in ROOMS)


@pytest.mark.parametrize(("room", "name"), VERBS)
def test_a_verb_is_a_command(room: str, name: str) -> None:
    function = verb(room, name)
    assert "--debug" in options(parser(function, f"consentinel {room} {name}", {}))
    text, helps = described(function)
    assert text.partition("\n")[0].endswith(".")
    assert set(helps) == set(inspect.signature(function).parameters)
    assert all(helps.values())
    assert str(inspect.signature(function).return_annotation).rpartition(".")[2].strip("'\">") == "Outcome"


@pytest.mark.parametrize(("room", "name"), VERBS)
def test_a_verb_shares_its_name_with_nothing(room: str, name: str) -> None:
    folder = ROOT / "src" / "consentinel" / room
    assert not (folder / f"{name}.py").exists()
    assert not (folder / name).exists()
    assert not name.startswith("test")


@pytest.mark.parametrize(("room", "name"), VERBS)
def test_a_verb_has_a_section_on_the_page_of_its_room(room: str, name: str) -> None:
    text = (ROOT / "docs" / "rooms" / f"{room}.md").read_text("utf-8")
    assert f"\n## {name.rstrip('_').replace('_', '-')}\n" in text


def test_the_reference_is_up_to_date() -> None:
    assert FILE.read_text("utf-8") == page(), "run: make docs"


def test_the_table_in_the_readme_is_made_from_the_results() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert readme == placed(readme, block(rows())), "run: make docs"
