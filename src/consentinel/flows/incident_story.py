"""From findings to a story: ingest, group, recommend (or forecast), tell; a step that cannot be done is left out."""

from collections.abc import Callable
from pathlib import Path

from consentinel.core.errors import MissingExtra, NotSupported, UsageError
from consentinel.core.run import Outcome, Run
from consentinel.understand import verbs as understand

__all__ = ["told"]

# Story -> the steps whose tables it tells of, beside those of ingest.
STEPS = {"incident": ("groups", "mitigations"), "weekly": ("groups", "mitigations", "forecast")}
_DO: dict[str, Callable[[Path, Path], Outcome]] = {
    "forecast": lambda records, to: understand.forecast(records, out=to),
    "groups": lambda records, to: understand.group(records, out=to),
    "mitigations": lambda records, to: understand.recommend([records], out=to),
}


def told(
    run: Run,
    inputs: list[Path],
    out: Path,
    *,
    story: str,
    columns: str,
    formats: str,
    as_of: str,
    project_key_file: Path,
) -> Outcome:
    """Return the outcome of the story of INPUTS, told from tables in folders of OUT, one for each step.

    A step whose extra is not installed is left out, and the story says so. Raises what ingest and tell raise.
    """
    records = out / "records"
    first = understand.ingest(inputs, out=records, columns=columns, project_key_file=project_key_file)
    folders, lines = [records], [first.text]
    for name in STEPS.get(story, STEPS["incident"]):
        try:
            done = _DO[name](records, out / name)
        except (MissingExtra, NotSupported, UsageError) as why:
            run.note(f"{name} are missing: {why}")
            lines.append(run.notes[-1])
        else:
            folders.append(out / name)
            lines.append(done.text)
    last = understand.tell(folders, out=out, story=story, formats=formats, as_of=as_of)
    run.assume(steps=[folder.name for folder in folders])
    return Outcome(run, last.exit_code, last.tables, "\n".join([*lines, last.text]))
