"""What was asked for: addresses, names of visits, scenarios, and the table and text of the result."""

from pathlib import Path
from typing import Any

import pytest

from consentinel.core.errors import ConsentinelError, UsageError
from consentinel.core.run import Run
from consentinel.detect.live.browser import ENVIRON, find, flags
from consentinel.detect.live.collecting import VISITED, Plan, addresses, report, tasks
from consentinel.detect.live.outcomes import OUTCOMES, told_by
from consentinel.detect.live.store import open_store
from consentinel.detect.live.visit import Seen
from consentinel.detect.verbs import collect


def test_addresses_come_from_arguments_and_files(tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    file.write_text("# head\nb.example\n\nhttp://c.example/x?y=1 # why\na.example\n", "utf-8-sig")
    assert addresses(["a.example", "https://d.example/#top"], file) == [
        "https://a.example/", "https://d.example/#top", "https://b.example/", "http://c.example/x?y=1",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["ftp://a.example", "https://", "a b.example", "https://user@a.example/", "http://[x"])
def test_what_is_no_address_is_told_with_its_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "list.txt"
    file.write_text(f"a.example\n{text}\n", "utf-8")
    with pytest.raises(UsageError, match=r"list\.txt, line 2: .* is no web address"):
        addresses([], file)


def test_no_address_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no address was given"):
        addresses([], None)
    with pytest.raises(UsageError, match=r"gone\.txt: cannot be read"):
        addresses([], tmp_path / "gone.txt")


def test_names_are_unique_and_safe() -> None:
    urls = [
        "https://a.example/",
        "http://a.example/",
        "https://a.example/x",
        "https://a.example/?q",
        "https://a.example:8443/",
    ]
    every = tasks(urls, ["accept", "reject"], 3)
    assert len({task.name for task in every}) == len(every) == 30
    assert every[0].name == "a.example~accept~r00"
    assert not any(set("/:?&") & set(task.name) for task in every)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"scenarios": "acept"}, "'acept' is no scenario; there is: no_action, accept"),
        ({"scenarios": ""}, "is no scenario"),
        ({"workers": 0}, "--workers is a number from 1 to 64, got 0"),
        ({"settle_s": -1.0}, "--settle-s is a number"),
        ({"locale": "english!"}, "is no language tag"),
        ({"flow": Path("gone.flow")}, "gone.flow"),
    ],
)
def test_wrong_arguments_are_told_before_a_browser_starts(tmp_path: Path, wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ConsentinelError) as why:
        collect(["a.example"], out=tmp_path / "out", **wrong)
    assert told in str(why.value)


def test_a_browser_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="CONSENTINEL_CHROMIUM does not name a program"):
        find({ENVIRON: str(tmp_path / "none")})
    program = tmp_path / "chromium"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert find({ENVIRON: str(program)}) == str(program)
    assert find({"PATH": str(tmp_path)}) == str(program)
    assert find({"PATH": ""}) is None
    assert flags(resolver="MAP * 127.0.0.1:9")[-1].endswith("MAP * 127.0.0.1:9")


@pytest.mark.parametrize(
    ("message", "outcome", "why"),
    [
        (
            "Page.goto: net::ERR_TOO_MANY_REDIRECTS at https://a.example/?secret",
            "redirect_loop",
            "ERR_TOO_MANY_REDIRECTS",
        ),
        ("net::ERR_CERT_DATE_INVALID at https://a.example/", "tls_error", "ERR_CERT_DATE_INVALID"),
        ("net::ERR_NAME_NOT_RESOLVED at https://a.example/", "unreachable", "ERR_NAME_NOT_RESOLVED"),
        ("Target page, context or browser has been closed", "crashed", OUTCOMES["crashed"]),
        ("Timeout 3000ms exceeded.", "timeout", OUTCOMES["timeout"]),
        ("net::ERR_ABORTED; maybe frame was detached", "failed", "ERR_ABORTED"),
        ("something else at https://a.example/?secret", "failed", OUTCOMES["failed"]),
    ],
)
def test_errors_are_named_without_addresses(message: str, outcome: str, why: str) -> None:
    assert told_by(message) == (outcome, why)
    assert told_by("net::ERR_ABORTED at x", downloads=1)[0] == "download"


def test_the_report_counts_outcomes_and_proofs(tmp_path: Path) -> None:
    every = tasks(["https://a.example/"], ["accept", "reject"], 2)
    with Run.open("detect.collect", tmp_path) as run:
        store = open_store(run.out, seed=1, manner={}, key=None)
        store.planted("# none\n")
        for task, (outcome, proof) in zip(
            every,
            [("done", "verified"), ("done", "contradicted"), ("timeout", "unknown"), ("done", "unknown")],
            strict=True,
        ):
            store.keep(task, Seen(outcome=outcome, proof=proof, proof_why="why"), 1)
        plan = Plan([], every, None, store, [], 0.0, 0)  # type: ignore[arg-type]
        done = report(run, plan)
    assert done.exit_code == 3
    assert "3 of 4 visits are whole." in done.text
    assert "accept            1            0       0           1" in done.text
    assert "reject            0            1       1           0" in done.text
    assert f"consentinel detect scan {tmp_path / 'visits'} --planted" in done.text
    assert run.notes == ["in 1 visits the consent manager recorded something else than was chosen; see visits.parquet"]
    import pyarrow.parquet as pq

    assert pq.read_schema(done.tables["visits"]).names == VISITED.names
