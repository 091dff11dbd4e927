"""The frontier of the verb: rows of a file, the curve of the trainers asked for, kept as a table and a picture."""

from pathlib import Path

import pyarrow as pa

from consentinel.core.run import Outcome, Run
from consentinel.models import files, reading
from consentinel.models.frontiers.asked import epsilons, named, ways
from consentinel.models.frontiers.curve import ASSUMES, curve
from consentinel.models.frontiers.drawing import picture
from consentinel.models.frontiers.measured import MEASURED

__all__ = ["drawn"]


def drawn(
    run: Run, rows: Path, *, trainers: str, given: str, at: str, delta: str, seeds: int, share: float, seed: int,
    k: int, columns: str,
) -> Outcome:  # fmt: skip
    """Keep the utility of TRAINERS at the epsilons AT, each trained and tested on SEEDS splits of ROWS, and draw it."""
    shelf, points = named(trainers)[0], epsilons(at)
    how = MEASURED[shelf]
    table = reading.shaped(files.renamed(files.read(run.read(rows)), columns), shelf, rows.name)
    public = how.public(table, share)
    asked = ways(trainers, given=given, delta=delta, public=public)
    found = curve(table, asked, points, shelf=shelf, seeds=seeds, share=share, k=k, seed=seed, delta=delta)
    run.assume(frontier=ASSUMES[0], shelf=shelf, from_rows=sorted(public))
    kept = {"frontier": run.keep("frontier", found)}
    file = run.out / "frontier.svg"
    ranks = f", cut off at {k}" if shelf == "recommend" else ""
    file.write_text(picture(found, f"{shelf}: utility against epsilon, delta {delta}, {seeds} splits{ranks}"), "utf-8")
    kept["picture"] = run.kept(file)
    return Outcome(run, 0, kept, f"{_told(found, how.shown)}\n{ASSUMES[0]}\n")


def _told(found: pa.Table, shown: str) -> str:
    """Return the points of the measure SHOWN as lines, the floor first."""
    lines = [f"{'trainer':<24} {'epsilon':>8}  {shown}"]
    for row in found.to_pylist():
        if row["measure"] == shown:
            lines.append(
                f"{row['trainer']:<24.24} {row['epsilon'] or '-'!s:>8}  "
                f"{row['value']:.4f} ({row['low']:.4f} to {row['high']:.4f})"
            )
    return "\n".join(lines)
