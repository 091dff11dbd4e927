"""Parquet for analysis: the findings table as it is, with its types."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from consentinel.core.tables import FINDINGS, check
from consentinel.detect.reports._result import Result, place, ranked


def write(result: Result, out: Path) -> Path:
    """Write findings.parquet into OUT."""
    held = pa.BufferOutputStream()
    pq.write_table(ranked(check(result.findings, FINDINGS, "reports.parquet")), held, compression="zstd")
    return place(out, "findings.parquet", held.getvalue().to_pybytes())
