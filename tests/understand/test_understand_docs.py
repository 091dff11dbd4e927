"""The page of the room: commands end as they say, lists are complete, links lead somewhere."""

import re
import shlex
from pathlib import Path

import pytest

from consentinel.cli.app import run as command
from consentinel.understand.quality import DEFAULTS
from consentinel.understand.shelves import SOURCES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "rooms" / "understand.md").read_text("utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_commands_end_as_the_page_says(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CONSENTINEL_KEY", raising=False)
    for line in BLOCKS[number].splitlines():
        words, _, said = line.rpartition("#")
        name, *argv = shlex.split(words)
        code = command(argv)
        assert name == "consentinel"
        assert f"ends in {code}" == said.strip(), capsys.readouterr().err


def test_the_page_names_every_source_and_check() -> None:
    for name in SOURCES.names():
        assert f"| `{name}` |" in PAGE, name
    for name, (most, _) in DEFAULTS.items():
        assert re.search(rf"\| `{name}` \| .* \| {100 * most:g}% \|", PAGE), name


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", PAGE)
    assert links
    assert all((ROOT / "docs" / "rooms" / link).exists() for link in links)
