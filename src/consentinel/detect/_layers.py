"""The encodings that a value can be wrapped in, one function each, all bounded.

A function gets text (or bytes, for bodies) and returns the inner values as (names, texts), or None when the text is
not written that way. None of them raises on any input.
"""

import base64
import binascii
import re
import zlib
from urllib.parse import unquote, unquote_plus

import msgspec

MAX_TEXT = 1 << 16  # characters kept of one value
MAX_INFLATED = 4 << 20  # bytes that one compressed value may expand to
MAX_NESTING = 48  # levels of JSON looked into
MAX_LEAVES = 2_000  # values taken from one raw value
MAX_NAME = 200  # characters kept of one name

Pairs = tuple[list[str], list[str]]

_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
_FORM = re.compile(r"[^\s=&{}<>\"]{1,80}=[^\s&=]*(?:&[^\s=&{}<>\"]{1,80}=[^\s&=]*)+&?")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{12,}={0,2}|[A-Za-z0-9_-]{12,}={0,2}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){8,}")
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]+\.(eyJ[A-Za-z0-9_-]+)\.[A-Za-z0-9_-]*")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd]")
_URLSAFE = str.maketrans("-_", "+/")
# Printable UTF-8; the last character may be cut off.
_READABLE_HEAD = re.compile(
    rb"(?:[\t\n\r\x20-\x7e]|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3})*"
    rb"[\xc2-\xf4]?[\x80-\xbf]{0,2}"
)
# What no field is called: text that was sent without a name, such as JSON or base64 right behind the question mark.
_NAMELESS = re.compile(r"[\s\"{}<>]|%(?:7[BbDd]|22)|.{120}", re.DOTALL)
_BARE_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{13,}={1,2}")
_HALF = re.compile(  # one escaped surrogate without the other
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)
_PARAMETER = re.compile(r"[A-Za-z_][\w.~\[\]-]{0,60}=[^=]+")
_LABEL = re.compile(r"[a-z_$][\w.$:/-]{0,60}")  # with a capital letter it may be the name of a person
_ABOUT = (("key", "value"), ("name", "value"), ("k", "v"), ("n", "v"))
_RUN = re.compile(rb"[\x20-\x7e]{6,}")  # printable ASCII
MOST_RUNS, LONGEST_CUT = 200, 512  # of one binary body; characters
_PART_NAME = re.compile(rb'name="([^"\r\n]{0,200})"')


def pairs(text: str, separator: str = "&") -> Pairs:
    """Split a query string, form body or fragment; values are percent-decoded once."""
    keys, values = [], []
    for piece in text.split(separator, MAX_LEAVES)[:MAX_LEAVES]:
        key, _, value = piece.partition("=")
        if len(key) > 12 and (_NAMELESS.search(key) or (len(value) < 2 and _bare_base64(piece))):
            keys.append("")
            values.append(piece if _BARE_BASE64.fullmatch(piece) else unquote_plus(piece))
        elif value:
            keys.append(unquote_plus(key) if "%" in key or "+" in key else key)
            values.append(unquote_plus(value) if "%" in value or "+" in value else value)
        elif key and "=" not in piece:  # a bare value such as ?jane@example.com
            keys.append("")
            values.append(unquote_plus(key))
    return keys, values


def _bare_base64(piece: str) -> bool:
    if len(piece) % 4 or not _BARE_BASE64.fullmatch(piece):
        return False
    return piece.endswith("==") or b64(piece) is not None  # a field without a value ends in one = too


def parameters(text: str) -> Pairs | None:
    """Split one segment of a path that holds parameters (RFC 3986 section 3.3): a;k=v, a&k=v or k=v alone."""
    pieces = re.split("[;&]", text, maxsplit=MAX_LEAVES) if "=" in text else []
    return pairs("&".join(pieces)) if any(_PARAMETER.fullmatch(piece) for piece in pieces) else None


def strings(raw: bytes) -> list[str]:
    """Return the readable texts in a binary body, without the byte that tells a length and the tag before that.

    Protocol Buffers, MessagePack, CBOR and Thrift all write short texts so.
    """
    found: list[bytes] = []
    for match, _ in zip(_RUN.finditer(raw), range(MOST_RUNS), strict=False):
        found += _cut(match[0], raw[match.start() - 1] if match.start() else 0)
    return [text[:MAX_TEXT].decode("ascii") for text in found]


def _cut(run: bytes, length: int) -> list[bytes]:
    """Cut RUN into texts where their lengths explain all of it; LENGTH is the byte before. Else it is one text."""
    n = len(run)
    if n > LONGEST_CUT:
        return [run]
    # Where the next text from each place on starts and ends; what is left over may be a tag and a length.
    after: list[tuple[int, int] | None] = [None] * (n - 2) + [(n, n)] * 3
    for at in range(n - 3, -1, -1):
        for start, told in enumerate((0 if at else length, *run[at : at + 2]), at):
            end = start + told
            # Letters and digits that happen to be a length are one only where they explain the rest at once.
            if told > 2 and end <= n and after[end] and (at or start == at or end >= n - 2):
                after[at] = start, end
                break
    found, place = [], after[0]
    while place and place[0] < n:
        found.append(run[place[0] : place[1]])
        place = after[place[1]]
    return found or [run]


def cookies(text: str) -> Pairs:
    """Split a Cookie header (RFC 6265 section 4.2)."""
    keys, values = [], []
    for piece in text.split(";", MAX_LEAVES)[:MAX_LEAVES]:
        key, sep, value = piece.strip().partition("=")
        if sep and value:
            keys.append(key[:MAX_NAME])
            values.append(value.strip('"'))
    return keys, values


def mend(raw: bytes) -> bytes:
    """Replace what strict JSON parsers refuse: bytes that are not UTF-8, and half characters cut by a script."""
    return _HALF.sub(rb"\\ufffd", raw.decode("utf-8", "replace").encode() if not raw.isascii() else raw)


def json(text: str | bytes) -> Pairs | None:
    """Flatten a JSON document: inner names joined by dots, list positions written []."""
    try:
        document = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError, ValueError, RecursionError):
        raw = text if isinstance(text, bytes) else text.encode("utf-8", "replace") if "\\u" in text else b""
        mended = mend(raw)
        return json(mended) if mended != raw else None
    if not isinstance(document, (dict, list, str)):
        return None
    keys: list[str] = []
    values: list[str] = []
    if isinstance(document, str):
        return ([""], [document]) if document != text else None
    _flatten(document, "", keys, values, 0)
    return keys, values


def _flatten(node: object, name: str, keys: list[str], values: list[str], level: int) -> None:
    if level > MAX_NESTING or len(keys) >= MAX_LEAVES:
        return
    if isinstance(node, dict):
        valued, about = _about(node) if name.endswith("[]") else ("", "")
        for key, item in node.items():
            above = f"{name}.{about}" if about and key == valued else name
            _put(item, f"{above}.{key[:MAX_NAME]}"[:MAX_NAME] if above else key[:MAX_NAME], keys, values, level)
    elif isinstance(node, list):
        inner = name + "[]"
        for item in node[:MAX_LEAVES]:
            _put(item, inner, keys, values, level)


def _about(node: dict[str, object]) -> tuple[str, str]:
    """Return (field of the value, name) of an object that is a name and a value, as OpenTelemetry's attributes are."""
    if len(node) <= 4:
        for named, valued in _ABOUT:
            label = node.get(named)
            if valued in node and isinstance(label, str) and _LABEL.fullmatch(label):
                return valued, label
    return "", ""


def _put(item: object, name: str, keys: list[str], values: list[str], level: int) -> None:
    if isinstance(item, str):
        if item:
            keys.append(name)
            values.append(item)
    elif isinstance(item, (dict, list)):
        _flatten(item, name, keys, values, level + 1)
    elif item is not None and len(keys) < MAX_LEAVES:
        keys.append(name)
        values.append(("true" if item else "false") if isinstance(item, bool) else str(item))


def url(text: str) -> Pairs:
    """Take the query and fragment of a URL apart; its address stays as a value named "url"."""
    address, _, fragment = text.partition("#")
    address, _, query = address.partition("?")
    keys, values = pairs(query) if query else ([], [])
    if "=" in fragment:
        more = pairs(fragment)
        keys += more[0]
        values += more[1]
    return ["url", *keys], [address, *values]


def percent(text: str) -> Pairs | None:
    """Undo percent-encoding that is left after a field was read."""
    if not _PERCENT.search(text):
        return None
    plain = unquote(text)
    return ([""], [plain]) if plain != text and "\ufffd" not in plain else None


def form(text: str) -> Pairs | None:
    """Split text that is itself a query string of at least two fields."""
    return pairs(text) if _FORM.fullmatch(text) else None


def b64(text: str) -> Pairs | None:
    """Decode base64 or base64url when the result is readable text (or compressed readable text)."""
    try:
        head = binascii.a2b_base64(text[: 16 if len(text) >= 16 else 12].translate(_URLSAFE))
    except (binascii.Error, ValueError):
        return None
    # Ids and digests are full of base64 characters too: look at the first bytes before anything dearer is done.
    if not _READABLE_HEAD.fullmatch(head) and head[:1] not in (b"\x1f", b"\x78"):
        return None
    if not _BASE64.fullmatch(text):
        return None
    bare = text.rstrip("=")
    if len(bare) % 4 == 1:
        return None
    raw = base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_" if "-" in bare or "_" in bare else None)
    plain = readable(raw)
    return ([""], [plain]) if plain is not None else None


def hexadecimal(text: str) -> Pairs | None:
    """Decode hexadecimal digits when the result is readable text."""
    if not _HEX.fullmatch(text):
        return None
    plain = readable(bytes.fromhex(text))
    return ([""], [plain]) if plain is not None else None


def jwt(text: str) -> Pairs | None:
    """Decode the payload of a JSON Web Token (RFC 7519)."""
    match = _JWT.fullmatch(text)
    inner = b64(match[1]) if match else None
    return json(inner[1][0]) if inner else None


def inflate(raw: bytes) -> tuple[str, bytes] | None:
    """Undo gzip or zlib by their magic bytes; at most 4 MB comes out."""
    if raw[:2] == b"\x1f\x8b":
        name, bits = "gzip", 31
    elif raw[:1] == b"\x78" and raw[1:2] in (b"\x01", b"\x5e", b"\x9c", b"\xda"):
        name, bits = "deflate", 15
    else:
        return None
    try:
        return name, zlib.decompressobj(bits).decompress(raw, MAX_INFLATED)
    except zlib.error:
        return None


def unpack(raw: bytes, encoding: str) -> tuple[str, bytes] | None:
    """Undo the Content-Encoding that a body was sent with: gzip, deflate, br or zstd."""
    if encoding == "br":
        import brotli

        machine, out = brotli.Decompressor(), b""
        try:
            out = machine.process(raw, output_buffer_limit=MAX_INFLATED)
        except (brotli.error, TypeError):
            return None
        return "br", out[:MAX_INFLATED]
    if encoding == "zstd":
        import zstandard

        try:
            reader = zstandard.ZstdDecompressor(max_window_size=1 << 25).stream_reader(raw)
            return "zstd", reader.read(MAX_INFLATED)
        except zstandard.ZstdError:
            return None
    if encoding == "deflate":
        try:
            return "deflate", zlib.decompressobj(-15).decompress(raw, MAX_INFLATED)
        except zlib.error:
            pass
    return inflate(raw)


def readable(raw: bytes) -> str | None:
    """Return RAW as text when it is printable UTF-8, directly or after inflating; else None."""
    packed = inflate(raw)
    if packed:
        raw = packed[1]
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if not text or _UNPRINTABLE.search(text) else text


def multipart(raw: bytes) -> Pairs | None:
    """Split multipart/form-data (RFC 7578) by the boundary that it starts with; files are left out."""
    start = raw.find(b"--")
    end = raw.find(b"\n", start)
    boundary = raw[start:end].strip() if 0 <= start < 4 and end > 0 else b""
    if not 4 < len(boundary) <= 200:
        return None
    keys, values = [], []
    for part in raw.split(boundary, MAX_LEAVES)[1:MAX_LEAVES]:
        head, _, body = part.partition(b"\r\n\r\n")
        if not body:
            head, _, body = part.partition(b"\n\n")
        name = _PART_NAME.search(head, 0, 2_000)
        if name and b"filename" not in head[:2_000].lower():
            text = body.removesuffix(b"\n").removesuffix(b"\r")[:MAX_TEXT].decode("utf-8", "replace")
            if text:
                keys.append(name[1].decode("utf-8", "replace"))
                values.append(text)
    return keys, values
