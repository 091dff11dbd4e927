"""The ways in which a planted value can be written: as it is, normalised, hashed, encoded, up to three layers deep.

A form is named outside in reading order from the value: "lower>sha256>base64" is the base64 of the raw SHA-256 digest
of the lower-cased value; a digest without a suffix is lower-case hexadecimal. The layers follow what Leaky Forms
(Senol et al., USENIX Security 2022, section 3) looked for: chains of hashes, encodings, and encodings of hashes.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote

__all__ = ["HASHES", "Literal", "forms", "variants"]

HASHES = (
    "md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512", "blake2b", "blake2s",
)  # fmt: skip
SHORTEST_DERIVED = 8  # bytes; shorter derived literals would be found by chance


class Literal(NamedTuple):
    """Bytes to look for, the form that they are, and how many bits of the value they hold."""

    text: bytes
    form: str
    bits: int


def variants(value: str, kind: str) -> dict[str, str]:
    """Return the normalised writings of VALUE, a datum of type KIND, by name; equal ones appear once."""
    trimmed = value.strip()
    lower = trimmed.lower()
    found = {"plain": value, "trim": trimmed, "lower": lower, "upper": trimmed.upper()}
    if kind == "contact.email" and "@" in lower:
        local, _, domain = lower.rpartition("@")
        found["gmail"] = f"{local.partition('+')[0].replace('.', '')}@{domain.replace('googlemail.', 'gmail.')}"
    elif kind == "contact.phone":
        digits = re.sub(r"\D", "", trimmed)
        digits = digits[2:] if digits.startswith("00") else digits
        found |= {"digits": digits, "e164": "+" + digits}
    elif kind == "contact.name":
        found["letters"] = re.sub(r"[\W\d_]", "", lower)
    elif kind.startswith(("device.", "user.")):
        bare = re.sub(r"[-:]", "", lower)
        found |= {"bare": bare, "bare-upper": bare.upper()}
    unique: dict[str, str] = {}
    for name, text in found.items():
        if text and text not in unique.values():
            unique[name] = text
    return unique


def forms(value: str, kind: str, bits: int) -> Iterator[Literal]:
    """Yield the literals of VALUE, a datum of type KIND that holds BITS bits; the same bytes may come twice."""
    for name, text in variants(value, kind).items():
        plain = Literal(text.encode(), "" if name == "plain" else name, min(bits, 8 * len(text.encode())))
        yield plain._replace(form=name)
        for found in _derived(plain):
            if len(found.text) >= SHORTEST_DERIVED:
                yield found


def _derived(plain: Literal) -> Iterator[Literal]:
    """Yield everything that one, two and three layers make of one writing of a value."""
    once = list(_encoded(plain))
    yield from once
    for inner in once:
        twice = list(_encoded(inner))
        yield from twice
        if not inner.form.endswith("reversed"):
            for middle in twice:
                yield from _wrapped(middle)
    for kept in once:
        if kept.form.endswith((">hex", ">percent", ">base64")) or kept.form in ("hex", "percent", "base64"):
            yield from (_hex(_hashed(kept, h)) for h in HASHES)
    for outer in HASHES:
        first = _hashed(plain, outer)
        yield from _written(first)
        yield from _wrapped(_hex(first))
        yield from _wrapped(_upper(first))
        for h in HASHES:
            for fed in (_hex(first), _upper(first), _base64(first), first._replace(form=first.form + ">raw")):
                yield _hex(_hashed(fed, h))
            second = _hashed(_hex(first), h)
            yield from _written(second)
            yield from _wrapped(_hex(second))
            yield from (_hex(_hashed(_hex(second), third)) for third in HASHES)


def _hashed(of: Literal, name: str) -> Literal:
    digest = hashlib.new(name, of.text, usedforsecurity=False).digest()
    return Literal(digest, _then(of.form, name.replace("_", "-")), min(of.bits, 8 * len(digest)))


def _hex(digest: Literal) -> Literal:
    return digest._replace(text=digest.text.hex().encode())


def _upper(digest: Literal) -> Literal:
    return Literal(digest.text.hex().upper().encode(), digest.form + ">upper", digest.bits)


def _base64(digest: Literal) -> Literal:
    return Literal(base64.b64encode(digest.text), digest.form + ">base64", digest.bits)


def _written(digest: Literal) -> Iterator[Literal]:
    """Yield a raw digest as text: hexadecimal in both cases, base64 in both alphabets, bare and percent-encoded."""
    yield _hex(digest)
    yield _upper(digest)
    text = base64.b64encode(digest.text).rstrip(b"=")
    yield Literal(text, digest.form + ">base64", digest.bits)
    yield Literal(text.translate(bytes.maketrans(b"+/", b"-_")), digest.form + ">base64url", digest.bits)
    yield from _percent(Literal(text, digest.form + ">base64", digest.bits))
    yield Literal(text.replace(b"/", b"\\/"), digest.form + ">base64>json", digest.bits)


def _wrapped(of: Literal) -> Iterator[Literal]:
    """Yield the base64 texts that a carrier would put around a literal, and its percent-encoding."""
    yield from _base64_cores(of)
    yield from _percent(of)


def _encoded(of: Literal) -> Iterator[Literal]:
    """Yield every encoding of a literal by one layer."""
    yield from _base64_cores(of)
    yield from _percent(of)
    yield Literal(of.text.hex().encode(), _then(of.form, "hex"), of.bits)
    yield Literal(of.text.hex().upper().encode(), _then(of.form, "hex>upper"), of.bits)
    text = of.text.decode()
    escaped = json.dumps(text)[1:-1]
    for written in sorted({escaped, escaped.replace("/", "\\/")} - {text}):
        yield Literal(written.encode(), _then(of.form, "json"), of.bits)
    for case in ("04x", "04X"):
        units = "".join(c if c.isascii() and c.isalnum() else _units(c, case) for c in text)
        if units != text:
            yield Literal(units.encode(), _then(of.form, "json-u"), of.bits)
    yield Literal(text[::-1].encode(), _then(of.form, "reversed"), of.bits)


def _units(character: str, case: str) -> str:
    """Return CHARACTER as JSON escapes of its UTF-16 units, with hexadecimal digits in the given case."""
    pair = character.encode("utf-16-be")
    return "".join(f"\\u{int.from_bytes(pair[at : at + 2]):{case}}" for at in range(0, len(pair), 2))


def _percent(of: Literal) -> Iterator[Literal]:
    upper = quote(of.text, safe="")
    for text, form in (
        (upper, "percent"),
        (re.sub("%..", lambda m: m[0].lower(), upper), "percent"),
        (quote(of.text, safe="@:/+,"), "percent"),
        (quote(upper, safe=""), "percent>percent"),
        (upper.replace("%20", "+"), "percent"),
    ):
        if text.encode() != of.text:
            yield Literal(text.encode(), _then(of.form, form), of.bits)


def _base64_cores(of: Literal) -> Iterator[Literal]:
    """Yield the characters that a literal alone decides in a base64 text, at each of the three alignments.

    With j bytes before it, the first ceil(8j/6) characters depend on those bytes and the last may depend on what
    follows: they are left out, and the bits that they carried are taken off.
    """
    standalone = base64.b64encode(of.text).rstrip(b"=")
    cores = [(standalone, of.bits)]
    for before in range(3):
        padded = base64.b64encode(bytes(before) + of.text)
        core = padded[-(-8 * before // 6) : 8 * (before + len(of.text)) // 6]
        cores.append((core, of.bits - (8 * len(of.text) - 6 * len(core))))
    for text, bits in cores:
        if bits > 0:
            yield Literal(text, _then(of.form, "base64"), bits)
            yield Literal(text.translate(bytes.maketrans(b"+/", b"-_")), _then(of.form, "base64url"), bits)


def _then(form: str, step: str) -> str:
    return f"{form}>{step}" if form else step
