"""Truth files are read whole or refused with what is wrong."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from labels.read import TruthError, read_visit, truth_files


def test_reads_a_visit(new_visit: Callable[..., Any], tmp_path: Path) -> None:
    visit = read_visit(new_visit("a.test", "accept", 0).write(tmp_path))
    assert visit.meta["site"] == "a.test"
    assert visit.values["cores"] in (6, 10, 12, 20)
    times = [line["t"] for line in visit.lines["request"]]
    assert times == sorted(times)


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ([], "no visit line"),
        ([{"what": "send", "t": 1, "url": "u"}], "before the visit line"),
        ([{"what": "visit", "site": "a.test"}], "lacks group, scenario"),
        (["nonsense"], "no event"),
        ([None, {"what": "send", "t": 1}], "a send line lacks url"),
        ([None, None], "stands twice"),
    ],
)
def test_refuses(lines: list[Any], fault: str, new_log: Callable[..., Any], tmp_path: Path) -> None:
    meta = new_log("a.test", "accept", 0).meta
    path = tmp_path / "x.truth.ndjson.zst"
    path.write_bytes(
        zstandard.compress("\n".join(json.dumps(meta if line is None else line) for line in lines).encode())
    )
    with pytest.raises(TruthError, match=fault):
        read_visit(path)


def test_refuses_a_file_that_ends_early(new_visit: Callable[..., Any], tmp_path: Path) -> None:
    path = new_visit("a.test", "accept", 0).write(tmp_path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(TruthError):
        read_visit(path)


def test_refuses_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(TruthError, match="make visits first"):
        truth_files(tmp_path)
