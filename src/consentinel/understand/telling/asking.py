"""What `understand tell` was asked for: a story, a check of one, or what a schedule says is due."""

from pathlib import Path

from consentinel.core.errors import UsageError
from consentinel.core.run import Outcome, Run
from consentinel.understand.telling.building import build
from consentinel.understand.telling.building import check as checked
from consentinel.understand.telling.completing import completer
from consentinel.understand.telling.timely import timely

__all__ = ["tell"]


def tell(
    run: Run, inputs: list[Path], *, story: str, as_of: str, formats: str, model: str, check: Path | None,
    schedule: Path | None, now: bool,
) -> Outcome:  # fmt: skip
    """Do what was asked; the arguments are those of the verb, CHECK is the folder to check. Raises UsageError."""
    if now and schedule is None:
        raise UsageError("--now tells what is due in a schedule; name its file with --schedule")
    if schedule is not None:
        if inputs or check:
            raise UsageError("a schedule names its own inputs; leave out the inputs and --check")
        return timely(run, schedule, now=now, as_of=as_of, complete=completer(model) if now else None)
    if not inputs:
        raise UsageError("name the folders of the runs that the story is told of, for example that of ingest")
    if check is not None:
        return checked(run, inputs, check)
    return build(run, inputs, story=story, as_of=as_of, formats=formats, complete=completer(model))
