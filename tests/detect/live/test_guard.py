"""The guard: private addresses in every disguise, names that lead to them, and lists of hosts."""

import asyncio
import socket
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.core.errors import UsageError
from consentinel.detect.live.guard import Guard, private


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.9.9", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "::1", "fe80::1%eth0", "fc00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::",
        "[::1]",
    ],
)  # fmt: skip
def test_private_addresses(address: str) -> None:
    assert private(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:4700::6810:1", "::ffff:93.184.215.14", "", "example.com"])
def test_public_addresses_and_names(address: str) -> None:
    assert not private(address)


def refused(guard: Guard, url: str, *, page: bool = True) -> str | None:
    return asyncio.run(guard.refuses(url, page=page))


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names resolve from a table; returns those that were asked for."""
    table = {"public.example": "93.184.215.14", "inside.example": "10.0.0.7", "2130706433": "127.0.0.1"}
    asked: list[str] = []

    async def resolve(_: Any, host: str, *__: Any, **___: Any) -> list[Any]:
        asked.append(host)
        if host not in table:
            raise socket.gaierror
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (table[host], 0))]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", resolve)
    return asked


def test_names_are_resolved_once(names: list[str]) -> None:
    guard = Guard()
    assert refused(guard, "https://public.example/a") is None
    assert refused(guard, "https://public.example/b") is None
    assert names == ["public.example"]
    assert "private" in str(refused(guard, "https://inside.example/"))
    assert "private" in str(refused(guard, "http://2130706433/"))
    assert refused(guard, "https://nobody.example/") is None  # the browser will say that there is no such host
    assert refused(Guard(resolves=False), "https://inside.example/") is None
    assert refused(Guard(allow_private=True), "http://127.0.0.1/") is None


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/", "https://[::1]:8443/", "http://localhost/", "http://a.localhost./", "ws://printer.local/",
     "http://[bad/", "ftp://public.example/", "file:///etc/passwd", "chrome://version"],
)  # fmt: skip
def test_refused_by_the_way_it_is_written(url: str, names: list[str]) -> None:
    assert refused(Guard(), url)
    assert names == []


def test_the_list_of_hosts_holds_for_pages_only(names: list[str]) -> None:
    guard = Guard.parse("Example.org, *.public.example", allow_private=False, resolves=True)
    assert refused(guard, "https://public.example/") is None
    assert refused(guard, "https://public.example/", page=False) is None
    assert "list of allowed hosts" in str(refused(guard, "https://notpublic.example/"))
    assert refused(guard, "https://tracker.example/", page=False) is None
    assert refused(guard, "about:blank") is None
    assert not guard.idle
    assert Guard(allow_private=True).idle


def test_a_list_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match=r"'https://a\.example' is no host"):
        Guard.parse("https://a.example", allow_private=False, resolves=True)


@settings(deadline=None)  # starts an event loop each time
@given(st.text(max_size=60))
def test_any_address_is_answered(url: str) -> None:
    answer = asyncio.run(Guard(resolves=False).refuses(url))
    assert answer is None or answer
