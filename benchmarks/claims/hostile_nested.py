"""Hostile nested encodings, 100,000 through the decoder: no crash, no second lost, values within reach recovered."""

import base64
import gzip
import json
import random
import string
import zlib
from collections.abc import Callable
from urllib.parse import quote, urlencode

from benchmarks._hostile import INPUTS, Seen, pick, spoiled
from benchmarks._nested import WORDS, WRAPS, wrap
from consentinel.detect.decode import LAYERS, Leaves, explode

NAMES = ("hostile_nested",)
SEED = 22
MAX_LEAVES, MAX_TEXT = 2_000, 1 << 16
CARRIERS = (
    "query", "cookie", "path", "header", "set-cookie", "local-storage", "body:", "body:application/json",
    "body:text/plain", "body:application/x-www-form-urlencoded", "body:multipart/form-data",
    "body:application/json|gzip", "body:|br", "body:|zstd", "body:a/b|deflate",
)  # fmt: skip


def layers(draw: random.Random, least: int, most: int) -> tuple[str, str]:
    """Return a word and the same in LEAST to MOST encodings."""
    word = draw.choice(WORDS)
    text = word
    for _ in range(draw.randint(least, most)):
        text = wrap(draw.choice(WRAPS), draw.choice(string.ascii_lowercase), text, draw)[1]
    return word, text


def within(draw: random.Random) -> tuple[str, bytes, str]:
    """Return at most three layers, whose innermost value the decoder has to find."""
    word, text = layers(draw, 0, LAYERS)
    return "query", urlencode({"q": text}).encode(), word


def deep(draw: random.Random) -> tuple[str, bytes, str]:
    return draw.choice(CARRIERS), urlencode({"q": layers(draw, 4, 7)[1]}).encode(), ""


def bare(draw: random.Random) -> tuple[str, bytes, str]:
    return draw.choice(CARRIERS), layers(draw, 1, 6)[1].encode(), ""


def changed(draw: random.Random) -> tuple[str, bytes, str]:
    return draw.choice(CARRIERS), spoiled(draw, layers(draw, 1, 4)[1].encode()), ""


def inside(draw: random.Random) -> tuple[str, bytes, str]:
    """Return an encoding spoiled in the middle, then wrapped again."""
    text = spoiled(draw, layers(draw, 1, 2)[1].encode()).decode("latin-1")
    for _ in range(draw.randint(1, 3)):
        text = wrap(draw.choice(WRAPS), "k", text, draw)[1]
    return draw.choice(CARRIERS), text.encode("utf-8", "replace"), ""


def noise(draw: random.Random) -> tuple[str, bytes, str]:
    return draw.choice(CARRIERS), draw.choice(HEADS) + draw.randbytes(draw.randint(0, 400)), ""


def packed(draw: random.Random) -> tuple[str, bytes, str]:
    pack = draw.choice([gzip.compress, zlib.compress, lambda raw: zlib.compress(raw, wbits=-15)])
    raw = pack(layers(draw, 0, 3)[1].encode())
    return draw.choice(CARRIERS), draw.choice([raw, raw[: len(raw) // 2], spoiled(draw, raw), pack(raw)]), ""


def repeated(draw: random.Random) -> tuple[str, bytes, str]:
    raw = draw.choice([b"", b"{", b"[", b'{"a":"', b"--aa\r\n"]) + draw.choice(PIECES) * draw.randint(1, 40_000)
    return draw.choice(CARRIERS), raw, ""


def bomb(draw: random.Random) -> tuple[str, bytes, str]:
    one = draw.choice(BOMBS)
    many = [json.dumps([one] * draw.randint(1, 400)), urlencode([("b", one)] * draw.randint(1, 60)), quote(one), one]
    return draw.choice(CARRIERS), draw.choice(many)[: 4 << 20].encode(), ""


HEADS = [b"", b"{", b"[", b"eyJ", b"\x1f\x8b\x08", b"x\x9c", b"--aa\r\n", b"(\xb5/\xfd", b"https://", b"a=&b="]
PIECES = [
    b"%25",
    b"[",
    b'{"a":',
    b"a=1&",
    b"&",
    b"=",
    b"\\",
    b'"',
    b"--aa\r\n",
    b"AAAA",
    b"eyJ.",
    b"4a",
    b";",
    b"\xff",
    b"/",
]
BOMBS = [base64.b64encode(gzip.compress(fill * (8 << 20))).decode() for fill in (b"a", b"[", b"%", b"0")]
BOMBS += [
    base64.b64encode(gzip.compress(gzip.compress(b"a" * (8 << 20)))).decode(),
    gzip.compress(b"{" * (4 << 20)).hex(),
]
FORMS: dict[Callable[[random.Random], tuple[str, bytes, str]], float] = {
    within: 200, deep: 100, bare: 140, changed: 240, inside: 120, noise: 120, packed: 68, repeated: 10, bomb: 2
}  # fmt: skip


def trouble(carrier: str, raw: bytes, word: str, got: Leaves, seconds: float) -> str:
    """Return what is wrong with the leaves GOT, or an empty text."""
    if seconds > 1:
        return "took over a second"
    if len(got.keys) > MAX_LEAVES or max(map(len, got.values), default=0) > MAX_TEXT:
        return "more than the limits say"
    if any(path.count(">") >= LAYERS + LAYERS * carrier.startswith("body") for path in got.paths):
        return "more than three layers"
    if word and word not in got.values:
        return "a value within three layers was not found"
    if carrier == "header" and raw and not got.values:
        return "nothing came out"
    return ""


def main() -> None:
    """Measure and write the number; it counts the inputs that went well."""
    draw, seen = random.Random(SEED), Seen()
    for _ in range(INPUTS):
        form = pick(draw, FORMS)
        carrier, raw, word = form(draw)
        seen.forms[form.__name__] += 1
        try:
            got, seconds = seen.timed(lambda carrier=carrier, raw=raw: explode(carrier, raw))  # type: ignore[misc]
        except Exception as error:
            seen.bad(form.__name__, f"raised {type(error).__name__} as {carrier}")
            continue
        wrong = trouble(carrier, raw, word, got, seconds)
        if wrong:
            seen.bad(form.__name__, f"{wrong} as {carrier}, {seconds:.2f} s, {len(raw)} bytes")
            continue
        seen.well += 1
        seen.ends["decoded" if any(got.paths) else "taken as they are" if got.values else "nothing inside"] += 1
    seen.keep(
        NAMES[0],
        SEED,
        f"through the decoder as {', '.join(CARRIERS)} at random; well means no exception, under 1 s, at most "
        f"{MAX_LEAVES:,} values of {MAX_TEXT:,} characters, and the innermost value found where at most {LAYERS} "
        "layers were around it",
    )


if __name__ == "__main__":
    main()
