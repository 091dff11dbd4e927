"""Recordings in which every host, site and path has another name, the same everywhere: does a verdict rest on names?

Names of fields and values stay. Hosts are replaced wherever they stand in a text, also inside what was sent; words of a
path where an address is written out. What is packed (base64, gzip) keeps the names inside it.
"""

import json
import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import zstandard

from consentinel.detect.parties import registrable

__all__ = ["Names", "rename", "renamed"]

_URL = re.compile(
    r"(?P<scheme>(?:https?|wss?)://)(?P<host>[A-Za-z0-9.-]+)(?P<port>:\d+)?(?P<path>/[^\s\"'?#&<>\\,;]*)?"
)
_WORD = re.compile(r"[A-Za-z][A-Za-z._-]{1,29}")  # a name; a segment with digits may be a datum


class Names:
    """New names for hosts, sites and words of paths; equal names get equal ones, in every recording."""

    def __init__(self, hosts: Iterable[str]) -> None:
        self.hosts = {host: self._host(host) for host in sorted(set(hosts)) if "." in host}
        longest_first = sorted(self.hosts, key=lambda host: (-len(host), host))
        pattern = "|".join(re.escape(host) for host in longest_first) or r"(?!)"
        self._known = re.compile(rf"(?<![A-Za-z0-9-])(?:{pattern})(?![A-Za-z0-9-]|\.[A-Za-z])")

    @staticmethod
    def site(host: str) -> str:
        """Return the new name of the registrable domain of HOST."""
        return f"n{sha256(registrable(host).encode()).hexdigest()[:12]}.test"

    def _host(self, host: str) -> str:
        above = host.removesuffix(registrable(host)).strip(".")
        return ".".join([*(self._word(label) for label in above.split(".") if label), self.site(host)])

    @staticmethod
    def _word(word: str) -> str:
        return f"w{sha256(word.encode()).hexdigest()[:6]}"

    def _path(self, path: str) -> str:
        return "/".join(self._word(part) if _WORD.fullmatch(part) else part for part in path.split("/"))

    def text(self, text: str) -> str:
        """Return TEXT with every known host, and every word in the path of an address, under its new name."""

        def address(found: re.Match[str]) -> str:
            host = found["host"].lower()
            if host not in self.hosts:
                return found[0]
            return f"{found['scheme']}{self.hosts[host]}{found['port'] or ''}{self._path(found['path'] or '')}"

        return self._known.sub(lambda found: self.hosts[found[0]], _URL.sub(address, text))


def hosts(har: Any) -> set[str]:
    """Return the hosts that a HAR names as such: of its requests, its site and its storage."""
    log = har["log"]
    found = {
        match["host"].lower() for entry in log["entries"] for match in [_URL.match(entry["request"]["url"])] if match
    }
    about = log.get("_consentinel", {})
    names = [about.get("site", ""), *about.get("cnames", {}), *(n for v in about.get("cnames", {}).values() for n in v)]
    return found | {name for name in names if name} | {registrable(host) for host in found}


def renamed(har: Any, names: Names) -> Any:
    """Return the HAR with all its texts, and the names of its objects, under NAMES."""
    if isinstance(har, dict):
        return {names.text(key): renamed(value, names) for key, value in har.items()}
    if isinstance(har, list):
        return [renamed(value, names) for value in har]
    return names.text(har) if isinstance(har, str) else har


def rename(files: list[Path], out: Path) -> dict[str, str]:
    """Write the recordings FILES renamed into the folder OUT; return new site -> old site, of everybody."""
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("*.har.zst"):
        old.unlink()
    every: set[str] = set()
    for har in _read(files):
        every |= hosts(har)
    names = Names(every)
    for file, har in zip(files, _read(files), strict=True):
        site, _, rest = file.name.partition("~")
        data = json.dumps(renamed(har, names), ensure_ascii=False).encode("utf-8", "surrogatepass")
        (out / f"{names.site(site)}~{rest}").write_bytes(zstandard.ZstdCompressor(level=1).compress(data))
    return {names.site(host): registrable(host) for host in every}


def _read(files: list[Path]) -> Iterator[Any]:
    for file in files:
        with file.open("rb") as packed:
            yield json.loads(zstandard.ZstdDecompressor().stream_reader(packed).read())
