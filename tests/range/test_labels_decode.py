"""The labeller's own decoder reads what SDKs send, and survives what nobody should send."""

import base64
import gzip
import json
import zlib
from urllib.parse import quote, urlencode

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from labels.decode import Decoder, address, path_template
from labels.unpack import Unpacker

VALUE = "reader.0123456789abcdef@example.com"
NESTED = json.dumps({"user": {"mail": VALUE}, "list": ["en-IE", "ga"], "n": 12, "none": None, "flag": True})


def texts(url: str, body: bytes = b"", **headers: str) -> set[str]:
    """All leaf texts of a request."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {text for _, _, text in Decoder().request(url, named, body)}


def fields(url: str, body: bytes = b"", **headers: str) -> dict[str, str]:
    """Leaves by carrier and path."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {carrier + path: text for carrier, path, text in Decoder().request(url, named, body)}


@pytest.mark.parametrize(
    "packed",
    [
        VALUE,
        quote(VALUE),
        quote(quote(VALUE, safe=""), safe=""),
        base64.b64encode(VALUE.encode()).decode(),
        base64.urlsafe_b64encode(NESTED.encode()).decode().rstrip("="),
        VALUE.encode().hex(),
        NESTED,
        quote(NESTED),
        json.dumps(NESTED),
        base64.b64encode(gzip.compress(NESTED.encode(), mtime=0)).decode(),
        f"a=1&m={quote(VALUE)}",
        f"https://page.test/path?mail={quote(VALUE, safe='')}",
        base64.b64encode(base64.b64encode(NESTED.encode())).decode(),
        "e30." + base64.urlsafe_b64encode(NESTED.encode()).decode().rstrip("="),
        f"x=1; m={VALUE}",
    ],
)
def test_finds_a_value_in_a_query(packed: str) -> None:
    if packed.startswith("e30."):  # a signed token
        packed = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=") + packed[3:]
    assert any(VALUE in text for text in texts("https://v.test/p?" + urlencode({"d": packed})))


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (NESTED.encode(), {}),
        (gzip.compress(NESTED.encode(), mtime=0), {}),
        (gzip.compress(NESTED.encode(), mtime=0), {"content_encoding": "gzip"}),
        (zlib.compress(NESTED.encode()), {"content_encoding": "deflate"}),
        (zlib.compress(NESTED.encode()), {}),
        (brotli.compress(NESTED.encode()), {"content_encoding": "br"}),
        (zstandard.compress(NESTED.encode()), {"content_encoding": "zstd"}),
        (b'{"dsn":"x"}\n{"type":"event"}\n' + NESTED.encode(), {"content_type": "text/plain"}),
        (urlencode({"payload": NESTED}).encode(), {"content_type": "application/x-www-form-urlencoded"}),
        (
            b'--B\r\nContent-Disposition: form-data; name="d"\r\n\r\n' + NESTED.encode() + b"\r\n--B--\r\n",
            {"content_type": "multipart/form-data; boundary=B"},
        ),
        (b"\x82\xa4mail\xd9\x23" + VALUE.encode() + b"\xa1n\x0c", {"content_type": "application/msgpack"}),
        (b"\x0a\x23" + VALUE.encode() + b"\x10\x96\x01\xff", {}),
        (base64.b64encode(NESTED.encode()), {"content_type": "text/plain"}),
    ],
)
def test_finds_a_value_in_a_body(body: bytes, headers: dict[str, str]) -> None:
    assert any(VALUE in text for text in texts("https://v.test/p", body, **headers))


def test_fields_have_names_that_last() -> None:
    found = fields(
        "https://v.test/u/123456/x?a=1",
        b'{"e":[{"key":"cores","value":8},{"key":"memory","value":4}],"l":["en-IE","ga"],"0a1b2c3d4e":"x"}',
    )
    assert found == {
        "path2": "123456",
        "query.a": "1",
        "json.e[cores].key": "cores",
        "json.e[cores].value": "8",
        "json.e[memory].key": "memory",
        "json.e[memory].value": "4",
        "json.l[0]": "en-IE",
        "json.l[1]": "ga",
        "json.{id}": "x",
    }


def test_headers_of_the_browser_are_left_out_and_cookies_taken_apart() -> None:
    found = fields(
        "https://v.test/",
        user_agent="Chrome/141.0.1.2",
        sec_ch_ua="x",
        cookie="a=1; b=%7B%22id%22%3A%22xyz%22%7D",
        x_client=VALUE,
    )
    assert found == {"cookie.a": "1", "cookie.b.id": "xyz", "header.x-client": VALUE}


def test_base64_padding_is_no_form() -> None:
    packed = base64.b64encode(b'{"tz":"Europe/Lisbon1"}').decode()
    assert packed.endswith("=")
    assert fields("https://v.test/?" + urlencode({"d": packed}))["query.d~base64.tz"] == "Europe/Lisbon1"


def test_addresses() -> None:
    assert address("https://user@Host.test:8443/a/b?c=d#e") == ("host.test", "/a/b", "c=d")
    assert address("nothing") == ("", "", "")
    assert path_template("/v1/track/0a1b2c3d4e5f/pixel.gif") == "/v1/track/{}/pixel.gif"


@pytest.mark.parametrize(
    "bomb",
    [b"[" * 100_000, b'{"a":' * 5000, gzip.compress(bytes(50 << 20), mtime=0), b"%" * 70_000, b"=&" * 50_000, b"a=" * 40_000],
)
def test_hostile_bodies_end(bomb: bytes) -> None:
    leaves = list(Decoder().request("https://v.test/", {}, bomb))
    assert len(leaves) < 200_000


@given(st.binary(max_size=300))
def test_any_bytes_decode(body: bytes) -> None:
    list(Decoder().request("https://v.test/x", {"content-type": "application/x-www-form-urlencoded"}, body))


@given(st.text(max_size=200))
def test_any_text_decodes(text: str) -> None:
    assert all(isinstance(leaf, str) for _, leaf in Unpacker().text(text))


@given(
    st.recursive(
        st.text(min_size=1, max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=5), inner, max_size=3),
        max_leaves=8,
    )
)
def test_json_keeps_plain_words(value: object) -> None:
    def words(node: object) -> set[str]:
        if isinstance(node, str):
            return {node} if node.isalpha() and node.isascii() else set()
        return set().union(*(words(item) for item in (node.values() if isinstance(node, dict) else node)))  # type: ignore[attr-defined]

    body = json.dumps({"root": value}).encode()
    assert words(value) <= texts("https://v.test/", body)
