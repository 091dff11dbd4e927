"""Cuts a small slice out of visits and labels, for tests.

python -m labels.slice --visits DIR/visits --labels DIR/labels --out FOLDER
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from labels.read import SUFFIX, TruthError, truth_files

LARGEST = 4_000_000  # bytes of the whole slice
RESERVED = 50_000  # bytes for the manifest


def _order(files: list[Path]) -> list[tuple[Path, str, str]]:
    """Return (file, site, scenario): small sites of every kind first, one repeat after another."""
    named: list[tuple[str, int, str, str, Path]] = []
    for file in files:
        site, scenario, repeat = file.name.removesuffix(SUFFIX).split("~")
        named.append((repeat, file.stat().st_size, site, scenario, file))
    largest = {site: max(entry[1] for entry in named if entry[2] == site) for site in {entry[2] for entry in named}}
    order = sorted(named, key=lambda entry: (entry[0], largest[entry[2]], entry[2], entry[3]))
    return [(file, site, scenario) for _, _, site, scenario, file in order]


def cut(visits: Path, labels: Path, out: Path, largest: int = LARGEST) -> dict[str, object]:
    """Copy visits (evidence, truth) and their label rows to OUT while they fit LARGEST bytes; return the manifest."""
    rows = pq.read_table(labels / "labels.parquet")
    out.mkdir(parents=True, exist_ok=True)
    chosen: list[Path] = []
    flows: set[tuple[str, str]] = set()
    left = largest - RESERVED - (labels / "labels.parquet").stat().st_size
    if left <= 0:  # the rows alone are too many: those of the chosen visits are fewer
        left = largest - RESERVED - largest // 4
    for truth, site, scenario in _order(truth_files(visits)):
        name = truth.name.removesuffix(SUFFIX)
        pair = [truth, *(file for suffix in (".har.zst", ".har.gz") if (file := visits / (name + suffix)).is_file())]
        need = sum(file.stat().st_size for file in pair)
        if need <= left and (site, scenario) not in flows:
            left -= need
            chosen += pair
            flows.add((site, scenario))
    keep = [
        (site, scenario) in flows
        for site, scenario in zip(rows["site"].to_pylist(), rows["scenario"].to_pylist(), strict=True)
    ]
    lists = sorted(file for file in visits.parent.glob("planted*.toml"))  # what a scan is told
    for file in lists:
        shutil.copyfile(file, out / file.name)
    copies = [out / ("truth" if file.name.endswith(SUFFIX) else "visits") / file.name for file in chosen]
    for file, copy in zip(chosen, copies, strict=True):
        copy.parent.mkdir(exist_ok=True)
        shutil.copyfile(file, copy)
    pq.write_table(rows.filter(pa.array(keep, pa.bool_())), out / "labels.parquet", compression="zstd")
    made = sorted([out / "labels.parquet", *(out / file.name for file in lists), *copies])
    manifest: dict[str, object] = {
        "flows": [list(flow) for flow in sorted(flows)],
        "rows": sum(keep),
        "files": {file.relative_to(out).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in made},
    }
    (out / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")
    total = sum(file.stat().st_size for file in (*made, out / "manifest.json"))
    if total > largest:
        raise TruthError(f"the slice has {total} bytes, more than {largest}; choose a larger --bytes or fewer labels")
    return manifest


def main(arguments: list[str] | None = None) -> int:
    """Cut a slice as the command line asks."""
    parser = argparse.ArgumentParser(prog="python -m labels.slice", description=__doc__)
    parser.add_argument("--visits", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--bytes", type=int, default=LARGEST)
    asked = parser.parse_args(arguments)
    try:
        manifest = cut(asked.visits, asked.labels, asked.out, asked.bytes)
    except (TruthError, OSError) as fault:
        print(f"labels.slice: {fault}", file=sys.stderr)
        return 2
    print(f"{len(manifest['files'])} files, {manifest['rows']} rows")  # type: ignore[arg-type]
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
