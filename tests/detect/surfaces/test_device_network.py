"""Device network: what the recogniser has to catch, and what it has to let pass."""

from collections.abc import Callable

import pytest

YES = [
    ("effectiveType", "4g", "json"),
    ("ect", "4g", "header"),
    ("rtt", "50", "header"),
    ("downlink", "10", "header"),
    ("device.connectiontype", "2", "json"),
    ("network_type", "wifi"),
    ("connection_type", "WIFI", "form"),
    ("device.carrier", "Example Mobile", "json"),
    ("mccmnc", "26201"),
    ("ssid", "probe-network"),
    ("bssid", "02:00:5e:10:4f:2a"),
    ("carrier", "Vodafone"),
    ("net", "cellular"),
]
NO = [
    ("connectiontype", "0"),
    ("ssid", "850c3c06-e15d-4b76-8b2e-008e099e7ff2"),
    ("carrier", "DHL Express"),
    ("connection", "keep-alive", "header"),
    ("network", "prebid"),
    ("network_type", "true"),
    ("rtt", "fast"),
    ("ssid", ""),
    ("connection_type", "12"),
    ("type", "wifi"),
    ("net", "example.test"),
    ("carrier_name", "unknown"),
    ("downlink", ""),
    ("conn", "abc"),
    ("network", "3999"),
]


@pytest.mark.parametrize("case", YES, ids=lambda c: c[0])
def test_it_is_caught(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("device_network", *case) >= 0.6


@pytest.mark.parametrize("case", NO, ids=lambda c: c[0])
def test_it_is_let_pass(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("device_network", *case) == 0
