"""JUnit XML for build servers: a failure for each potential violation, a skip for each that could not be decided."""

from pathlib import Path

from consentinel.core.sarif import junit
from consentinel.detect.reports._claims import claims
from consentinel.detect.reports._result import Result, place


def write(result: Result, out: Path) -> Path:
    """Write findings.junit.xml into OUT."""
    made, rules = claims(result)
    xml = junit(made, suite="consentinel", rules=rules, seconds=result.facts.seconds)
    return place(out, "findings.junit.xml", xml)
