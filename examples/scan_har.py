"""Scan recorded traffic from Python and ask the findings a question in SQL: who got what after a refusal?"""

from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from consentinel.detect.verbs import scan

RECORDING = Path(__file__).parent / "recorded" / "shop.test-reject.har.zst"
QUESTION = """
    SELECT type, count(DISTINCT recipient) AS recipients, sum(n)::BIGINT AS times
    FROM findings
    WHERE outcome = 'potential violation' AND consent_state = 'denied' AND type IS NOT NULL
    GROUP BY type ORDER BY recipients DESC, type
"""


def main() -> list[tuple[str, int, int]]:
    """Scan one recording and return (data type, recipients, times), most recipients first."""
    with TemporaryDirectory() as folder:
        outcome = scan([RECORDING], out=Path(folder) / "run", project_key_file=Path(folder) / "key", formats="json")
        findings = duckdb.read_parquet(str(outcome.tables["findings"]))
        return findings.query("findings", QUESTION).fetchall()


if __name__ == "__main__":
    for kind, recipients, times in main():
        print(f"{kind:22} {recipients:3} recipients {times:4} times")
