"""Where the recorded captures lie."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def captures() -> Path:
    """The folder har_captures of the shared data, outside the repository."""
    shared = Path(os.environ.get("CONSENTINEL_SHARED_DATA", ROOT.parent / "shared" / "data"))
    folder = shared / "detect" / "har_captures"
    if not folder.is_dir():
        pytest.skip("no har_captures; set CONSENTINEL_SHARED_DATA to the folder that has detect/har_captures")
    return folder
