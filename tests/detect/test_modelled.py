"""What a model changes in the findings: hints only, with the reason in words; and `scan --models`."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from consentinel.core.errors import BadInput, UsageError
from consentinel.core.tables import FINDINGS
from consentinel.detect.judge import Judge
from consentinel.detect.judges._claim_features import NOT_THERE
from consentinel.detect.judges._claim_rows import FLOOR, ClaimFields
from consentinel.detect.judges._datum_answer import answer
from consentinel.detect.judges._rows import ANSWER, CLAIM_ROWS, DATUM_ROWS, TYPES
from consentinel.detect.modelled import CLAIMS, Candidates, applied
from consentinel.detect.shelves import RULES
from tests.detect.made_traffic import findings, record, scanned
from tests.detect.made_visits import AD, DENIED, consent, data, sighter, visits

UNIT = {"subject": "shop.test", "recipient": "adnxs.com", "type": "device.id", "consent_state": "denied"}


class Says:
    """A judge with one answer."""

    version = "made 1"

    def __init__(self, label: str, p: float, undecided: bool = False) -> None:
        self.answer = {"label": label, "p": p, "undecided": undecided, "why": "vid held one value in each of 4 visits"}

    def judge(self, rows: pa.Table) -> pa.Table:
        return pa.Table.from_pylist([self.answer] * rows.num_rows, ANSWER)


def after(judge: Says, proof: str = "P4", claims: int = 1) -> tuple[list[dict[str, Any]], pa.Table, str]:
    row = UNIT | {"proof": proof, "outcome": "potential violation", "explanation": "A sentence.", "p": 0.6}
    rows = pa.Table.from_pylist([UNIT | {"p_type": 0.6}] * claims, CLAIM_ROWS)
    left, told, sentence = applied(pa.Table.from_pylist([row], FINDINGS), rows, judge)
    assert told.schema.equals(CLAIMS)
    return left.to_pylist(), told, sentence


def test_a_hint_that_the_model_agrees_with_is_p3() -> None:
    (row,), told, sentence = after(Says("potential violation", 0.97))
    assert (row["proof"], row["outcome"], round(row["p"], 2)) == ("P3", "potential violation", 0.97)
    assert row["explanation"] == "A sentence. Model (p 0.97): vid held one value in each of 4 visits."
    assert told["verdict"].to_pylist() == ["potential violation"]
    assert "1 hints confirmed" in sentence


def test_a_hint_that_the_model_does_not_know_is_undecided() -> None:
    (row,), _, _ = after(Says("potential violation", 0.6, undecided=True))
    assert (row["proof"], row["outcome"]) == ("P4", "no signal")
    assert "Model (p 0.60)" in row["explanation"]


def test_a_hint_that_is_something_else_stays_in_the_claims_only() -> None:
    rows, told, sentence = after(Says(NOT_THERE, 0.02))
    assert rows == []
    assert told["verdict"].to_pylist() == [NOT_THERE]
    assert "1 taken out" in sentence


def test_a_contradicted_signal_proves_nothing_of_what_a_field_holds() -> None:
    found, claims, text = after(Says(NOT_THERE, 0.02), "P1")
    assert (found, len(claims)) == ([], 1)
    assert "1 taken out as something else" in text
    (row,), _, _ = after(Says(NOT_THERE, 0.4, undecided=True), "P1")
    assert (row["proof"], row["explanation"]) == ("P1", "A sentence.")


@pytest.mark.parametrize("proof", ["P0", "P2"])
def test_proof_is_not_the_models_to_judge(proof: str) -> None:
    (row,), _, _ = after(Says(NOT_THERE, 0.02), proof)
    assert (row["proof"], row["explanation"]) == (proof, "A sentence.")


def test_a_finding_without_a_claim_stays_as_it_is() -> None:
    (row,), told, _ = after(Says(NOT_THERE, 0.02), claims=0)
    assert row["proof"] == "P4"
    assert told.num_rows == 0


def test_a_scan_with_a_model_tells_claims_and_reasons(leak: Path, tmp_path: Path) -> None:
    pytest.importorskip("lightgbm", reason="needs consentinel[learn]")
    from consentinel.detect.verbs import train
    from tests.detect.made_claims import labels, scan

    train(scan(tmp_path / "scan"), labels=labels(tmp_path / "labels"), out=tmp_path / "t", risk=0.3)
    scanned(tmp_path, leak, models=str(tmp_path / "t" / "claim_model.model"))
    claims = pq.read_table(tmp_path / "out" / "claims.parquet")
    assert claims.schema.equals(CLAIMS)
    assert claims.num_rows > 0
    assert record(tmp_path / "out")["assumed"]["models"].startswith("claim_model 1 ")
    told = [row for row in findings(tmp_path / "out") if "Model (p" in row["explanation"]]
    assert "Model (p" in (tmp_path / "out" / "report.html").read_text("utf-8") or not told


def test_a_missing_model_is_told(leak: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--models"):
        scanned(tmp_path, leak, models="nothing.model")
    (tmp_path / "broken.model").write_bytes(b"no model")
    with pytest.raises(BadInput):
        scanned(tmp_path, leak, models=str(tmp_path / "broken.model"))


def test_without_models_there_are_no_claims(leak: Path, tmp_path: Path) -> None:
    scanned(tmp_path, leak)
    assert not (tmp_path / "out" / "claims.parquet").exists()


class Types:
    """A judge of data that is sure of one type and thinks little of another."""

    version = "made 2"

    def judge(self, rows: pa.Table) -> pa.Table:
        p = np.zeros((rows.num_rows, len(TYPES)), np.float32)
        p[:, TYPES.index("device.os")], p[:, TYPES.index("device.browser")] = 0.9, 2 * FLOOR
        return answer(p, np.full(len(TYPES), 0.5, np.float32), [None] * rows.num_rows, "made")


def test_types_below_the_threshold_are_candidates() -> None:
    rows = pa.Table.from_pylist([{"key": "a"}, {"key": "b"}], DATUM_ROWS)
    assert Types().judge(rows)["types"].to_pylist() == [["device.os"]] * 2
    told = Candidates(Types()).judge(rows)
    assert told["types"].to_pylist() == [["device.os", "device.browser"]] * 2
    assert told["types_p"].to_pylist()[0] == pytest.approx([0.9, 2 * FLOOR])
    assert Candidates(Types()).judge(rows.slice(0, 0)).num_rows == 0


def test_a_candidate_is_weighed_as_a_claim_and_claimed_by_no_rule() -> None:
    fields = ClaimFields()
    judge = Judge(sighter(), [RULES.take("device_identifier")], fields)
    weak = {"type": "user.id", "type_p": 0.1, "recipient": AD}
    judge.batch(visits({}), None, data({"type": "device.id", "recipient": AD}, weak), consent(DENIED))
    assert judge.findings()["type"].to_pylist() == ["device.id"]
    assert fields.rows()["type"].to_pylist() == ["device.id", "user.id"]
