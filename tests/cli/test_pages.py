"""Every page: its commands end as it says, and its links lead somewhere."""

import re
import shlex
from pathlib import Path

import pytest

from consentinel.cli.app import run as command

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md")] + sorted((ROOT / "docs").rglob("*.md"))
# Words of a command -> the package and the extra that it needs.
NEEDS = {"--keep-raw": ("cryptography", "vault"), "detect review": ("sqlalchemy", "review")}


def said(page: Path) -> list[str]:
    """Return the blocks of commands of PAGE, each line with the code that it ends in."""
    return re.findall(r"```sh\n(.*?)```", page.read_text("utf-8"), re.DOTALL)


TOLD = [page for page in PAGES if said(page) and page.parent.name != "tour"]  # the tour: tests/detect/test_examples.py


@pytest.mark.parametrize("page", TOLD, ids=lambda page: page.stem)
def test_commands_end_as_the_page_says(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = "".join(said(page)).splitlines()
    for words, (package, extra) in NEEDS.items():
        if any(words in line for line in lines):
            pytest.importorskip(package, reason=f"install with: pip install 'consentinel[{extra}]'")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CONSENTINEL_KEY", raising=False)
    for line in lines:
        words, _, end = line.rpartition("#")
        name, *argv = shlex.split(words)
        assert (name, f"ends in {command(argv)}") == ("consentinel", end.strip()), (line, capsys.readouterr().err)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)[^):]*\)", page.read_text("utf-8"))
    assert not [link for link in links if not (page.parent / link).exists()]


def test_pages_were_found() -> None:
    assert {page.stem for page in TOLD} >= {"detect", "flows", "protect", "understand"}
    assert any(page.parent.name == "decisions" for page in PAGES)
