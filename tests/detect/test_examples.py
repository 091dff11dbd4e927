"""Every example runs as a script and returns what it promises; the tour's commands end as it says."""

import hashlib
import re
import runpy
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from consentinel.cli.app import run as command
from consentinel.detect.policy import TYPES

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples"
TOUR = ROOT / "docs" / "tour" / "from-a-har-to-a-gate.md"
SCRIPTS = sorted(FOLDER.glob("[!_]*.py"))


def result(name: str) -> Any:
    """Return what `main` of the example NAME returns."""
    return runpy.run_path(str(FOLDER / f"{name}.py"))["main"]()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_it_runs_as_a_script(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CONSENTINEL_KEY", raising=False)
    monkeypatch.setattr(sys, "argv", [str(script)])
    runpy.run_path(str(script), run_name="__main__")
    assert capsys.readouterr().out.strip()
    assert not list(tmp_path.iterdir())


def test_every_example_is_on_the_page() -> None:
    page = (FOLDER / "README.md").read_text("utf-8")
    assert SCRIPTS
    assert all(f"[{script.name}]({script.name})" in page for script in SCRIPTS)


def test_scan_har_finds_what_the_shop_does_wrong_after_a_refusal() -> None:
    rows = result("scan_har")
    recipients = {kind: n for kind, n, _ in rows}
    assert set(recipients) <= set(TYPES)
    assert [n for _, n, _ in rows] == sorted(recipients.values(), reverse=True)
    assert all(times >= n for _, n, times in rows)
    assert 10 <= recipients["device.advertising_id"] <= 20  # the shop asks twenty bidders
    assert recipients["location.precise"] == 1  # one event, to one tracker


def test_decode_consent_tells_vendors_and_purposes_apart() -> None:
    assert result("decode_consent") == {
        "vendor 52 may store": True,
        "vendor 755 may store": False,
        "vendor 52 may store and measure content": False,
    }


def test_find_planted_proves_the_hash_inside_base64() -> None:
    example = runpy.run_path(str(FOLDER / "find_planted.py"))
    url = example["leak"]()["log"]["entries"][0]["request"]["url"]
    assert example["EMAIL"].lower() not in url.lower()
    assert hashlib.sha256(example["EMAIL"].lower().encode()).hexdigest() not in url
    told = example["main"]()
    assert told.pop("matched_bits") >= 64
    assert told == {
        "outcome": "potential violation",
        "proof": "P0",
        "type": "contact.email_hashed",
        "recipient": "metrics.test",
        "consent_state": "denied",
        "decode_path": "base64>json",
        "planted_form": "lower>sha256",
    }


def test_private_answers_is_about_as_exact_as_planned_and_keeps_the_books() -> None:
    found = result("private_answers")
    assert 0.8 < (found.high - found.low) / 2 / found.expected < 1.3
    assert abs(found.value - found.truth) < 5 * found.expected
    assert "epsilon 1 of 3 spent" in found.ledger


def test_the_commands_of_the_tour_end_as_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "examples").symlink_to(FOLDER)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CONSENTINEL_KEY", raising=False)
    lines = "".join(re.findall(r"```sh\n(.*?)```", TOUR.read_text("utf-8"), re.DOTALL)).splitlines()
    assert len(lines) >= 5
    for line in lines:
        words, _, said = line.partition("#")
        name, *argv = shlex.split(words)
        assert (name, f"ends in {command(argv)}") == ("consentinel", said.strip()), capsys.readouterr().err
    [question] = re.findall(r"```python\n(.*?)```", TOUR.read_text("utf-8"), re.DOTALL)
    capsys.readouterr()
    exec(compile(question, TOUR.name, "exec"), {})
    assert "recipient" in capsys.readouterr().out
