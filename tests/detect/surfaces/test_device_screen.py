"""Device screen: what the recogniser has to catch, and what it has to let pass."""

from collections.abc import Callable

import pytest

YES = [
    ("sr", "1920x1080"),
    ("res", "1920x1080"),
    ("vp", "1350x940"),
    ("screen_width", "1920"),
    ("properties.$screen_height", "1080", "json"),
    ("device.w", "412", "json"),
    ("device.ppi", "440", "json"),
    ("cd", "24"),
    ("sd", "24-bit"),
    ("devicePixelRatio", "2.625", "json"),
    ("dpr", "2", "header"),
    ("screenResolution", "1600,900"),
    ("u_h", "1080"),
    ("components.screenResolution.value[]", "1920", "json"),
    ("sec-ch-viewport-width", "1350", "header"),
    ("context.screen.width", "1920", "json"),
]
NO = [
    ("sz", "300x250"),
    ("size", "1920x1080"),
    ("w", "1920"),
    ("width", "300"),
    ("image.height", "1080", "json"),
    ("screen", "Home"),
    ("screen_name", "1920x1080 wallpaper"),
    ("sr", "true"),
    ("cd", "1999"),
    ("banner.w", "300", "json"),
    ("imp[].banner.format[].h", "250", "json"),
    ("dpr", "0"),
    ("sd", "homepage"),
    ("screen_width", ""),
]


@pytest.mark.parametrize("case", YES, ids=lambda c: c[0])
def test_it_is_caught(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("device_screen", *case) >= 0.6


@pytest.mark.parametrize("case", NO, ids=lambda c: c[0])
def test_it_is_let_pass(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("device_screen", *case) == 0
