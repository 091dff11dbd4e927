"""What the tables of recogniser cases share: one fixture that scores one triple."""

from collections.abc import Callable

import pyarrow as pa
import pytest

from consentinel.core.shelf import Shelf
from consentinel.detect.surfaces._pairs import Pairs

Score = Callable[..., float]


@pytest.fixture(scope="session")
def score() -> Score:
    """Return the probability that a part gives to one (key, value, carrier)."""
    shelf = Shelf("consentinel.detect.surfaces", "recognise")

    def one(part: str, key: str, value: str, carrier: str = "query") -> float:
        pairs = Pairs(pa.array([key]), pa.array([value]), pa.array([carrier]))
        return float(shelf.take(part).recognise(pairs)[0])

    return one
