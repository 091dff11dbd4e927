"""Takes every flow to a known tracker as there, whatever it holds, as a filter list does."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.core.contracts import Judge
from consentinel.core.modelfile import ModelFile
from consentinel.detect.judges._claim_features import answer

JUDGES = "claim"
VERSION = "1"
TRACKING = ("ad", "analytics", "marketing", "social")


@dataclass(frozen=True, slots=True)
class _FilterList:
    version: str = f"claim_filter_list {VERSION}"

    def judge(self, rows: pa.Table) -> pa.Table:
        """Return ANSWER for CLAIM_ROWS: the recipient's category in the entity map decides alone."""
        listed = pc.fill_null(pc.is_in(rows["category"], value_set=pa.array(TRACKING)), False)
        return answer(rows, listed.to_numpy().astype(np.float64), 0.0)


def open(model: ModelFile | None = None) -> Judge:
    """Return the judge; it needs no MODEL."""
    return _FilterList()
