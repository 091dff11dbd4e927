"""SARIF 2.1.0 for code-scanning dashboards: what needs action and what could not be decided."""

import json
from pathlib import Path

from consentinel.core.sarif import sarif
from consentinel.detect.reports._claims import claims
from consentinel.detect.reports._result import Result, instant, place


def write(result: Result, out: Path) -> Path:
    """Write findings.sarif into OUT; what is allowed is left out, because dashboards would list it as an alert."""
    made, rules = claims(result)
    log = sarif(
        [claim for claim in made if claim.kind != "pass"],
        tool="consentinel",
        version=result.facts.version,
        rules=rules,
        gone=result.baseline.gone if result.baseline else (),
        started=instant(result.facts.started) if result.facts.started else None,
        notes=result.facts.notes,
    )
    return place(out, "findings.sarif", json.dumps(log, ensure_ascii=False, indent=1, allow_nan=False).encode())
