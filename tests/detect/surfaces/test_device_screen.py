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
    ("scr_rsl", "1536x864", "json"),
    ("events[].event_properties.[Studio] Viewport Width", "1366", "json"),
    ("window_device_pixel_ratio", "1.25", "form"),
    ("metrics._density", "2", "form"),
    ("vw", "1366"),
    ("wHeight", "768", "json"),
    ("device.size[]", "1440", "json"),
    ("viewport.size.0", "1440", "json"),
    ("screen", "Current Resolution: 1366x768, Color Depth: 24", "json"),
    ("screen_resolution", "1920x1080x24"),
    ("display.size", "[1920, 1080]", "json"),
    ("attributes[].display.width.value.intValue", "1366", "json"),
    ("client.window.inner.height", "768", "json"),
    ("page_width", "1366", "json"),
    ("displayColourDepth", "24", "json"),
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
    ("gdpr", "1"),
    ("darwin", "768"),
    ("vw", "50"),
    ("adunit.size[]", "300", "json"),
    ("page_height", "4210", "json"),
    ("density", "high"),
    ("link_density", "1"),
    ("player.width", "640", "json"),
    ("screen", "Checkout: step 2 of 3", "json"),
]


@pytest.mark.parametrize("case", YES, ids=lambda c: c[0])
def test_it_is_caught(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("device_screen", *case) >= 0.6


@pytest.mark.parametrize("case", NO, ids=lambda c: c[0])
def test_it_is_let_pass(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("device_screen", *case) == 0
