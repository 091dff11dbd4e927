"""Reviews in a fresh file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from consentinel.core.state import State
from consentinel.detect.reviews.memory import reviews_at


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    pytest.importorskip("sqlalchemy", reason="install with: pip install 'consentinel[review]'")
    with reviews_at(str(tmp_path / "reviews.sqlite")) as opened:
        yield opened
