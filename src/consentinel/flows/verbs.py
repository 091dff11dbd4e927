"""Verbs of flows: what a person can ask for that takes several rooms."""

from pathlib import Path

from consentinel.core.run import Outcome, Run

__all__ = ["incidents"]


def incidents(
    inputs: list[Path],
    *,
    out: Path = Path("runs/incidents"),
    story: str = "incident",
    columns: str = "",
    formats: str = "html,markdown",
    as_of: str = "",
    project_key_file: Path = Path(".consentinel/key"),
) -> Outcome:
    """Turn findings, failed audits or reports into incidents, grouped, with recommended mitigations and a cited story.

    Args:
        inputs: runs of detect scan, protect audit or assure gate, or files of reports as understand ingest reads them
        out: folder for the story and its pages, with a folder of each step inside
        story: part of understand/stories that is told, such as incident or weekly
        columns: what their columns are, for example text=description,opened=submitted; others are guessed from names
        formats: parts of understand/papers that the story is printed as: html, markdown, pdf
        as_of: day that the story is told of, as YYYY-MM-DD; without it the last day of the incidents
        project_key_file: file with the secret that digests are keyed with; made on first use
    """
    from consentinel.flows import incident_story

    asked = {"story": story, "columns": columns, "formats": formats, "as_of": as_of}
    with Run.open("flows.incidents", out / "flow", inputs=inputs, project_key_file=project_key_file, **asked) as run:
        return incident_story.told(run, inputs, out, project_key_file=project_key_file, **asked)
