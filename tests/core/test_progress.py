"""Progress: a bar on a terminal, events for an observer, silence elsewhere."""

import io
import sys

import pytest

from consentinel.core import progress
from consentinel.core.progress import each, watched


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_silence_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(each([1, 2, 3], "parsing")) == [1, 2, 3]
    assert capsys.readouterr() == ("", "")


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", screen := Terminal())
    assert list(each(range(1000), "parsing")) == list(range(1000))
    text = screen.getvalue()
    assert text.endswith(f"parsing [{'#' * progress.WIDTH}] 1,000 of 1,000\n")
    assert text.count("\r") < 20  # drawn now and then, not at every item
    list(each(iter("ab"), "reading"))
    assert screen.getvalue().endswith("reading 2\n")


def test_an_observer_gets_events_and_the_terminal_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", screen := Terminal())
    monkeypatch.setattr(progress, "EVERY_S", 0.0)
    seen: list[tuple[str, int, int | None]] = []
    with watched(lambda *event: seen.append(event)):
        list(each(iter("ab"), "judging", total=2))
    assert seen == [("judging", 0, 2), ("judging", 1, 2), ("judging", 2, 2)]
    assert screen.getvalue() == ""


def test_what_was_done_is_shown_when_it_stops() -> None:
    seen: list[tuple[str, int, int | None]] = []
    with watched(lambda *event: seen.append(event)):
        work = each("abc", "x")
        next(work)
        next(work)
        work.close()
    assert seen[-1] == ("x", 1, 3)
