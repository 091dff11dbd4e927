"""A contradicted scenario is a finding of its own, one for each subject and scenario."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from consentinel.core.evidence import verify
from consentinel.core.tables import EVIDENCE, FINDINGS, check
from consentinel.detect.choice_not_kept import claims
from consentinel.detect.policy import load
from consentinel.detect.verbs import scan
from tests.detect.made_traffic import entry, write
from tests.detect.made_visits import SITE, T0, Row, visits


def contradicted(scenario: str, n: int = 1, **more: object) -> list[Row]:
    plain = {"scenario": scenario, "scenario_proof": "contradicted"}
    return [plain | {"visit_id": f"{scenario}{i}", "started": T0 + i} | more for i in range(n)]


def test_equal_visits_are_one_finding_with_its_evidence() -> None:
    found, behind = claims(visits(*contradicted("reject", 5), *contradicted("withdraw")), load(), "r1")
    assert check(found, FINDINGS, "test").num_rows == 2
    row = found.to_pylist()[0]
    assert (row["rule"], row["proof"], row["outcome"], row["severity"]) == (
        "choice_not_kept", "P1", "potential violation", "high")  # fmt: skip
    assert (row["subject"], row["scenario"], row["consent_state"], row["n"]) == (SITE, "reject", "denied", 5)
    assert (row["first"], row["last"]) == (T0, T0 + 4)
    assert "everything was refused (in 5 visits)" in row["explanation"]
    assert "under " in row["explanation"]
    assert check(behind, EVIDENCE, "test").num_rows == 4
    assert not verify(behind)
    assert set(row["evidence_ids"]) <= set(behind["evidence_id"].to_pylist())


@pytest.mark.parametrize("scenario", ["accept", "gpc", "unknown"])
def test_what_harms_nobody_is_no_finding(scenario: str) -> None:
    found, behind = claims(visits(*contradicted(scenario)), load(), "r1")
    assert (found.num_rows, behind.num_rows) == (0, 0)


@pytest.mark.parametrize("proof", ["verified", "unknown", None])
def test_only_contradicted_scenarios_count(proof: str | None) -> None:
    assert claims(visits(*contradicted("reject", scenario_proof=proof)), load(), "r1")[0].num_rows == 0


def test_the_fingerprint_outlives_the_run() -> None:
    first, second = (claims(visits(*contradicted("no_action")), load(), run)[0].to_pylist()[0] for run in ("a", "b"))
    assert first["fingerprint"] == second["fingerprint"]
    assert first["finding_id"] != second["finding_id"]
    assert first["consent_state"] == "before"


def test_a_scan_tells_it(tmp_path: Path) -> None:
    meta = {"site": "shop.test", "scenario": "reject", "scenario_proof": "contradicted", "region": "EU"}
    page = {"id": "p1", "title": "https://shop.test/", "startedDateTime": "2025-10-09T10:00:00.000Z"}
    log = {"version": "1.2", "pages": [page], "entries": [entry("https://shop.test/", 0)], "_consentinel": meta}
    write(tmp_path / "visit.har", {"log": log})
    outcome = scan([tmp_path / "visit.har"], out=tmp_path / "out", project_key_file=tmp_path / "key")
    row = pq.read_table(tmp_path / "out" / "findings.parquet").to_pylist()[0]
    assert (row["rule"], row["subject"], row["type"]) == ("choice_not_kept", "shop.test", "consent.choice")
    assert set(row["evidence_ids"]) <= set(
        pq.read_table(tmp_path / "out" / "evidence.parquet")["evidence_id"].to_pylist()
    )
    assert outcome.exit_code == 1
    assert "recorded consent" in (tmp_path / "out" / "report.html").read_text("utf-8")
