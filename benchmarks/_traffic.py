"""Synthetic recorded traffic for measurements: HAR files with a known number of requests and rows a request.

Two mixes: "17" is pixels and tags (short queries, few cookies); "49" is batches of events posted as JSON with cookies
and nested values. Names and shapes follow common SDKs; every value is drawn from a seeded generator.
"""

import base64
import json
import random
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

RECIPIENTS = [f"t{i}.tracker-{i % 12}.test" for i in range(18)] + [
    "www.google-analytics.com", "connect.facebook.net", "ib.adnxs.com", "bat.bing.com", "cdn.shop-static.test",
    "analytics.tiktok.com",
]  # fmt: skip
RECIPIENTS_A_PAGE = 12
UA = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36"
TC = "CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA"


def _hex(rng: random.Random, n: int) -> str:
    return f"{rng.getrandbits(4 * n):0{n}x}"


class Person:
    """One synthetic browser: the ids that stay the same over its visit."""

    def __init__(self, rng: random.Random) -> None:
        self.agent = UA.format(rng.randrange(120, 157))
        self.client = f"{rng.randrange(10**9)}.{rng.randrange(10**9)}"
        self.device = f"{_hex(rng, 8)}-{_hex(rng, 4)}-4{_hex(rng, 3)}-a{_hex(rng, 3)}-{_hex(rng, 12)}"
        self.mail_hash, self.visitor = _hex(rng, 64), _hex(rng, 20)
        self.language, self.width = rng.choice(["de-DE", "fr-FR", "en-GB"]), rng.choice([1280, 1440, 1920])


def _headers(person: Person, host: str, page: str, more: list[tuple[str, str]]) -> list[dict[str, str]]:
    pairs = [
        ("Host", host), ("Connection", "keep-alive"), ("User-Agent", person.agent), ("Accept", "*/*"),
        ("Accept-Language", f"{person.language},en;q=0.8"), ("Referer", page), ("Accept-Encoding", "gzip, br"),
        ("Sec-Fetch-Mode", "no-cors"), *more,
    ]  # fmt: skip
    return [{"name": k, "value": v} for k, v in pairs]


def _entry(
    rng: random.Random, mix: int, person: Person, hosts: list[str], page: str, ref: str, when: int
) -> dict[str, object]:
    host = rng.choice(hosts)
    query = {
        "v": "2", "cid": person.client, "dl": page, "sr": f"{person.width}x900", "ul": person.language,
        "z": str(rng.randrange(10**9)), "gcs": "G100", "gdpr_consent": TC,
        "tid": "G-4KX1", "sid": str(when // 10**9), "ev": rng.choice(["view", "click", "scroll"]),
    }  # fmt: skip
    body, method, cookies = None, "GET", [("_ga", f"GA1.2.{person.client}")]
    if mix == 49:
        method = "POST"
        cookies += [
            ("uid2", _hex(rng, 32)),
            ("_fbp", f"fb.1.{when // 1000}.{person.client[:9]}"),
            ("sess", _hex(rng, 16)),
        ]
        blob = base64.b64encode(
            json.dumps({"d": person.device, "n": rng.randrange(999), "tz": "Europe/Berlin"}).encode()
        )
        body = json.dumps(
            {
                "batch": [
                    {
                        "event": rng.choice(["$pageview", "$autocapture"]), "uuid": _hex(rng, 32),
                        "timestamp": when + i,
                        "properties": {
                            "distinct_id": person.device, "$device_id": person.device, "$screen_width": person.width,
                            "$os": "Linux", "$timezone": "Europe/Berlin",
                            "title": "Example page", "n": rng.randrange(10**6),
                        },
                    }
                    for i in range(2)
                ],
                "context": blob.decode(), "email_sha256": person.mail_hash, "visitorId": person.visitor, "sent": when,
            },
        )  # fmt: skip
    query = dict(list(query.items())[: 8 if mix == 17 else 11])
    url = f"https://{host}/collect/{rng.randrange(99)}/p.gif?{urlencode(query)}"
    request: dict[str, object] = {
        "method": method, "url": url, "httpVersion": "h2", "cookies": [], "queryString": [], "headersSize": -1,
        "headers": _headers(person, host, page, [("Cookie", "; ".join(f"{k}={v}" for k, v in cookies))]),
        "bodySize": len(body or ""),
    }  # fmt: skip
    if body:
        request["postData"] = {"mimeType": "application/json", "text": body}
    frame = {"url": f"https://{host}/sdk.js", "lineNumber": 10, "columnNumber": 4}
    started = f"2026-03-01T10:{when // 60_000 % 60:02d}:{when // 1000 % 60:02d}.{when % 1000:03d}Z"
    return {
        "pageref": ref, "startedDateTime": started, "time": 31.5, "request": request,
        "response": {
            "status": 200, "statusText": "OK", "httpVersion": "h2", "headersSize": -1, "bodySize": 43,
            "headers": [
                {"name": "Content-Type", "value": "image/gif"},
                {"name": "Date", "value": "Sun, 01 Mar 2026 10:00:00 GMT"},
            ],
            "redirectURL": "", "cookies": [], "content": {"size": 43, "mimeType": "image/gif"},
        },
        "cache": {}, "timings": {"send": 0.1, "wait": 30.0, "receive": 1.4},
        "_initiator": {"type": "script", "stack": {"callFrames": [frame]}},
        "_resourceType": "image",
    }  # fmt: skip


def entries(mix: int, requests: int, seed: int, per_page: int = 100) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield (page id, entry) for REQUESTS requests; each page is one visit to its own site."""
    rng = random.Random(f"{mix}-{seed}")
    for start in range(0, requests, per_page):
        person, site = Person(rng), f"site-{start // per_page}.test"
        hosts = rng.sample(RECIPIENTS, RECIPIENTS_A_PAGE)
        page = f"https://www.{site}/article/{rng.randrange(9999)}?utm_source=mail&ref={rng.randrange(99)}"
        for i in range(min(per_page, requests - start)):
            yield (
                f"page_{start // per_page}",
                _entry(rng, mix, person, hosts, page, f"page_{start // per_page}", 60_000 + 40 * i),
            )


def _responses(rng: random.Random, size: int, n: int = 16) -> list[str]:
    """N JSON strings of SIZE bytes with what response bodies hold: script with quotes and line ends, markup, base64."""
    found = []
    for _ in range(n):
        text = ""
        while len(text) < size:
            name = _hex(rng, 6)
            text += f'function f{name}(a){{return a["{name}"]||"\\u003c"+\'{name}\'}}\n'
            text += f'<p class="{name}">caf\u00e9 {name}</p>\n'
            text += base64.b64encode(rng.randbytes(rng.randrange(90))).decode()
        inner = json.dumps(text, ensure_ascii=False)[1 : size - 1]
        found.append(f'"{inner.rstrip(chr(92))}"')
    return found


def write_har(path: Path, mix: int, requests: int, seed: int = 1, *, pad: int = 0) -> Path:
    """Write a HAR of REQUESTS requests; PAD adds response text that takes so many bytes in the file to each."""
    with path.open("w", encoding="utf-8") as out:
        pages = [f"page_{n}" for n in range((requests + 99) // 100)]
        told = ",".join(
            json.dumps(
                {
                    "id": p,
                    "title": f"https://www.site-{n}.test/",
                    "startedDateTime": "2026-03-01T10:00:00Z",
                    "pageTimings": {},
                }
            )
            for n, p in enumerate(pages)
        )
        out.write(
            '{"log":{"version":"1.2","creator":{"name":"benchmark","version":"1"},"pages":[' + told + '],"entries":['
        )
        fillers = _responses(random.Random(seed), pad) if pad else []
        for n, (_, entry) in enumerate(entries(mix, requests, seed)):
            text = json.dumps(entry, separators=(",", ":"))
            if pad:
                text = text.replace('"content":{', f'"content":{{"text":{fillers[n % len(fillers)]},', 1)
            out.write(("," if n else "") + text)
        out.write("]}}")
    return path
