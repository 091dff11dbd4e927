"""Results of every size for the reports, and one with hostile text in every field."""

import pytest

from consentinel.detect.reports._result import Result
from tests.detect.reports.made_scans import HOSTILE, build, finding, hostile, many


@pytest.fixture(params=["none", "one", "many", "hostile"])
def result(request: pytest.FixtureRequest) -> Result:
    """Results with no finding, one, 400, and hostile ones; the last two against a baseline."""
    rows = {"none": [], "one": [finding(0)], "many": many(400), "hostile": hostile()}[request.param]
    notes = () if request.param == "none" else ("3 entries of page.har were unreadable", *HOSTILE)
    return build(rows, baseline=request.param in ("many", "hostile"), notes=notes)
