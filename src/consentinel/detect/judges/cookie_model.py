"""Judges what a cookie is for by its name, the shape of its value, its lifetime and whose it is."""

from consentinel.core.contracts import Judge
from consentinel.core.modelfile import ModelFile
from consentinel.detect.judges._purpose_features import of_cookies
from consentinel.detect.judges._purpose_linear import opened
from consentinel.detect.judges._rows import COOKIE_ROWS

JUDGES = "cookie"
VERSION = "1"


def open(model: ModelFile | None = None) -> Judge:
    """Return the judge in MODEL; None: the one that ships with the package. Raises BadInput for another's model."""
    return opened(model, "cookie_model", COOKIE_ROWS, of_cookies)
