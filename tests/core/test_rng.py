import numpy as np
import pytest

from consentinel.core.errors import UsageError
from consentinel.core.rng import generator, secure_below, secure_bytes, secure_words


def test_equal_names_give_equal_numbers_on_every_machine() -> None:
    assert generator(7, "a", "b").integers(0, 2**63, 3).tolist() == [
        626076992077286553, 5412035356765843218, 4588329053522532534,
    ]  # fmt: skip
    assert generator(7, "a", "b").random() == generator(7, "a", "b").random()


@pytest.mark.parametrize("names", [(), ("a",), ("b", "a"), ("ab",), ("a", "b", ""), ("", "a", "b")])
def test_other_names_give_other_streams(names: tuple[str, ...]) -> None:
    assert generator(7, *names).integers(0, 2**63) != generator(7, "a", "b").integers(0, 2**63)


def test_streams_are_uncorrelated() -> None:
    draws = np.stack([generator(1, f"stream {n}").standard_normal(4000) for n in range(20)])
    off = np.corrcoef(draws)[~np.eye(20, dtype=bool)]
    assert np.abs(off).max() < 5 / np.sqrt(4000)


def test_negative_seed_is_refused() -> None:
    with pytest.raises(UsageError, match="at least 0"):
        generator(-1, "a")


def test_secure_numbers_differ_and_stay_in_range() -> None:
    assert len(secure_bytes(32)) == 32
    assert secure_bytes(32) != secure_bytes(32)
    words = secure_words(1000)
    assert words.shape == (1000,)
    assert words.dtype == np.uint64
    assert len(np.unique(words)) == 1000
    words[0] = 0  # writable: samplers work in place
    assert {secure_below(3) for _ in range(200)} == {0, 1, 2}
    assert secure_below(1) == 0
    with pytest.raises(UsageError):
        secure_below(0)
