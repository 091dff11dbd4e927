"""Location coarse: what the recogniser has to catch, and what it has to let pass."""

from collections.abc import Callable

import pytest

YES = [
    ("lat", "34.070000"),
    ("lon", "77.209999"),
    ("city", "Dublin"),
    ("geo.city", "New York", "json"),
    ("lat", "53.3"),
    ("lng", "-6.26"),
    ("zip", "94105"),
    ("postal_code", "SW1A 1AA"),
    ("zipcode", "94105-1234"),
    ("device.geo.region", "CA", "json"),
    ("device.geo.zip", "10115", "json"),
    ("user_city", "São Paulo"),
    ("lon", "11.58"),
    ("geo_region", "Bavaria"),
]
NO = [
    ("city", "true"),
    ("zip", "bundle.zip"),
    ("zip", "true"),
    ("zip", ""),
    ("lat", "53.349805"),
    ("region", "us-east-1"),
    ("city", "12345"),
    ("city", "unknown"),
    ("lat", "1"),
    ("price", "12.34"),
    ("state", "open"),
    ("lat", "500.25"),
    ("town", ""),
]


@pytest.mark.parametrize("case", YES, ids=lambda c: c[0])
def test_it_is_caught(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("location_coarse", *case) >= 0.6


@pytest.mark.parametrize("case", NO, ids=lambda c: c[0])
def test_it_is_let_pass(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("location_coarse", *case) == 0
