"""An audit in a few lines for a terminal: what stands out, what could not be measured, what was not run and why."""

from consentinel.assure.gating import told as gate_told
from consentinel.assure.results import Result, Row, whom

__all__ = ["line", "told"]

MOST = 12


def line(row: Row) -> str:
    """Return one measure with its interval in words."""
    about = whom(row)
    said = f"{row['value']:.4g} [{row['low']:.4g}, {row['high']:.4g}]" if row["value"] is not None else row["why"]
    return f"{row['pillar']}/{row['probe']}: {row['metric']}{f' ({about})' if about else ''} {said}"


def told(result: Result) -> str:
    """Return what the audit RESULT found."""
    facts, rows = result.facts, result.rows
    shown = sorted((row for row in rows if row["q"] is not None and row["q"] <= 1 - facts.level), key=lambda r: r["q"])
    tested = sum(row["q"] is not None for row in rows)
    none = [row for row in rows if row["value"] is None]
    head = f"{facts.model}, {facts.kind}, came in as {facts.way}: {facts.rows:,} rows of {facts.units:,} units"
    lines = [head, f"{len(rows) - len(none):,} measures; {len(shown):,} of {tested:,} that were tested show an effect"]
    lines += [f"  {line(row)} q={row['q']:.2g}" for row in shown[:MOST]]
    lines += [f"  and {len(shown) - MOST:,} more in audits.parquet"] if len(shown) > MOST else []
    if none:
        lines.append(f"{len(none):,} could not be measured:")
        lines += [f"  {line(row)}" for row in none[:MOST]]
        lines += [f"  and {len(none) - MOST:,} more"] if len(none) > MOST else []
    if result.left:
        lines.append(f"{len(result.left):,} probes were not run ({facts.way}: {facts.allows}):")
        lines += [f"  {pillar}/{probe} {needs}" for pillar, probe, needs in result.left]
    lines += [f"note: {note}" for note in result.notes]
    if result.gate:
        lines.append(gate_told(result))
    return "\n".join(lines)
