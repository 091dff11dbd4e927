"""Judges a datum by the recognisers alone: one type at most, with their probability."""

import numpy as np
import pyarrow as pa

from consentinel.core.contracts import Judge
from consentinel.core.errors import UsageError
from consentinel.core.modelfile import ModelFile
from consentinel.detect.judges._datum_answer import answer
from consentinel.detect.judges._datum_linear import recognised
from consentinel.detect.judges._rows import TYPES

JUDGES = "datum"
VERSION = "1"
SAID = 1e-6  # whatever a recogniser says counts


def open(model: ModelFile | None = None) -> Judge:
    """Return the judge; it has no model. Raises UsageError when given one."""
    if model is not None:
        raise UsageError("datum_rules decides without a model; leave it out, or choose datum_model")
    return _Rules()


class _Rules:
    version = f"datum_rules {VERSION}"

    def judge(self, rows: pa.Table) -> pa.Table:
        """Return DATUM_ANSWER for DATUM_ROWS."""
        said = rows["type"].cast(pa.string()).to_pylist()
        return answer(recognised(rows), np.full(len(TYPES), SAID, np.float32), said, "by key and value")
