"""The page of the room: its commands work and its lists are complete."""

import re
import shlex
from pathlib import Path

import pytest

from consentinel.cli.app import run as command
from consentinel.core.tables import FINDINGS
from consentinel.detect.collectors.requests import FIELDS
from consentinel.detect.consent import STATES
from consentinel.detect.judge import OUTCOMES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "rooms" / "detect.md").read_text("utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_commands_end_as_the_page_says(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if "--keep-raw" in BLOCKS[number]:
        pytest.importorskip("cryptography", reason="install with: pip install 'consentinel[vault]'")
    if "detect review" in BLOCKS[number]:
        pytest.importorskip("sqlalchemy", reason="install with: pip install 'consentinel[review]'")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CONSENTINEL_KEY", raising=False)
    for line in BLOCKS[number].splitlines():
        words, _, said = line.partition("#")
        name, *argv = shlex.split(words)
        code = command(argv)
        assert name == "consentinel"
        assert f"ends in {code}" == said.strip(), capsys.readouterr().err


def test_the_page_names_every_column_field_file_and_state() -> None:
    for word in {*FINDINGS.names} - {"run_id"} | {*FIELDS} | {*STATES} | {*OUTCOMES}:
        assert f"`{word}`" in PAGE, word


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", PAGE)
    assert links
    assert all((ROOT / "docs" / "rooms" / link).exists() for link in links)
