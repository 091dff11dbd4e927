"""The verb as a person uses it: scan, export, fill in, take in, scan again."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from consentinel.cli.app import run as command
from consentinel.core.errors import BadInput, UsageError
from consentinel.core.state import State
from consentinel.core.tables import FINDINGS
from consentinel.detect.reviews import reviewing, standing
from consentinel.detect.reviews.memory import recall
from consentinel.detect.reviews.queue import queue
from consentinel.detect.reviews.standing import standings
from consentinel.detect.rules import device_identifier
from consentinel.detect.verbs import review
from tests.detect.made_traffic import findings, leaking, record, scanned, write
from tests.detect.reports.made_scans import hostile
from tests.detect.reviews.made_reviews import SOON

pytest.importorskip("sqlalchemy", reason="install with: pip install 'consentinel[review]'")

Fill = Callable[[dict[str, str]], dict[str, str]]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with a HAR in in/ and its scan in out/."""
    assert scanned(tmp_path, write(tmp_path / "in" / "leak.har", leaking())).exit_code == 1
    return tmp_path


def table(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.read_bytes().decode("utf-8-sig"), newline="")))


def reviewed(folder: Path, **asked: Any) -> Any:
    return review(folder / "out", out=folder / "review", reviews=str(folder / "r.sqlite"), **asked)


def filled(folder: Path, fill: Fill) -> Path:
    """Return the queue as a spreadsheet of a country with decimal commas keeps it, each row changed by FILL."""
    rows = table(folder / "review" / "queue.csv")
    held = io.StringIO(newline="")
    writer = csv.DictWriter(held, rows[0], delimiter=";", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(row | fill(row) for row in rows)
    (folder / "filled.csv").write_bytes(held.getvalue().encode("utf-8-sig"))
    return folder / "filled.csv"


def test_scan_review_scan(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert reviewed(site).exit_code == 3
    rows = table(site / "review" / "queue.csv")
    failing = [f for f in findings(site / "out") if f["outcome"] != "allowed"]
    assert sum(int(row["closes"]) for row in rows) == len(failing)
    decide = {"decision": "waived", "reviewer": "Counsel", "reason": "=1+1; é", "expires": SOON}
    done = reviewed(site, decisions=filled(site, lambda _: decide))
    assert done.exit_code == 0
    assert done.text.startswith(f"Took in {len(rows):,} decisions.")
    assert f"{len(failing):,} closed by review" in done.text
    assert table(site / "review" / "journal.csv")[0]["reason"] == "'=1+1, é"

    again = scanned(site, site / "in", reviews=str(site / "r.sqlite"), out=site / "again")
    assert again.exit_code == 0
    assert "closed by review" in again.text
    kept = pq.read_table(site / "again" / "reviewed.parquet").to_pylist()
    assert [row["finding_id"] for row in kept] == [f["finding_id"] for f in findings(site / "again")]
    assert [row["status"] for row in kept].count("waived") == len(failing)
    told = record(site / "again")
    assert told["asked"]["reviews"] == "r.sqlite"
    assert told["assumed"]["reviews"] == "r.sqlite"
    assert told["assumed"]["decisions"] == len(rows)

    monkeypatch.setattr(device_identifier, "VERSION", "99")
    stale = scanned(site, site / "in", reviews=str(site / "r.sqlite"), out=site / "stale")
    assert stale.exit_code == 1
    assert "stale" in stale.text
    back = review(site / "stale", out=site / "review", reviews=str(site / "r.sqlite"))
    assert back.exit_code == 1
    assert {row["because"].partition(",")[0] for row in table(site / "review" / "queue.csv")} == {
        "rule version 1 -> 99"
    }


def test_a_waiver_that_ended_fails_again(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reviewed(site)
    decide = {"decision": "waived", "reviewer": "counsel", "reason": "soon", "expires": SOON}
    reviewed(site, decisions=filled(site, lambda _: decide))

    class Later(standing.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return super().now(tz).replace(year=super().now(tz).year + 2)

    monkeypatch.setattr(standing, "datetime", Later)
    known = {"baseline": site / "out"}  # a baseline does not hide what has to be decided again
    assert scanned(site, site / "in", reviews=str(site / "r.sqlite"), out=site / "again", **known).exit_code == 1
    assert reviewed(site).exit_code == 1
    assert {row["status"] for row in table(site / "review" / "queue.csv")} == {"expired"}


def test_json_is_filled_in_and_taken(site: Path) -> None:
    reviewed(site, limit=2)
    document = json.loads((site / "review" / "queue.json").read_bytes())
    assert len(document["queue"]) == 2 < document["waiting"]
    for row in document["queue"]:
        row["decision"] = "violation"
    (site / "d.json").write_text(json.dumps(document))
    done = reviewed(site, decisions=site / "d.json", reviewer="engineer")
    assert done.text.startswith("Took in 2 decisions.")
    label = pq.read_table(site / "review" / "labels.parquet").to_pylist()
    assert [row["label"] for row in label] == ["violation"] * 2
    assert {row["source"] for row in table(site / "review" / "journal.csv")} == {"json"}


def test_reviewers_are_compared(site: Path) -> None:
    reviewed(site)
    decide = {"decision": "violation", "reviewer": "one"}
    reviewed(site, decisions=filled(site, lambda _: decide))
    path = site / "filled.csv"
    path.write_bytes(path.read_bytes().replace(b";violation;one;", b";undecided;two;", 1).replace(b";one;", b";two;"))
    assert "one and two agree on" in reviewed(site, decisions=path).text
    path.write_bytes(path.read_bytes().replace(b";violation;two;;", b";not violation;two;because;", 1))
    done = reviewed(site, decisions=path)
    assert done.exit_code == 1
    assert "1 conflict" in done.text
    document = json.loads((site / "review" / "queue.json").read_bytes())
    assert document["conflicts"][0]["two"] == "not_violation"
    assert document["agreement"][0]["kappa"] == 0  # one reviewer always said the same


def test_nothing_is_taken_when_a_row_is_wrong(site: Path) -> None:
    reviewed(site)
    first = table(site / "review" / "queue.csv")[0]["claim"]
    path = filled(site, lambda row: {"decision": "violation" if row["claim"] == first else "no", "reviewer": "counsel"})
    with pytest.raises(BadInput, match=r"^filled\.csv: row 3, column 'decision': wanted violation.*got 'no'"):
        reviewed(site, decisions=path)
    assert "Took in" not in reviewed(site).text
    assert table(site / "review" / "journal.csv") == []


def test_what_is_asked_wrongly(site: Path) -> None:
    with pytest.raises(UsageError, match="give the folder of a scan"):
        review(out=site / "o", reviews=str(site / "r"))
    with pytest.raises(UsageError, match="--limit"):
        reviewed(site, limit=-1)
    for folder, said in (("nothing", "is no folder"), ("in", "cannot be read")):
        with pytest.raises(BadInput, match=said):
            review(site / folder, out=site / "o", reviews=str(site / "r"))
    (site / "in" / "findings.parquet").write_bytes(b"none")
    with pytest.raises(BadInput, match="in: is no scan"):
        review(site / "in", out=site / "o", reviews=str(site / "r"))
    with pytest.raises(BadInput, match="there is no such state"):
        scanned(site, site / "in", reviews=str(site / "typo"), out=site / "o")


def test_decisions_can_be_taken_without_a_scan(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reviewed(site)
    path = filled(site, lambda _: {"decision": "violation", "reviewer": "counsel"})
    monkeypatch.chdir(site)
    assert command(["detect", "review", "--decisions", str(path), "--reviews", "r.sqlite", "--out", "o"]) == 0
    assert "Took in" in capsys.readouterr().out
    assert not (site / "o" / "queue.csv").exists()


def test_no_address_is_written(site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(site)
    where = "postgresql://zoe:hunter22@127.0.0.1:1/team?connect_timeout=2"
    assert command(["detect", "review", "out", "--reviews", where, "--out", "o"]) == 5
    assert command(["detect", "scan", "in", "--reviews", where, "--out", "p"]) == 5
    shown = "".join(capsys.readouterr())
    kept = (site / "o" / "run.json").read_text("utf-8") + (site / "p" / "run.json").read_text("utf-8")
    for word in ("hunter22", "zoe", "127.0.0.1"):
        assert word not in shown
        assert word not in kept
    assert "postgresql:team" in shown
    assert "postgresql:team" in kept


def test_no_cell_of_the_queue_is_a_formula(state: State) -> None:
    found = pa.Table.from_pylist(hostile(), FINDINGS)
    memory = recall(state)
    listed = queue(found, standings(found, memory), memory)
    text = reviewing._queue_csv(listed).decode("utf-8-sig")
    for mark in (",", ";"):  # whatever the spreadsheet takes for the end of a cell
        cells = [cell for row in csv.reader(io.StringIO(text, newline=""), delimiter=mark) for cell in row]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\uff1d"))]
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert len(rows) == listed.num_rows + 1 > 10
    assert {len(row) for row in rows} == {len(rows[0])}
