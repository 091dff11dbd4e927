"""What a scan of the recorded traffic has to find. Write the table again with: python -m tests.golden.recorded"""

import csv
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq

from consentinel.detect.verbs import scan

ROOT = Path(__file__).parents[2]
RECORDED = ROOT / "examples" / "recorded"
TABLE = Path(__file__).with_suffix(".csv")
COLUMNS = [
    "subject",
    "scenario",
    "rule",
    "recipient",
    "type",
    "carrier",
    "consent_state",
    "outcome",
    "proof",
    "severity",
]


def scanned(folder: Path) -> tuple[pa.Table, pa.Table]:
    """Scan the recorded traffic into FOLDER; return FINDINGS and CONSENT."""
    out = folder / "out"
    scan([RECORDED], out=out, planted=RECORDED / "planted.toml", project_key_file=folder / "key", formats="json")
    return pq.read_table(out / "findings.parquet"), pq.read_table(out / "consent.parquet")


def claims(findings: pa.Table) -> list[tuple[str, ...]]:
    """Return the claims of FINDINGS as sorted rows of COLUMNS, null as an empty text."""
    return sorted(tuple(row[name] or "" for name in COLUMNS) for row in findings.select(COLUMNS).to_pylist())


def expected() -> list[tuple[str, ...]]:
    """Return the rows of the committed table."""
    with TABLE.open(newline="", encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    assert head == COLUMNS
    return [tuple(row) for row in rows]


def main() -> None:
    """Write the table from a scan."""
    with TemporaryDirectory() as folder:
        findings, _ = scanned(Path(folder))
    with TABLE.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *claims(findings)])


if __name__ == "__main__":
    main()
