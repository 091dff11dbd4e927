"""A Hugging Face model card: YAML front matter with a model index, and every number with its interval."""

import json
import math
from pathlib import Path

from consentinel.assure.reports._words import PILLARS, Q, about, figure, interval
from consentinel.assure.results import Result, Row
from consentinel.core.run import atomic
from consentinel.core.text import one_line

__all__ = ["write"]

TASKS = {
    "recsys": ("other", "Recommendation"), "ranking": ("text-ranking", "Ranking"),
    "vision": ("image-classification", "Image classification"), "text": ("text-classification", "Text classification"),
    "graph": ("graph-ml", "Node classification"), "tabular": ("tabular-classification", "Tabular classification"),
}  # fmt: skip
MOST = 60  # measures of a table on the card; the audit has all


def write(result: Result, out: Path, *, license: str = "", language: str = "") -> Path:
    """Write README.md into OUT; the front matter is YAML whose texts are JSON strings, which YAML reads as they are."""
    text = "\n".join([*_front(result, license, language), "", *_body(result)]) + "\n"
    with atomic(out / "README.md") as beside:
        beside.write_text(text, "utf-8")
    return out / "README.md"


def _front(result: Result, license: str, language: str) -> list[str]:
    facts = result.facts
    task, name = TASKS.get(facts.kind, ("other", "Other"))
    lines = ["---"]
    lines += [f"license: {_text(license)}"] if license else []
    lines += [f"language: {_text(language)}"] if language else []
    lines += [f"pipeline_tag: {task}"] if task != "other" else []
    lines += [
        "tags:",
        "- model-audit",
        "- consentinel",
        "model-index:",
        f"- name: {_text(facts.model or 'model')}",
        "  results:",
    ]
    lines += ["  - task:", f"      type: {task}", f"      name: {_text(name)}"]
    lines += [
        "    dataset:",
        f"      type: {_text(Path(facts.data).stem or 'data')}",
        f"      name: {_text(facts.data or 'data')}",
    ]
    lines += ["    metrics:"]
    known = [row for row in result.rows if row["value"] is not None and math.isfinite(row["value"])]
    for row in known:
        said = f"{row['metric']} ({about(row)})" if row["slice"] or row["against"] else str(row["metric"])
        lines += [f"    - type: {_text(row['metric'])}", f"      name: {_text(said)}", f"      value: {row['value']!r}"]
        ends = [row["low"], row["high"]]
        if all(isinstance(end, float) and math.isfinite(end) for end in ends):
            lines += ["      args:", f"        pillar: {row['pillar']}", f"        probe: {row['probe']}"]
            lines += [
                f"        confidence_level: {row['level']:g}",
                f"        confidence_interval: [{ends[0]!r}, {ends[1]!r}]",
            ]
    if not known:
        lines[-1] = "    metrics: []"
    return [*lines, "---"]


def _body(result: Result) -> list[str]:
    facts = result.facts
    lines = [f"# {_md(facts.model or 'Model')}", "", "## Evaluation", ""]
    lines += [
        f"Audited by Consentinel {facts.version} as a {facts.kind} model on {_md(facts.data)}: {facts.rows:,} rows of "
        f"{facts.units:,} units. Numbers in brackets are {100 * facts.level:g}% intervals over units. {Q}",
        "",
    ]
    if result.gate:
        words = {str(row["verdict"]) for row in result.gate}
        verdict = next(word for word in ("fail", "insufficient evidence", "pass") if word in words)
        lines += [f"Policy {_md(result.policy)}: **{verdict}**.", ""]
    for pillar, (title, note) in PILLARS.items():
        rows = [row for row in result.rows if row["pillar"] == pillar]
        lines += [f"### {title}", "", note, ""]
        if not rows:
            lines += ["Not measured.", ""]
            continue
        known = [row for row in rows if row["value"] is not None]
        shown = sorted(known, key=lambda row: (row["q"] is None, row["q"] or 0.0))[:MOST]
        lines += ["| measure | about | estimate | units | q |", "|---|---|---|---|---|", *map(_line, shown)]
        lines += ["", f"{len(known) - MOST} more are in the audit."] if len(known) > MOST else []
        lines += (
            ["", f"{len(rows) - len(known)} could not be measured on these data."] if len(rows) > len(known) else []
        )
        lines += [""]
    lines += ["## Limits", ""]
    lines += [f"- {_md(note)}" for note in result.notes]
    lines += [
        f"- {PILLARS[pillar][0]}, {probe.replace('_', ' ')}: not run, {_md(needs)}"
        for pillar, probe, needs in result.left
    ]
    lines += ["- Units are taken to be drawn independently from those that the model will meet."]
    if facts.claimed:
        lines += [f"- Claimed: epsilon {facts.claimed[0]:g} at delta {facts.claimed[1]:g}."]
    return lines


def _line(row: Row) -> str:
    return (
        f"| {_md(str(row['metric']).replace('_', ' '))} | {_md(about(row))} | {figure(row['value'])} "
        f"[{interval(row)}] | {row['n']:,} | {figure(row['q'])} |"
    )


def _md(text: str) -> str:
    """Return TEXT on one line without marks that Markdown or HTML would act on."""
    plain = one_line(str(text))
    for mark in "\\`*_[]<>|#":
        plain = plain.replace(mark, f"\\{mark}" if mark not in "<>" else "&lt;" if mark == "<" else "&gt;")
    return plain


def _text(text: str) -> str:
    return json.dumps(one_line(str(text)), ensure_ascii=False)
