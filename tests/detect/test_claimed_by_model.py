"""Violations that only a model claims become findings, once each, with the reason in words."""

from pathlib import Path

import pyarrow as pa
import pytest

from consentinel.core.tables import FINDINGS, check
from consentinel.detect import claimed_by_model, scanning
from consentinel.detect.modelled import CLAIMS
from tests.detect.made_traffic import findings, quiet, scanned, write
from tests.detect.made_visits import AD, policy, visits

CLAIM = {
    "subject": "shop.test", "recipient": AD, "type": "device.os", "consent_state": "denied", "needs": "opt_in",
    "party": "third", "purpose": "advertising", "category": "ad", "key": "ua.os", "carrier": "json", "n_requests": 3,
    "n_visits": 2, "outcome": "potential violation", "verdict": "potential violation", "p": 0.98, "undecided": False,
    "why": "ua.os held the same value in all 2 visits",
}  # fmt: skip


VISITS = visits({"visit_id": "a"}, {"visit_id": "b", "region": "US-CA", "scenario": "gpc"})


def found(*changes: dict[str, object], ruled: pa.Table | None = None) -> pa.Table:
    claims = pa.Table.from_pylist([CLAIM | change for change in changes], CLAIMS)
    known = FINDINGS.empty_table() if ruled is None else ruled
    return check(claimed_by_model.findings(claims, known, VISITS, policy(), "r1"), FINDINGS, "test")


def test_a_property_that_no_rule_claims_is_a_finding() -> None:
    (row,) = found({}).to_pylist()
    assert (row["rule"], row["proof"], row["outcome"]) == ("claim_model", "P3", "potential violation")
    assert (row["type"], row["recipient"], row["keys"], row["n"]) == ("device.os", AD, ["ua.os"], 3)
    assert round(row["p"], 2) == 0.98
    assert row["severity"] in scanning.SEVERITIES
    assert row["basis"]
    assert "sent the operating system (field ua.os, in JSON) to adnxs.com" in row["explanation"]
    assert row["explanation"].endswith("Model (p 0.98): ua.os held the same value in all 2 visits.")


def test_the_law_is_that_of_the_visits_that_the_claim_is_about() -> None:
    rows = found({}, {"consent_state": "opted_out", "needs": "opt_out"}).to_pylist()
    assert ["ePrivacy" in row["basis"] for row in rows] == [True, False]
    assert "Civ. Code" in rows[1]["basis"]


@pytest.mark.parametrize(
    "change", [{"undecided": True}, {"verdict": "not there"}, {"verdict": "allowed"}, {"verdict": "no signal"}]
)
def test_what_is_not_decided_to_be_a_violation_is_none(change: dict[str, object]) -> None:
    assert found(change).num_rows == 0


def test_what_a_rule_claims_is_told_once() -> None:
    ruled = found({})
    assert found({}, {"type": "device.locale"}, ruled=ruled)["type"].to_pylist() == ["device.locale"]


def test_it_is_the_same_finding_in_a_later_run() -> None:
    one, two = found({}), found({"key": "other", "carrier": "query", "p": 0.9})
    assert one["fingerprint"].to_pylist() == two["fingerprint"].to_pylist()


class Everything:
    """A judge for which all that policy and consent forbid did happen."""

    version = "made 3"

    def judge(self, rows: pa.Table) -> pa.Table:
        n = rows.num_rows
        told = {"label": rows["outcome"], "p": pa.array([0.97] * n, pa.float32()), "undecided": [False] * n}
        return pa.table(told | {"why": ["made"] * n})


def test_a_scan_reports_them(leak: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "claim_judge", lambda run, models: Everything())
    scanned(tmp_path, leak, models="default")
    told = [row for row in findings(tmp_path / "out") if row["rule"] == "claim_model"]
    assert told
    assert "Model (p 0.97): made." in (tmp_path / "out" / "report.html").read_text("utf-8")
    units = [tuple(row[name] for name in claimed_by_model.UNIT) for row in findings(tmp_path / "out")]
    mine = [tuple(row[name] for name in claimed_by_model.UNIT) for row in told]
    assert all(units.count(unit) == 1 for unit in mine)


def test_what_a_model_says_makes_no_clean_scan_incomplete(tmp_path: Path) -> None:
    clean = write(tmp_path / "in" / "quiet.har", quiet())
    outcome = scanned(tmp_path, clean, models="default")
    assert outcome.exit_code == scanned(tmp_path / "plain", clean).exit_code == 0
    assert "violations that no rule claims" in " ".join(outcome.text.split())
