import base64
import gc
import gzip
import json
import random
import time
import zlib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import quote, quote_plus, urlencode

import brotli
import pyarrow as pa
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks._nested import WORDS, WRAPS, undo_all, wrap
from consentinel.detect import decode
from consentinel.detect.collectors._batch import MAX_BODY, MAX_FIELD, RAW
from consentinel.detect.decode import LAYERS, LEAVES, Decoder, expand, explode

MAIL = "jane@example.com"
INNER = base64.urlsafe_b64encode(f'{{"e":"{MAIL}"}}'.encode()).decode()
B64 = base64.b64encode(MAIL.encode()).decode()


def leaves(carrier: str, raw: str | bytes) -> list[tuple[str, str, str]]:
    got = explode(carrier, raw if isinstance(raw, bytes) else raw.encode())
    return list(zip(got.keys, got.values, got.paths, strict=True))


def doc(value: object) -> str:
    return json.dumps(value)


@pytest.mark.parametrize(
    ("carrier", "raw", "wanted"),
    [
        ("query", "a=1&b=x+y&c=%C3%A9", [("a", "1", ""), ("b", "x y", ""), ("c", "é", "")]),
        ("query", "a=&b&=c", [("", "b", ""), ("", "c", "")]),
        ("query", MAIL, [("", MAIL, "")]),
        ("query", quote(MAIL), [("", MAIL, "")]),
        ("query", f"e={B64}", [("e", MAIL, "base64")]),
        ("query", f"e={quote_plus(quote_plus(quote_plus(MAIL)))}", [("e", MAIL, "percent>percent")]),
        ("query", f"e={MAIL.encode().hex()}", [("e", MAIL, "hex")]),
        ("query", f"{base64.b64encode(doc({'e': MAIL}).encode()).decode()}", [("e", MAIL, "base64>json")]),
        ("query", "d=" + quote(doc({"u": {"e": MAIL}, "l": [1, True, None, "x"]})),
         [("d.u.e", MAIL, "json"), ("d.l[]", "1", "json"), ("d.l[]", "true", "json"), ("d.l[]", "x", "json")]),
        ("query", "dl=" + quote(f"https://a.test/p?e={MAIL}#k=v"),
         [("dl.url", "https://a.test/p", ""), ("dl.e", MAIL, "url"), ("dl.k", "v", "url")]),
        ("query", "dl=" + quote(f"https://a.test/u/{quote(MAIL)}/{INNER}/x"),
         [("dl.url", f"https://a.test/u/{quote(MAIL)}/{INNER}/x", ""), ("dl.path[1]", MAIL, "url>percent"),
          ("dl.path[2].e", MAIL, "url>base64>json")]),
        ("query", "dl=" + quote("https://a.test/npm/@font/inter@5.3.0/0123456789abcdef0123456789abcdef"),
         [("dl.url", "https://a.test/npm/@font/inter@5.3.0/0123456789abcdef0123456789abcdef", "")]),
        ("query", "f=" + quote(f"a=1&e={MAIL}"), [("f.a", "1", "form"), ("f.e", MAIL, "form")]),
        ("cookie", f'a=1; b="{B64}"; =x; c; d=', [("a", "1", ""), ("b", MAIL, "base64"), ("", "x", "")]),
        ("path", f"/p/{B64}/x/12", [("path[1]", MAIL, "base64"), ("path[3]", "12", "")]),
        ("path", f"/p/u1;lang=en;e={quote(MAIL)}/x", [("path[1]", "u1", ""), ("path[1].lang", "en", ""),
         ("path[1].e", MAIL, "")]),
        ("path", "/pixel&tz=60&s=1/uid=7f/YWJjZA==", [("path[0]", "pixel", ""), ("path[0].tz", "60", ""),
         ("path[0].s", "1", ""), ("path[1].uid", "7f", ""), ("path[2]", "YWJjZA==", "")]),
        ("header", MAIL, [("", MAIL, "")]),
        ("header", doc([MAIL]), [("[]", MAIL, "json")]),
        ("header", "", []),
        ("set-cookie", "a=1; Path=/; HttpOnly", [("a", "1", "")]),
        ("body:application/json", doc({"e": MAIL}), [("e", MAIL, "")]),
        ("body:", doc([{"e": MAIL}]), [("[].e", MAIL, "")]),
        ("body:text/plain", '{"e":"a"}\n{"e":"b"}\n', [("e", "a", ""), ("e", "b", "")]),
        ("body:application/x-www-form-urlencoded", f"e={quote(MAIL)}", [("e", MAIL, "")]),
        ("body:application/x-www-form-urlencoded", doc({"e": MAIL, "u": "https://a.test/?x=1"})[:-1],
         [("", doc({"e": MAIL, "u": "https://a.test/?x=1"})[:-1], "")]),
        ("body:text/plain", f"a=1&e={quote(MAIL)}", [("a", "1", ""), ("e", MAIL, "")]),
        ("body:text/plain", "hello there", [("", "hello there", "")]),
        ("body:application/json", doc({"attributes": [{"key": "os.name", "value": {"stringValue": "Linux"}}]}),
         [("attributes[].key", "os.name", ""), ("attributes[].os.name.value.stringValue", "Linux", "")]),
        ("body:application/json", doc([{"name": "email", "value": MAIL, "type": 1}]),
         [("[].name", "email", ""), ("[].email.value", MAIL, ""), ("[].type", "1", "")]),
        ("body:application/json", doc({"a": {"name": "email", "value": MAIL}, "b": [{"name": "of two", "value": 1}]}),
         [("a.name", "email", ""), ("a.value", MAIL, ""), ("b[].name", "of two", ""), ("b[].value", "1", "")]),
        ("body:application/json", doc([{"name": "Zoe", "value": 7}]), [("[].name", "Zoe", ""), ("[].value", "7", "")]),
        ("body:application/json", '{"e":"cut\\ud83d","f":"\\ud83c\\udf6a"}',
         [("e", "cut\ufffd", ""), ("f", "\U0001f36a", "")]),
        ("body:application/json", b'{"e":"\xff","m":"jane@example.com"}', [("e", "\ufffd", ""), ("m", MAIL, "")]),
        ("body:application/json|gzip", gzip.compress(doc({"e": MAIL}).encode(), mtime=0), [("e", MAIL, "gzip")]),
        ("body:application/json|deflate", zlib.compress(doc({"e": MAIL}).encode()), [("e", MAIL, "deflate")]),
        ("body:application/json|deflate", zlib.compress(doc({"e": MAIL}).encode(), wbits=-15),
         [("e", MAIL, "deflate")]),
        ("body:application/json|br", brotli.compress(doc({"e": MAIL}).encode()), [("e", MAIL, "br")]),
        ("body:application/json|zstd", zstandard.compress(doc({"e": MAIL}).encode()), [("e", MAIL, "zstd")]),
        ("body:", gzip.compress(gzip.compress(f"a=1&e={MAIL}".encode(), mtime=0), mtime=0),
         [("a", "1", "gzip>gzip"), ("e", MAIL, "gzip>gzip")]),
    ],
)  # fmt: skip
def test_known_values_come_apart(carrier: str, raw: str | bytes, wanted: list[tuple[str, str, str]]) -> None:
    assert leaves(carrier, raw) == wanted


@pytest.mark.parametrize(
    "text",
    ["3f2504e04f8941d39a0c0305e82c3301", "GA1.2.1234567890.1234567890", "AAAAAAAAAAAAAAAAAAAA", "100%", "a=b",
     "{not json}", "[x]", "eyJhbGciOiJub25lIn0.x.y", "5%zz", "deadbeefdeadbeef"],
)  # fmt: skip
def test_what_only_looks_encoded_stays(text: str) -> None:
    assert leaves("header", text) == [("", text, "")]


def packed(*texts: str, tag: int = 0) -> bytes:
    """Return TEXTS as Protocol Buffers have them: a tag, one byte for the length, the text."""
    return (
        b"".join(bytes([tag or 8 * n + 2, len(t)]) + t.encode() for n, t in enumerate(texts, 1)) + b"\x00\xff\xfe\x80"
    )


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        (packed("event", MAIL, "Europe/Oslo"), [MAIL, "Europe/Oslo"]),
        (packed("3f2504e0-4f89-41d3-9a0c-0305e82c3301"), ["3f2504e0-4f89-41d3-9a0c-0305e82c3301"]),  # length is "$"
        (packed(MAIL, "x" * 40, tag=0x22), [MAIL, "x" * 40]),  # tag and length are letters too
        (packed(doc({"e": MAIL})), [MAIL]),
        (b"\x00\xff\xfe\x80" * 9, []),
    ],
)
def test_texts_are_taken_out_of_binary_bodies(raw: bytes, wanted: list[str]) -> None:
    whole, *inside = leaves("body:application/octet-stream", raw)
    assert whole[0] == ""
    assert [value for _, value, _ in inside] == wanted


def test_multipart_fields_are_taken_and_files_left_out() -> None:
    parts = (
        b'--xYzBound\r\nContent-Disposition: form-data; name="email"\r\n\r\njane@example.com\r\n'
        b'--xYzBound\r\nContent-Disposition: form-data; name="doc"; filename="a.txt"\r\n\r\nsecret\r\n'
        b'--xYzBound\r\nContent-Disposition: form-data; name="j"\r\n\r\n{"a":"b"}\r\n--xYzBound--\r\n'
    )
    wanted = [("email", MAIL, ""), ("j.a", "b", "json")]
    assert leaves("body:multipart/form-data", parts) == wanted
    assert leaves("body:multipart/form-data", parts.replace(b"\r\n", b"\n")) == wanted


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("a=1", None), ("a=1; Max-Age=60", 60), ("a=1; max-age=-5", 0), ("a=1; Max-Age=--5", None),
        ("a=1; Max-Age=x", None),
        ("a=1; Max-Age=" + "9" * 30, None), ("a=1; Expires=Thu, 01 Jan 1970 00:00:10 GMT", 0),
        ("a=1; Expires=nonsense; Max-Age=7", 7), ("a=1; Expires=Fri, 32 Foo 99999 99:99:99 GMT", None),
        ("a=1; Max-Age=5; Expires=" + format_datetime(datetime(2030, 1, 1, tzinfo=UTC), usegmt=True), 5),
        ("a=1; Expires=" + format_datetime(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=2), usegmt=True), 172_800),
    ],
)  # fmt: skip
def test_lifetimes_of_cookies(text: str, seconds: int | None) -> None:
    when = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1_000_000)
    assert expand(table([("set-cookie", text.encode())], time=when))["lifetime_s"].to_pylist() == [seconds]


def table(rows: list[tuple[str, bytes]], time: int = 0, key: str = "") -> pa.Table:
    n = len(rows)
    columns = {
        "visit_id": ["v"] * n, "seq": [0] * n, "time": [time] * n, "action": ["sent"] * n, "recipient": ["t.test"] * n,
        "carrier": [c for c, _ in rows], "lifetime_s": [None] * n, "key": [key] * n, "value": [v for _, v in rows],
    }  # fmt: skip
    return pa.table([pa.array(columns[f.name], plain(f.type)).cast(f.type) for f in RAW], schema=RAW)


def plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(WRAPS), min_size=0, max_size=LAYERS), st.sampled_from(WORDS), st.integers(0, 2**32))
def test_up_to_three_nested_layers_are_recovered(kinds: list[str], word: str, seed: int) -> None:
    draw, text, names, key = random.Random(seed), word, [], "k"
    for n, kind in enumerate(kinds):
        name, wrapped, named = wrap(kind, f"k{n}", text, draw)
        if wrapped != text:  # percent-encoding of letters and digits
            names.insert(0, name)
        text = wrapped
        key = f"k{n}.{key}" if named else key
    assert (word, ">".join(names)) in [(v, p) for _, v, p in leaves("query", urlencode({"q": text}))]
    found = next(k for k, v, p in leaves("query", urlencode({"q": text})) if v == word)
    assert [part for part in found.split(".") if part.startswith("k")] == [p for p in key.split(".") if p != "k"]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(WRAPS), max_size=5),
    st.text(min_size=1, max_size=30) | st.sampled_from(WORDS),
    st.integers(0, 2**32),
)
def test_undoing_the_path_gives_the_leaf(kinds: list[str], word: str, seed: int) -> None:
    draw, text = random.Random(seed), word
    for kind in kinds:
        text = wrap(kind, "k", text, draw)[1]
    for key, value, path in leaves("query", urlencode({"q": text})):
        assert path.count(">") < LAYERS
        inside = undo_all(path, text)
        assert value in inside or (key.endswith("url") and any(i.startswith(value) for i in inside))


def test_four_layers_stop_at_three() -> None:
    text = MAIL
    for _ in range(4):
        text = base64.b64encode(text.encode()).decode()
    assert leaves("query", "q=" + quote(text)) == [("q", B64, "base64>base64>base64")]


def test_numbers_of_leaves_and_lengths_are_bounded() -> None:
    assert len(leaves("query", "&".join(f"a{n}=1" for n in range(9_000)))) == 2_000
    assert len(leaves("body:application/json", doc(list(range(9_000))))) == 2_000
    assert len(leaves("query", "q=" + quote(doc([doc(list(range(99))) for _ in range(99)])))) == 2_000
    assert max(len(v) for _, v, _ in leaves("query", "q=" + "x" * 200_000)) == decode.MAX_TEXT


def big_names() -> bytes:
    return doc({"k" * 1_000_000: {f"a{n}": 1 for n in range(2_000)}}).encode()


def many_bombs() -> bytes:
    bomb = base64.b64encode(gzip.compress(b"a" * (4 << 20))).decode()
    return doc([bomb[:-8] + f"{n:08x}" for n in range(700)]).encode()


BOMBS = {
    "nesting": b"[" * 200_000,
    "objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "levels": b'{"a":' * 400 + b'"jane@example.com"' + b"}" * 400,
    "percent": b"%25" * 900_000,
    "percents": b"q=" + b"%2525" * 500_000,
    "gzip": gzip.compress(b"\0" * (64 << 20)),
    "gzip in base64": base64.b64encode(gzip.compress(b"a" * (64 << 20))),
    "many": many_bombs(),
    "names": big_names(),
    "ampersands": b"&" * 4_000_000,
    "pairs": b"a=b&" * 1_000_000,
    "equals": b"=" * 4_000_000,
    "backslashes": b'{"a":"' + b"\\" * 4_000_001,
    "surrogates": b'{"a":"' + b"\\ud800" * 600_000 + b'"}',
    "boundary": b"--aaaa\r\n" + b'--aaaa name="' * 300_000,
    "name": b"--aaaa\r\n--aaaa" + b'name="' * 600_000,
    "lines": b'{"a":1}\n' * 500_000,
    "commas": b"[" + b"[]," * 1_300_000 + b"1]",
    "quotes": b'"' * 4_000_000,
    "hex": b"41" * 2_000_000,
}


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("carrier", ["query", "body:application/json", "body:multipart/form-data|gzip", "cookie"])
def test_bombs_cost_less_than_a_second(name: str, carrier: str) -> None:
    raw = BOMBS[name][: MAX_BODY if carrier.startswith("body") else MAX_FIELD]  # the readers cut there
    gc.freeze()  # what other tests left behind does not count
    start = time.process_time()
    got = explode(carrier, raw)
    seconds = time.process_time() - start
    gc.unfreeze()
    assert seconds < 1
    assert len(got.keys) <= 2_000
    assert sum(map(len, got.values)) < 64 << 20
    assert sum(map(len, got.keys)) < 4 << 20 or len(got.keys) <= 1


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["query", "cookie", "path", "header", "set-cookie", "body:", "body:application/json", "body:a|br",
                     "body:multipart/form-data", "body:application/x-www-form-urlencoded|zstd", "body:a|deflate"]),
    st.binary(max_size=300) | st.text(st.sampled_from('%="&;{}[]:\\,eyJ.-_+/aA0 \n'), max_size=200).map(str.encode),
)  # fmt: skip
def test_no_input_crashes_and_the_table_is_whole(carrier: str, raw: bytes) -> None:
    got = explode(carrier, raw)
    assert len(got.keys) == len(got.values) == len(got.paths) <= 2_000
    made = expand(table([(carrier, raw), ("header", b"x"), (carrier, raw)]))
    assert made.schema.equals(LEAVES)
    assert made.num_rows == 2 * len(got.keys) + 1
    assert all(len(k) <= 200 for k in made["key"].to_pylist())


def test_names_that_are_identifiers_do_not_reach_the_table() -> None:
    raw = doc({"users": {MAIL: {"score": 1}, "3f2504e0-4f89-41d3-9a0c-0305e82c3301": 2}, "@type": "x"}).encode()
    keys = expand(table([("body:application/json", raw), ("query", b"4155550123=1")]))["key"].to_pylist()
    assert keys == ["{}", "users.{}", "@type", "{}"]
    assert expand(table([("cookie", b"a=1")], key=f"for {MAIL}"))["key"].to_pylist() == ["for {}"]


def test_the_memory_of_a_decoder_changes_nothing() -> None:
    rows = [("query", b"a=1&b=2"), ("cookie", b"a=1"), ("query", b"a=1&b=2"), ("query", b"x" * 5_000)]
    decoder = Decoder()
    for _ in range(2):
        assert decoder.expand(table(rows)).equals(expand(table(rows)))
    assert expand(table([])).num_rows == 0
