"""How much room the core install takes."""

import subprocess
import sys
import tempfile
from pathlib import Path

from _claim import ROOT, write

NAMES = ("core_install_mb",)


def main() -> None:
    """Measure and keep the number."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "venv"
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--constraint", "constraints.txt", "."], cwd=ROOT, check=True)
        bytes_used = sum(f.lstat().st_blocks * 512 for f in home.rglob("*"))
    write(
        "core_install_mb",
        value=bytes_used / 1e6,
        low=bytes_used / 1e6,
        high=bytes_used / 1e6,
        n=1,
        protocol="disk blocks of a whole fresh virtual environment (pip itself and compiled modules included) after "
        "pip install of the package without extras, with the pinned constraints; MB of 1e6 bytes",
    )


if __name__ == "__main__":
    main()
