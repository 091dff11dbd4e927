"""The profile of a visit: an invented person and device, drawn at random, so that what leaves can be told from it.

Each property has a pool of four levels. Every repeat draws a level of each property independently, so that a field of
the traffic whose values follow one property over the repeats carries that property, whatever its encoding. Values that
can be unique are made from the seed and are listed in planted.toml: found again, they are proof.
"""

import json
import random
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

__all__ = ["LEVELS", "Pool", "Profile", "pool", "to_toml"]

LEVELS = 4
# Properties whose values are unique, with the data type that reports call them by.
PLANTED = {
    "email": "contact.email", "phone": "contact.phone", "name": "contact.name", "user_id": "user.id",
    "latitude": "location.precise", "longitude": "location.precise",
    "ua_version": "device.browser", "os_version": "device.os",
}  # fmt: skip

Screen = dict[str, int]
_SCREENS: list[Screen] = [
    {"width": 1366, "height": 768, "availWidth": 1366, "availHeight": 728, "depth": 24},
    {"width": 1536, "height": 864, "availWidth": 1536, "availHeight": 824, "depth": 24},
    {"width": 1920, "height": 1080, "availWidth": 1920, "availHeight": 1053, "depth": 24},
    {"width": 1680, "height": 1050, "availWidth": 1613, "availHeight": 1050, "depth": 30},
]
_WEBGL = [
    {"vendor": "Google Inc. (Intel)", "renderer": "ANGLE (Intel, Mesa Intel(R) UHD Graphics 620, OpenGL 4.6)"},
    {"vendor": "Google Inc. (AMD)", "renderer": "ANGLE (AMD, Radeon RX 580 Series, OpenGL 4.6)"},
    {"vendor": "Google Inc. (NVIDIA)", "renderer": "ANGLE (NVIDIA, GeForce GTX 1650, OpenGL 4.6)"},
    {"vendor": "Google Inc. (Intel)", "renderer": "ANGLE (Intel, Mesa Intel(R) Iris(R) Xe Graphics, OpenGL 4.6)"},
]
# A site may take the time zone or the position for the region, so all levels lie in it. (Zones; latitude, longitude.)
_PLACES: dict[str, tuple[list[str], float, float]] = {
    "UK": (["Europe/London", "Europe/Jersey", "Europe/Guernsey", "Europe/Isle_of_Man"], 52.2, -1.4),
    "US": (["America/Los_Angeles", "America/Denver", "America/Chicago", "America/New_York"], 39.4, -98.1),
    "US-CA": (["America/Los_Angeles", "America/Vancouver", "America/Tijuana", "America/Phoenix"], 36.7, -119.8),
    "CA": (["America/Toronto", "America/Winnipeg", "America/Edmonton", "America/Vancouver"], 45.9, -76.2),
    "BR": (["America/Sao_Paulo", "America/Bahia", "America/Fortaleza", "America/Manaus"], -21.6, -47.9),
}
_EUROPE = (["Europe/Dublin", "Europe/Berlin", "Europe/Madrid", "Europe/Warsaw"], 48.9, 9.6)
_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
_SYLLABLES = ("ba", "ke", "li", "mo", "nu", "ra", "se", "ti", "vo", "zu", "da", "fe", "gi", "lo", "pu", "wa")


@dataclass(frozen=True, slots=True)
class Profile:
    """The values of one visit by property and, for the statistics, the level that each was drawn at."""

    values: dict[str, Any]
    levels: dict[str, int]

    def script(self, source: str, *, gpc: bool) -> str:
        """Return the script SOURCE (profile.js) for this profile."""
        told = {name: self.values[name] for name in ("memory", "screen", "webgl", "canvas") if name in self.values}
        return source.replace("PROFILE", json.dumps(told | {"gpc": gpc}))

    def commands(self, version: str) -> list[tuple[str, dict[str, Any]]]:
        """Return the DevTools commands that make a target of Chromium VERSION (four numbers) look like this profile."""
        got = self.values
        full = got.get("ua_version", version)
        languages = got["languages"]
        major = full.partition(".")[0]
        brands = [("Chromium", full), ("Google Chrome", full), ("Not=A?Brand", "24.0.0.0")]
        shown = full if "ua_version" in got else f"{major}.0.0.0"
        agent = {
            "userAgent": f"{_AGENT} Chrome/{shown} Safari/537.36",
            "acceptLanguage": ",".join(languages),
            "platform": "Linux x86_64",
            "userAgentMetadata": {
                "brands": [{"brand": name, "version": number.partition(".")[0]} for name, number in brands],
                "fullVersionList": [{"brand": name, "version": number} for name, number in brands],
                "fullVersion": full, "platform": "Linux", "platformVersion": got.get("os_version", "6.1.0"),
                "architecture": "x86", "bitness": "64", "model": "", "mobile": False, "wow64": False,
            },
        }  # fmt: skip
        wanted: list[tuple[str, dict[str, Any]]] = [("Emulation.setUserAgentOverride", agent)]
        if "cores" in got:
            wanted.append(("Emulation.setHardwareConcurrencyOverride", {"hardwareConcurrency": got["cores"]}))
        if "timezone" in got:
            wanted.append(("Emulation.setTimezoneOverride", {"timezoneId": got["timezone"]}))
        wanted.append(("Emulation.setLocaleOverride", {"locale": languages[0]}))
        screen = got.get("screen", _SCREENS[0])
        metrics = {
            "width": screen["availWidth"], "height": screen["availHeight"] - 88,  # the bars of a window take the rest
            "deviceScaleFactor": got.get("dpr", 1), "mobile": False,
            "screenWidth": screen["width"], "screenHeight": screen["height"],
        }  # fmt: skip
        wanted.append(("Emulation.setDeviceMetricsOverride", metrics))
        return wanted


@dataclass(frozen=True, slots=True)
class Pool:
    """The four levels of every property of a run; made by `pool`, which see."""

    seed: int
    levels: dict[str, list[Any]]
    plain: bool

    def draw(self, *visit: object) -> Profile:
        """Return the profile of the visit named by VISIT; equal names give equal profiles.

        A plain pool leaves the device as it is and varies the person only.
        """
        source = _random(self.seed, "draw", *visit)
        levels = {name: source.randrange(len(values)) for name, values in sorted(self.levels.items())}
        levels = {name: level for name, level in levels.items() if len(self.levels[name]) > 1}
        return Profile({name: values[levels.get(name, 0)] for name, values in self.levels.items()}, levels)

    def planted(self) -> list[tuple[str, str, str]]:
        """Return (id, data type, value) of every value that can be recognised by itself."""
        return [
            (f"{name}-{level}", kind, str(value))
            for name, kind in PLANTED.items()
            for level, value in enumerate(self.levels.get(name, ()))
        ]


def pool(seed: int, *, region: str, locale: str, version: str, plain: bool = False) -> Pool:
    """Return the pool of SEED for people of REGION who read LOCALE, with Chromium VERSION (four numbers)."""
    zones, latitude, longitude = _PLACES.get(region) or _PLACES.get(region.partition("-")[0]) or _EUROPE
    base = locale.partition("-")[0]
    more = [language for language in ("pt", "nl", "sv", "it", "fr") if language != base][:3]
    own = list(dict.fromkeys([locale, base]))
    source = _random(seed, "person")
    area = source.sample(("212", "303", "312", "404", "503", "602", "713", "808"), LEVELS)
    levels: dict[str, list[Any]] = {
        "email": [f"reader.{source.randbytes(12).hex()}@example.com" for _ in range(LEVELS)],
        "phone": [f"+1{code}55501{source.randrange(100):02}" for code in area],  # kept free for fiction
        "name": [f"{_word(source, 3)} {_word(source, 6)}" for _ in range(LEVELS)],
        "user_id": [f"u{source.randbytes(10).hex()}" for _ in range(LEVELS)],
        "password": [source.randbytes(9).hex()],
        "latitude": [str(round(latitude + source.uniform(-0.9, 0.9), 12)) for _ in range(LEVELS)],
        "longitude": [str(round(longitude + source.uniform(-0.9, 0.9), 12)) for _ in range(LEVELS)],
        "languages": [own] if plain else [own, *([*own, language] for language in more)],
    }
    if not plain:
        major = version.partition(".")[0]
        levels |= {
            "ua_version": [
                f"{major}.0.{source.randrange(5000, 9999)}.{source.randrange(20, 250)}" for _ in range(LEVELS)
            ],
            "os_version": [
                f"6.{minor}.{source.randrange(1000, 9999)}" for minor in source.sample(range(2, 17), LEVELS)
            ],
            "cores": [2, 6, 8, 12],
            "memory": [1, 2, 4, 8],
            "screen": _SCREENS,
            "dpr": [1, 1.25, 1.5, 2],
            "timezone": zones,
            "webgl": _WEBGL,
            "canvas": [0, 1, 2, 3],
        }
    else:
        levels["timezone"] = zones[:1]
    return Pool(seed, levels, plain)


def to_toml(pool: Pool) -> str:
    """Return the planted values of POOL as the TOML that `detect scan --planted` reads."""
    tables = [
        f'[[planted]]\nid = "{name}"\ntype = "{kind}"\nvalue = "{value}"\n' for name, kind, value in pool.planted()
    ]
    head = "# Values planted in these visits; all are invented. Any of them leaving for a third party is proof.\n\n"
    return head + "\n".join(tables)


@cache
def scripts() -> tuple[str, str]:
    """Return the text of profile.js and of hooks.js."""
    here = Path(__file__).parent
    return (here / "profile.js").read_text("utf-8"), (here / "hooks.js").read_text("utf-8")


def _word(source: random.Random, syllables: int) -> str:
    return "".join(source.choice(_SYLLABLES) for _ in range(syllables)).capitalize()


def _random(seed: int, *names: object) -> random.Random:
    """A stream of its own for each of NAMES, equal on every machine. Not for secrets."""
    text = json.dumps([seed, *map(str, names)])
    return random.Random(int.from_bytes(sha256(text.encode()).digest()[:16], "big"))
