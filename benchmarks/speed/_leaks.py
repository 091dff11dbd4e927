"""Requests with a planted truth: some carry a value of the visitor to a third party, the others do not."""

import base64
import gzip
import hashlib
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

# Half of the receivers are well known and in every blocking list, half are known to nobody.
RECEIVERS = (
    "https://www.google-analytics.com/g/collect", "https://www.facebook.com/tr/", "https://bat.bing.com/action/0",
    "https://ib.adnxs.com/ut/v3/prebid", "https://px.ads.linkedin.com/collect",
    "https://analytics.tiktok.com/api/v2/pixel", "https://events.collector-1.test/v1/batch",
    "https://t.pixel-2.test/i.gif", "https://in.measure-3.test/e",
    "https://api.audience-4.test/sync", "https://rum.insight-5.test/beacon", "https://s.profile-6.test/p",
)  # fmt: skip
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36"


@dataclass
class Sent:
    """One request as the tools get it; `leaks` is the truth."""

    page: str
    url: str
    kind: str  # script, image, font, xmlhttprequest
    leaks: bool
    body: str = ""
    mime: str = ""
    headers: dict[str, str] = field(default_factory=dict)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _inside(name: str, text: str) -> bytes:
    return json.dumps({name: text, "n": 1}).encode()


# How a value is written: the name of the field and what is in it, from the name that the sender has for it.
FORMS: dict[str, Callable[[str, str], tuple[str, str]]] = {
    "plain": lambda name, text: (name, text),
    "base64": lambda name, text: (name, _b64(text.encode())),
    "json in base64": lambda name, text: ("data", _b64(_inside(name, text))),
    "json in gzip in base64": lambda name, text: ("data", _b64(gzip.compress(_inside(name, text), mtime=0))),
    "md5": lambda name, text: (name, hashlib.md5(text.encode()).hexdigest()),
    "sha256": lambda name, text: (name, hashlib.sha256(text.encode()).hexdigest()),
}


def visitor(rng: random.Random) -> dict[str, tuple[str, str]]:
    """Return the planted values of one synthetic visitor: type and value by id."""
    raw = rng.randbytes(16).hex()
    uuid = f"{raw[:8]}-{raw[8:12]}-4{raw[13:16]}-a{raw[17:20]}-{raw[20:]}"
    other = rng.randbytes(16).hex()
    return {
        "email": ("contact.email", f"reader.{rng.randbytes(9).hex()}@example.com"),
        "device": ("device.id", uuid),
        "maid": ("device.advertising_id", f"{other[:8]}-{other[8:12]}-4{other[13:16]}-b{other[17:20]}-{other[20:]}"),
        "place": ("location.precise", f"48.{rng.randrange(10**11):011},2.{rng.randrange(10**11):011}"),
    }  # fmt: skip


NAMES = {
    "email": ("em", "email", "u"), "device": ("did", "device_id", "cid"), "maid": ("ifa", "idfa", "adid"),
    "place": ("ll", "geo", "latlng"),
}  # fmt: skip


def leak(rng: random.Random, page: str, person: dict[str, tuple[str, str]]) -> Sent:
    """Return a request that carries one planted value, in one of the FORMS, by query, form, JSON or cookie."""
    url, planted = rng.choice(RECEIVERS), rng.choice(list(person))
    form = rng.choice([name for name in FORMS if planted != "place" or name not in ("md5", "sha256")])
    name, value = FORMS[form](rng.choice(NAMES[planted]), person[planted][1])
    pair = {name: value}
    noise = {"v": "2", "ev": rng.choice(["view", "click"]), "z": str(rng.randrange(10**9))}
    by = rng.choice(["query", "form", "json", "cookie"])
    if by == "query":
        return Sent(page, f"{url}?{urlencode(noise | pair)}", rng.choice(["image", "xmlhttprequest"]), True)
    if by == "form":
        return Sent(page, url, "xmlhttprequest", True, urlencode(noise | pair), "application/x-www-form-urlencoded")
    if by == "json":
        document = {"events": [{"event": noise["ev"], "properties": pair | {"n": rng.randrange(999)}}], "v": 2}
        return Sent(page, url, "xmlhttprequest", True, json.dumps(document), "application/json")
    cookie = "; ".join(f"{k}={v}" for k, v in pair.items())
    return Sent(page, f"{url}?{urlencode(noise)}", "image", True, headers={"Cookie": cookie})


def harmless(rng: random.Random, page: str, person: dict[str, tuple[str, str]]) -> Sent:
    """Return a request that carries no planted value to a third party; some take them to the site itself.

    One in ten is hard: a video has an id that looks like a visitor's, and the map of a shop has a position.
    """
    stamp, number = rng.randbytes(rng.choice((4, 8, 20))).hex(), rng.randrange(10**9)
    plain = {
        f"https://cdn.jsdelivr.net/npm/lib@3.{number % 9}.1/dist/lib.min.js?v={stamp}": "script",
        f"https://static.cdn-7.test/img/{stamp}.png?w=640&h=480": "image",
        f"https://fonts.static-8.test/inter-{stamp[:8]}.woff2": "font",
        f"https://www.googletagmanager.com/gtag/js?id=G-{number}": "script",
        f"https://config.flags-9.test/v2/rules?build={stamp}&ts={number}": "xmlhttprequest",
    }
    hard = {
        f"https://play.video-10.test/meta?uuid={stamp[:8]}-0b1c-4d2e-a3f4-{number:012d}&lang=en": "xmlhttprequest",
        f"https://tiles.map-11.test/at?lat=48.{number}&lon=2.{number}&zoom=12": "image",
    }
    if rng.random() < 0.15:
        body, url = json.dumps({name: value for name, (_, value) in person.items()}), page.replace("/item", "/api")
        return Sent(page, url, "xmlhttprequest", False, body, "application/json")
    url, kind = rng.choice(list((hard if rng.random() < 0.12 else plain).items()))
    return Sent(page, url, kind, False)


def requests(n: int, person: dict[str, tuple[str, str]], seed: int = 7) -> list[Sent]:
    """Return N requests of visits with 50 requests each, four in ten with a leak."""
    rng = random.Random(seed)
    pages = [f"https://www.shop-{i}.test/item/{rng.randrange(999)}" for i in range((n + 49) // 50)]
    return [(leak if rng.random() < 0.4 else harmless)(rng, pages[i // 50], person) for i in range(n)]


def write_har(path: Path, sent: list[Sent]) -> None:
    """Write SENT as a HAR, one page for each visit."""
    refs = {page: f"page_{n}" for n, page in enumerate(dict.fromkeys(s.page for s in sent))}
    began = "2026-03-01T10:00:00Z"
    log = {
        "version": "1.2", "creator": {"name": "benchmark", "version": "1"},
        "pages": [{"id": r, "title": page, "startedDateTime": began, "pageTimings": {}} for page, r in refs.items()],
        "entries": [_entry(s, refs[s.page]) for s in sent],
    }  # fmt: skip
    path.write_text(json.dumps({"log": log}), "utf-8")


def _entry(sent: Sent, ref: str) -> dict[str, object]:
    headers = {"User-Agent": AGENT, "Accept-Language": "fr-FR,fr;q=0.8", "Referer": sent.page} | sent.headers
    request: dict[str, object] = {
        "method": "POST" if sent.body else "GET", "url": sent.url, "httpVersion": "h2", "cookies": [],
        "headers": [{"name": k, "value": v} for k, v in headers.items()], "queryString": [], "headersSize": -1,
        "bodySize": len(sent.body),
    }  # fmt: skip
    if sent.body:
        request["postData"] = {"mimeType": sent.mime, "text": sent.body}
    response = {
        "status": 200, "statusText": "OK", "httpVersion": "h2", "cookies": [], "headers": [], "redirectURL": "",
        "content": {"size": 0, "mimeType": "text/plain"}, "headersSize": -1, "bodySize": 0,
    }  # fmt: skip
    return {
        "pageref": ref, "startedDateTime": "2026-03-01T10:00:01Z", "time": 1, "request": request, "response": response,
        "cache": {}, "timings": {"send": 0, "wait": 1, "receive": 0}, "_resourceType": sent.kind,
    }  # fmt: skip
