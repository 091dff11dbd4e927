"""`detect collect` in a real Chromium: what a visit keeps, every bad end, crashes, kill -9 and going on."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import zstandard

from consentinel.detect.verbs import collect, scan
from tests.real.made_site import Site, certificate, serving

pytest.importorskip("playwright.async_api", reason="needs the extra [browser]: playwright")
pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving(certificate(tmp_path_factory.mktemp("tls"))) as running:
        yield running


def visits(out: Path) -> dict[str, dict[str, Any]]:
    """The rows of visits.parquet by path of the address."""
    rows = pq.read_table(out / "visits.parquet").to_pylist()
    return {row["url"].partition(".test")[2]: row for row in rows}


def unpacked(path: Path) -> bytes:
    with path.open("rb") as file:
        return zstandard.ZstdDecompressor().stream_reader(file).read()


def log(out: Path) -> dict[str, Any]:
    """The only archive in OUT."""
    (path,) = (out / "visits").glob("*.har.zst")
    told: dict[str, Any] = json.loads(unpacked(path))["log"]
    return told


def go(site: Site, *paths: str, **more: Any) -> Any:
    """Collect PATHS of site.test with settings that fit a test."""
    wanted: dict[str, Any] = {
        "scenarios": "no_action", "settle_s": 0.8, "timeout_s": 30.0, "politeness_s": 0.0, "retries": 0,
        "allow_private": True, "any_certificate": True, "resolver": site.resolver, "seed": 7,
    }  # fmt: skip
    return collect([f"https://site.test{path}" for path in paths], **wanted | more)


@pytest.fixture(scope="module")
def rich(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A visit of a page with everything, and a flow that types an address into a form."""
    out = tmp_path_factory.mktemp("rich")
    flow = out / "sign-in.flow"
    flow.write_text('fill "#email" {email}\noptional click "#nothing"\n')
    done = go(site, "/rich", out=out, flow=flow, screenshots=True, bodies=True)
    assert done.exit_code == 0, done.text
    return out


def test_every_way_to_send_is_kept(rich: Path, site: Site) -> None:
    entries = log(rich)["entries"]
    bodies = {e["request"]["url"]: e["request"].get("postData", {}).get("text") for e in entries}
    assert bodies["https://tracker.test/beacon"] == "from a blob"
    assert bodies["https://tracker.test/bye"] == "gone"
    assert bodies["https://site.test/from-worker"] == "from a worker"
    assert "https://frame.test/from-frame" in bodies
    messages = next(e["_webSocketMessages"] for e in entries if e["request"]["url"] == "wss://socket.test/ws")
    assert [(m["type"], m["data"]) for m in messages] == [("send", "hello socket"), ("receive", "heard")]
    assert {path for path in site.paths() if path != "/favicon.ico"} <= {
        "/" + url.split("/", 3)[3] for url in bodies if "/" in url
    }
    call = next(e for e in entries if e["request"]["url"] == "https://tracker.test/collect")
    assert call["_initiator"]["stack"]["callFrames"][0]["url"] == "https://tracker.test/tag.js"
    sent = {h["name"].lower(): h["value"] for h in call["request"]["headers"]}
    assert sent["origin"] == "https://site.test"
    assert "sec-ch-ua" in sent  # only headers as sent hold it
    page = next(e for e in entries if e["request"]["url"] == "https://site.test/rich")
    assert "<title>rich</title>" in page["response"]["content"]["text"]


def test_the_profile_is_what_the_page_saw(rich: Path) -> None:
    told = log(rich)
    levels = told["_consentinel"]["profile_levels"]
    assert {"cores", "memory", "screen", "timezone", "ua_version", "email", "latitude"} <= set(levels)
    call = next(e for e in told["entries"] if e["request"]["url"] == "https://tracker.test/collect")
    seen = json.loads(call["request"]["postData"]["text"])
    planted = (rich / "planted.toml").read_text("utf-8")
    assert f'value = "{seen["lat"]}"' in planted
    assert seen["ua"].split("Chrome/")[1].split()[0] in planted
    assert seen["seen"][0] == [2, 6, 8, 12][levels["cores"]]


def test_reads_storage_and_forms_are_told_with_their_places(rich: Path) -> None:
    about = log(rich)["_consentinel"]
    calls = {(c["api"], c["line"]): c for c in about["calls"] if c["script_url"] == "https://tracker.test/tag.js"}
    assert calls["Navigator.hardwareConcurrency", 4]["n"] == 5
    stored = {(s["kind"], s["key"]): s for s in about["storage"]}
    assert stored["cookie", "page_cookie"]["lifetime_s"] == 3600
    assert stored["session", "page_session"]["script_url"] == "https://site.test/rich"
    assert stored["local", "assigned"]["value"] == "without setItem"
    assert stored["local", "framed"]["origin"] == "https://frame.test"
    assert ("indexeddb", 'db/things/"key"') in stored
    (path,) = (rich / "events").glob("*.ndjson.zst")
    events = [json.loads(line) for line in unpacked(path).splitlines()]
    forms = {(e["did"], e["field"]) for e in events if e["what"] == "form"}
    assert forms == {("typed", "email"), ("read", "email")}
    assert [e["name"] for e in events if e["what"] == "cookie"] == ["page_cookie"]
    assert any(e["what"] == "step_failed" for e in events)
    assert "@example.com" not in "".join(json.dumps(e) for e in events if e["what"] in ("form", "step"))


def test_files_are_private_and_the_run_tells_no_host(rich: Path) -> None:
    kept = [p for p in rich.rglob("*") if p.is_file() and p.name not in ("run.json", ".lock", "sign-in.flow")]
    assert len(kept) >= 6
    assert {p.stat().st_mode & 0o777 for p in kept} == {0o600}
    assert sorted(p.suffix for p in (rich / "screenshots").iterdir()) == [".png", ".png"]
    assert ".test" not in (rich / "run.json").read_text("utf-8").replace(json.dumps("MAP"), "")


def test_scan_reads_it_and_finds_what_was_planted(rich: Path, tmp_path: Path) -> None:
    out = tmp_path / "scan"
    done = scan(
        [rich / "visits"], planted=rich / "planted.toml", out=out, project_key_file=tmp_path / "key", formats="json"
    )
    assert done.exit_code == 1
    findings = pq.read_table(out / "findings.parquet").to_pylist()
    proven = {(f["type"], f["recipient"]) for f in findings if f["proof"] == "P0"}
    assert ("contact.email", "tracker.test") in proven
    (row,) = pq.read_table(out / "visits.parquet").to_pylist()
    assert (row["scenario"], row["scenario_proof"], row["subject"]) == ("no_action", "verified", "site.test")


def test_what_a_page_sends_while_it_is_left_is_kept_once(site: Site, tmp_path: Path) -> None:
    flow = tmp_path / "next.flow"
    flow.write_text('click "#window"\nclick "#next"\nwait_for "text=hello"\n')
    begun = len(site.seen)
    go(site, "/leaving", out=tmp_path / "out", flow=flow)
    arrived = [(path, body) for _, _, path, _, body in site.seen[begun:] if path.startswith(("/left", "/hidden"))]
    assert sorted(arrived) == [("/hidden?hidden", b""), ("/left", b"a blob at the end")]
    entries = log(tmp_path / "out")["entries"]
    sent = {e["request"]["url"]: e["request"].get("postData", {}).get("text") for e in entries}
    assert sent["https://tracker.test/left"] == "a blob at the end"
    assert "https://tracker.test/hidden?hidden" in sent
    assert "https://site.test/from-frame" in sent  # from the window that the page opened


def test_choices_are_made_and_told(site: Site, tmp_path: Path) -> None:
    done = go(site, "/banner", out=tmp_path / "out", scenarios="accept,reject", workers=2)
    assert done.exit_code == 0, done.text
    chosen = [(path.partition("=")[2]) for path in site.paths() if path.startswith("/chosen")]
    assert sorted(chosen) == ["all", "none"]
    for path in (tmp_path / "out" / "visits").glob("*.har.zst"):
        about = json.loads(unpacked(path))["log"]["_consentinel"]
        states = [change["state"] for change in about["consent"]]
        assert states == ["unset", {"accept": "granted", "reject": "denied"}[about["scenario"]]]
        assert about["acted"]


def test_every_bad_end_is_told_and_the_rest_goes_on(site: Site, tmp_path: Path) -> None:
    paths = ("/", "/loop", "/spin", "/dialog", "/file", "/huge", "/missing", "/silent", "/hang")
    out = tmp_path / "out"
    done = go(site, *paths, out=out, timeout_s=15.0, page_mb=5, workers=3)
    ends = {path: row["outcome"] for path, row in visits(out).items()}
    assert ends.pop("/hang") == "timeout"
    assert ends == {
        "/": "done", "/loop": "redirect_loop", "/spin": "redirect_loop", "/dialog": "done", "/file": "download",
        "/huge": "too_big", "/missing": "http_error", "/silent": "timeout",
    }  # fmt: skip
    assert done.exit_code == 3
    assert "2 of 9 visits are whole" in done.text
    assert "/after-dialog" in site.paths()
    assert len(list((out / "visits").iterdir())) == 2
    events = b"".join(unpacked(p) for p in (out / "events").iterdir())
    assert events.count(b'"what":"dialog"') == 2


def test_tls_and_unreachable_hosts(site: Site, tmp_path: Path) -> None:
    out = tmp_path / "out"
    rules = f"MAP site.test 127.0.0.1:{site.port}, MAP closed.test 127.0.0.1:9, MAP * ~NOTFOUND"
    more = {"out": out, "any_certificate": False, "resolver": rules, "allow_private": True, "settle_s": 0.5}
    done = collect(
        ["https://site.test/", "closed.test", "nowhere.test"],
        scenarios="no_action",
        politeness_s=0.0,
        retries=1,
        **more,
    )
    rows = {row["host"]: row for row in pq.read_table(out / "visits.parquet").to_pylist()}
    assert rows["site.test"]["outcome"] == "tls_error"
    assert rows["site.test"]["why"].startswith("ERR_CERT_")
    assert rows["closed.test"]["outcome"] == rows["nowhere.test"]["outcome"] == "unreachable"
    assert rows["closed.test"]["attempts"] == 2
    assert done.exit_code == 3
    assert "No visit is whole" in done.text


def test_private_addresses_are_refused_unless_asked(site: Site, tmp_path: Path) -> None:
    out = tmp_path / "out"
    told = {"out": out, "scenarios": "no_action", "settle_s": 0.5, "politeness_s": 0.0, "retries": 0}
    collect([f"https://127.0.0.1:{site.port}/", f"https://localhost:{site.port}/", "http://[::1]:9/"], **told)
    rows = pq.read_table(out / "visits.parquet").to_pylist()
    assert {row["outcome"] for row in rows} == {"refused"}
    go(site, "/", out=tmp_path / "rules", allow_private=False)  # a name that the browser leads to loopback
    assert visits(tmp_path / "rules")["/"]["outcome"] == "refused"
    go(site, "/to-private", "/", out=tmp_path / "allowed", allow="other.test")
    assert {row["outcome"] for row in visits(tmp_path / "allowed").values()} == {"refused"}


def _children(pid: int) -> list[int]:
    """The processes below PID, from /proc."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent == pid:
                found += [int(entry.name), *_children(int(entry.name))]
    return found


def _browsers(pid: int, kind: str) -> list[int]:
    """The Chromium processes of KIND ("" is the browser itself) below PID."""
    found = []
    for child in _children(pid):
        try:
            line = Path(f"/proc/{child}/cmdline").read_bytes()
        except OSError:
            continue
        if f"--type={kind}".encode() in line if kind else b"--headless" in line and b"--type=" not in line:
            found.append(child)
    return found


def _command(site: Site, out: Path, *paths: str, more: tuple[str, ...] = ()) -> list[str]:
    urls = [f"https://site.test{path}" for path in paths]
    asked = ["--out", str(out), "--scenarios", "no_action", "--allow-private", "--any-certificate", "--seed", "7"]
    asked += ["--resolver", site.resolver, "--politeness-s", "0", "--workers", "1", *more]
    return [sys.executable, "-m", "consentinel", "detect", "collect", *urls, *asked]


def _lines(out: Path) -> list[dict[str, Any]]:
    path = out / "journal.ndjson"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()[1:]] if path.exists() else []


def _until(condition: Any, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


ENVIRON = os.environ | {"PYTHONPATH": str(ROOT / "src")}


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes in /proc")
def test_a_killed_run_goes_on_and_loses_nothing(site: Site, tmp_path: Path) -> None:
    out = tmp_path / "out"
    paths = tuple(f"/?n={n}" for n in range(4))
    command = _command(site, out, *paths, more=("--settle-s", "1"))
    first = subprocess.Popen(command, cwd=tmp_path, env=ENVIRON, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _until(lambda: len(list((out / "visits").glob("*.har.zst"))) >= 2)
    finally:
        browsers = _browsers(first.pid, "")
        first.send_signal(signal.SIGKILL)
        first.wait()
    _until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in browsers))
    made = {p.name: p.stat().st_mtime_ns for p in (out / "visits").glob("*.har.zst")}
    assert 2 <= len(made) < 4
    with (out / "journal.ndjson").open("ab") as journal:
        journal.write(b'{"visit":"cut of')  # as a kill in the middle of a line leaves it
    (out / "visits" / ".left.part").write_bytes(b"half")
    second = subprocess.run(command, cwd=tmp_path, env=ENVIRON, capture_output=True, text=True, timeout=120)
    assert second.returncode == 0, second.stderr
    assert "4 of 4 visits are whole" in second.stdout
    now = {p.name: p.stat().st_mtime_ns for p in (out / "visits").iterdir()}
    assert len(now) == 4
    assert made.items() <= now.items()
    other = subprocess.run([*command, "--locale", "de-DE"], cwd=tmp_path, env=ENVIRON, capture_output=True, text=True)
    assert other.returncode == 2
    assert "--locale" in other.stderr


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes in /proc")
@pytest.mark.parametrize("kind", ["", "renderer"])
def test_a_browser_that_crashes_is_replaced(site: Site, tmp_path: Path, kind: str) -> None:
    out = tmp_path / "out"
    more = ("--settle-s", "3", "--retries", "0")
    running = subprocess.Popen(
        _command(site, out, "/?a", "/?b", more=more), cwd=tmp_path, env=ENVIRON, stdout=subprocess.PIPE, text=True
    )
    before = len(site.paths())
    _until(lambda: any(path.startswith("/?") for path in site.paths()[before:]))
    time.sleep(0.5)
    for pid in _browsers(running.pid, kind):
        os.kill(pid, signal.SIGKILL)
    text, _ = running.communicate(timeout=90)
    assert running.returncode == 3, text
    assert sorted(line["outcome"] for line in _lines(out)) == ["crashed", "done"]
