"""JSON for scripts: facts of the audit, every measure, what was not run, and the gate's judgements.

The document is one object: `schema` ("consentinel.audit/1"), `facts`, `measures` (the columns of AUDITS; an infinite
end is "inf" or "-inf"), `not_run`, `notes`, `examples` (of explanations), `policy` and `gate`. Keys are added within a
version, never renamed.
"""

import json
from pathlib import Path

from consentinel.assure.results import Result, as_json
from consentinel.core.run import atomic

__all__ = ["write"]


def write(result: Result, out: Path) -> Path:
    """Write audit.json into OUT."""
    with atomic(out / "audit.json") as beside:
        beside.write_text(json.dumps(as_json(result), indent=1, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")
    return out / "audit.json"
