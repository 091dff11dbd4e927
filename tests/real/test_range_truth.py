"""The truth runner of the proving range keeps evidence for the scanner and the truth about it, and it resumes."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import zstandard

from consentinel.detect.verbs import scan

pytestmark = pytest.mark.real

RANGE = Path(__file__).parents[2] / "range"
MINUTES = 4
SITE = "lantern-basket.test"  # a clean site with a consent manager: few requests, hence quick
VISIT = f"{SITE}~reject~r00"


def visits(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    node = shutil.which("node")
    assert node, "Node.js 20 or newer is needed: install it"
    assert (RANGE / "node_modules").is_dir(), "the packages of the range are missing: run `make node`"
    return subprocess.run(
        [node, "truth/run.mjs", "--out", str(folder), "--repeats", "1", "--workers", "1", *more],
        cwd=RANGE, env=dict(os.environ), capture_output=True, text=True, timeout=60 * MINUTES, check=False,
    )  # fmt: skip


def truth_lines(path: Path) -> list[dict[str, Any]]:
    with path.open("rb") as packed:
        text = zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True).read()
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("range")
    done = visits(folder, "--sites", SITE, "--scenarios", "reject")
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-1000:]
    return folder


def test_the_truth_says_who_was_there_and_what_was_chosen(run: Path) -> None:
    about, *lines = truth_lines(run / "truth" / f"{VISIT}.truth.ndjson.zst")
    assert about["what"] == "visit"
    assert about["visit_id"] == VISIT
    assert about["proof"] == "verified"
    assert set(about["profile"]["levels"]) == set(about["profile"]["values"])
    times = [line["t"] for line in lines]
    assert times == sorted(times)
    said = [(line["by"], line["state"]) for line in lines if line["what"] == "consent"]
    assert ("act", "unset") in said
    assert ("act", "denied") in said
    assert said[-1] == ("cmp", "denied")
    signed_in = next(line for line in lines if line["what"] == "send" and line["url"].endswith("/api/login"))
    assert about["profile"]["values"]["email"] in signed_in["body"]
    assert signed_in["component"] == "site"
    hosts = {line["url"].split("/")[2] for line in lines if line["what"] == "request"}
    assert SITE in hosts
    read = {line["prop"] for line in lines if line["what"] == "read" and line["component"] == "site"}
    assert {"latitude", "longitude"} <= read


def test_the_device_that_the_pages_saw_is_the_one_that_was_drawn(run: Path) -> None:
    about, *lines = truth_lines(run / "truth" / f"{VISIT}.truth.ndjson.zst")
    values = about["profile"]["values"]
    security = next(entry["component"] for entry in about["components"] if entry["purpose"] == "security")
    check = next(line for line in lines if line["what"] == "send" and line["component"] == security)
    signs = json.loads(check["body"])["signs"]
    assert signs["cores"] == values["cores"]
    assert signs["memory"] == values["memory"]
    assert signs["languages"] == values["languages"]
    assert signs["zone"] == values["timezone"]
    assert signs["gpu"] == values["webgl"]["renderer"]
    assert signs["screen"] == [values["screen"]["width"], values["screen"]["height"], values["screen"]["depth"]]
    assert values["ua_version"] in signs["ua"]


def test_the_scanner_reads_the_evidence(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    scan([run / "visits"], out=out, project_key_file=tmp_path / "key", formats="json")
    columns = ["subject", "scenario", "scenario_proof"]
    kept = pq.read_table(out / "visits.parquet", columns=columns).to_pylist()
    assert [tuple(visit.values()) for visit in kept] == [(SITE, "reject", "verified")]


def test_a_visit_that_is_kept_is_not_made_again(run: Path) -> None:
    kept = run / "visits" / f"{VISIT}.har.zst"
    before = kept.stat().st_mtime_ns
    done = visits(run, "--sites", SITE, "--scenarios", "reject")
    assert done.returncode == 0, done.stderr[-1000:]
    assert "1 of them already made" in done.stdout
    assert kept.stat().st_mtime_ns == before


def test_a_site_that_does_not_exist_is_refused_with_those_that_do(tmp_path: Path) -> None:
    done = visits(tmp_path, "--sites", "nowhere.test")
    assert done.returncode == 1
    assert "nowhere.test" in done.stderr
    assert SITE in done.stderr
