"""The Parquet report: the findings as they are."""

from pathlib import Path

import pyarrow.parquet as pq

from consentinel.core.tables import FINDINGS
from consentinel.detect.reports import parquet
from consentinel.detect.reports._result import Result, ranked


def test_it_reads_back_the_same(result: Result, tmp_path: Path) -> None:
    back = pq.read_table(parquet.write(result, tmp_path))
    assert back.schema.names == FINDINGS.names
    assert back.to_pylist() == ranked(result.findings).to_pylist()
