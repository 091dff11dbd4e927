"""Purposes of recipients that the entity map does not know, told by a model from what they get, never from names.

A model frees nobody from asking: only advertising and analytics are taken from it, which need at least the consent that
an unknown recipient needs. What it takes for necessary or functional stays unknown. The map tells what a company does,
and a video platform buys advertisements too: where it certainly gets bid requests, it is for advertising.
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from consentinel.core.contracts import Judge
from consentinel.core.tables import DATA, TRAFFIC, check
from consentinel.detect.judges._purpose_rows import PurposeFields
from consentinel.detect.sightings import Sighter

__all__ = ["CERTAIN", "SURE", "TAKEN", "Purposes", "of_tables"]

TAKEN = ("advertising", "analytics")
SURE = 0.8  # a purpose less probable than this is none: taking a wrong one asks for more consent than is needed
CERTAIN = 0.95  # of advertising, to be taken where the entity map says functional, video or tag management
FEWEST = 3  # names of fields; fewer say too little of what a recipient is for


class Purposes:
    """Gathers what recipients of unknown or broad purpose get, and tells a SIGHTER what the JUDGE makes of it.

    A purpose is told once, from what was there when the judge was sure of it first; that does not change later.
    """

    def __init__(self, judge: Judge, sighter: Sighter) -> None:
        self._judge, self._sighter = judge, sighter
        self._settled: set[str] = set()
        self._fields = PurposeFields(lambda names: (sighter.unknown(names) | sighter.broad(names)) - self._settled)

    def batch(self, data: pa.Table, traffic: pa.Table | None) -> None:
        """Take DATA, recognised or not, and the TRAFFIC that it travelled in."""
        self._fields.batch(data, traffic)

    def settle(self) -> None:
        """Ask about all recipients of which enough is known."""
        rows = self._fields.rows()
        rows = rows.filter(pa.array([len(keys) >= FEWEST for keys in rows["keys"].to_pylist()], pa.bool_()))
        told = self._judge.judge(rows)
        columns = (rows["recipient"], told["label"], told["p"], told["undecided"])
        decided = {
            name: (label, p)
            for name, label, p, undecided in zip(*(column.to_pylist() for column in columns), strict=True)
            if not undecided and p >= SURE
        }
        self._settled |= decided.keys()
        self._fields.drop(decided)
        broad = self._sighter.broad(list(decided))
        self._sighter.told(
            {
                name: (label, p)
                for name, (label, p) in decided.items()
                if (label == "advertising" and p >= CERTAIN if name in broad else label in TAKEN)
            }
        )


def of_tables(scan: Path, purposes: Purposes) -> None:
    """Settle PURPOSES from the tables of the finished SCAN (a folder)."""
    with pq.ParquetFile(scan / "data.parquet") as source:
        for at in range(source.num_row_groups):
            purposes.batch(check(source.read_row_group(at), DATA, "detect.purposes"), None)
    purposes.batch(DATA.empty_table(), check(pq.read_table(scan / "traffic.parquet"), TRAFFIC, "detect.purposes"))
    purposes.settle()
