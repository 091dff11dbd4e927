"""Plain text for a terminal: the verdict, then one line per group of findings, most serious first."""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from consentinel.core.columns import values
from consentinel.core.finding_words import type_name
from consentinel.core.text import one_line
from consentinel.detect.reports._differences import lines
from consentinel.detect.reports._result import OUTCOMES, SEVERITIES, Result, place, ranked, reviewed, verdict
from consentinel.detect.reports._words import STATES

# At most so many lines of each group; what is left out is counted in its last line.
_LINES = {"critical": 15, "high": 12, "medium": 8, "low": 5, "no signal": 8, "closed": 5}
_COLOURS = {
    "critical": "bold red",
    "high": "red",
    "medium": "yellow",
    "low": "cyan",
    "no signal": "dim",
    "closed": "dim",
}
_HEADINGS = {"no signal": "undecided: no signal", "closed": "closed by review"}
_NARROWEST = 60


@dataclass
class _Line:
    """Findings that differ only in rule, field, carrier or scenario."""

    what: str
    whom: str
    owner: str
    when: str
    proof: str
    n: int = 0
    n_findings: int = 0
    n_new: int = 0


def write(result: Result, out: Path) -> Path:
    """Write findings.txt into OUT: 100 columns, no colour."""
    return place(out, "findings.txt", render(result, 100, False).encode())


def render(result: Result, width: int, colour: bool, report: str = "") -> str:
    """Return the report as lines of at most WIDTH columns; REPORT is where the full report lies."""
    held = io.StringIO()
    width = max(width, _NARROWEST)
    console = Console(
        file=held, width=width, force_terminal=colour, color_system="standard" if colour else None, highlight=False,
        markup=False, emoji=False, legacy_windows=False, no_color=not colour,
    )  # fmt: skip
    bad = result.outcomes()["potential violation"]
    console.print(Text(verdict(result), style="bold red" if bad else "bold"))
    console.print(Text(_read(result), style="dim"))
    if result.baseline is not None:
        console.print(Text(_compared(result)))
    if result.reviews is not None:
        console.print(Text(reviewed(result)))
    for name, group in _groups(result).items():
        if group:
            total = sum(line.n_findings for line in group)
            console.print()
            console.print(Text(f"{_HEADINGS.get(name, name)} ({total:,})", style=_COLOURS[name]))
            console.print(_table(name, group, width, marks=result.baseline is not None))
    if result.differences is not None:
        console.print()
        for said in lines(result.differences):
            console.print(Text(said))
    if result.facts.notes:
        console.print()
        for note in result.facts.notes:
            console.print(Text(f"note: {one_line(note)}", style="dim"))
    if report:
        console.print()
        console.print(Text(f"Full report: {one_line(report)}"), soft_wrap=True)
    return "\n".join(line.rstrip() for line in held.getvalue().splitlines()) + "\n"


def _read(result: Result) -> str:
    facts = result.facts
    said = (
        f"Read {facts.n_files:,} files, {facts.n_visits:,} visits, {facts.n_requests:,} requests to "
        f"{facts.n_recipients:,} recipients in {facts.seconds:.1f} s"
    )
    policy = " ".join(x for x in (one_line(facts.policy_name), one_line(facts.policy_region)) if x)
    return f"{said}; policy {policy}." if policy else f"{said}."


def _compared(result: Result) -> str:
    marks = [result.mark(value) for value in result.findings.column("fingerprint").to_pylist()]
    gone = len(result.baseline.gone) if result.baseline else 0
    return f"Against the baseline: {marks.count('new'):,} new, {marks.count('known'):,} known, {gone:,} gone."


def _groups(result: Result) -> dict[str, list[_Line]]:
    """Return the lines under each heading; findings that would read the same become one line."""
    groups: dict[str, dict[tuple[str, ...], _Line]] = {name: {} for name in (*SEVERITIES, "no signal", "closed")}
    names = ("finding_id", "outcome", "severity", "type", "recipient", "owner", "consent_state", "proof", "n")
    names += ("fingerprint",)
    findings = ranked(result.findings)
    columns = [values(findings.column(name)) for name in names]
    for id_, outcome, severity, kind, recipient, owner, state, proof, n, fingerprint in zip(*columns, strict=True):
        if outcome == "allowed":
            continue
        group = (severity if severity in SEVERITIES else "low") if outcome == OUTCOMES[0] else "no signal"
        group = "closed" if result.closed(id_) else group
        whom, company = one_line(recipient or "not known", 60), one_line(owner or "", 40)
        when = STATES.get(state, one_line(state, 30)) if state else "not known"
        line = _Line(type_name(kind), whom, company, when, one_line(proof or "", 2))
        line = groups[group].setdefault((line.what, line.whom, line.when, line.proof), line)
        line.n += n or 0
        line.n_findings += 1
        line.n_new += result.mark(fingerprint) == "new"
    return {name: list(lines.values()) for name, lines in groups.items()}


def _table(name: str, lines: list[_Line], width: int, *, marks: bool) -> Table:
    """Return the first lines of a group, at most as wide as WIDTH; the names share what the other columns leave."""
    kept, left = lines[: _LINES[name]], lines[_LINES[name] :]
    when, times = max(cell_len(line.when) for line in kept), max(cell_len(_times(line)) for line in kept)
    fixed = [min(when, 17), times, 2, *([3] if marks else [])]
    room = width - sum(fixed) - 2 * (len(fixed) + 1) - 2
    what = min(max(cell_len(line.what) for line in kept), room // 2)
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    for size in (what + 2, room - what, *fixed):
        table.add_column(width=size, no_wrap=True, overflow="ellipsis")
    table.columns[3].justify = "right"
    for line in kept:
        table.add_row(*_cells(line, room - what, marks))
    if left:
        hidden = sum(line.n_findings for line in left)
        table.add_row(Text(f"  … {hidden:,} more", style="dim"), Text("in the full report", style="dim"))
    return table


def _cells(line: _Line, room: int, marks: bool) -> Iterable[Text]:
    both = f"{line.whom} ({line.owner})"
    whom = both if line.owner and cell_len(both) <= room else line.whom
    mark = [Text("new" if line.n_new else "")] if marks else []
    return [Text(f"  {line.what}"), Text(whom), Text(line.when), Text(_times(line)), Text(line.proof), *mark]


def _times(line: _Line) -> str:
    return f"{line.n:,}x" if line.n else ""
