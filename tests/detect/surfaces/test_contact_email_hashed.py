"""Contact email hashed: what the recogniser has to catch, and what it has to let pass."""

from collections.abc import Callable

import pytest

MD5 = "9e107d9d372bb6826bd81d3542a419d6"
SHA256 = "5f2b1c9e7a4d3e8f6b0a1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f708192a3b4c5"

YES = [
    ("em", SHA256),
    ("ud[em]", SHA256),
    ("udff[em]", SHA256, "form"),
    ("he", MD5),
    ("email_hash", MD5),
    ("hashed_email", SHA256, "json"),
    ("user_data.email", SHA256, "json"),
    ("sha256_email_address", SHA256, "json"),
    ("emails.sha256", SHA256, "json"),
    ("em", "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="),
    ("em", "tv.1~em.LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ"),
    ("hem", SHA256[:40]),
    ("new_email_digest_x", MD5),
    ("e", SHA256),
]
NO = [
    ("em", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("email_md5", "d41d8cd98f00b204e9800998ecf8427e"),
    ("em", ""),
    ("em", "true"),
    ("email", "probe@example.com"),
    ("etag", MD5, "header"),
    ("hash", SHA256),
    ("em", "a:b,c:d"),
    ("email_sent", "1"),
    ("html_sha", SHA256),
    ("theme", MD5),
    ("email_hash", "0" * 32),
    ("build_hash", MD5),
    ("em", "truetruetruetruetruetruetruetrue"),
    ("token", SHA256),
    ("he", "<" * 32),
    ("e", "9e107d9d372bb6826bd81d3542a419d6"),
    ("e", "page_view"),
]


@pytest.mark.parametrize("case", YES, ids=lambda c: c[0])
def test_it_is_caught(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("contact_email_hashed", *case) >= 0.6


@pytest.mark.parametrize("case", NO, ids=lambda c: c[0])
def test_it_is_let_pass(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("contact_email_hashed", *case) == 0
