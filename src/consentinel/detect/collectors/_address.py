"""Addresses of requests and scripts: their parts, whether they leave the machine, and what of them may be stored."""

import re
from functools import lru_cache

from consentinel.core.mask import host_templates, path_templates

_SENT = re.compile(r"(?:https?|wss?)://[^/?#]", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z-]{1,24}")
_NOT_IN_HOST = re.compile(r"[^\w.:-]")
_PORTS = {"https": 443, "http": 80, "wss": 443, "ws": 80}


def split_url(url: str) -> tuple[str, int | None, str, str]:
    """Return (host, port or None, path, query) of URL; data: and other opaque URLs have an empty host.

    A host ends at the first character that no host has, so that nothing else of a malformed URL is taken for one.
    """
    scheme, sep, rest = url.partition("://")
    if not sep:
        return "", None, "", ""
    rest = rest.partition("#")[0]
    rest, _, query = rest.partition("?")
    authority, slash, path = rest.partition("/")
    if "\\" in authority:  # browsers read it as a slash
        authority, _, head = authority.partition("\\")
        slash, path = "/", head + slash + path
    host = authority.rpartition("@")[2]
    port = _PORTS.get(scheme.lower())
    if host.startswith("["):
        host, _, tail = host[1:].partition("]")
        text = tail.removeprefix(":")
    else:
        host, _, text = host.partition(":")
    if text.isdecimal() and len(text) < 6:
        port = int(text)
    odd = _NOT_IN_HOST.search(host)
    return (host[: odd.start()] if odd else host).lower()[:253], port, slash + path, query


def sent(url: object) -> bool:
    """Return whether URL is one that leaves the machine: data:, blob:, file: and extension URLs do not."""
    return isinstance(url, str) and _SENT.match(url) is not None


@lru_cache(maxsize=50_000)
def script_place(url: str) -> str | None:
    """Return origin and path template of a script URL, the form in which it may be stored."""
    host, _, path, _ = split_url(url)
    scheme = url.partition("://")[0].lower()
    if not host or not _SCHEME.fullmatch(scheme):
        return None
    return f"{scheme}://{host_templates([host])[0]}{path_templates([path])[0]}"
