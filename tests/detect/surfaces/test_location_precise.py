"""Location precise: what the recogniser has to catch, and what it has to let pass."""

from collections.abc import Callable

import pytest

YES = [
    ("lat", "53.349805"),
    ("lng", "-6.26031"),
    ("device.geo.lat", "48.1371", "json"),
    ("device.geo.lon", "11.5754", "json"),
    ("latitude", "-33.8688197", "json"),
    ("longitude", "151.209", "json"),
    ("ll", "48.13743,11.57549"),
    ("geo", "53.3498;-6.2603"),
    ("geometry.coordinates[]", "-6.260310", "json"),
    ("location", "53.349805,-6.260310"),
    ("geo.location", "[53.349805, -6.260310]", "json"),
    ("user_lat", "+48.1371"),
]
NO = [
    ("lat", "34.070000"),
    ("lon", "77.209999"),
    ("lat", "0"),
    ("dc_lat", "1"),
    ("lat", "48.13"),
    ("lng", "true"),
    ("lat", "123.45678"),
    ("lon", "181.12345"),
    ("price", "48.13743"),
    ("rand", "0.660942"),
    ("ll", "0,0,0,0"),
    ("location", "/home/53.1234"),
    ("loc", "http://www.example.test/"),
    ("lat", ""),
    ("pos", "399,133,489,861"),
    ("location", "12.34,56.78"),
]


@pytest.mark.parametrize("case", YES, ids=lambda c: c[0])
def test_it_is_caught(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("location_precise", *case) >= 0.6


@pytest.mark.parametrize("case", NO, ids=lambda c: c[0])
def test_it_is_let_pass(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("location_precise", *case) == 0
