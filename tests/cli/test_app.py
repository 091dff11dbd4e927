"""The command line: commands built from verbs, errors, exit codes and settings."""

import sys
from pathlib import Path

import pytest

from consentinel.cli.app import run

VERBS = '''
"""Verbs of the play room."""
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from consentinel.core.errors import BadInput, BudgetRefused

__all__ = ["join_up", "scan"]


@dataclass(frozen=True)
class Outcome:
    text: str
    exit_code: int = 0





def scan(
    traffic: Path,
    *,
    out: Path = Path("runs/scan"),
    level: Literal["low", "high"] = "high",
    keep_raw: bool = False,
    share: float = 0.5,
    limit: int | None = None,
    maps: list[Path] = [],
    region: str = "EU",
) -> Outcome:
    """Look at TRAFFIC for a share of 50% of it.

    A second paragraph.

    Args:
        traffic: the file to read
        out: the folder
            that is written
        level: how much
        keep_raw: keep 100% of it
        share: part that is read
        limit: most rows
        maps: column maps
        region: where

    Raises:
        nothing: at all
    """
    if traffic.name == "secret":
        raise ValueError("jane@example.com")
    if traffic.name == "stop":
        raise KeyboardInterrupt
    if traffic.name == "bad":
        raise BadInput("this is not a HAR", where="bad", todo="Export it again")
    if traffic.name == "spent":
        raise BudgetRefused("nothing left")
    if traffic.name == "closed":
        raise PermissionError(13, "Permission denied", "/some/where/closed")
    return Outcome(repr((str(traffic), str(out), level, keep_raw, share, limit, [str(m) for m in maps], region)), 1)


def join_up(tables: list[Path], name: str = "all") -> Outcome:
    """Join TABLES.

    Args:
        tables: the files
        name: what to call it
    """
    return Outcome(" ".join([*map(str, tables), name]))
'''


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package with one room `play` that has two verbs and one shelf."""
    name = "playhouse"
    shelf = tmp_path / name / "play" / "rules"
    shelf.mkdir(parents=True)
    (tmp_path / name / "__init__.py").write_text('"""A house to play in."""\n__version__ = "9.8"\n')
    (shelf.parent / "__init__.py").write_text('"""A room to play in."""\n')
    (shelf.parent / "shelves.py").write_text(f'RULES = Shelf("{name}.play.rules", "find")\n')
    (shelf.parent / "verbs.py").write_text(VERBS)
    (shelf / "__init__.py").write_text("")
    (shelf / "_shared.py").write_text("raise RuntimeError\n")
    (shelf / "one.py").write_text('"""The first rule."""\nraise RuntimeError("imported")\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for module in [m for m in sys.modules if m.partition(".")[0] == name]:
        monkeypatch.delitem(sys.modules, module)
    return name


def test_the_front_page_lists_rooms_and_imports_none(house: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"], house) == 0
    assert "play  A room to play in." in capsys.readouterr().out
    assert f"{house}.play" not in sys.modules
    assert run([], house) == 0
    assert run(["--version"], house) == 0
    assert capsys.readouterr().out.endswith("playhouse 9.8\n")


def test_a_room_lists_its_verbs(house: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["play", "--help"], house) == 0
    out = capsys.readouterr().out
    assert "scan     Look at TRAFFIC for a share of 50% of it." in out
    assert "join-up  Join TABLES." in out


def test_help_of_a_verb_comes_from_its_docstring(house: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["play", "scan", "--help"], house) == 0
    out = " ".join(capsys.readouterr().out.split())
    for part in ("share of 50% of it. A second paragraph.", "the folder that is written (default: runs/scan)", "100%"):
        assert part in out
    assert "at all" not in out


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["a.har"], "('a.har', 'runs/scan', 'high', False, 0.5, None, [], 'EU')"),
        (["a.har", "--keep-raw", "--share", "0.25"], "('a.har', 'runs/scan', 'high', True, 0.25, None, [], 'EU')"),
        (["--limit", "3", "a.har", "--no-keep-raw"], "('a.har', 'runs/scan', 'high', False, 0.5, 3, [], 'EU')"),
        (
            ["a.har", "--maps", "x", "--maps=y", "--out", "o"],
            "('a.har', 'o', 'high', False, 0.5, None, ['x', 'y'], 'EU')",
        ),
        (["a.har", "--level", "low"], "('a.har', 'runs/scan', 'low', False, 0.5, None, [], 'EU')"),
    ],
)
def test_arguments_reach_the_verb(house: str, capsys: pytest.CaptureFixture[str], argv: list[str], said: str) -> None:
    assert run(["play", "scan", *argv], house) == 1
    assert capsys.readouterr().out == said + "\n"


def test_a_verb_with_many_inputs(house: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["play", "join-up", "a", "b", "c"], house) == 0
    assert capsys.readouterr().out in ("a b c all\n", "a b c\n")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["ply"], "did you mean: consentinel play"),
        (["play", "scam"], "did you mean: consentinel play scan"),
        (["play", "zzz"], "see: consentinel play --help"),
        (["play", "scan"], "TRAFFIC"),
        (["play", "scan", "a", "--levl", "low"], "did you mean --level?"),
        (["play", "scan", "a", "--lev", "low"], "did you mean --level?"),
        (["play", "scan", "a", "--level", "middle"], "'middle'"),
        (["play", "scan", "a", "--share", "nan"], "not a finite number"),
        (["play", "scan", "a", "--limit", "few"], "few"),
        (["play", "scan", "a", "b"], "'b' is not known here"),
        (["parts", "shelf"], "there is: play/rules"),
        (["parts", "play", "rules"], "too much"),
        (["settings", "out"], "too much"),
    ],
)
def test_wrong_use_ends_in_2(house: str, capsys: pytest.CaptureFixture[str], argv: list[str], said: str) -> None:
    assert run(argv, house) == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert "Traceback" not in shown.err
    assert shown.out == ""


@pytest.mark.parametrize(
    ("traffic", "code", "said"),
    [
        ("bad", 5, "consentinel: bad: this is not a HAR. Export it again\n"),
        ("spent", 4, "consentinel: nothing left\n"),
        ("closed", 5, "consentinel: closed: Permission denied\n"),
        ("stop", 130, "consentinel: stopped; what was finished is kept in o\n"),
    ],
)
def test_errors_end_in_their_code(
    house: str, capsys: pytest.CaptureFixture[str], traffic: str, code: int, said: str
) -> None:
    assert run(["play", "scan", traffic, "--out", "o"], house) == code
    assert capsys.readouterr().err == said


def test_a_fault_shows_no_value_unless_asked(house: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["play", "scan", "secret"], house) == 5
    said = capsys.readouterr().err
    assert said.startswith("consentinel: a fault in the program (ValueError, verbs.py:")
    assert "jane" not in said
    assert run(["play", "scan", "secret", "--debug"], house) == 5
    assert "Traceback" in capsys.readouterr().err


def test_settings_replace_defaults_and_flags_replace_settings(
    house: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("consentinel.toml").write_text('region = "US-CA"\nout = "kept"\n')
    monkeypatch.setenv("CONSENTINEL_OUT", "elsewhere")
    run(["play", "scan", "a"], house)
    assert capsys.readouterr().out == "('a', 'elsewhere', 'high', False, 0.5, None, [], 'US-CA')\n"
    run(["play", "scan", "a", "--out", "here"], house)
    assert "'here'" in capsys.readouterr().out
    assert run(["settings"], house) == 0
    out = capsys.readouterr().out
    assert "US-CA (consentinel.toml)" in out
    assert "elsewhere (CONSENTINEL_OUT)" in out


def test_parts_are_listed_without_an_import(house: str, capsys: pytest.CaptureFixture[str]) -> None:
    for wanted in ([], ["rules"], ["play"], ["play/rules"]):
        assert run(["parts", *wanted], house) == 0
        assert capsys.readouterr().out == "play/rules\n  one  The first rule.\n"
    assert f"{house}.play.rules.one" not in sys.modules


def test_help_of_the_own_commands(house: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["parts", "--help"], house) == 0
    assert "consentinel parts [SHELF]" in capsys.readouterr().out
