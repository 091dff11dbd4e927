"""What `assure gate` does: reads an audit and a policy, judges, keeps the judged table, JSON, JUnit and SARIF."""

from pathlib import Path

import pyarrow as pa

from consentinel.assure import gating
from consentinel.assure.results import opened
from consentinel.assure.shelves import REPORTS
from consentinel.core.run import Outcome, Run
from consentinel.core.tables import AUDITS

__all__ = ["gate"]


def gate(run: Run, audit: Path, policy: Path) -> Outcome:
    """Judge AUDIT by POLICY. Raises UsageError, BadInput."""
    rules = gating.read(run.read(policy))
    result = opened(audit)
    found = gating.judged(result, rules)
    result = gating.marked(result, found, rules)
    files = {"audits": run.keep("audits", pa.Table.from_pylist(list(result.rows), AUDITS))}
    files |= {"json": run.kept(REPORTS.take("json").write(result, run.out)), **gating.written(run, result)}
    run.assume(policy=rules.name, model=result.facts.model, adjust=rules.adjust)
    return Outcome(run, gating.exit_code(found), files, gating.told(result))
