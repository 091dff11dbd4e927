"""Judges a datum by a logistic regression over the last name of its key: the linear baseline."""

from consentinel.core.contracts import Judge
from consentinel.core.modelfile import ModelFile
from consentinel.detect.judges._datum_linear import opened

JUDGES = "datum"
VERSION = "1"


def open(model: ModelFile | None = None) -> Judge:
    """Return the judge in MODEL; None: the one that ships with the package. Raises BadInput for another's model."""
    return opened(model, "datum_logistic")
