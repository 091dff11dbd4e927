"""Judges what a recipient is for by types, carriers, methods and resources alone: the linear baseline."""

from consentinel.core.contracts import Judge
from consentinel.core.modelfile import ModelFile
from consentinel.detect.judges._purpose_features import of_requests_without_keys
from consentinel.detect.judges._purpose_linear import opened
from consentinel.detect.judges._rows import PURPOSE_ROWS

JUDGES = "purpose"
VERSION = "1"


def open(model: ModelFile | None = None) -> Judge:
    """Return the judge in MODEL; None: the one that ships with the package. Raises BadInput for another's model."""
    return opened(model, "purpose_logistic", PURPOSE_ROWS, of_requests_without_keys)
