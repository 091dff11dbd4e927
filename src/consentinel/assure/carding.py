"""What `assure card` does: a model card from a finished audit, with what only its owner knows."""

from dataclasses import replace
from pathlib import Path

from consentinel.assure.reports import card as written
from consentinel.assure.results import opened
from consentinel.core.errors import UsageError
from consentinel.core.run import Outcome, Run

__all__ = ["card"]


def card(run: Run, audit: Path, *, name: str, license: str, language: str, dataset: str) -> Outcome:
    """Write README.md from AUDIT. Raises BadInput, UsageError."""
    result = opened(audit)
    if not result.rows:
        raise UsageError("the audit measured nothing, so there is no card to write")
    about = {"license": license, "language": language}
    facts = replace(result.facts, model=name or result.facts.model, data=dataset or result.facts.data)
    file = written.write(replace(result, facts=facts), run.out, **{key: text for key, text in about.items() if text})
    return Outcome(run, 0, {"card": run.kept(file)}, f"{file.name}: {len(result.rows):,} measures of {facts.model}")
