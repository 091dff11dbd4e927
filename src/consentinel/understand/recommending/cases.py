"""Cases: incidents, what was known of them and what was done, from INCIDENTS and TEXTS or our scans and audits."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from consentinel.core.columns import values
from consentinel.core.errors import BadInput, UsageError
from consentinel.core.run import Run
from consentinel.core.tables import INCIDENTS, TEXTS, check
from consentinel.core.text import one_line
from consentinel.understand.recommending.actions import Rule, done, told
from consentinel.understand.shelves import SOURCES
from consentinel.understand.sources._asking import PART, Asking

__all__ = ["JUDGED", "Case", "cases", "day_of", "fields"]

JUDGED = ("finding", "audit")  # their text says what a program found, never what was done


@dataclass(frozen=True)
class Case:
    """One incident: what was known of it before anything was done, and what was done, where the source says it."""

    incident_id: str
    kind: str
    title: str
    subject: str
    text: str  # of what happened
    fields: tuple[str, ...]  # "category=Theft", "people=10^3"
    classes: tuple[str, ...]  # that a rule may answer
    day: int | None  # since 1970-01-01
    owner: str
    done: tuple[str, ...]  # names of mitigations; empty where nothing is known


def cases(run: Run, paths: Sequence[Path], rules: Sequence[Rule]) -> list[Case]:
    """Return the cases in PATHS: incidents.parquet with texts.parquet beside it, findings.parquet or audits.parquet, or
    folders of runs with any of them. Raises BadInput and UsageError; an id that comes again counts once."""
    found: dict[str, Case] = {}
    for path in paths:
        files = [path]
        if path.is_dir():
            files = [f for name in ("incidents", "findings", "audits") if (f := path / f"{name}.parquet").is_file()]
            if not files:
                raise UsageError(
                    f"{path.name}: no incidents.parquet, findings.parquet or audits.parquet in this folder"
                )
        for file in files:
            for case in _read(run, file, rules):
                found.setdefault(case.incident_id, case)
    return list(found.values())


def _read(run: Run, file: Path, rules: Sequence[Rule]) -> list[Case]:
    run.read(file)
    try:
        names = set(pq.read_schema(file).names)
    except (OSError, pa.ArrowException):
        raise BadInput("is not a Parquet file", where=file.name, todo="Ingest it first") from None
    if {"incident_id", "source_id", "text_id"} <= names:
        return _incidents(run, file, rules)
    for kind, part in (("finding", "findings"), ("audit", "audits")):
        if SOURCES.take(part).fits(file):
            return _ours(run, file, kind, part)
    raise UsageError(f"{file.name}: these columns are no incidents, findings or audits; `understand ingest` makes them")


def _incidents(run: Run, file: Path, rules: Sequence[Rule]) -> list[Case]:
    table = check(pq.read_table(file), INCIDENTS, file.name)
    beside = file.with_name("texts.parquet")
    written: dict[str, str] = {}
    if beside.is_file():
        texts = check(pq.read_table(run.read(beside)), TEXTS, beside.name)
        written = dict(zip(values(texts["text_id"]), values(texts["text"]), strict=True))
    made = []
    for row in table.drop_columns(["run_id"]).to_pylist():
        text = written.get(row["text_id"] or "", "")
        actions: tuple[str, ...] = ()
        if row["kind"] not in JUDGED:
            narrative = told(text, rules)
            text, both = narrative.before, {*narrative.actions, *done(row["action"] or "", rules)}
            actions = tuple(rule.name for rule in rules if rule.name in both)
        classes = [row["category"], *(row["labels"] or ())]
        made.append(Case(
            row["incident_id"], row["kind"] or "", row["title"] or "", row["subject"] or "", text, fields(row),
            tuple(one for one in classes if one), None if row["opened"] is None else row["opened"] // 86_400_000_000,
            row["owner"] or "", actions,
        ))  # fmt: skip
    return made


def fields(row: dict[str, Any]) -> tuple[str, ...]:
    """Return what ROW of INCIDENTS says beside its text, as names and values."""
    said = [f"kind={row['kind']}"]
    said += [f"category={one.strip()}" for one in (row["category"] or "").split(",") if one.strip()]
    said += [f"{name}={row[name]}" for name in ("severity", "region") if row[name]]
    said += [f"{name}={one}" for name in ("labels", "data_types") for one in row[name] or ()]
    if row["people"]:
        said.append(f"people=10^{math.log10(row['people']) // 0.5 / 2:g}")
    for fact in row["facts"] or ():
        said += [f"{fact['name']}={one.strip()[:40]}" for one in (fact["value"] or "").split(",") if one.strip()]
    return tuple(one_line(one, 90) for one in said)


def _ours(run: Run, file: Path, kind: str, part: str) -> list[Case]:
    """Return the cases in a table of our own findings or audits, read by the source that ingests them."""
    source, asking, made = SOURCES.take(part), Asking(), []
    for batch in source.read(file, asking):
        columns = {name: batch[theirs].to_pylist() if theirs in batch.column_names else [None] * batch.num_rows
                   for name, theirs in source.COLUMNS.items()}  # fmt: skip
        for at in range(batch.num_rows):
            row = {name: column[at] for name, column in columns.items()}
            classes = [row["category"], *(row.get("labels") or "").split(PART)]
            names = ("source_id", "title", "subject", "text")
            source_id, title, subject, text = (row.get(name) or "" for name in names)
            made.append(_judged(kind, source_id, title, subject, text, classes))
    for note in asking.notes:
        run.note(note)
    return made


def _judged(kind: str, source_id: str, title: str, subject: str, text: str, classes: Sequence[Any]) -> Case:
    known = tuple(one for one in classes if one)
    return Case(source_id, kind, one_line(title, 200), subject, text,
                tuple(f"category={one}" for one in known), known, None, "", ())  # fmt: skip


def day_of(case: Case) -> str:
    """Return the day of CASE as YYYY-MM-DD; empty where it is not known."""
    return "" if case.day is None else str(np.datetime64(case.day, "D"))
