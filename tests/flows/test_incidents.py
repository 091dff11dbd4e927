"""From the findings of the recorded demo to a story: each step is kept, and a step that is missing is said."""

import json
import runpy
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from consentinel import assure, detect
from consentinel.core.errors import MissingExtra
from consentinel.core.finding_words import RULES
from consentinel.core.shelf import Shelf
from consentinel.flows import incidents
from consentinel.understand import verbs as understand

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("scan")
    recorded = ROOT / "examples" / "recorded"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONSENTINEL_KEY", "5a" * 32)
        detect.scan([recorded / "shop.test-reject.har.zst"], planted=recorded / "planted.toml", out=out)
    return out


def test_findings_become_a_story_of_cases_and_mitigations(
    scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONSENTINEL_KEY", "5a" * 32)
    outcome = incidents([scan], out=tmp_path, project_key_file=tmp_path / "key")
    assert outcome.exit_code == 0
    text = (tmp_path / "story.md").read_text("utf-8")
    assert "# Potential violations at shop\\.test" in text or "# Potential violations at shop.test" in text
    assert "cases, after grouping" in text
    assert "## What to do first" in text
    folders = [tmp_path / name for name in ("records", "groups", "mitigations")]
    assert understand.tell(folders, out=tmp_path, check=True).exit_code == 0


def test_a_story_has_words_for_every_rule_of_our_scans() -> None:
    rules = {"choice_not_kept", "claim_model", *Shelf("consentinel.detect.rules", "scan").names()}
    assert set(RULES) == rules


def test_a_step_that_is_not_installed_is_said(scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise MissingExtra("install it with: pip install")

    monkeypatch.setenv("CONSENTINEL_KEY", "5a" * 32)
    monkeypatch.setattr(understand, "group", missing)
    monkeypatch.setattr(understand, "recommend", missing)
    outcome = incidents([scan], out=tmp_path, project_key_file=tmp_path / "key")
    assert "groups are missing: install it with" in outcome.text
    assert "mitigations are missing" in json.loads((tmp_path / "flow" / "run.json").read_text())["notes"][1]
    assert "They were not grouped" in (tmp_path / "story.md").read_text("utf-8")


def test_the_example_finds_what_was_changed() -> None:
    verdict, before, after = runpy.run_path(str(ROOT / "examples" / "tell_story.py"))["main"]()
    assert verdict.endswith("of them of high or critical severity.")
    assert (before, after) == (0, 1)


def test_what_failed_a_gate_becomes_a_story(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSENTINEL_KEY", "5a" * 32)
    example = runpy.run_path(str(ROOT / "examples" / "audit_model.py"))
    rows = example["people"](3000, 1)
    pq.write_table(rows, tmp_path / "people.parquet")
    pq.write_table(example["answered"](rows, fair=False), tmp_path / "careless.parquet")
    assure.audit(str(tmp_path / "careless.parquet"), tmp_path / "people.parquet", kind="tabular", groups="group",
                 probes="fair/group", draws=200, out=tmp_path / "audit")  # fmt: skip
    assure.gate(tmp_path / "audit", example["POLICY"], out=tmp_path / "gate")
    outcome = incidents([tmp_path / "gate"], out=tmp_path / "story", project_key_file=tmp_path / "key")
    assert outcome.exit_code == 0
    found = pq.read_table(tmp_path / "story" / "records" / "incidents.parquet").to_pylist()
    assert {row["kind"] for row in found} == {"audit"}
    assert all(row["severity"] for row in found)
    said = (tmp_path / "story" / "story.md").read_text("utf-8")
    assert said.startswith("# Failed check at careless.parquet")
    assert "group: equal opportunity difference of group (between groups)" in said.replace("\\", "")
