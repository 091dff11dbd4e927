import base64
import gzip
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import brotli
import pyarrow as pa
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.core.errors import BadInput
from consentinel.core.tables import TRAFFIC, VISITS
from consentinel.core.vault import seal
from consentinel.detect.collectors import har
from consentinel.detect.collectors._address import script_place, sent, split_url
from consentinel.detect.collectors._batch import RAW, Options, micros
from consentinel.detect.collectors.har import _PagesOf, _read_one
from consentinel.detect.decode import explode
from consentinel.detect.pipeline import inputs
from tests.detect.collectors.hars import PAGE, document, entry, raw, read, read_document, traffic, visits

STACK = {
    "type": "script",
    "stack": {
        "callFrames": [{"url": "", "lineNumber": 1}],
        "parent": {"callFrames": [{"url": "https://cdn.test/a/123456/sdk.js?u=9", "lineNumber": 9, "columnNumber": 4}]},
    },
}


def test_chrome_gives_initiator_type_and_messages(tmp_path: Path) -> None:
    sends = {"type": "send", "time": 1767323045.5, "opcode": 1, "data": '{"uid":"abcdef"}'}
    socket = entry(
        "wss://live.tracker.test/s?k=1",
        _webSocketMessages=[sends, {"type": "receive", "data": "x"}, {"type": "send", "data": None}],
        _resourceType="websocket",
    )
    batches, notes = read_document(
        tmp_path, document([entry(_initiator=STACK, _resourceType="ping"), socket, entry("data:text/plain,hi")])
    )
    rows = traffic(batches)
    assert [(r["channel"], r["method"], r["seq"], r["port"]) for r in rows] == [
        ("beacon", "GET", 0, 443), ("ws", "GET", 1, 443), ("ws", "SEND", 2, 443)
    ]  # fmt: skip
    assert (rows[0]["initiator_url"], rows[0]["line"], rows[0]["col"]) == ("https://cdn.test/a/{}/sdk.js", 10, 5)
    assert rows[2]["time"] == 1767323045500000
    assert ("body:", "", b'{"uid":"abcdef"}') in raw(batches)
    assert notes == []


def test_sitespeed_gives_the_initiator_as_text_and_several_pages(tmp_path: Path) -> None:
    pages = [
        {"id": "a", "title": "x", "_url": "https://www.one.test/"},
        {"id": "b", "_url": "https://two.test/p/778899"},
    ]
    told = [
        entry(pageref="a", _initiator="https://cdn.test/x.js", _initiator_line=7, _initiator_column="3"),
        entry(pageref="b"), entry(pageref="a"), entry("https://three.test/", pageref="unknown"),
    ]  # fmt: skip
    batches, _ = read_document(tmp_path, document(told, pages=pages), file_no=3)
    rows = traffic(batches)
    assert [(r["visit_id"], r["seq"]) for r in rows] == [
        ("0003.0.0", 0), ("0003.0.1", 0), ("0003.0.0", 1), ("0003.0.2", 0)
    ]  # fmt: skip
    assert (rows[0]["initiator_url"], rows[0]["line"], rows[0]["col"]) == ("https://cdn.test/x.js", 7, None)
    assert [(v["subject"], v["page_template"]) for v in visits(batches)] == [
        ("one.test", "/"), ("two.test", "/p/{}"), ("three.test", "/")
    ]  # fmt: skip


def test_mitmproxy_has_no_pages_and_the_referring_page_tells_the_site(tmp_path: Path) -> None:
    headers = [{"name": "Referer", "value": "https://www.news.test/a?b"}, {"name": "Cookie", "value": "u=1"}]
    told = [entry(request={"headers": headers}), entry("https://cdn.test/x.js")]
    for e in told:
        del e["pageref"]
    log = document(told)
    del log["log"]["pages"]
    batches, _ = read_document(tmp_path, log)
    assert [v["subject"] for v in visits(batches)] == ["news.test"]
    assert [r["party"] for r in traffic(batches)] == ["third", "third"]


@pytest.mark.parametrize("pages", [[], None, "gone"])
def test_firefox_and_playwright_without_usable_pages(pages: Any, tmp_path: Path) -> None:
    log = document([entry("https://shop.test/"), entry()], pages=pages)
    if pages == "gone":
        del log["log"]["pages"]
    batches, _ = read_document(tmp_path, log)
    assert [v["subject"] for v in visits(batches)] == ["shop.test"]
    assert [r["party"] for r in traffic(batches)] == ["first", "third"]


def test_pages_may_come_after_the_entries(tmp_path: Path) -> None:
    log = document([entry("https://cdn.test/first.js"), entry("https://www.shop.test/")])
    later = {
        "log": {"entries": log["log"]["entries"], "pages": log["log"]["pages"], "_consentinel": {"scenario": "reject"}}
    }
    batches, notes = read_document(tmp_path, later)
    assert [(v["subject"], v["scenario"]) for v in visits(batches)] == [("shop.test", "reject")]
    assert [r["party"] for r in traffic(batches)] == ["third", "first"]
    assert notes == []


def body(**post: Any) -> dict[str, Any]:
    return entry(request={"method": "POST", "postData": post})


def test_bodies_of_every_kind(tmp_path: Path) -> None:
    text = json.dumps({"email": "jane@example.com"})
    packed = {
        "gzip": gzip.compress(text.encode()),
        "br": brotli.compress(text.encode()),
        "zstd": zstandard.compress(text.encode()),
    }
    told = [
        body(mimeType="application/json", text=text),
        body(mimeType="application/json", text=base64.b64encode(text.encode()).decode(), encoding="base64"),
        body(mimeType="application/x-www-form-urlencoded", params=[{"name": "email", "value": "jane@example.com"}]),
        body(mimeType="x", params=[{"name": "p", "value": {"email": "jane@example.com"}}]),
    ]
    for name, data in packed.items():
        more = body(mimeType="application/json", text=base64.b64encode(data).decode(), encoding="base64")
        more["request"]["headers"] = [{"name": "Content-Encoding", "value": name.upper()}]
        told.append(more)
    batches, notes = read_document(tmp_path, document(told))
    bodies = [(c, v) for c, _, v in raw(batches) if c.startswith("body")]
    assert len(bodies) == len(told)
    for carrier, value in bodies:
        assert "jane@example.com" in explode(carrier, value).values, carrier
    assert notes == []


def test_headers_cookies_and_what_was_stored(tmp_path: Path) -> None:
    sent_headers = [
        {"name": "User-Agent", "value": "ua"}, {"name": "cookie", "value": "a=1"}, {"name": "Cookie", "value": "b=2"},
        {"name": "Accept", "value": "*/*"}, {"name": ":path", "value": "/"}, {"name": "Sec-GPC", "value": "1"},
    ]  # fmt: skip
    back = [{"name": "set-cookie", "value": "x=1; Max-Age=60\ny=2"}, {"name": "Server", "value": "s"}]
    told = entry("https://t.tracker.test:8443/p/x?q=1#frag", request={"headers": sent_headers})
    told["response"] = {"status": 204, "headers": back}
    batches, _ = read_document(tmp_path, document([told]))
    assert raw(batches) == [
        ("header", "user-agent", b"ua"), ("header", "sec-gpc", b"1"), ("path", "", b"/p/x"), ("query", "", b"q=1"),
        ("cookie", "", b"a=1; b=2"), ("set-cookie", "", b"x=1; Max-Age=60"), ("set-cookie", "", b"y=2"),
    ]  # fmt: skip
    row = traffic(batches)[0]
    assert (row["gpc"], row["status"], row["port"], row["host"]) == (True, 204, 8443, "t.tracker.test")


def test_what_the_recorder_tells_is_used_and_nonsense_is_not_stored(tmp_path: Path) -> None:
    good = {
        "site": "shop.test", "scenario": "reject", "scenario_proof": "verified", "region": "US-CA", "locale": "en-US",
        "repeat": 2, "storage": [{"kind": "local", "key": "k", "value": "v", "origin": PAGE, "lifetime_s": 1e300}],
        "calls": [{"api": "Screen.width", "script_url": "https://cdn.test/f.js?x=1", "n": 3}],
        "consent": [{"time": 1767323045, "state": "denied"}, {"time": 1, "state": "jane"}],
    }  # fmt: skip
    batches, notes = read_document(tmp_path, document([entry()], _consentinel=good))
    visit = visits(batches)[0]
    assert [visit[k] for k in ("scenario", "scenario_proof", "region", "locale", "repeat")] == [
        "reject", "verified", "US-CA", "en-US", 2
    ]  # fmt: skip
    assert ("local-storage", "k", b"v") in raw(batches)
    assert batches[-1].calls.to_pylist()[0]["script_url"] == "https://cdn.test/f.js"
    assert batches[-1].consent.num_rows == 1
    odd = dict.fromkeys(("scenario", "scenario_proof", "region", "locale"), "jane@example.com") | {"repeat": 10**40}
    batches, _ = read_document(tmp_path, document([entry()], _consentinel=odd))
    visit = visits(batches)[0]
    assert [visit[k] for k in ("scenario", "scenario_proof", "region", "locale", "repeat")] == [
        "unknown", "unknown", None, None, 0
    ]  # fmt: skip
    _, notes = read_document(tmp_path, document([entry()], _consentinel={"repeat": "jane@example.com"}))
    assert "_consentinel cannot be used" in notes[0]
    assert "jane" not in notes[0]


def test_a_name_of_the_site_that_leads_to_a_vendor_counts_as_the_vendor(tmp_path: Path) -> None:
    told = {"cnames": {"metrics.shop.test": ["edge.cdn.test", "in.vendor.test"], "img.shop.test": []}}
    urls = ("https://metrics.shop.test/e?id=7", "https://img.shop.test/1.png")
    batches, notes = read_document(tmp_path, document([entry(url) for url in urls], _consentinel=told))
    assert [(row["host"], row["recipient"], row["party"], row["cnames"]) for row in traffic(batches)] == [
        ("metrics.shop.test", "vendor.test", "third", ["edge.cdn.test", "in.vendor.test"]),
        ("img.shop.test", "shop.test", "first", None),
    ]
    assert {row["recipient"] for b in batches if b.raw for row in b.raw.to_pylist()} == {"vendor.test", "shop.test"}
    assert notes == []


@pytest.mark.parametrize(
    ("response", "left"),
    [
        ({"status": 0, "_error": "net::ERR_NAME_NOT_RESOLVED"}, False),
        ({"status": 0, "_error": "net::ERR_BLOCKED_BY_CLIENT.Inspector"}, False),
        ({"status": 0, "_error": "blocked: mixed-content"}, False),
        ({"status": 0, "_error": ""}, False),
        ({"status": -1, "_failureText": "net::ERR_CONNECTION_REFUSED"}, False),
        ({"status": 0, "_error": "net::ERR_ABORTED"}, True),
        ({"status": 0, "_error": "net::ERR_CONNECTION_RESET"}, True),
        ({"status": 0, "_error": None}, True),
        ({"status": 204, "_error": ""}, True),
        (None, True),
    ],
)
def test_what_was_blocked_or_found_no_connection_was_not_sent(
    response: dict[str, Any] | None, left: bool, tmp_path: Path
) -> None:
    made = entry("https://t.test/e/7?uid=abcdef", request={"headers": [{"name": "Cookie", "value": "id=9"}]})
    batches, notes = read_document(tmp_path, document([made | {"response": response}]))
    assert [row["host"] for row in traffic(batches)] == ["t.test"]
    assert any("uid" in str(row) for b in batches if b.raw for row in b.raw.to_pylist()) is left
    assert notes == []


def test_unreadable_entries_are_counted_and_the_others_stay(tmp_path: Path) -> None:
    bad = [{"request": {}}, 7 * [[]], {"request": {"url": {"jane": 1}}}]
    batches, notes = read_document(tmp_path, document([entry(), *bad, entry()]))
    assert len(traffic(batches)) == 2
    assert notes == [n for n in notes if "3 unreadable entries were left out; the first: entry 2" in n]
    with pytest.raises(BadInput, match="none of its entries"):
        read_document(tmp_path, document(bad))


def test_one_bad_member_of_a_zip_does_not_cost_the_others(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.har.zip", "w") as archive:
        archive.writestr("a.har", "<html>")
        archive.writestr("b.har", json.dumps(document([entry()])))
        archive.writestr("c.har", json.dumps(document([entry(), entry()])))
    batches, notes = read(tmp_path / "a.har.zip")
    assert [b.done for b in batches] == [True, True]
    assert [v["visit_id"] for v in visits(batches)] == ["0000.1.0", "0000.2.0"]
    assert len(notes) == 1
    assert notes[0].startswith("a.har.zip/a.har: is not JSON")


def test_a_gzip_that_breaks_off_gives_what_came_before(tmp_path: Path) -> None:
    whole = gzip.compress(json.dumps(document(entry(f"https://t.test/{n:x}") for n in range(30_000))).encode())
    (tmp_path / "a.har.gz").write_bytes(whole[: len(whole) // 2])
    batches, notes = read(tmp_path / "a.har.gz")
    assert batches[-1].done
    assert len(visits(batches)) == 1
    assert 1_000 < len(traffic(batches)) < 30_000
    assert "requests before that were read" in notes[0]


def test_tables_keep_their_schemas_and_no_value_gets_into_traffic(tmp_path: Path) -> None:
    url = "https://user:pw@t.tracker.test/u/jane@example.com/123456789;sid=999?e=jane@example.com"
    told = entry(url, _initiator=url, request={"method": "jane@example.com-is-not-a-method", "headers": []})
    batches, _ = read_document(tmp_path, document([told]), batch_requests=1)
    for batch in batches:
        assert batch.raw.schema.equals(RAW)
        assert batch.traffic.schema.equals(TRAFFIC)
    assert batches[-1].visits.schema.equals(VISITS)
    row = traffic(batches)[0]
    assert row["path_template"] == "/u/{}/{}"
    assert row["initiator_url"] == "https://t.tracker.test/u/{}/{}"
    assert row["host"] == "t.tracker.test"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://Shop.TEST:444/a?b=c?d#e", ("shop.test", 444, "/a", "b=c?d")),
        ("HTTPS://a.test", ("a.test", 443, "", "")),
        ("wss://[2001:db8::1]:81/x", ("2001:db8::1", 81, "/x", "")),
        ("http://u:p@a.test/x@y", ("a.test", 80, "/x@y", "")),
        ("http://a.test&uid=12345/x", ("a.test", 80, "/x", "")),
        ("http://a.test%2fjane", ("a.test", 80, "", "")),
        ("http://a.test\\jane/x?y", ("a.test", 80, "/jane/x", "y")),
        ("http://a.test:99999x/", ("a.test", 80, "/", "")),
        ("data:text/plain,hi", ("", None, "", "")),
    ],
)
def test_urls_are_taken_apart(url: str, told: tuple[Any, ...]) -> None:
    assert split_url(url) == told


def test_only_urls_that_leave_the_machine_are_traffic() -> None:
    assert all(map(sent, ["http://a.test", "HTTPS://A.test/", "ws://a", "wss://a/"]))
    local = [
        "",
        None,
        7,
        "file:///home/jane/a.html",
        "blob:https://a.test/1",
        "chrome-extension://id/x.js",
        "http:///x",
        "://",
    ]
    assert not any(map(sent, [*local, "http:///x", "://"]))
    assert script_place("file:///home/jane/a.js") is None
    assert script_place("jane@example.com://host/x") is None


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ("2026-01-02T03:04:05.678Z", 1767323045678000), ("2026-01-02T04:04:05.678901234+01:00", 1767323045678901),
        ("2026-01-02 03:04:05", 1767323045000000), (1767323045, 1767323045000000), (1767323045678, 1767323045678000),
        (1767323045678901, 1767323045678901), (True, None), (None, None), (-1, None), (float("nan"), None),
        (1e300, None), ("yesterday", None), ("", None), ("0001-01-01T00:00:00+23:59", -62135683140000000),
    ],
)  # fmt: skip
def test_times(told: Any, wanted: int | None) -> None:
    assert micros(told) == wanted


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = frozenset(
    [
        "startedDateTime",
        "pageref",
        "request",
        "response",
        "_initiator",
        "_webSocketMessages",
        "_resourceType",
        "method",
        "url",
        "headers",
        "postData",
        "mimeType",
        "text",
        "params",
        "encoding",
        "status",
        "name",
        "value",
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_field_of_any_type_crashes_the_reader(data: st.DataObject) -> None:
    sixth = st.integers(0, 6)

    def spoil(node: Any) -> Any:
        if isinstance(node, dict):
            return {k: data.draw(JSON) if k in FIELDS and not data.draw(sixth) else spoil(v) for k, v in node.items()}
        return [spoil(v) for v in node] if isinstance(node, list) else node

    whole = body(mimeType="a", text="b", params=[{"name": "c", "value": "d"}])
    whole |= {"_initiator": STACK, "_webSocketMessages": [{"type": "send", "data": "x", "time": 1}]}
    text = json.dumps(document([spoil(whole), entry()], _consentinel=data.draw(JSON))).encode()
    notes: list[str] = []
    batches = list(_read_one("a", io.BytesIO(text), Options(), "0", notes, _PagesOf(Path("none"), b"", 0)))
    assert 1 <= sum(b.traffic.num_rows for b in batches) <= 4


def test_every_recorded_capture_reads_with_all_its_requests(captures: Path) -> None:
    files = sorted((captures / "har").iterdir())
    assert len(files) >= 25
    for path in files:
        packed = path.read_bytes()
        told = json.loads(zstandard.ZstdDecompressor().decompressobj().decompress(packed))
        wanted = sum(
            e["request"]["url"].lower().startswith(("http://", "https://", "ws://", "wss://"))
            for e in told["log"]["entries"]
        )
        batches, notes = read(path)
        assert sum(b.traffic.num_rows for b in batches) == wanted, path.name
        assert notes == [], path.name
        assert len(pa.concat_tables([b.visits for b in batches if b.visits])) >= 1


def test_half_characters_and_bytes_that_are_not_utf8_are_replaced(tmp_path: Path) -> None:
    half = json.dumps(
        document([entry("https://t\ud800.test/\udfff?q=\ud800", _initiator="https://a\ud800.test/")])
    ).encode()
    raw_bytes = json.dumps(document([entry("https://t.test/?q=XX")])).encode().replace(b"XX", b"\xff\xfe")
    for text in (half, raw_bytes):
        batches, notes = read_document(tmp_path, text)
        assert notes == []
        assert [r["host"][:1] for r in traffic(batches)] == ["t"]
        assert "\ufffd" in raw(batches)[-1][2].decode("utf-8", "replace")


def test_sealed_copies_in_a_folder_are_found_and_read(tmp_path: Path) -> None:
    (tmp_path / "a.har.zst").write_bytes(zstandard.compress(json.dumps(document([entry()])).encode()))
    (tmp_path / "raw").mkdir()
    sealed = seal(tmp_path / "a.har.zst", tmp_path / "raw" / "a.har.zst.vault", bytes(32))
    assert inputs([tmp_path / "raw"], har.SUFFIXES) == [sealed]
    assert len(traffic(read(sealed, key=bytes(32))[0])) == 1
    with pytest.raises(BadInput, match="another project key"):
        read(sealed, key=bytes(range(32)))


def test_a_har_without_requests_says_so(tmp_path: Path) -> None:
    batches, notes = read_document(tmp_path, document([entry("data:text/plain,hi")]))
    assert (traffic(batches), batches[-1].done) == ([], True)
    assert notes == ["made.har: holds no request that leaves the machine"]
