"""Reports read from a PostgreSQL server: the rows come, and nothing there can be changed."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from consentinel.core.errors import BadInput, UsageError
from consentinel.understand import ingest

pytestmark = pytest.mark.real


def test_rows_come_and_nothing_changes(postgres: str, tmp_path: Path) -> None:
    psycopg = pytest.importorskip("psycopg", reason="install with: pip install 'consentinel[review]'")
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE TABLE reports (id int, description text, submitted timestamptz, raw bytea)")
        connection.execute("INSERT INTO reports VALUES (1, 'Of jo@example.com', '2026-03-14T10:20:30Z', 'x')")
        connection.execute(
            "CREATE FUNCTION floor(reports) RETURNS int LANGUAGE sql AS 'DELETE FROM reports RETURNING 1'"
        )
    file = tmp_path / "a.sql"
    file.write_text("SELECT id, description, submitted, raw FROM reports")
    done = ingest([file], database=postgres, out=tmp_path / "run", project_key_file=tmp_path / "key")
    row = pq.read_table(done.tables["incidents"]).to_pylist()[0]
    assert (row["source_id"], row["opened"]) == ("1", 1_773_483_630_000_000)
    assert pq.read_table(done.tables["texts"])["text"].to_pylist() == ["Of [EMAIL_1]"]
    assert "password" not in (tmp_path / "run" / "run.json").read_text()
    file.write_text("SELECT floor(reports) FROM reports")  # a function of the server that deletes
    with pytest.raises(UsageError, match="does not run"):
        ingest([file], database=postgres, out=tmp_path / "run", project_key_file=tmp_path / "key")
    with psycopg.connect(postgres) as connection:
        assert connection.execute("SELECT count(*) FROM reports").fetchone() == (1,)
        connection.execute("DROP TABLE reports CASCADE")


def test_a_server_that_is_not_there_is_told_without_its_address(tmp_path: Path) -> None:
    file = tmp_path / "a.sql"
    file.write_text("SELECT id FROM reports")
    with pytest.raises(BadInput, match="cannot be reached") as why:
        ingest([file], database="postgresql://u:secret@127.0.0.1:9/db", out=tmp_path / "run",
               project_key_file=tmp_path / "key")  # fmt: skip
    assert "secret" not in str(why.value)
