"""Run the claim files (make claims ONLY=a,b) or the speed files (make bench) and print the tables.

A claim file names its numbers in NAMES and the files it reads in INPUTS (glob patterns from the root). It runs in a
process of its own, and again only when it, the source of the package or an input changed. Each number is kept as soon
as it is measured, so that a run that was stopped goes on where it was.
"""

import argparse
import ast
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from _claim import RESULTS, ROOT
from table import SIGNS, number, rows

__all__ = ["declared", "digest", "main", "show", "text_table"]

CLAIMS, SPEED = ROOT / "benchmarks" / "claims", ROOT / "benchmarks" / "speed"
DONE = ROOT / ".cache" / "claims"


def declared(file: Path, name: str) -> tuple[str, ...]:
    """Return the tuple of texts that FILE assigns to NAME at its top, without importing it; empty when it does not."""
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            return tuple(ast.literal_eval(node.value))
    return ()


def digest(claim: Path) -> str:
    """Return the digest of everything that the numbers of CLAIM depend on."""
    patterns = [
        "src/**/*",
        "benchmarks/_*.py",
        "benchmarks/speed/*.py",
        "pyproject.toml",
        "constraints.txt",
        *declared(claim, "INPUTS"),
    ]
    files = {f for p in patterns for f in ROOT.glob(p) if f.is_file() and "__pycache__" not in f.parts}
    found = hashlib.sha256()
    for file in sorted({claim, *files}):
        if not any(part.endswith(".egg-info") for part in file.parts):
            found.update(f"{file.relative_to(ROOT)}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return found.hexdigest()


def measure_all(wanted: set[str]) -> bool:
    """Run the claim files that make a number in WANTED (empty: all of them); return whether all of them ran."""
    files = [f for f in sorted(CLAIMS.glob("[!_]*.py")) if not wanted or wanted & {f.stem, *declared(f, "NAMES")}]
    fine = True
    for at, file in enumerate(files, 1):
        names = declared(file, "NAMES")
        results = [RESULTS / f"{name}.json" for name in names]
        mark, now = DONE / file.stem, digest(file)
        say = f"[{at}/{len(files)}] {file.stem}"
        if mark.is_file() and mark.read_text() == now and all(r.is_file() for r in results):
            print(f"{say}: nothing changed since it was measured", flush=True)
            continue
        print(f"{say}: measuring {', '.join(names)}", flush=True)
        before = {r: r.read_bytes() for r in results if r.is_file()}
        for result in before:
            result.unlink()  # a number that this run does not measure again must not stay
        start = time.perf_counter()
        try:
            code = start_python([str(file)])
        except KeyboardInterrupt:
            for result, kept in before.items():
                if not result.exists():
                    result.write_bytes(kept)
            raise
        missing = [r.stem for r in results if not r.is_file()]
        if code or missing or not names:
            fine = False
            print(f"{say}: FAILED (exit code {code}; not written: {', '.join(missing) or 'nothing'})", flush=True)
            continue
        DONE.mkdir(parents=True, exist_ok=True)
        mark.write_text(now)
        print(f"{say}: {time.perf_counter() - start:.1f} s", flush=True)
    return fine


def speed_all(wanted: set[str]) -> bool:
    """Run the speed files in WANTED (empty: all of them), each in a process; return whether all of them ran."""
    fine = True
    for file in sorted(SPEED.glob("[!_]*.py")):
        if wanted and file.stem not in wanted:
            continue
        print(f"\n{file.stem}", flush=True)
        fine &= start_python(["-c", f"from run import show; show('speed.{file.stem}')"]) == 0
    return fine


def start_python(arguments: list[str]) -> int:
    """Run Python with ARGUMENTS, so that it finds `_claim`, the speed files and `benchmarks`; return its exit code."""
    paths = [str(ROOT / "benchmarks"), str(ROOT / "src"), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment).returncode


def show(module: str) -> None:
    """Call `main` of the speed file MODULE and print its rows: mappings, or (what, value, unit)."""
    found = import_module(module).main() or ()
    rows = [r if isinstance(r, Mapping) else dict(zip(("what", "value", "unit"), r, strict=True)) for r in found]
    if rows:
        print(text_table(rows), flush=True)


def text_table(found: Iterable[Mapping[str, Any]]) -> str:
    """Return the rows FOUND as lines in columns; a row lacking a column has a blank there."""
    lines = list(found)
    heads = list(dict.fromkeys(key for line in lines for key in line))
    cells = [heads, *([_cell(line.get(head, "")) for head in heads] for line in lines)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(heads))]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in cells)


def _cell(value: Any) -> str:
    return number(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def main() -> int:
    """Run what the command line asks for; 0 when everything ran and every number asked for holds."""
    asked = argparse.ArgumentParser(description="Recompute public numbers, or measure speed.")
    asked.add_argument("--only", default="", help="names separated by commas")
    asked.add_argument("--speed", action="store_true", help="run the speed files instead")
    space = asked.parse_args()
    wanted = {name.strip() for name in space.only.split(",") if name.strip()}
    try:
        fine = speed_all(wanted) if space.speed else measure_all(wanted)
    except KeyboardInterrupt:
        print("stopped; the numbers that were measured are kept", file=sys.stderr)
        return 130
    verdicts = rows()
    made = {name for f in CLAIMS.glob("[!_]*.py") if f.stem in wanted for name in declared(f, "NAMES")} | wanted
    unknown = wanted - {r.name for r in verdicts} - {f.stem for f in [*CLAIMS.glob("*.py"), *SPEED.glob("*.py")]}
    if unknown:
        print(f"there is no {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    chosen = [row for row in verdicts if space.speed or not wanted or row.name in made]
    table = [
        {"number": r.name}
        | {name: "-" if v is None else v for name, v in (("measured", r.value), ("low", r.low), ("high", r.high))}
        | {"unit": r.unit, "reach": f"{SIGNS.get(r.direction, '')} {number(r.reach)}"}
        | {"holds": "yes" if r.ok else f"NO: {r.why}", "what": r.what}
        for r in chosen
    ]
    print(f"\n{text_table(table)}")
    return 0 if fine and (space.speed or all(row.ok for row in chosen)) else 1


if __name__ == "__main__":
    sys.exit(main())
