import base64
import gzip
import json as stdlib_json
import zlib
from urllib.parse import parse_qsl, quote_plus, unquote

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from consentinel.detect import _layers
from consentinel.detect._layers import (
    b64,
    cookies,
    form,
    hexadecimal,
    inflate,
    json,
    jwt,
    mend,
    multipart,
    pairs,
    percent,
    readable,
    unpack,
    url,
)

PRINTABLE = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffd"), min_size=1
)


@given(st.lists(st.tuples(st.text("abcé[]._", min_size=1, max_size=8), st.text(min_size=1, max_size=9)), max_size=6))
def test_fields_are_split_like_the_standard_library_does(fields: list[tuple[str, str]]) -> None:
    text = "&".join(f"{quote_plus(k, safe='[]')}={quote_plus(v, errors='replace')}" for k, v in fields)
    assert list(zip(*pairs(text), strict=True)) == parse_qsl(text)


@pytest.mark.parametrize(
    "text",
    ['{"email":"jane@example.com","u":"https://a.test/?x"}', "%7B%22email%22%3A%22x%3D1%22%7D", "<user-record id=7>",
     "y" * 130, base64.b64encode(b'{"email":1234}').decode(), base64.b64encode(b'{"email":12345}').decode()],
)  # fmt: skip
def test_text_that_was_sent_without_a_name_is_a_value(text: str) -> None:
    assert pairs(text) == ([""], [unquote(text)])
    assert pairs(f"a=1&{text}") == (["a", ""], ["1", unquote(text)])


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", ([], [])), ("&&", ([], [])), ("a=", ([], [])), ("longfieldname12=", ([], [])),
        ("a=b=c", (["a"], ["b=c"])),
        ("a[]=1&a[]=2", (["a[]", "a[]"], ["1", "2"])), ("%61=%62", (["a"], ["b"])), ("a+b=c+d", (["a b"], ["c d"])),
    ],
)  # fmt: skip
def test_odd_query_strings(text: str, wanted: tuple[list[str], list[str]]) -> None:
    assert pairs(text) == wanted


def test_cookie_headers() -> None:
    assert cookies('a=1;  b="x y"; c=d=e; ; f; g=') == (["a", "b", "c"], ["1", "x y", "d=e"])


SCALARS = st.integers(-(2**53), 2**53) | st.booleans() | st.text(min_size=1, max_size=6)
DOCUMENTS = st.recursive(
    SCALARS, lambda x: st.lists(x, max_size=4) | st.dictionaries(st.text("abc.", min_size=1, max_size=3), x, max_size=4)
)


def flat(node: object, name: str = "") -> list[tuple[str, str]]:
    if isinstance(node, dict):
        return [p for k, v in node.items() for p in flat(v, f"{name}.{k}" if name else k)]
    if isinstance(node, list):
        return [p for v in node for p in flat(v, f"{name}[]")]
    return [(name, stdlib_json.dumps(node) if isinstance(node, (bool, int)) else str(node))]


@given(DOCUMENTS.filter(lambda d: isinstance(d, (list, dict))), st.booleans())
def test_json_is_flattened_like_an_independent_walk(document: object, escaped: bool) -> None:
    got = json(stdlib_json.dumps(document, ensure_ascii=escaped))
    assert got is not None
    assert list(zip(*got, strict=True)) == flat(document)


@pytest.mark.parametrize(
    "text", ["", "{", "1", "true", "null", "nul", "[" * 100_000, '{"a":' * 100_000, "[1e999", "{'a':1}"]
)
def test_what_is_no_document_is_told_by_none(text: str) -> None:
    assert json(text) is None


def test_names_in_json_are_cut() -> None:
    names, _ = json(stdlib_json.dumps({"k" * 5_000: {"n" * 5_000: 1}}))  # type: ignore[misc]
    assert names == ["k" * 200]


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        (rb'"\ud800"', rb'"\ufffd"'), (rb'"\udc00x"', rb'"\ufffdx"'), (rb'"\ud83c\udf6a"', rb'"\ud83c\udf6a"'),
        (rb'"\ud83c\ud83c\udf6a"', rb'"\ufffd\ud83c\udf6a"'), (b'"\xff"', b'"\xef\xbf\xbd"'), (b"{}", b"{}"),
        (rb'"\uD83C\uDF6A\uDF6A"', rb'"\uD83C\uDF6A\ufffd"'),
    ],
)  # fmt: skip
def test_half_characters_are_mended(raw: bytes, wanted: bytes) -> None:
    assert mend(raw) == wanted
    assert json(b"[" + mend(raw) + b"]") is not None


@given(PRINTABLE)
def test_readable_text_comes_back_from_base64_and_hex(text: str) -> None:
    raw = text.encode()
    for packed in (raw, gzip.compress(raw), zlib.compress(raw)):
        assert readable(packed) == text or (packed is raw and raw[:1] == b"x")
        coded = base64.b64encode(packed).decode()
        if len(coded.rstrip("=")) >= 12:
            assert b64(coded) == b64(coded.rstrip("=")) == ([""], [text])
            assert b64(base64.urlsafe_b64encode(packed).decode()) == ([""], [text])
        if len(packed) >= 8:
            assert hexadecimal(packed.hex()) == ([""], [text])


@given(st.binary(max_size=60))
def test_only_readable_text_is_taken_from_base64(raw: bytes) -> None:
    got = b64(base64.b64encode(raw).decode())
    if got is not None:
        assert got[1][0] in (raw.decode("utf-8", "replace"), readable(raw))
        assert got[1][0].isprintable() or any(c in got[1][0] for c in "\t\n\r") or not got[1][0].isascii()


@pytest.mark.parametrize(
    "text", ["AAAA", "A" * 13, "abc=defghijklm", "ab cdefghijklm", "====", "ab-_+/abcdefgh", "ééééééééééééé"]
)
def test_what_is_not_base64(text: str) -> None:
    assert b64(text) is None


def test_jwt_gives_its_payload() -> None:
    parts = [base64.urlsafe_b64encode(p).decode().rstrip("=") for p in (b'{"alg":"none"}', b'{"sub":"u1","a":[2]}')]
    assert jwt(".".join([*parts, ""])) == (["sub", "a[]"], ["u1", "2"])
    assert jwt(".".join(parts)) is None
    assert jwt("eyJ.eyJ.x") is None


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("a%20b", "a b"), ("%41%zz", "A%zz"), ("%C3%A9", "é"), ("%ff", None), ("100%", None), ("", None), ("abc", None)],
)
def test_percent(text: str, wanted: str | None) -> None:
    assert percent(text) == (None if wanted is None else ([""], [wanted]))


def test_form_needs_two_fields() -> None:
    assert form("a=1&b=%20") == (["a", "b"], ["1", " "])
    assert [form(t) for t in ("a=1", "a&b", "a=1&b", '{"a=1&b=2"}', "a=1 &b=2", "")] == [None] * 6


def test_url_gives_address_query_and_fragment() -> None:
    assert url("https://a.test/p?x=1&y=#z=2") == (["url", "x", "z"], ["https://a.test/p", "1", "2"])
    assert url("https://a.test/p#section") == (["url"], ["https://a.test/p"])


PACK = {
    "gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress, "zstd": zstandard.compress,
    "raw": lambda raw: zlib.compress(raw, wbits=-15),
}  # fmt: skip


@pytest.mark.parametrize("name", PACK)
@given(raw=st.binary(min_size=1, max_size=400))
def test_bodies_are_unpacked(name: str, raw: bytes) -> None:
    said = "deflate" if name == "raw" else name
    got = unpack(PACK[name](raw), said)
    if name == "deflate" and got != ("deflate", raw):  # a zlib head can look like raw deflate
        assert got is not None
    else:
        assert got == (said, raw)


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd", "", "x"])
@given(raw=st.binary(max_size=200))
def test_what_is_not_packed_is_told_by_none_or_bounded(name: str, raw: bytes) -> None:
    got = unpack(raw, name)
    assert got is None or len(got[1]) <= _layers.MAX_INFLATED


@pytest.mark.parametrize("name", PACK)
def test_bombs_give_four_megabytes(name: str) -> None:
    got = unpack(PACK[name](bytes(64 << 20)), "deflate" if name == "raw" else name)
    assert got is not None
    assert len(got[1]) == _layers.MAX_INFLATED


def test_inflate_goes_by_magic_bytes() -> None:
    assert inflate(gzip.compress(b"a")) == ("gzip", b"a")
    assert [inflate(r) for r in (b"", b"x", b"xx", b"\x1f\x8b", b"\x1f\x8bnot gzip", b"x\x9cnot zlib")] == [
        None, None, None, ("gzip", b""), None, None
    ]  # fmt: skip


@pytest.mark.parametrize("raw", [b"", b"--", b"--\n", b"-----\n", b"--abc", b"text", b"--" + b"x" * 300 + b"\n"])
def test_what_is_not_multipart(raw: bytes) -> None:
    assert not (multipart(raw) or ([], []))[0]


def test_files_in_multipart_are_left_out_however_they_are_named() -> None:
    for name in (b'filename="a"', b"filename*=UTF-8''a", b'FILENAME="a"'):
        raw = b'--abc\r\nContent-Disposition: form-data; name="f"; ' + name + b"\r\n\r\nbody\r\n--abc--"
        assert multipart(raw) == ([], []), name
