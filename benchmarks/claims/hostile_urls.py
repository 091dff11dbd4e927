"""Hostile URLs, 100,000 through reader, decoder and observer: no crash, no second lost, each one read or counted."""

import base64
import gzip
import json
import random
from collections.abc import Callable
from urllib.parse import quote, urlencode

from benchmarks._hostile import INPUTS, MARK, Seen, observer, pick, spoiled
from consentinel.detect.collectors import requests
from consentinel.detect.collectors._batch import Options
from consentinel.detect.decode import Decoder

NAMES = ("hostile_urls",)
SEED = 21
GROUP = 100
GOOD = "https://t.tracker.test/ok?uid=0123456789"
BOMB = base64.b64encode(gzip.compress(b"a" * (8 << 20))).decode()
LETTERS = "abcXYZ019._~-/?#[]@!$&'()*+,;=%:\\|\"<>{}^` \t\r\n\0\x7f\x80é\u202e\ufeff\ud800\udfff\U0001f36a"


def good(draw: random.Random) -> str:
    """Return a URL as trackers send it."""
    inner = f"https://www.shop.test/p/{draw.randrange(10**6)}?q={draw.randrange(99)}&e={quote(MARK)}"
    fields = {
        "uid": f"{draw.getrandbits(128):032x}", "dl": inner, "sr": "1920x1080", "gdpr_consent": "CPXxRfAPXxRfA",
        "d": json.dumps({"a": [{"e": MARK}]}), "b": base64.b64encode(inner.encode()).decode(), "t": str(draw.random()),
    }  # fmt: skip
    some = dict(draw.sample(sorted(fields.items()), draw.randint(0, len(fields))))
    host = draw.choice(
        ["t.tracker.test", "www.google-analytics.com", "203.0.113.9:8443", "[2001:db8::1]", "u:p@a.test"]
    )
    path = draw.choice(["", "/", "/collect", f"/u/{MARK}/{draw.randrange(10**9)}", "/a;b=c/d", "/%7B%22e%22%3A1%7D"])
    return f"{draw.choice(['https', 'http', 'wss', 'HTTPS'])}://{host}{path}?{urlencode(some)}"


def changed(draw: random.Random) -> str:
    return spoiled(draw, good(draw).encode()).decode(draw.choice(["utf-8", "latin-1"]), "replace")


def letters(draw: random.Random) -> str:
    body = "".join(draw.choices(LETTERS, k=draw.randint(0, 200)))
    return (
        draw.choice(["", "https://", "http://a.test", "https://a.test/?", "wss://[", "https://@", "https://:"]) + body
    )


def noise(draw: random.Random) -> str:
    body = draw.randbytes(2 * draw.randint(0, 100)).decode(draw.choice(["latin-1", "utf-16-le"]), "surrogatepass")
    return draw.choice(["", "https://t.test/", "https://t.test/?x="]) + body


def scheme(draw: random.Random) -> str:
    return draw.choice(SCHEMES) + good(draw)[8:]


def percents(draw: random.Random) -> str:
    text = quote(MARK)
    for _ in range(draw.randint(1, 12)):
        text = quote(text)
    return f"https://t.test/{text}?a={text}&{'%' * draw.randint(0, 99)}&%zz=%e9%00&{'%25' * draw.randint(0, 3000)}41"


def nested(draw: random.Random) -> str:
    url = good(draw)
    for _ in range(draw.randint(1, 6)):
        url = f"https://t.test/{draw.choice(['', 'p'])}?" + urlencode({"u": url, draw.choice(["", "k", "&"]): "1"})
    return url


def long(draw: random.Random) -> str:
    return draw.choice(HEADS) + draw.choice(PIECES) * draw.randint(1, 60_000)


def bomb(draw: random.Random) -> str:
    deep = "[" * draw.randint(1, 60_000)
    fields = [[("b", BOMB)] * draw.randint(1, 40), [("j", deep), ("k", json.dumps([BOMB] * 20))]]
    return "https://t.test/?" + urlencode(draw.choice(fields))


SCHEMES = ["data:text/html,", "blob:https://a.test/", "file:///srv/", "javascript:", "about:", "chrome-extension://x/"]
SCHEMES += ["//", "mailto:", "https:/", "https:", "http//", "", "://", "x" * 40 + "://a/"]
HEADS = ["https://t.test/", "https://", "https://t.test/?", "https://t.test/?a="]
PIECES = ["a", "/", "//a", "?", "&a=1", "&", "=", "%41", ";", "[", "{", "\\", "é", ".", "@", ":", "a.", "1", "#"]
FORMS: dict[Callable[[random.Random], str], float] = {
    good: 8, changed: 35, letters: 20, noise: 12, scheme: 8, percents: 4, nested: 8, long: 4.5, bomb: 0.5
}  # fmt: skip


def main() -> None:
    """Measure and write the number; it counts the inputs that went well."""
    draw, seen, see, decoder = random.Random(SEED), Seen(), observer(), Decoder()

    def through(urls: list[str]) -> tuple[int, bool, list[str]]:
        """Requests read, whether the good URL at the end came through, and the notes."""
        notes: list[str] = []
        read, whole = 0, False
        for batch in requests._requests("made", {"url": "url"}, iter([{"url": [*urls, GOOD]}]), Options(), notes):
            data, _ = see.observe(decoder.expand(batch.raw))
            read += batch.traffic.num_rows
            whole |= "uid" in data["key"].to_pylist() and "t.tracker.test" in batch.traffic["host"].to_pylist()
        return read - 1, whole, notes

    def went_well(urls: list[str]) -> str:
        """An empty text, or what went wrong."""
        try:
            (read, whole, notes), seconds = seen.timed(lambda: through(urls))
        except Exception as error:
            return f"raised {type(error).__name__}"
        left = len(urls) - read
        if notes != ([f"made: {left:,} rows without a usable URL were left out"] if left else []):
            return "not all of them are read or counted"
        return "took over a second" if seconds > 1 else "" if whole else "the next URL did not come through"

    for _ in range(INPUTS // GROUP):
        forms = [pick(draw, FORMS) for _ in range(GROUP)]
        urls = [form(draw) for form in forms]
        seen.forms.update(form.__name__ for form in forms)
        if not went_well(urls):  # a whole group in under a second says it of each
            seen.well += GROUP
            continue
        for form, url in zip(forms, urls, strict=True):
            wrong = went_well([url])
            seen.well += not wrong
            if wrong:
                seen.bad(form.__name__, wrong)
    seen.ends["well"] = seen.well
    seen.keep(
        NAMES[0],
        SEED,
        f"in groups of {GROUP} with one good URL behind, through the reader of request tables, the decoder and all "
        "recognisers; well means no exception, the group in under 1 s (else each URL alone), every URL read or "
        "counted as left out, and the good one read",
    )


if __name__ == "__main__":
    main()
