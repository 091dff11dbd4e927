"""What a site is: the registrable domain of a host name."""

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address

from publicsuffixlist import PublicSuffixList  # type: ignore[import-untyped, unused-ignore]

from consentinel.core.errors import UsageError

__all__ = ["parse_site", "parse_sites"]

_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)+")


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def parse_site(host: str) -> str:
    """Return the site of HOST, for example "shop.test" of "www.shop.test".

    Raises UsageError that begins with "SyntaxError", the standard's name, for what has no site: a bare suffix,
    localhost and names below it, an IP address, anything that is not a host name.
    """
    name = host.lower()
    site = None
    if _HOST.fullmatch(name) and not name.endswith(".localhost") and not _is_address(name):
        site = _suffixes().privatesuffix(name)
    if site is None:
        raise UsageError(f"SyntaxError: '{host[:100]}' has no registrable domain; give a host such as shop.test")
    return str(site)


def parse_sites(hosts: Iterable[str], what: str, most: int | None) -> set[str]:
    """Return the sites of HOSTS; more than MOST of them (counted as given) is a RangeError that names WHAT."""
    given = list(hosts)
    if most is not None and len(given) > most:
        raise UsageError(f"RangeError: {what} has {len(given)} values, at most {most} are kept")
    return {parse_site(host) for host in given}


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
