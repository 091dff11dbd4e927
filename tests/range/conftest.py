"""Made-up truth logs for the labeller: what leaves is known, because it is written here."""

import base64
import gzip
import hashlib
import json
import random
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import zstandard

sys.path.insert(0, str(Path(__file__).parents[2] / "range"))

SCENARIOS = {"no_action": "EU", "accept": "EU", "reject": "EU", "partial": "EU", "gpc": "US-CA", "withdraw": "EU"}
SCREENS = [(1366, 768), (1600, 900), (1920, 1080), (1680, 1050)]
ZONES = {
    "EU": ["Europe/Lisbon", "Europe/Berlin", "Europe/Helsinki", "Europe/Istanbul"],
    "US": ["America/Los_Angeles", "America/Denver", "America/Chicago", "America/New_York"],
}
PROPERTIES = (
    "email",
    "phone",
    "name",
    "user_id",
    "visitor_id",
    "shared_id",
    "latitude",
    "longitude",
    "ua_version",
    "os_version",
    "cores",
    "memory",
    "screen",
    "dpr",
    "languages",
    "timezone",
    "webgl",
    "canvas",
)
VENDORS = {  # component -> (purpose, host)
    "ads-tag": ("advertising", "px.ads-tag.test"),
    "metrics-sdk": ("analytics", "in.metrics-sdk.test"),
    "print-lib": ("security", "fp.print-lib.test"),
    "error-sdk": ("functional", "err.error-sdk.test"),
}
DAY = 1_760_000_000.0


def value_of(prop: str, level: int, group: str, region: str) -> Any:
    """The planted value of a level: unique ones differ between the groups."""
    word = hashlib.sha256(f"{group}{prop}{level}".encode()).hexdigest()
    letters = word.translate(str.maketrans("0123456789", "ghijklmnop"))
    unique = {
        "email": f"reader.{word[:24]}@example.com",
        "phone": f"+999{int(word[:9], 16) % 10**11:011d}",
        "name": f"{letters[:10]} {letters[10:20]}".title(),
        "user_id": word[:24],
        "visitor_id": str(uuid.UUID(word[:32], version=4)),
        "shared_id": str(uuid.UUID(word[32:], version=4)),
        "latitude": round(36 + 6 * level + int(word[:6], 16) / 2**24, 12),
        "longitude": round(-8 + 9 * level + int(word[:6], 16) / 2**24, 12),
        "ua_version": f"{141 + level}.0.{5000 + int(word[:3], 16)}.{100 + int(word[3:5], 16)}",
        "os_version": f"{12 + level}.{11 + int(word[:2], 16) % 80}.{10 + level}",
    }
    if prop in unique:
        return unique[prop]
    width, height = SCREENS[level]
    return {
        "cores": [6, 10, 12, 20][level],
        "memory": [1, 2, 4, 8][level],
        "dpr": [1, 1.25, 1.5, 2][level],
        "canvas": level,
        "screen": {"width": width, "height": height, "availWidth": width, "availHeight": height - 40, "depth": 24},
        "languages": [["en-IE", "ga"], ["en-GB", "cy"], ["en-US", "es"], ["en-CA", "fr"]][level],
        "timezone": ZONES[region[:2]][level],
        "webgl": {"vendor": f"Maker {level}", "renderer": f"Renderer Model {level}00"},
    }[prop]


class Log:
    """The log of one visit, written line by line."""

    def __init__(
        self, site: str, scenario: str, repeat: int, *, group: str = "train", cmp: str | None = "klaro", seed: int = 1
    ) -> None:
        self.region = SCENARIOS[scenario]
        self.name, self.site, self.cmp, self.scenario = f"{site}~{scenario}~r{repeat:02d}", site, cmp, scenario
        self.chance = random.Random(f"{seed}{self.name}")
        self.levels = {prop: self.chance.randrange(4) for prop in PROPERTIES}
        self.values = {prop: value_of(prop, level, group, self.region) for prop, level in self.levels.items()}
        self.start = DAY + repeat * 1000 + self.chance.randrange(10**6)
        self.lines: list[dict[str, Any]] = []
        self.per_visit: dict[str, str] = {}
        self.meta = {
            "what": "visit",
            "visit_id": self.name,
            "site": site,
            "group": group,
            "scenario": scenario,
            "repeat": repeat,
            "region": self.region,
            "cmp": cmp,
            "faults": [],
            "kind": "sdks",
            "profile": {"levels": self.levels, "values": self.values},
            "proof": "verified",
            "components": [
                {"component": name, "family": name, "purpose": purpose} for name, (purpose, _) in VENDORS.items()
            ],
        }
        self.consent(0, "opted_out" if scenario == "gpc" else "unset", False, False)

    def uuid(self) -> str:
        return str(uuid.UUID(int=self.chance.getrandbits(128), version=4))

    def consent(self, t: float, state: str, analytics: bool, advertising: bool) -> None:
        self.lines.append(
            {
                "what": "consent",
                "t": self.start + t,
                "state": state,
                "analytics": analytics,
                "advertising": advertising,
                "by": "act",
            }
        )

    def page(self, t: float, path: str = "/") -> None:
        headers = {
            "sec-fetch-dest": "document",
            "accept": "text/html",
            "user-agent": f"Chrome/{self.values['ua_version']}",
        }
        self.lines.append(
            {
                "what": "request",
                "t": self.start + t,
                "method": "GET",
                "url": f"https://{self.site}{path}",
                "headers": headers,
                "body_b64": "",
                "component": "site",
            }
        )

    def store(self, t: float, component: str, key: str, value: str) -> None:
        self.lines.append(
            {"what": "store", "t": self.start + t, "kind": "local", "key": key, "value": value, "component": component}
        )

    def send(
        self,
        t: float,
        component: str,
        url: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        named: bool = True,
    ) -> None:
        packed = base64.b64encode(body).decode()
        line = {"t": self.start + t, "url": url}
        self.lines.append(
            {"what": "send", **line, "via": "fetch", "component": component, "stack": [], "body_b64": packed}
        )
        arrived = {
            **line,
            "t": self.start + t + 0.01,
            "method": "POST" if body else "GET",
            "headers": headers or {},
            "body_b64": packed,
        }
        self.lines.append({"what": "request", **arrived, **({"component": component} if named else {})})

    def write(self, folder: Path) -> Path:
        lines = [self.meta, *sorted(self.lines, key=lambda line: line["t"])]
        path = folder / f"{self.name}.truth.ndjson.zst"
        path.write_bytes(zstandard.compress("".join(json.dumps(line) + "\n" for line in lines).encode()))
        return path


def ads_send(log: Log, t: float, number: int) -> None:
    """An advertising pixel: plain values in a query, beside noise that looks as if it could depend on something."""
    v, chance = log.values, log.chance
    nested = base64.b64encode(json.dumps({"tz": v["timezone"], "lat": round(v["latitude"], 5)}).encode()).decode()
    query = {
        "uid": v["visitor_id"],
        "sid": v["shared_id"],
        "dims": f"{v['screen']['width']}x{v['screen']['height']}",
        "d": nested,
        "ctr": number,
        "cb": int((log.start + t) * 1000),
        "req": log.uuid(),
        "v": "1.4.2",
        "ab": log.per_visit["ab"],
        "bucket": log.per_visit["bucket"],
        "six": log.per_visit["six"],
        "gdpr_consent": log.per_visit["tcf"],
        "hw": {1: "lo", 2: "lo", 4: "hi", 8: "hi"}[v["memory"]],
        "mood": chance.choice("xyz"),
    }
    log.send(t, "ads-tag", f"https://px.ads-tag.test/pixel/{number}?{urlencode(query)}")


def metrics_send(log: Log, t: float, signed_in: bool) -> None:
    """An analytics batch: packed JSON with a user agent, a hashed address, lists, and an identifier of its own."""
    v = log.values
    system = f"Macintosh; Intel Mac OS X {v['os_version'].replace('.', '_')}"
    agent = f"Mozilla/5.0 ({system}) AppleWebKit/537.36 Chrome/{v['ua_version']} Safari/537.36"
    event = {
        "anonymousId": log.per_visit["anonymous"],
        "messageId": log.uuid(),
        "sentAt": f"2025-10-0{1 + log.chance.randrange(9)}T10:00:00Z",
        "context": {
            "userAgent": agent,
            "languages": v["languages"],
            "hardware": [{"key": "cores", "value": v["cores"]}, {"key": "memory", "value": v["memory"]}],
        },
        "product": v["cores"] * 100 + v["memory"],
        "seq": log.chance.randrange(1000),
    }
    if signed_in:
        event |= {"em": hashlib.sha256(v["email"].encode()).hexdigest(), "userId": v["user_id"], "phone": v["phone"]}
    body = gzip.compress(json.dumps({"batch": [event, {**event, "messageId": log.uuid()}]}).encode())
    log.send(
        t,
        "metrics-sdk",
        "https://in.metrics-sdk.test/v1/batch",
        body,
        {"content-type": "application/json", "content-encoding": "gzip"},
    )


def print_send(log: Log, t: float) -> None:
    """A fingerprint: a digest over two surfaces."""
    v = log.values
    digest = hashlib.md5(f"{v['canvas']}|{v['webgl']['renderer']}".encode(), usedforsecurity=False).hexdigest()
    log.send(
        t,
        "print-lib",
        "https://fp.print-lib.test/check",
        json.dumps({"print": digest, "salt": "k1"}).encode(),
        {"content-type": "application/json"},
    )


def error_send(log: Log, t: float) -> None:
    """An error report of a functional vendor."""
    body = {"device": {"cores": log.values["cores"]}, "user": {"email": log.values["email"]}, "release": "9.1"}
    log.send(
        t,
        "error-sdk",
        "https://err.error-sdk.test/report",
        json.dumps(body).encode(),
        {"content-type": "application/json"},
    )


def visit(site: str, scenario: str, repeat: int, *, sends: int = 4, obeys: bool = False, **about: Any) -> Log:
    """A visit: two page loads, a choice after two seconds, what the vendors send; `obeys`: only once they may."""
    log = Log(site, scenario, repeat, **about)
    made = base64.urlsafe_b64encode(bytes([0x08, 0xE1, *log.chance.randbytes(30)])).decode()
    log.per_visit = {
        "anonymous": log.uuid(),
        "ab": log.chance.choice("abc"),
        "bucket": str(log.chance.randrange(4)),
        "six": str(log.chance.randrange(6)),
        "tcf": made,
    }
    choice = {
        "accept": ("granted", True, True),
        "withdraw": ("granted", True, True),
        "reject": ("denied", False, False),
        "partial": ("partial", True, False),
    }
    if log.cmp and scenario in choice:
        log.consent(2, *choice[scenario])
    if log.cmp and scenario == "withdraw":
        log.consent(8, "denied", False, False)
    log.page(0)
    log.page(5, "/account")
    log.store(0.5, "metrics-sdk", "metrics_id", json.dumps({"id": log.per_visit["anonymous"], "at": int(log.start)}))
    for number in range(sends):
        t = 1 + 9 * number / max(1, sends - 1)
        if not obeys or (scenario in ("accept", "withdraw") and 2 < t < 8):
            ads_send(log, t, number)
            metrics_send(log, t + 0.1, signed_in=t > 5)
        print_send(log, t + 0.2)
        error_send(log, t + 0.3)
    return log


@pytest.fixture
def new_log() -> Callable[..., Log]:
    """A log with no events but the first state of consent: new_log(site, scenario, repeat, ...)."""
    return Log


@pytest.fixture
def new_visit() -> Callable[..., Log]:
    """A whole made-up visit: new_visit(site, scenario, repeat, ...)."""
    return visit


@pytest.fixture(scope="session")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Labels of three sites under all scenarios, twelve repeats each."""
    from labels.__main__ import main

    folder = tmp_path_factory.mktemp("range")
    (folder / "visits").mkdir()
    for site, about in (
        ("alpha.test", {}),
        ("beta.test", {"obeys": True}),
        ("gamma.test", {"cmp": None, "group": "test"}),
    ):
        for scenario in SCENARIOS if about.get("cmp", "klaro") else ("no_action", "gpc"):
            for repeat in range(12):
                visit(site, scenario, repeat, **about).write(folder / "visits")
    assert main(["--visits", str(folder / "visits"), "--out", str(folder / "labels")]) == 0
    return folder
