"""An answer that is paid from a ledger on PostgreSQL: the address and its password stay out of every file."""

import os
import time
from pathlib import Path

import pytest

from consentinel.cli.app import run
from tests.protect.made_shop import BY_AD, shop

pytestmark = pytest.mark.real


def test_a_ledger_on_a_server_pays_and_its_password_is_kept_nowhere(
    postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import psycopg

    name = f"answers_{os.getpid()}_{time.monotonic_ns()}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    shop(tmp_path)
    monkeypatch.chdir(tmp_path)
    where = postgres.replace("/postgres?", f"/{name}?")
    ledger = ["--ledger", where, "--ledger-key", "server.key"]
    assert run(["protect", "ledger", "create", *ledger]) == 0
    assert run(["protect", "ledger", "grant", *ledger, "--dataset", "shop", "--epsilon", "1"]) == 0
    ask = ["protect", "measure", BY_AD, "--tables", "declared.toml", *ledger, "--dataset", "shop", "--epoch", "all"]
    ask += ["--principal", "ads", "--purpose", "test"]
    assert run([*ask, "--epsilon", "0.9"]) == 0
    assert run([*ask, "--epsilon", "0.9"]) == 4
    assert run(["protect", "ledger", "verify", *ledger]) == 0
    said = "".join(capsys.readouterr())
    kept = "".join(file.read_text("utf-8", "replace") for file in (tmp_path / "runs").rglob("*") if file.is_file())
    assert "hunter22" in where
    assert "hunter22" not in said + kept
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
