"""Takes the purpose of a recipient from the entity map: the baseline, which knows names and nothing else."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from consentinel.core.contracts import Judge
from consentinel.core.modelfile import ModelFile
from consentinel.core.tables import check
from consentinel.detect.judges._purpose_linear import FROM_MAP
from consentinel.detect.judges._rows import ANSWER, PURPOSE_ROWS
from consentinel.detect.parties import lookup

JUDGES = "purpose"
VERSION = "1"


@dataclass(frozen=True, slots=True)
class _Table:
    version: str = f"purpose_table {VERSION}"

    def judge(self, rows: pa.Table) -> pa.Table:
        """Return ANSWER for PURPOSE_ROWS: what the map says of the recipient; undecided where it says nothing."""
        check(rows, PURPOSE_ROWS, "detect.purposes")
        hosts = rows["recipient"].to_pylist()
        names = sorted(set(hosts))
        by_host = dict(zip(names, lookup(names)["purpose"].to_pylist(), strict=True))
        known = [by_host[host] for host in hosts]
        said = [FROM_MAP.get(purpose) for purpose in known]
        open_ = np.array([purpose is None for purpose in said], bool)
        why = ["the entity map does not know" if at is None else f"the entity map says {at}" for at in known]
        labels = pa.array([purpose or "functional" for purpose in said], pa.string())
        p = pa.array(np.where(open_, 0.25, 1.0).astype(np.float32))
        return pa.table([labels, p, pa.array(open_), pa.array(why, pa.string())], schema=ANSWER)


def open(model: ModelFile | None = None) -> Judge:
    """Return the judge; it needs no MODEL."""
    return _Table()
