"""Contact name: what the recogniser has to catch, and what it has to let pass."""

from collections.abc import Callable

import pytest

SHA256 = "5f2b1c9e7a4d3e8f6b0a1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f708192a3b4c5"

YES = [
    ("first_name", "Zoë", "form"),
    ("last_name", "O'Probe", "form"),
    ("user.name", "Zoe Probe", "json"),
    ("fullName", "Zoe M. Probe", "json"),
    ("ud[fn]", SHA256),
    ("ud[ln]", SHA256),
    ("traits.name", "Zoe Probe", "json"),
    ("surname", "Probe"),
    ("given-name", "Zoe"),
    ("fn", SHA256),
    ("customer_name", "Probe, Zoe"),
    ("ud[fn]", "zoe"),
]
NO = [
    ("name", "homepage.home"),
    ("first_name", ""),
    ("first_name", "true"),
    ("first_name", "null"),
    ("last_name", "12"),
    ("filename", "Zoe Probe"),
    ("event.name", "Purchase", "json"),
    ("fn", "jQuery123_456"),
    ("full_name", "https://x.test/a"),
    ("first_name", "{{name}}"),
    ("fn", "callback"),
    ("hostname", "Zoe"),
    ("tag_name", "Input"),
]


@pytest.mark.parametrize("case", YES, ids=lambda c: c[0])
def test_it_is_caught(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("contact_name", *case) >= 0.6


@pytest.mark.parametrize("case", NO, ids=lambda c: c[0])
def test_it_is_let_pass(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("contact_name", *case) == 0
