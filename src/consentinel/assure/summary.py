"""An audit in a few lines for a terminal: what stands out, what could not be measured, what was not run and why."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from consentinel.assure.gating import told as gate_told
from consentinel.assure.results import Result, Row, whom

__all__ = ["line", "told"]

MOST = 16


def line(row: Row) -> str:
    """Return one measure with its interval in words."""
    about = whom(row)
    said = f"{row['value']:.4g} [{row['low']:.4g}, {row['high']:.4g}]" if row["value"] is not None else row["why"]
    return f"{row['pillar']}/{row['probe']}: {row['metric']}{f' ({about})' if about else ''} {said}"


def told(result: Result) -> str:
    """Return what the audit RESULT found: of each probe what it shows most surely, and one reason of each kind."""
    facts, rows = result.facts, result.rows
    shown = sorted((row for row in rows if row["q"] is not None and row["q"] <= 1 - facts.level), key=lambda r: r["q"])
    tested = sum(row["q"] is not None for row in rows)
    none = [row for row in rows if row["value"] is None]
    head = f"{facts.model}, {facts.kind}, came in as {facts.way}: {facts.rows:,} rows of {facts.units:,} units"
    lines = [head, f"{len(rows) - len(none):,} measures; {len(shown):,} of {tested:,} that were tested show an effect"]
    lines += _each(shown, lambda row: row["probe"], lambda row: f"{line(row)} {_q(row['q'])}")
    if none:
        lines.append(f"{len(none):,} could not be measured:")
        lines += _each(none, lambda row: (row["probe"], row["why"]), line)
    if result.left:
        many = "1 probe was" if len(result.left) == 1 else f"{len(result.left):,} probes were"
        lines.append(f"{many} not run ({facts.way}: {facts.allows}):")
        lines += [f"  {pillar}/{probe} {needs}" for pillar, probe, needs in result.left]
    lines += [f"note: {note}" for note in result.notes]
    if result.gate:
        lines.append(gate_told(result))
    return "\n".join(lines)


def _each(rows: Sequence[Row], key: Callable[[Row], Any], said: Callable[[Row], str]) -> list[str]:
    """Return the first of ROWS of each KEY as SAID, with how many more there are of it."""
    many = Counter(key(row) for row in rows)
    groups: dict[Any, Row] = {}
    for row in rows:
        groups.setdefault(key(row), row)
    first = list(groups.values())
    lines = [
        f"  {said(row)}{f', and {many[key(row)] - 1:,} more' if many[key(row)] > 1 else ''}" for row in first[:MOST]
    ]
    left = sum(many[key(row)] for row in first[MOST:])
    return lines + ([f"  and {left:,} more in audits.parquet"] if left else [])


def _q(q: float) -> str:
    return f"q={q:.2g}" if q >= 1e-4 else "q<0.0001"
