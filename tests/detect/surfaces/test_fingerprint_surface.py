"""Fingerprint surface: what the recogniser has to catch, and what it has to let pass."""

from collections.abc import Callable

import pytest

MD5 = "9e107d9d372bb6826bd81d3542a419d6"
SHA256 = "5f2b1c9e7a4d3e8f6b0a1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f708192a3b4c5"
IMAGE = "data:image/png;base64," + "iVBORw0KGgo" * 8

YES = [
    ("components.canvas.value.geometry", IMAGE, "json"),
    ("components.audio.value", "124.04347527516074", "json"),
    ("components.fonts.value[]", "Calibri", "json"),
    ("canvas_hash", MD5),
    ("canvasFingerprint", "-1847392011", "json"),
    ("webgl_hash", SHA256, "json"),
    ("fingerprint", MD5, "json"),
    ("deviceFingerprint", SHA256, "json"),
    ("fonts", "Arial,Courier New,Georgia,Verdana"),
    ("plugins", "PDF Viewer;Chrome PDF Viewer;WebKit PDF"),
    ("audioHash", "35.73833402246237"),
    ("canvas.dataUri", IMAGE, "json"),
]
NO = [
    ("fingerprint", ""),
    ("fingerprint", "main-3f2a9c"),
    ("fonts", "true"),
    ("family", "Roboto,Lato,Open Sans"),
    ("canvas", "wide"),
    ("image", IMAGE, "json"),
    ("canvas_hash", ""),
    ("plugins", "lazy"),
    ("asset.hash", MD5, "json"),
    ("etag", MD5, "header"),
    ("fp", "1"),
    ("components.canvas", "", "json"),
    ("chunk", MD5),
]


@pytest.mark.parametrize("case", YES, ids=lambda c: c[0])
def test_it_is_caught(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("fingerprint_surface", *case) >= 0.6


@pytest.mark.parametrize("case", NO, ids=lambda c: c[0])
def test_it_is_let_pass(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("fingerprint_surface", *case) == 0
