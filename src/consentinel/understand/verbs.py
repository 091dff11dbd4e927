"""Verbs of understand: what a person can ask of incidents, reviews, requests and policies."""

from pathlib import Path
from typing import Any, Literal

from consentinel.core.run import Outcome, Run
from consentinel.core.state import shown

__all__ = ["ingest"]


def ingest(
    inputs: list[Path],
    *,
    out: Path = Path("runs/ingest"),
    kind: Literal["incident", "review", "request", "app_review", "policy", "story"] = "incident",
    source: str = "",
    database: str = "",
    columns: str = "",
    facts: str = "",
    dates: Literal["auto", "day-first", "month-first"] = "auto",
    quality: Path | None = None,
    project_key_file: Path = Path(".consentinel/key"),
) -> Outcome:
    """Read incidents, requests, reviews and policies, mask personal data in them, and check their quality.

    Ends in 1 when a quality gate fails and in 3 when there are too few records to judge; what was read is kept.

    Args:
        inputs: files (CSV, JSON, JSONL, Parquet, VERIS, SQL) or folders of runs of this program
        out: folder for the incidents, texts, quality checks and run.json
        kind: what the records are; scans and audits of this program say it themselves
        source: part of understand/sources that reads; found from the inputs where none is named
        database: SQLite or DuckDB file, or postgresql://USER@HOST/DATABASE, that the SELECT of a .sql file is for
        columns: what their columns are, for example text=description,opened=submitted; others are guessed from names
        facts: further columns to keep with each incident, separated by commas
        dates: order in dates such as 03/04/2026; auto tells it from days that no month can be, or refuses
        quality: TOML file of gates: the largest shares, the fewest records, the categories that are known
        project_key_file: file with the secret that digests are keyed with; made on first use
    """
    from consentinel.understand import ingesting

    asked: dict[str, Any] = {
        "kind": kind, "source": source, "columns": columns, "facts": facts, "dates": dates, "quality": quality,
        "project_key_file": project_key_file,
    }  # fmt: skip
    with Run.open("understand.ingest", out, inputs=inputs, database=shown(database), **asked) as run:
        return ingesting.ingest(run, inputs, database=database, **asked)
