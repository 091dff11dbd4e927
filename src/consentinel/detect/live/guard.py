"""Which addresses a visit may go to: no private ones unless asked, and only allowed hosts where a list is given."""

import asyncio
import re
import socket
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from consentinel.core.errors import UsageError

__all__ = ["LITERALS", "Guard", "private"]

_NAT64 = ip_network("64:ff9b::/96")
_LOCAL_NAMES = (".localhost", ".local", ".internal", ".home.arpa", ".lan")
_HOST = re.compile(r"(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*", re.I)
# Addresses that may be private by the way they are written; only these wait for the guard when a page asks for them.
LITERALS = [
    f"{scheme}://{start}*"
    for scheme in ("http", "https")
    for start in ("127.", "10.", "192.168.", "172.", "169.254.", "100.", "0.", "[", "localhost", "*.localhost")
]


def private(address: str) -> bool:
    """Whether the IP ADDRESS is one that the public internet does not reach (RFC 6890 and what embeds such a one)."""
    try:
        ip: IPv4Address | IPv6Address = ip_address(address.strip("[]").partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None)
        if inner is not None:
            return not inner.is_global
    return not ip.is_global or ip.is_multicast


@dataclass
class Guard:
    """Says why an address is refused; names are resolved once.

    ALLOW lists hosts that pages may be opened from, each with all below it; none allows every host. With RESOLVES
    false the browser resolves names by rules of its own, and only what it then connected to can be checked.
    """

    allow: tuple[str, ...] = ()
    allow_private: bool = False
    resolves: bool = True
    _known: dict[str, bool] = field(default_factory=dict)

    @classmethod
    def parse(cls, allow: str, *, allow_private: bool, resolves: bool) -> "Guard":
        """Return the guard for the comma-separated hosts ALLOW; raises UsageError for what is no host."""
        hosts = tuple(word.strip().lower() for word in allow.split(",") if word.strip())
        for host in hosts:
            if not _HOST.fullmatch(host):
                raise UsageError(f"--allow: '{host}' is no host; write for example: example.com,shop.example.com")
        return cls(tuple(host.removeprefix("*.") for host in hosts), allow_private, resolves)

    @property
    def idle(self) -> bool:
        """Whether nothing can be refused."""
        return self.allow_private and not self.allow

    async def refuses(self, url: str, *, page: bool = True) -> str | None:
        """Return why URL may not be asked for, None when it may; the list of hosts holds for a PAGE only."""
        try:
            parts = urlsplit(url)
            host = (parts.hostname or "").rstrip(".").lower()
        except ValueError:
            return "the address cannot be read"
        if parts.scheme not in ("http", "https", "ws", "wss"):
            return None if not page or parts.scheme in ("about", "data", "blob") else "it is no web address"
        if page and self.allow and not any(host == name or host.endswith(f".{name}") for name in self.allow):
            return "the host is not on the list of allowed hosts"
        if not self.allow_private and await self._private(host):
            return "the address is private or of this machine; allow it with --allow-private"
        return None

    async def _private(self, host: str) -> bool:
        if host == "localhost" or host.endswith(_LOCAL_NAMES) or private(host):
            return True
        if not self.resolves:
            return False
        if host not in self._known:
            self._known[host] = await _resolves_privately(host)
        return self._known[host]


async def _resolves_privately(host: str) -> bool:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False  # the browser will say that there is no such host
    return any(private(str(entry[4][0])) for entry in found)
