"""How long a full audit takes: every probe of every pillar, 256 shadow models, five kinds of models of public data.

A model is trained and kept; the time is that of `consentinel assure audit` on its file with its training rows and its
trainer, in a process of its own, from start to finished reports. AUDIT_KINDS and AUDIT_SHADOWS make a shorter run.
"""

import os
import tempfile
from pathlib import Path

import pyarrow.parquet as pq

from benchmarks._audited import CASES, Case
from benchmarks._claim import Measured, alone, write
from consentinel.assure.auditing import PILLARS

NAMES = (
    "audit_seconds_recsys",
    "audit_seconds_ranking",
    "audit_seconds_text",
    "audit_seconds_vision",
    "audit_seconds_graph",
)
INPUTS = ("src/consentinel/assure/**/*.py",)
KINDS = tuple(filter(None, os.environ.get("AUDIT_KINDS", "recsys,ranking,text,vision,graph").split(",")))
SHADOWS = int(os.environ.get("AUDIT_SHADOWS", "256"))


def audited(case: Case, folder: Path) -> tuple[Measured, int, str]:
    """Train the model of CASE in FOLDER and return what its audit took, how much it measured, and what it left out."""
    files = {name: folder / f"{name}.parquet" for name in case.tables}
    for name, table in case.tables.items():
        pq.write_table(table, files[name])
    said = ["--settings", case.settings] if case.settings else []
    alone(["-m", "consentinel", "models", "train", case.part, str(files["learned"]), "--out", str(folder), *said])
    trainer = f"{case.part}:{case.settings}".removesuffix(":")
    asked = ["--kind", case.kind, "--trainer", trainer, "--shadows", str(SHADOWS), "--out", str(folder / "audit")]
    for name in ("learned", "people", "items"):
        if name in files:
            asked += [f"--{name}", str(files[name])]
    for name, value in case.options.items():
        asked += [f"--{name}", value]
    model = str(folder / "model.safetensors")
    took = alone(["-m", "consentinel", "assure", "audit", model, str(files["data"]), *asked])
    rows = pq.read_table(folder / "audit" / "audits.parquet").to_pylist()
    failed = sorted({row["probe"] for row in rows if "could not be measured" in row["why"]})
    pillars = {row["pillar"] for row in rows if row["value"] is not None}
    wanted = [p for p, shelf in PILLARS.items() if any(case.kind in shelf.take(n).KINDS for n in shelf.names())]
    if failed or not set(wanted) <= pillars:
        raise SystemExit(f"{case.kind}: not all was measured: {failed or pillars}")
    if case.kind != "ranking" and not any(f"{SHADOWS // 2 * 2} shadow models" in row["why"] for row in rows):
        raise SystemExit(f"{case.kind}: there were no {SHADOWS} shadow models")
    return took, len(rows), ", ".join(sorted(pillars))


def main() -> None:
    """Measure and keep the numbers."""
    for kind in KINDS:
        case = CASES[kind]()
        with tempfile.TemporaryDirectory() as folder:
            took, many, pillars = audited(case, Path(folder))
        print(f"{kind}: {took.seconds:.0f} s by the clock, {took.cpu_s:.0f} s of processors, {took.peak_mb:,.0f} MB")
        shadows = (
            f"{SHADOWS} shadow models" if kind != "ranking" else "no shadow models (no attack on rankings has any)"
        )
        write(
            f"audit_seconds_{kind}", value=took.seconds, low=took.seconds, high=took.seconds, n=1,
            protocol=f"one run of `consentinel assure audit` with all probes ({pillars}), {shadows}, otherwise as "
            f"shipped: {case.protocol}; {many} measures; processor time {took.cpu_s:.0f} s, highest memory "
            f"{took.peak_mb:,.0f} MB, {os.cpu_count()} cores",
        )  # fmt: skip


if __name__ == "__main__":
    main()
