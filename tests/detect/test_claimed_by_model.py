"""Violations that only a model claims become findings like those of rules, once each, with the reason in words."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from consentinel.core.modelfile import ModelFile
from consentinel.core.tables import CALLS, EVIDENCE, FINDINGS, TRAFFIC, check
from consentinel.detect import claimed_by_model, scanning
from consentinel.detect.modelled import CLAIMS
from tests.detect.made_traffic import findings, quiet, scanned, write
from tests.detect.made_visits import AD, DENIED, GRANTED, OTHER_AD, T0, consent, data, sighter, visits

CLAIM = {
    "subject": "shop.test", "recipient": AD, "type": "device.os", "consent_state": "denied", "needs": "opt_in",
    "party": "third", "purpose": "advertising", "category": "ad", "key": "ua.os", "carrier": "json", "n_requests": 3,
    "n_visits": 2, "outcome": "potential violation", "verdict": "potential violation", "p": 0.98, "undecided": False,
    "why": "ua.os held the same value in all 2 visits",
}  # fmt: skip
OS = {"type": "device.os", "key": "ua.os", "carrier": "json", "type_p": 0.2}
US = {"source": "gpc", "gpc": True}


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """Write the tables of a scan of three visits, one of them in California, and return the folder."""
    rows: list[dict[str, Any]] = [
        OS | {"visit_id": "a", "time": T0 + 5}, OS | {"visit_id": "a", "time": T0 + 9, "seq": 1},
        OS | {"visit_id": "a", "type": "device.locale", "key": "lang"},
        OS | {"visit_id": "a", "key": "os", "carrier": "query"},  # another field
        OS | {"visit_id": "a", "carrier": "header", "seq": 2},  # by the browser itself
        OS | {"visit_id": "c", "time": T0 + 7}, OS | {"visit_id": "b"},
        OS | {"visit_id": "a", "recipient": OTHER_AD}, {"visit_id": "g", "type": "device.id"},
    ]  # fmt: skip
    at = [
        {"visit_id": "a", "scenario": "reject"}, {"visit_id": "b", "region": "US-CA", "scenario": "gpc"},
        {"visit_id": "c", "scenario": "withdraw"}, {"visit_id": "g", "subject": "other.test"},
    ]  # fmt: skip
    told = [DENIED | {"visit_id": "a"}, US | {"visit_id": "b"}, DENIED | {"visit_id": "c"}, GRANTED | {"visit_id": "g"}]
    tables = {
        "visits": visits(*at), "data": data(*rows), "consent": consent(*told), "traffic": TRAFFIC.empty_table(),
        "calls": CALLS.empty_table(),
    }  # fmt: skip
    for name, table in tables.items():
        pq.write_table(table, tmp_path / f"{name}.parquet")
    return tmp_path


def found(
    scan: Path, *changes: dict[str, object], ruled: list[dict[str, object]] | None = None
) -> list[dict[str, Any]]:
    return every(scan, *changes, ruled=ruled)[1].to_pylist()


def every(
    scan: Path, *changes: dict[str, object], ruled: list[dict[str, object]] | None = None
) -> tuple[pa.Table, pa.Table, pa.Table]:
    claims = pa.Table.from_pylist([CLAIM | change for change in changes], CLAIMS)
    known = pa.Table.from_pylist(ruled or [], FINDINGS)
    before, new, behind = claimed_by_model.findings(claims, known, scan, sighter(), "r1")
    check(new, FINDINGS, "test"), check(before, FINDINGS, "test"), check(behind, EVIDENCE, "test")
    return before, new, behind


def test_a_property_that_no_rule_claims_is_a_finding_for_each_scenario(scan: Path) -> None:
    _, new, behind = every(scan, {})
    rows = {row["scenario"]: row for row in new.to_pylist()}
    assert set(rows) == {"reject", "withdraw"}
    row = rows["reject"]
    assert (row["rule"], row["proof"], row["outcome"]) == ("claim_model", "P3", "potential violation")
    assert (row["type"], row["recipient"], row["keys"], row["n"]) == ("device.os", AD, ["ua.os"], 2)
    assert (row["first"], row["last"], row["n_visits"]) == (T0 + 5, T0 + 9, 1)
    assert round(row["p"], 2) == 0.98
    assert row["severity"] in scanning.SEVERITIES
    assert row["basis"]
    assert "sent the operating system (field ua.os, in the body) to adnxs.com" in row["explanation"]
    assert row["explanation"].endswith("Model (p 0.98): ua.os held the same value in all 2 visits.")
    (record,) = [r for r in behind.to_pylist() if r["evidence_id"] in row["evidence_ids"]]
    assert all(said in record["record"] for said in ('"ua.os"', '"device.os"', '"denied"', '"reject"'))


def test_every_finding_has_evidence_of_the_field_that_the_reason_speaks_of(scan: Path) -> None:
    _, new, behind = every(scan, {}, {"type": "device.locale", "key": "lang"})
    known = {row["evidence_id"]: row["record"] for row in behind.to_pylist()}
    for row in new.to_pylist():
        assert row["evidence_ids"]
        assert all(f'"{row["keys"][0]}"' in known[one] for one in row["evidence_ids"])


def test_the_law_is_that_of_the_visits_that_the_claim_is_about(scan: Path) -> None:
    rows = found(scan, {}, {"consent_state": "opted_out", "needs": "opt_out"})
    basis = {row["consent_state"]: row["basis"] for row in rows}
    assert "ePrivacy" in basis["denied"]
    assert "Civ. Code" in basis["opted_out"]


@pytest.mark.parametrize(
    "change", [{"undecided": True}, {"verdict": "not there"}, {"verdict": "allowed"}, {"verdict": "no signal"}]
)
def test_what_is_not_decided_to_be_a_violation_is_none(scan: Path, change: dict[str, object]) -> None:
    assert found(scan, change) == []


def test_what_a_rule_claims_is_told_once(scan: Path) -> None:
    ruled = [{name: CLAIM[name] for name in claimed_by_model.UNIT}]
    rows = found(scan, {}, {"type": "device.locale", "key": "lang"}, ruled=ruled)
    assert [row["type"] for row in rows] == ["device.locale"]


def test_it_is_the_same_finding_in_a_later_run(scan: Path) -> None:
    one, two = found(scan, {}), found(scan, {"p": 0.9})
    assert [row["fingerprint"] for row in one] == [row["fingerprint"] for row in two]


def bundle(**more: object) -> dict[str, object]:
    plain = {"rule": "fingerprint_surface", "outcome": "potential violation", "type": "fingerprint.surface"}
    plain |= {"subject": "shop.test", "recipient": AD, "consent_state": "denied", "proof": "P4", "p": 0.6}
    return plain | {"explanation": "A sentence."} | more


def test_properties_are_named_in_the_fingerprint_that_they_belong_to(scan: Path) -> None:
    before, new, _ = every(scan, {}, {"type": "device.locale", "p": 0.9}, ruled=[bundle()])
    assert new.num_rows == 0
    (row,) = before.to_pylist()
    assert row["explanation"] == (
        "A sentence. Model: with it went the operating system (p 0.98), the language setting (p 0.90)."
    )
    assert (row["proof"], round(row["p"], 2)) == ("P4", 0.6)


def test_a_fingerprint_of_enough_sure_properties_is_as_sure_as_the_last_of_them(scan: Path) -> None:
    kinds = {"device.locale": 0.99, "device.screen": 0.97, "device.time_zone": 0.96, "device.browser": 0.93}
    changes = [{"type": kind, "p": p} for kind, p in kinds.items()]
    before, _, _ = every(scan, {}, *changes, ruled=[bundle()])
    (row,) = before.to_pylist()
    assert (row["proof"], round(row["p"], 2)) == ("P3", 0.96)


@pytest.mark.parametrize("other", [{"recipient": OTHER_AD}, {"consent_state": "before"}, {"outcome": "no signal"}])
def test_another_flow_or_an_open_one_hides_nothing(scan: Path, other: dict[str, object]) -> None:
    before, new, _ = every(scan, {}, ruled=[bundle(**other)])
    assert new.num_rows == 2
    assert before["explanation"].to_pylist() == ["A sentence."]


def test_an_identifier_is_no_part_of_a_fingerprint(scan: Path) -> None:
    assert found(scan, {}, {"type": "user.id"}, ruled=[bundle()]) == []
    pq.write_table(data(OS | {"visit_id": "a", "type": "user.id"}), scan / "data.parquet")
    assert [row["type"] for row in found(scan, {}, {"type": "user.id"}, ruled=[bundle()])] == ["user.id"]


class Everything:
    """A judge for which all that policy and consent forbid did happen."""

    version = "made 3"

    def judge(self, rows: pa.Table) -> pa.Table:
        n = rows.num_rows
        told = {"label": rows["outcome"], "p": pa.array([0.97] * n, pa.float32()), "undecided": [False] * n}
        return pa.table(told | {"why": ["made"] * n})


MODEL = ModelFile("made", "1", "test", {})


def test_a_scan_reports_them(leak: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "claim_judge", lambda run, models: (Everything(), MODEL))
    scanned(tmp_path, leak, models="default")
    told = [row for row in findings(tmp_path / "out") if row["rule"] == "claim_model"]
    assert told
    assert "Model (p 0.97): made." in (tmp_path / "out" / "report.html").read_text("utf-8")
    kept = set(pq.read_table(tmp_path / "out" / "evidence.parquet")["evidence_id"].to_pylist())
    assert all(row["evidence_ids"] and set(row["evidence_ids"]) <= kept for row in told)
    assert all(row["scenario"] and row["first"] and row["last"] for row in told)
    by_rules = {
        tuple(row[name] for name in claimed_by_model.UNIT)
        for row in findings(tmp_path / "out")
        if row["rule"] != "claim_model"
    }
    assert not by_rules & {tuple(row[name] for name in claimed_by_model.UNIT) for row in told}


def test_what_a_model_says_makes_no_clean_scan_incomplete(tmp_path: Path) -> None:
    clean = write(tmp_path / "in" / "quiet.har", quiet())
    outcome = scanned(tmp_path, clean, models="default")
    assert outcome.exit_code == scanned(tmp_path / "plain", clean).exit_code == 0
    assert "violations that no rule claims" in " ".join(outcome.text.split())
