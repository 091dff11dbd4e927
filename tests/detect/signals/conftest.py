"""The recorded vectors of the reference decoders, where this checkout has them."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

zstandard = pytest.importorskip("zstandard")
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def vectors() -> Callable[[str], list[dict[str, Any]]]:
    def load(name: str) -> list[dict[str, Any]]:
        shared = Path(os.environ.get("CONSENTINEL_SHARED_DATA", ROOT.parent / "shared" / "data"))
        file = shared / "detect" / "iab_signals" / f"{name}.json.zst"
        if not file.is_file():
            pytest.skip(f"no {file.name}; set CONSENTINEL_SHARED_DATA to the folder that has detect/iab_signals")
        with file.open("rb") as stream:
            return json.loads(zstandard.ZstdDecompressor().stream_reader(stream).read())

    return load
