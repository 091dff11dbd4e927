"""TCF and GPP strings, 5,000 drawn of each: our decoder against the reference libraries on npm, and back again.

The reference runs in Node from benchmarks/oracles/iab (npm ci, exact versions). It draws and encodes the strings with
a fixed seed, damages every tenth, and says what it decodes; we compare field by field. Then each undamaged string is
decoded and encoded by us, and the reference has to decode our encoding to the fields it found in the original.
"""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks._claim import ROOT, write
from consentinel.core.errors import BadInput
from consentinel.detect.signals import _gpp, _tcstring

NAMES = ("tcf_strings_equal", "gpp_strings_equal", "signals_roundtrip")
INPUTS = ("benchmarks/oracles/iab/*",)
ORACLE = ROOT / "benchmarks" / "oracles" / "iab"
SPACE = ROOT / ".cache" / "oracles" / "iab"
STRINGS = 5000
KINDS: dict[str, tuple[ModuleType, int, str]] = {
    "tc": (_tcstring, 1, "@iabtechlabtcf/core 1.5.21"),
    "gpp": (_gpp, 2, "@iabgpp/cmpapi 3.2.0"),
}
CLOCK = {"created", "lastUpdated", "Created", "LastUpdated"}
COMPARED = (
    "equal means every field the same (ids as sets), or an error on both sides; left out are the two dates where the "
    "string has no core segment, in whose place the reference puts the time of its run"
)
BOUND = "; the reference ran with its Fibonacci codes bounded at 65,535, since without a bound a damaged one ends Node"


def ready() -> None:
    """Install the reference into the cache folder unless it is there."""
    SPACE.mkdir(parents=True, exist_ok=True)
    for file in ORACLE.iterdir():
        if file.is_file():
            shutil.copy(file, SPACE / file.name)
    lock = hashlib.sha256((ORACLE / "package-lock.json").read_bytes()).hexdigest()
    mark = SPACE / "installed"
    if not mark.is_file() or mark.read_text() != lock:
        subprocess.run(["npm", "ci", "--ignore-scripts", "--silent"], cwd=SPACE, check=True)
        mark.write_text(lock)


def rows(file: Path) -> Iterator[dict[str, Any]]:
    """Return the lines of FILE, one at a time."""
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def comparable(fields: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return FIELDS with what has no order sorted."""
    if kind == "tc":
        fields["publisherRestrictions"].sort(key=lambda r: (r["purposeId"], r["type"]))
    return fields


def without_clock(fields: dict[str, Any], stated: dict[str, Any]) -> dict[str, Any]:
    """Return FIELDS without the dates that the string did not state."""
    return {name: value for name, value in fields.items() if name not in CLOCK or name in stated}


def same(row: dict[str, Any], kind: str) -> bool:
    """Return whether we find in the text of ROW what the reference found in it."""
    codec = KINDS[kind][0]
    try:
        ours = codec.decode(row["text"])
    except BadInput:
        return "error" in row
    if "error" in row:
        return False
    shown, wanted = comparable(codec.plain(ours), kind), comparable(row["fields"], kind)
    if kind == "tc":
        return without_clock(shown, ours) == without_clock(wanted, ours)
    return shown.keys() == wanted.keys() and all(
        without_clock(shown[name], ours[name]) == without_clock(wanted[name], ours[name]) for name in shown
    )


def compare(kind: str) -> Path:
    """Record, compare and keep the number of KIND; return the recorded file."""
    seed, library = KINDS[kind][1:]
    recorded = SPACE / f"{kind}.ndjson"
    subprocess.run(["node", "record.mjs", kind, str(STRINGS), str(seed), str(recorded)], cwd=SPACE, check=True)
    n = equal = damaged = refused = 0
    for row in rows(recorded):
        n += 1
        damaged += row["damaged"]
        refused += "error" in row
        alike = same(row, kind)
        equal += alike
        if not alike and n - equal <= 5:
            print(f"{kind}: not equal: {row['text'][:200]}")
    write(
        "tcf_strings_equal" if kind == "tc" else "gpp_strings_equal",
        value=equal,
        low=equal,
        high=equal,
        n=n,
        protocol=f"{n} strings drawn (seed {seed}) and encoded by {library}, {damaged} of them damaged afterwards, "
        f"{refused} refused by it; {COMPARED}" + (BOUND if kind == "gpp" else ""),
    )
    return recorded


def back_again(kind: str, recorded: Path) -> tuple[int, int]:
    """Return how many undamaged strings the reference decodes alike after we encoded them, and of how many."""
    codec = KINDS[kind][0]
    texts, answers = SPACE / f"{kind}_ours.txt", SPACE / f"{kind}_ours.ndjson"
    with texts.open("w", encoding="utf-8") as out:
        out.writelines(codec.encode(codec.decode(r["text"])) + "\n" for r in rows(recorded) if not r["damaged"])
    subprocess.run(["node", "decode.mjs", kind, str(texts), str(answers)], cwd=SPACE, check=True)
    pairs = zip((r for r in rows(recorded) if not r["damaged"]), rows(answers), strict=True)
    alike = [
        "fields" in theirs and comparable(theirs["fields"], kind) == comparable(row["fields"], kind)
        for row, theirs in pairs
    ]
    return sum(alike), len(alike)


def main() -> None:
    """Measure and write the three numbers."""
    ready()
    found = [back_again(kind, compare(kind)) for kind in KINDS]
    for file in (*SPACE.glob("*.ndjson"), *SPACE.glob("*_ours.txt")):
        file.unlink()  # 200 MB that are drawn again in seconds
    alike, n = sum(a for a, _ in found), sum(m for _, m in found)
    write(
        "signals_roundtrip",
        value=alike / n,
        low=alike / n,
        high=alike / n,
        n=n,
        protocol=f"{found[0][1]} TC and {found[1][1]} GPP strings of the reference (the undamaged ones), each decoded "
        f"and encoded by us; {alike} are decoded by the reference to exactly the fields of its own encoding",
    )


if __name__ == "__main__":
    main()
