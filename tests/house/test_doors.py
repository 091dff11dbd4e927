"""The type checker proves the door of every part: one generated line for each."""

import re
import subprocess
import sys
from pathlib import Path

from consentinel.cli.rooms import shelves
from consentinel.core.shelf import Shelf

ROOT = Path(__file__).parents[2]


def mypy(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run mypy on TEXT as a module."""
    file = folder / "doors.py"
    file.write_text(text)
    config = folder / "mypy.ini"
    config.write_text(
        f"[mypy]\nmypy_path = {ROOT / 'src'}\nfollow_imports = silent\n"
        f"cache_dir = {ROOT / '.mypy_cache' / 'doors'}\nignore_missing_imports = True\n"
    )
    command = [sys.executable, "-m", "mypy", "--config-file", str(config), str(file)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def lines() -> list[str]:
    """Return one line for each part that asks whether the module keeps its contract."""
    found = []
    for shelf in shelves("consentinel"):
        package = f"consentinel.{shelf.replace('/', '.')}"
        contract = (
            re.sub("ies$|s$", lambda end: "y" if len(end[0]) > 1 else "", shelf.rpartition("/")[2]).capitalize()
            + "Part"
        )
        for part in Shelf(package, "").names():
            alias = f"{shelf.replace('/', '_')}_{part}"
            found.append(f"import {package}.{part} as {alias}")
            home = "understand_contracts" if shelf.startswith("understand/") else "contracts"
            found.append(f"_{alias}: {home}.{contract} = {alias}")
    return found


def test_every_part_keeps_its_contract(tmp_path: Path) -> None:
    asked = lines()
    assert len(asked) >= 2
    wrong = "class Wrong:\n    VERSION = 1\n\n_wrong: contracts.RulePart = Wrong()  # a part that breaks its promise"
    homes = [f"import consentinel.core.{name} as {name}" for name in ("contracts", "understand_contracts")]
    answer = mypy("\n".join([*homes, *asked, wrong, ""]), tmp_path)
    faults = [line for line in answer.stdout.splitlines() if ": error:" in line]
    assert [line for line in faults if '"Wrong"' in line], (
        f"the check itself does not work\n{answer.stdout}{answer.stderr}"
    )
    assert not [line for line in faults if '"Wrong"' not in line], answer.stdout
