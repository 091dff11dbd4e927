"""One key for all tests, and a command that is run in a folder of its own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from consentinel.core.run import Outcome
from consentinel.understand import ingest

Ingest = Callable[..., Outcome]


@pytest.fixture
def ingested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ingest:
    """Return a function that ingests files, each given as a name and its bytes or text, into a folder of the test."""
    monkeypatch.setenv("CONSENTINEL_KEY", "5a" * 32)

    def run(files: dict[str, str | bytes], **asked: Any) -> Outcome:
        paths = []
        for name, content in files.items():
            paths.append(tmp_path / name)
            paths[-1].write_bytes(content.encode() if isinstance(content, str) else content)
        return ingest(paths, out=tmp_path / "run", project_key_file=tmp_path / "key", **asked)

    return run
