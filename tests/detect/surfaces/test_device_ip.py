"""Device ip: what the recogniser has to catch, and what it has to let pass."""

from collections.abc import Callable

import pytest

YES = [
    ("ip", "203.0.113.7"),
    ("device.ip", "198.51.100.23", "json"),
    ("x-forwarded-for", "203.0.113.7, 10.0.0.1", "header"),
    ("client_ip", "8.8.4.4"),
    ("ipv6", "2001:db8:85a3::8a2e:370:7334"),
    ("uip", "203.0.113.0"),
    ("context.ip", "192.0.2.44", "json"),
    ("user.ip_address", "203.0.113.99", "json"),
    ("remote_addr", "203.0.113.7:443"),
    ("true-client-ip", "2001:db8::1", "header"),
]
NO = [
    ("ip", "10.0.0.1"),
    ("ip", "192.168.1.20"),
    ("ip", "127.0.0.1"),
    ("ip", "172.16.4.4"),
    ("ip", "::1"),
    ("ip", "fe80::1"),
    ("version", "1.2.3.4"),
    ("v", "203.0.113.7"),
    ("ip", "true"),
    ("ip", "999.1.1.1"),
    ("clientip", ""),
    ("ip", "224.0.0.1"),
    ("ip", "1.2.3"),
]


@pytest.mark.parametrize("case", YES, ids=lambda c: c[0])
def test_it_is_caught(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("device_ip", *case) >= 0.6


@pytest.mark.parametrize("case", NO, ids=lambda c: c[0])
def test_it_is_let_pass(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("device_ip", *case) == 0
