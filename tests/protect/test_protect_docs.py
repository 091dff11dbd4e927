"""The pages of the room: commands end as they say, links lead somewhere, the conformance page is made from results."""

import json
import re
import shlex
from pathlib import Path

import pytest

from consentinel.cli.app import run as command
from docs.reference.write_conformance import FILE, RESULTS, SETS, page

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "rooms" / "protect.md").read_text("utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_commands_end_as_the_page_says(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    for line in BLOCKS[number].splitlines():
        words, _, said = line.rpartition("#")
        name, *argv = shlex.split(words)
        code = command(argv)
        assert name == "consentinel"
        assert f"ends in {code}" == said.strip(), capsys.readouterr().err


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#:]+)[^):]*\)", PAGE)
    assert links
    assert all((ROOT / "docs" / "rooms" / link).exists() for link in links)


def test_the_conformance_page_is_up_to_date() -> None:
    assert FILE.read_text("utf-8") == page(), "run: make docs"


@pytest.mark.parametrize(("name", "cases"), [(name, cases) for name, _, cases, _ in SETS])
def test_every_case_of_a_set_is_listed(name: str, cases: int) -> None:
    file = RESULTS / f"{name}.json"
    if not file.is_file():
        pytest.skip(f"not measured here: make claims ONLY={name}")
    assert len(json.loads(file.read_text("utf-8"))) == cases


def test_the_page_tells_a_failure_and_a_set_that_was_not_measured(tmp_path: Path) -> None:
    assert page(tmp_path).count("not measured yet") == len(SETS)
    (tmp_path / "w3c_attribution_cases.json").write_text('{"basic": true, "a | b": false}')
    text = page(tmp_path)
    assert "| W3C Attribution Level 1, end-to-end cases | 19 | 1 of 2 |" in text
    assert "| basic | passed |\n| a / b | FAILED |" in text
