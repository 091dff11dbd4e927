"""The reference sampler replays the published vectors, and its byte reader is what they were made with."""

from fractions import Fraction

import pytest

from benchmarks.claims import discrete_gaussian_vectors as claim
from consentinel.protect.noise._reference import discrete_gaussian, discrete_laplace, from_bytes


def test_turboshake128_is_the_published_one() -> None:
    wanted = "1e415f1c5983aff2169217277d17bb538cd945a397ddec541f1ce41af2c1b74c"  # RFC 9861, empty message, domain 1F
    read = claim.turboshake128(b"", 0x1F)
    assert (read(5) + read(27)).hex() == wanted


def test_published_vectors() -> None:
    try:
        known = claim.vectors()
    except SystemExit as why:
        pytest.skip(str(why))
    assert len(known) == 5
    for vector in known:
        assert claim.replayed(vector) == vector["samples"]


def test_bytes_become_numbers_below_the_bound() -> None:
    data = iter([b"\xff\xff\xff\xff", b"\x00\x00\x00\x60", b"\x02\x00\x00\x00\x00\x00\x00\x80"])
    asked = []

    def read(count: int) -> bytes:
        asked.append(count)
        return next(data)

    below = from_bytes(read)
    assert below(5) == 3  # the three leading bits of the word: 7 is thrown away, 3 is kept
    assert below(2**33 - 1) == 2**32 + 2  # one bit of the second word is kept
    assert asked == [4, 4, 8]


def test_a_stream_gives_the_same_draws_again() -> None:
    def draws() -> list[int]:
        below = from_bytes(claim.turboshake128(b"seed", 7))
        sigma = Fraction(355, 113)
        return [discrete_gaussian(sigma, below) for _ in range(20)] + [
            discrete_laplace(sigma, below) for _ in range(20)
        ]

    assert draws() == draws()
