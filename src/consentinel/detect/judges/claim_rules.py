"""Takes what the rules found as the verdict: a claim that no rule makes is not there."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.core.contracts import Judge
from consentinel.core.modelfile import ModelFile
from consentinel.detect.judges._claim_features import answer

JUDGES = "claim"
VERSION = "1"


@dataclass(frozen=True, slots=True)
class _Rules:
    version: str = f"claim_rules {VERSION}"

    def judge(self, rows: pa.Table) -> pa.Table:
        """Return ANSWER for CLAIM_ROWS: certain where a rule claims the row, and nowhere undecided."""
        return answer(rows, pc.is_valid(rows["rule_outcome"]).to_numpy().astype(np.float64), 0.0)


def open(model: ModelFile | None = None) -> Judge:
    """Return the judge; it needs no MODEL."""
    return _Rules()
