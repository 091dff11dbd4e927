"""Values wrapped in encodings, and an independent way to undo what a decode path says."""

import base64
import binascii
import gzip
import json
import random
import zlib
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

WORDS = (
    "jane@example.com", "Jane Doe, 12 Elm St", "+49 (151) 234-5678", "lat 52.5 lon 13.4!", "ünïcødé: ja!", "id#77 :-)"
)  # fmt: skip
WRAPS = (
    "json", "percent", "base64", "base64url", "hex", "form", "url", "jwt", "gzip+base64", "zlib+base64", "gzip+hex"
)  # fmt: skip


def wrap(kind: str, key: str, text: str, draw: random.Random) -> tuple[str, str, bool]:
    """Return (how KIND is called in a decode path, TEXT in that encoding, whether KEY became part of it)."""
    raw = text.encode()
    match kind:
        case "json":
            return "json", json.dumps({"n": draw.randint(0, 9), key: text}, ensure_ascii=draw.random() < 0.5), True
        case "percent":
            return "percent", quote(text, safe=""), False
        case "base64":
            return "base64", base64.b64encode(raw).decode().rstrip("=" * draw.randint(0, 1)), False
        case "base64url":
            return "base64", base64.urlsafe_b64encode(raw).decode().rstrip("="), False
        case "hex":
            return "hex", raw.hex() if draw.random() < 0.5 else raw.hex().upper(), False
        case "form":
            return "form", urlencode([("v", "1"), (key, text)]), True
        case "url":
            return "url", "https://site.test/p/x?" + urlencode([(key, text), ("v", "1")]) + "#top", True
        case "jwt":
            parts = (json.dumps({"alg": "none"}), json.dumps({key: text}), "s")
            return "jwt", ".".join(base64.urlsafe_b64encode(p.encode()).decode().rstrip("=") for p in parts), True
        case "gzip+base64":
            return "base64", base64.b64encode(gzip.compress(raw)).decode(), False
        case "zlib+base64":
            return "base64", base64.b64encode(zlib.compress(raw)).decode(), False
        case _:
            return "hex", gzip.compress(raw).hex(), False


def _inflated(raw: bytes) -> str:
    if raw[:2] == b"\x1f\x8b":
        raw = gzip.decompress(raw)
    elif raw[:1] == b"\x78":
        raw = zlib.decompress(raw)
    return raw.decode()


def _values(node: Any) -> list[str]:
    if isinstance(node, dict):
        return [v for item in node.values() for v in _values(item)]
    if isinstance(node, list):
        return [v for item in node for v in _values(item)]
    return [node if isinstance(node, str) else json.dumps(node)]


def _b64(text: str) -> bytes:
    return binascii.a2b_base64(text.translate(str.maketrans("-_", "+/")).rstrip("=") + "==")


def undo(step: str, text: str) -> list[str]:
    """Return the values inside TEXT after undoing one STEP of a decode path."""
    match step:
        case "json":
            return _values(json.loads(text))
        case "percent":
            return [unquote(text)]
        case "base64":
            return [_inflated(_b64(text))]
        case "hex":
            return [_inflated(bytes.fromhex(text))]
        case "form":
            return [v for _, v in parse_qsl(text)]
        case "url":
            return [v for part in (urlsplit(text).query, urlsplit(text).fragment) for _, v in parse_qsl(part)]
        case "jwt":
            return _values(json.loads(_b64(text.split(".")[1])))
    raise AssertionError(f"unknown step {step}")


def undo_all(path: str, text: str) -> list[str]:
    """Return every value that undoing the whole PATH can give."""
    found = [text]
    for step in filter(None, path.split(">")):
        inner = []
        for item in found:
            try:
                inner += undo(step, item)
            except (ValueError, IndexError):
                continue  # a sibling that is not in this encoding
        found = inner
    return found
