"""The recorder of the proving range makes evidence in a real browser that the scanner reads and judges rightly."""

import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from consentinel.detect.verbs import scan

pytestmark = pytest.mark.real

RANGE = Path(__file__).parents[2] / "range"
MINUTES = 4


def recorded(folder: Path, visit: str) -> Path:
    node = shutil.which("node")
    assert node, "Node.js 20 or newer is needed: install it"
    assert (RANGE / "node_modules").is_dir(), "the packages of the range are missing: run `make node`"
    done = subprocess.run(
        [node, "record.mjs", "--out", str(folder), "--only", visit],
        cwd=RANGE, env=dict(os.environ), capture_output=True, text=True, timeout=60 * MINUTES, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return next(folder.glob("*.har*"))


@pytest.mark.parametrize(("visit", "expected"), [("library.test:reject", 0), ("shop.test:reject", 1)])
def test_a_fresh_recording_is_judged_as_the_site_was_built(tmp_path: Path, visit: str, expected: int) -> None:
    har = recorded(tmp_path / "har", visit)
    out = tmp_path / "out"
    found = scan([har], out=out, project_key_file=tmp_path / "key", formats="json")
    findings = pq.read_table(out / "findings.parquet").to_pylist()
    bad = Counter(f["recipient"] for f in findings if f["outcome"] == "potential violation")
    assert found.exit_code == expected, bad
    proofs = pq.read_table(out / "visits.parquet")["scenario_proof"].to_pylist()
    assert proofs == ["verified"]
    if expected:
        assert {"posthog.test", "visitor-id.test"} <= set(bad)
    else:
        assert not bad


def test_a_missing_browser_is_said_clearly(tmp_path: Path) -> None:
    node = shutil.which("node")
    assert node, "Node.js 20 or newer is needed: install it"
    done = subprocess.run(
        [node, "record.mjs", "--out", str(tmp_path), "--only", "library.test:reject"],
        cwd=RANGE, env=dict(os.environ) | {"CONSENTINEL_CHROMIUM": str(tmp_path / "none")},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "Chromium" in done.stderr or "browser" in done.stderr
