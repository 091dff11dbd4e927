"""Contact phone hashed: what the recogniser has to catch, and what it has to let pass."""

from collections.abc import Callable

import pytest

MD5 = "9e107d9d372bb6826bd81d3542a419d6"
SHA256 = "5f2b1c9e7a4d3e8f6b0a1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f708192a3b4c5"

YES = [
    ("ph", SHA256, "json"),
    ("ud[ph]", SHA256),
    ("udff[ph]", SHA256, "form"),
    ("phone_hash", MD5),
    ("phone_number", SHA256, "json"),
    ("hashed_phone", SHA256[:40]),
    ("sha256_phone_number", SHA256, "json"),
    ("ph", "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=", "form"),
    ("user_phone_sha", SHA256),
    ("pn", SHA256),
]
NO = [
    ("ph", SHA256),
    ("ud[ph]", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("ph", ""),
    ("ph", "1"),
    ("phone", "+15550100199"),
    ("hash", SHA256),
    ("phone_model", MD5),
    ("graph", SHA256),
    ("ph", "0" * 64),
    ("em", SHA256),
    ("etag", MD5, "header"),
    ("pn", "home"),
    ("phone_verified", "true"),
    ("alpha", MD5),
]


@pytest.mark.parametrize("case", YES, ids=lambda c: c[0])
def test_it_is_caught(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("contact_phone_hashed", *case) >= 0.6


@pytest.mark.parametrize("case", NO, ids=lambda c: c[0])
def test_it_is_let_pass(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("contact_phone_hashed", *case) == 0
