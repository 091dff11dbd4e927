"""The frontier of the verb: rows of a file, the curve of the trainers asked for, kept as a table and told in lines."""

from pathlib import Path

import pyarrow as pa

from consentinel.core.run import Outcome, Run
from consentinel.models import files, reading
from consentinel.models.frontier_asked import epsilons, ways
from consentinel.models.frontier_curve import ASSUMES, curve

__all__ = ["drawn"]

_SHOWN = "explained_entropy"


def drawn(
    run: Run, rows: Path, *, trainers: str, given: str, at: str, delta: str, seeds: int, share: float, seed: int,
    columns: str,
) -> Outcome:  # fmt: skip
    """Keep the utility of TRAINERS at the epsilons AT, each trained and tested on SEEDS splits of ROWS."""
    asked, points = ways(trainers, given=given, delta=delta), epsilons(at)
    table = reading.shaped(files.renamed(files.read(run.read(rows)), columns), "ads", rows.name)
    found = curve(table, asked, points, seeds=seeds, share=share, seed=seed)
    run.assume(frontier=ASSUMES[0])
    return Outcome(run, 0, {"frontier": run.keep("frontier", found)}, f"{_told(found)}\n{ASSUMES[0]}\n")


def _told(found: pa.Table) -> str:
    """Return the points of one measure as lines, the floor first."""
    lines = [f"{'trainer':<24} {'epsilon':>8}  {_SHOWN}"]
    for row in found.to_pylist():
        if row["measure"] == _SHOWN:
            lines.append(
                f"{row['trainer']:<24.24} {row['epsilon'] or '-'!s:>8}  "
                f"{row['value']:.4f} ({row['low']:.4f} to {row['high']:.4f})"
            )
    return "\n".join(lines)
