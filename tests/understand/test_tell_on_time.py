"""A schedule: what is due is told once, what was missed is said, alerts go where they may and nowhere else."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentinel.core.errors import BadInput, UsageError
from consentinel.understand import tell
from consentinel.understand.telling.alerts import allowed
from consentinel.understand.telling.schedule import When, read
from tests.understand import made_story as made

STORY = """
[[story]]
name = "weekly"
when = "weekly monday 07:00"
inputs = ["incidents"]
to = "stories"
"""
ALERT = """
[[alert]]
name = "severe"
when = "daily 06:00"
inputs = ["incidents"]
sql = "SELECT count(*) FILTER (severity = 'critical') AS n, count(*) AS of FROM incidents"
{limit}
to = {to}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONSENTINEL_KEY", "5a" * 32)
        return made.incidents(tmp_path_factory.mktemp("made"), weeks=30).parent


@pytest.fixture
def here(folder: Path, tmp_path: Path) -> Path:
    (tmp_path / "incidents").symlink_to(folder / "incidents")
    return tmp_path


def written(here: Path, *texts: str) -> Path:
    file = here / "schedule.toml"
    file.write_text("\n".join(texts))
    return file


class Hook(BaseHTTPRequestHandler):
    got: list[dict] = []  # noqa: RUF012  one list for all requests of a test
    answer = 204

    def do_POST(self) -> None:
        self.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.answer)
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def hook() -> Iterator[str]:
    Hook.got, Hook.answer = [], 204
    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_what_is_due_is_told_once_and_what_was_missed_is_said(here: Path) -> None:
    file = written(here, STORY)
    due = tell(out=here / "state", schedule=file, as_of="2026-06-29T08:00")
    assert due.text == "weekly: due since 2026-06-29 07:00 UTC"
    assert not (here / "stories").exists()
    first = tell(out=here / "state", schedule=file, as_of="2026-06-29T08:00", now=True)
    assert "3 incidents were opened" in first.text
    page = here / "stories" / "weekly-2026-06-29" / "story.html"
    assert "22 June 2026" in page.read_text("utf-8")
    changed = page.stat().st_mtime_ns
    assert tell(out=here / "state", schedule=file, as_of="2026-07-05", now=True).text == "weekly: nothing is due"
    assert page.stat().st_mtime_ns == changed
    late = tell(out=here / "state", schedule=file, as_of="2026-07-20T06:59", now=True)
    assert late.text.endswith("; 1 earlier time was missed and is not told")
    assert (here / "stories" / "weekly-2026-07-13" / "story.html").exists()


def test_what_fails_is_told_again_and_does_not_stop_the_rest(here: Path) -> None:
    broken = STORY.replace('"weekly"', '"broken"', 1).replace('"incidents"', '"nowhere"')
    file = written(here, broken, STORY)
    for _ in range(2):
        outcome = tell(out=here / "state", schedule=file, as_of="2026-06-29T08:00", now=True)
        assert outcome.exit_code == 5
        assert "broken, 2026-06-29 07:00 UTC: could not be told: nowhere: there is no such file" in outcome.text
    assert outcome.text.endswith("weekly: nothing is due")


@pytest.mark.parametrize(
    ("limit", "verdict", "sent"),
    [
        ("above = 0.1", "alarm", 1),
        ("above = 0.24", "watch", 0),
        ("above = 0.24\nwatch = true", "watch", 1),
        ('above = 0.24\ninterval = "none"', "alarm", 1),
        ("above = 0.5", "calm", 0),
        ("below = 0.6", "alarm", 1),
        ("below = 0.26", "watch", 0),
    ],
)
def test_an_alert_is_as_sure_as_its_interval(here: Path, limit: str, verdict: str, sent: int) -> None:
    file = written(here, ALERT.format(limit=limit, to='["file:alerts.jsonl"]'))
    outcome = tell(out=here / "state", schedule=file, as_of="2026-06-29", now=True)
    assert f"UTC: {verdict}. severe: " in outcome.text
    assert outcome.exit_code == int(verdict == "alarm")
    lines = (here / "alerts.jsonl").read_text().splitlines() if sent else []
    assert [json.loads(line)["verdict"] for line in lines] == [verdict] * sent
    assert tell(out=here / "state", schedule=file, as_of="2026-06-29", now=True).text == "severe: nothing is due"
    assert len((here / "alerts.jsonl").read_text().splitlines() if sent else []) == sent


def test_a_count_has_an_interval_too(here: Path) -> None:
    sql = "SELECT 5 AS n"
    text = ALERT.format(limit="above = 3", to='["file:a.jsonl"]')
    file = written(here, text.replace(text.split('sql = "')[1].split('"')[0], sql))
    outcome = tell(out=here / "state", schedule=file, as_of="2026-06-29", now=True)
    assert "watch. severe: 5 (95% interval 2.14 to 11.7) is above 3." in outcome.text


def test_a_webhook_gets_an_alarm_once_and_again_where_it_failed(here: Path, hook: str) -> None:
    to = f'["file:a.jsonl", "{hook}/alerts"]'
    file = written(here, f'webhooks = ["{hook}/alerts"]', ALERT.format(limit="above = 0.1", to=to))
    for Hook.answer, done in ((500, False), (302, False), (204, True), (204, True)):
        outcome = tell(out=here / "state", schedule=file, as_of="2026-06-29", now=True)
        assert ("could not be told" not in outcome.text) is done
    assert len(Hook.got) == 3
    assert len((here / "a.jsonl").read_text().splitlines()) == 1
    assert Hook.got[0]["alert"] == "severe"
    assert Hook.got[0]["low"] < Hook.got[0]["value"] < Hook.got[0]["high"]
    assert list(Hook.got[0]["tables"]) == ["incidents"]


def test_an_address_that_is_not_allowed_gets_nothing(here: Path, hook: str) -> None:
    file = written(here, 'webhooks = ["http://127.0.0.1:1/"]', ALERT.format(limit="above = 0.1", to=f'["{hook}/x"]'))
    outcome = tell(out=here / "state", schedule=file, as_of="2026-06-29", now=True)
    assert "'webhooks' does not allow" in outcome.text
    assert Hook.got == []


@pytest.mark.parametrize(
    ("address", "fine"),
    [
        ("https://hooks.example.com/team/a", True),
        ("https://hooks.example.com/team", False),
        ("https://hooks.example.com/teams", False),
        ("https://hooks.example.com.evil.test/team/", False),
        ("https://hooks.example.com:8443/team/", False),
        ("https://me:pw@hooks.example.com/team/", False),
        ("https://hooks.example.com/team/../other", False),
        ("http://hooks.example.com/team/", False),
        ("http://10.0.0.1/team/", False),
        ("http://localhost:80/x", True),
        ("http://127.0.0.1/", False),
        ("file:///etc/passwd", False),
        ("", False),
    ],
)
def test_only_listed_addresses_are_posted_to(address: str, fine: bool) -> None:
    listed = (
        "https://hooks.example.com/team/",
        "http://10.0.0.1/team/",
        "http://hooks.example.com/",
        "http://localhost:80/",
    )
    assert allowed(address, listed) is fine


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "neither a"),
        ("x = ", "is no TOML"),
        (STORY.replace("monday 07:00", "moonday 07:00"), "is no time"),
        (STORY.replace("weekly monday", "monthly 31"), "is no time"),
        (STORY + STORY, "is there twice"),
        (STORY.replace("inputs", "input"), "did you mean 'inputs'"),
        (STORY.replace('name = "weekly"', 'name = "../x"'), "a name has small letters"),
        (ALERT.format(limit="", to='["file:a"]'), "either above or below"),
        (ALERT.format(limit="above = 1\nbelow = 2", to='["file:a"]'), "either above or below"),
        (ALERT.format(limit="above = true", to='["file:a"]'), "is a number"),
        (ALERT.format(limit="above = 1", to="[]"), "names nobody"),
    ],
)
def test_a_schedule_that_is_none_is_told(here: Path, text: str, said: str) -> None:
    with pytest.raises((UsageError, BadInput), match=said):
        read(written(here, text))


@pytest.mark.parametrize("sql", ["SELECT 1 AS x", "SELECT 1 AS n UNION ALL SELECT 2", "DELETE FROM incidents", "SELECT",
                                 "SELECT 1.5 AS n", "COPY incidents TO 'x'"])  # fmt: skip
def test_sql_that_is_no_alert_is_told(here: Path, sql: str) -> None:
    text = ALERT.format(limit="above = 3", to='["file:a.jsonl"]')
    file = written(here, text.replace(text.split('sql = "')[1].split('"')[0], sql))
    outcome = tell(out=here / "state", schedule=file, as_of="2026-06-29", now=True)
    assert (outcome.exit_code, "could not be told" in outcome.text) == (5, True)


@given(
    st.sampled_from([When("daily", 0, 415), When("weekly", 3, 0), When("monthly", 28, 1439), When("monthly", 1, 0)]),
    st.integers(0, 5_000_000),
    st.integers(0, 400),
)
def test_times_come_again_and_none_is_left_out(when: When, minutes: int, back: int) -> None:
    now = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    found = when.between(now - timedelta(days=back), now)
    assert found == sorted(found, reverse=True)
    assert all(now - timedelta(days=back) < at <= now for at in found)
    days = [now.date() - timedelta(days=n) for n in range(back + 1)]
    fits = {
        "daily": lambda d: True,
        "weekly": lambda d: d.weekday() == when.day,
        "monthly": lambda d: d.day == when.day,
    }
    ours = [
        datetime(d.year, d.month, d.day, when.minute // 60, when.minute % 60, tzinfo=UTC)
        for d in days
        if fits[when.every](d)
    ]
    assert found == [at for at in ours if now - timedelta(days=back) < at <= now]
    assert when.last(now) <= now < when.last(now) + timedelta(days=32)


def test_state_that_cannot_be_read_is_told(here: Path) -> None:
    (here / "state").mkdir()
    (here / "state" / "told.json").write_text('{"weekly": {"done": "never"}}')
    with pytest.raises(BadInput, match="does not say what was told"):
        tell(out=here / "state", schedule=written(here, STORY), as_of="2026-06-29", now=True)
