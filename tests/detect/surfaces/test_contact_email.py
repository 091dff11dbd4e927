"""Contact email: what the recogniser has to catch, and what it has to let pass."""

from collections.abc import Callable

import pytest

MD5 = "9e107d9d372bb6826bd81d3542a419d6"

YES = [
    ("email", "probe.k3q9@example.com"),
    ("user.email", "Probe@Example.com", "json"),
    ("em", "probe@example.co.uk"),
    ("q", "someone.else@example.org"),
    ("login", "probe+tag@example.com", "form"),
    ("x", "mailto:probe@example.com"),
    ("traits.email", "p@sub.domain.example.com", "json"),
    ("e", "probe%40example.com"),
    ("mail", "zoë@example.com"),
    ("contact", "info@example.com"),
]
NO = [
    ("email", ""),
    ("email", "true"),
    ("email", "1"),
    ("img", "logo@2x.png"),
    ("pkg", "lodash@4.17.21"),
    ("email", "probe at example.com"),
    ("dsn", MD5 + "@o123.ingest.sentry.test"),
    ("email", MD5),
    ("handle", "@probe"),
    ("x", "a@b"),
    ("src", "icon@3x.svg"),
    ("email", "probe@"),
    ("email", "@example.com"),
    ("q", "user@host with words.com"),
    ("", "you@example.com", "body"),
    ("placeholder", "your.name@example.com", "json"),
    ("email", "name@example.com", "json"),
]


@pytest.mark.parametrize("case", YES, ids=lambda c: c[0])
def test_it_is_caught(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("contact_email", *case) >= 0.6


@pytest.mark.parametrize("case", NO, ids=lambda c: c[0])
def test_it_is_let_pass(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("contact_email", *case) == 0
