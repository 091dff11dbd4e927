"""A leaking HAR on disk, and the command in an empty folder."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from consentinel.cli.app import run as command
from tests.detect.made_traffic import leaking, write


@pytest.fixture
def leak(tmp_path: Path) -> Path:
    return write(tmp_path / "in" / "leak.har", leaking())


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Run a command in an empty folder; returns (exit code, output, errors)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CONSENTINEL_KEY", raising=False)

    def one(*argv: str) -> tuple[int, str, str]:
        code = command(["detect", "scan", *argv])
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return one
