"""Files are short and well named, and hold nothing of the machine that they were made on."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONGEST = 400
BANNED = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "base"}
# Written in pieces, so that this file does not find itself.
PLACES = re.compile(r"(?<![\w./:-])/(?:" + "|".join(("work", "root", "Users/[a-z]+", "home/[a-z]+")) + r")/[A-Za-z.]")
REGISTRIES = re.compile(
    "|".join(("pypi" + r"\.org", "pythonhosted" + r"\.org", "npmjs" + r"\.(?:org|com)", "deb" + r"\.debian\.org"))
    + r"|--(?:extra-)?index-"
    + r"url|--find-"
    + r"links|\"resolved\": *\"http"
)
MAIL = re.compile(r"[\w.+-]+@((?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,})\b")
SYNTHETIC = re.compile(r"(?:^|\.)(?:example(?:\.[a-z]{2,3})*|test|invalid|localhost|png|svg)$", re.I)
UNFINISHED = re.compile(
    r"\b(?:" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3, "raise NotImplemented" + "Error")) + r")\b"
)


def tracked() -> list[Path]:
    """The files that git tracks or would track."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


FILES = tracked()
PYTHON = [f for f in FILES if f.suffix == ".py"]


def found(pattern: re.Pattern[str], files: list[Path]) -> list[str]:
    """Return where PATTERN occurs in the text of FILES."""
    hits = []
    for file in files:
        try:
            text = file.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        hits += [f"{file.relative_to(ROOT)}: {hit[0]}" for hit in pattern.finditer(text)]
    return hits


def test_there_are_files() -> None:
    assert len(PYTHON) > 30


def test_no_module_is_too_long() -> None:
    long = {f"{f.relative_to(ROOT)}": n for f in PYTHON if (n := len(f.read_text("utf-8").splitlines())) > LONGEST}
    assert not long


def test_no_drawer_for_everything() -> None:
    names = {part for f in PYTHON for part in (f.relative_to(ROOT).with_suffix("").parts)}
    assert not {n for n in names if n.strip("_").removeprefix("test_") in BANNED}


@pytest.mark.parametrize(
    ("pattern", "sample"),
    [
        (PLACES, " /" + "home/jane/x"),
        (REGISTRIES, "https://" + "pypi" + ".org/simple"),
        (UNFINISHED, "# TO" + "DO: later"),
    ],
    ids=["machine paths", "registry addresses", "unfinished work"],
)
def test_no_file_holds(pattern: re.Pattern[str], sample: str) -> None:
    assert pattern.search(sample)
    assert not found(pattern, FILES)


def test_mail_addresses_are_synthetic() -> None:
    hits = found(MAIL, [f for f in FILES if f.name not in ("package-lock.json", "LICENSE")])
    assert not [hit for hit in hits if not SYNTHETIC.search(hit.rpartition("@")[2])]


def test_tests_have_no_packages() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))
