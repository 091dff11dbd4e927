"""The store: private files, a journal that survives a kill, and no mixing of different runs."""

import json
from pathlib import Path
from typing import Any

import pytest

from consentinel.core.errors import BadInput, UsageError
from consentinel.detect.collectors import har
from consentinel.detect.collectors._batch import Options
from consentinel.detect.live.store import Store, open_store
from consentinel.detect.live.visit import Seen, Task

MANNER = {"locale": "en-IE", "settle_s": 5.0}
TASK = Task("a.example~accept~r00", "https://a.example/", "a.example", "accept", 0)
HAR = {"log": {"version": "1.2", "pages": [], "entries": [{"request": {"url": "https://a.example/", "method": "GET"}}]}}


def opened(out: Path, **more: Any) -> Store:
    return open_store(out, **({"seed": None, "manner": MANNER, "key": None} | more))


def test_a_visit_is_kept_whole_and_private(tmp_path: Path) -> None:
    store = opened(tmp_path)
    assert not store.made(TASK, again=False)
    store.keep(TASK, Seen(har=HAR, events=[{"what": "cookie"}], pictures={"first": b"png"}), 1)
    files = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    assert files == {
        "journal.ndjson", "visits/a.example~accept~r00.har.zst", "events/a.example~accept~r00.ndjson.zst",
        "screenshots/a.example~accept~r00.first.png",
    }  # fmt: skip
    assert {p.stat().st_mode & 0o777 for p in tmp_path.rglob("*") if p.is_file()} == {0o600}
    again = opened(tmp_path)
    assert again.made(TASK, again=False)
    assert again.made(TASK, again=True)
    assert again.seed == store.seed


def test_a_visit_without_its_archive_was_not_made(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.keep(TASK, Seen(har=HAR), 1)
    (tmp_path / "visits" / f"{TASK.name}.har.zst").unlink()  # killed between the journal and the archive
    assert not opened(tmp_path).made(TASK, again=False)


def test_an_early_end_is_partial_and_can_be_made_again(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.keep(TASK, Seen(outcome="timeout", har=HAR), 2)
    assert [p.parent.name for p in tmp_path.rglob("*.har.zst")] == ["partial"]
    later = opened(tmp_path)
    assert later.made(TASK, again=False)
    assert not later.made(TASK, again=True)
    later.keep(TASK, Seen(har=HAR), 1)
    assert [p.parent.name for p in tmp_path.rglob("*.har.zst")] == ["visits"]


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_a_line_that_was_cut_off_is_left_out(tmp_path: Path, cut: int) -> None:
    store = opened(tmp_path)
    store.keep(TASK, Seen(har=HAR), 1)
    path = tmp_path / "journal.ndjson"
    path.write_bytes(path.read_bytes()[:-cut])
    (tmp_path / "visits" / ".a.part").write_bytes(b"half")
    later = opened(tmp_path)
    assert not later.made(TASK, again=False)
    later.keep(TASK, Seen(har=HAR), 1)
    assert opened(tmp_path).made(TASK, again=False)
    assert not list((tmp_path / "visits").glob(".*"))


def test_other_settings_or_another_seed_need_another_folder(tmp_path: Path) -> None:
    opened(tmp_path, seed=4)
    with pytest.raises(UsageError, match=r"other values of --settle-s; give the same or name another --out"):
        opened(tmp_path, manner=MANNER | {"settle_s": 9.0})
    with pytest.raises(UsageError, match="--seed"):
        opened(tmp_path, seed=5)
    assert opened(tmp_path).seed == 4


def test_a_damaged_journal_is_told(tmp_path: Path) -> None:
    (tmp_path / "journal.ndjson").write_bytes(b"not json\n")
    with pytest.raises(BadInput, match="journal is damaged"):
        opened(tmp_path)


def test_a_sealed_visit_is_read_with_the_key_only(tmp_path: Path) -> None:
    pytest.importorskip("cryptography", reason="needs the extra [vault]")
    key = bytes(range(32))
    store = opened(tmp_path, key=key)
    store.keep(TASK, Seen(har=HAR, events=[{"what": "cookie"}]), 1)
    (path,) = (tmp_path / "visits").iterdir()
    assert path.name == f"{TASK.name}.har.vault"
    assert path.name.endswith(har.SUFFIXES)
    assert b"a.example/" not in path.read_bytes()
    assert {p.suffix for p in (tmp_path / "events").iterdir()} == {".vault"}
    notes: list[str] = []
    batches = list(har.read(path, Options(key=key), notes))
    assert sum(batch.traffic.num_rows for batch in batches if batch.traffic) == 1
    with pytest.raises(BadInput, match="vault cannot be opened"):
        list(har.read(path, Options(key=bytes(32)), notes))
    assert opened(tmp_path, key=key).made(TASK, again=False)


def test_the_journal_has_one_line_a_visit(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.keep(TASK, Seen(outcome="tls_error", why="ERR_CERT_DATE_INVALID"), 1)
    head, line = map(json.loads, (tmp_path / "journal.ndjson").read_text().splitlines())
    assert set(head) == {"seed", "manner"}
    assert (line["visit"], line["outcome"], line["why"]) == (TASK.name, "tls_error", "ERR_CERT_DATE_INVALID")
