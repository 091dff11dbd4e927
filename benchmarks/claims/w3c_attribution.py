"""End-to-end cases of W3C Attribution Level 1, error cases included, replayed on our device."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks._claim import ROOT, keep_cases, write
from consentinel.protect.w3c.player import play

NAMES = ("w3c_attribution_cases",)
INPUTS = ("src/consentinel/protect/w3c",)
NO_CASE = ("CONFIG.json", "e2e.schema.json")


def folder() -> Path:
    """Return the folder of the cases in the shared data; SystemExit where it is not."""
    shared = Path(os.environ.get("CONSENTINEL_SHARED_DATA", ROOT.parent / "shared" / "data"))
    found = shared / "protect" / "w3c_attribution_e2e"
    if not found.is_dir():
        raise SystemExit("no w3c_attribution_e2e: set CONSENTINEL_SHARED_DATA to the folder that has it under protect/")
    return found


def cases(where: Path) -> Iterator[tuple[str, list[dict[str, Any]], dict[str, Any]]]:
    """Yield name, events and configuration of each case in WHERE."""
    config = json.loads((where / "CONFIG.json").read_text("utf-8"))
    for file in sorted(where.glob("*.json")):
        if file.name not in NO_CASE:
            case = json.loads(file.read_text("utf-8"))
            yield file.stem, case["events"], case.get("config", config)


def main() -> None:
    """Measure and write the number."""
    wrong, n, events = [], 0, 0
    verdicts: dict[str, bool] = {}
    for name, steps, config in cases(folder()):
        n, events = n + 1, events + len(steps)
        differs = [f"{name}: {line}" for line in play(steps, config)[:1]]
        wrong, verdicts[name] = wrong + differs, not differs
    passed = n - len(wrong)
    keep_cases(NAMES[0], verdicts)
    write(
        NAMES[0],
        value=passed / n,
        low=passed / n,
        high=passed / n,
        n=n,
        protocol=f"{passed} of {n} cases ({events} events) of w3c/attribution: every histogram and every error as "
        f"recorded; {'; '.join(wrong) or 'none differs'}",
    )


if __name__ == "__main__":
    main()
