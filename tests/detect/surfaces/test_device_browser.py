"""Device browser: what the recogniser has to catch, and what it has to let pass."""

from collections.abc import Callable

import pytest

AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"

YES = [
    ("user-agent", AGENT, "header"),
    ("ua", AGENT),
    ("device.ua", AGENT, "json"),
    ("sec-ch-ua", '"Chromium";v="126", "Not.A/Brand";v="24"', "header"),
    ("properties.$browser", "Chrome", "json"),
    ("$browser_version", "126", "json"),
    ("uafvl", "Chromium;126.0.6478.126|Not;24.0.0.0"),
    ("http.agent", AGENT, "json"),
    ("browser_name", "Firefox"),
    ("sec-ch-ua-mobile", "?0", "header"),
    ("user-agent", "okhttp/4.12.0", "header"),
    ("browserVersion", "17.5"),
    ("navigator.vendor", "Google Inc.", "json"),
    ("tech.profile.version", "5.0 (X11; Linux x86_64) AppleWebKit/537.36", "json"),
    ("fvl", '"Chromium";v="143", "Other";v="24"'),
    ("m_hints", '"Chromium"|v="143"'),
    ("browser.browser.major", "143", "json"),
    ("engine.version", "143.0.0.0", "json"),
    ("nav.userAgentData.brands.0.version", "143", "json"),
    ("uaFullVersion", "143.0.1"),
    ("request.agent", "Probe/1.2 (test)", "json"),
    ("attributes[].user_agent.original.value.stringValue", "Probe/1.2 (test)", "json"),
]
NO = [
    ("ua", "UA-3769691-2"),
    ("browser", "true"),
    ("ua", "1"),
    ("app", "chrome"),
    ("q", "firefox download"),
    ("version", "126.0.0.0"),
    ("browser", ""),
    ("lib", "mixpanel-web/2.0"),
    ("x", "Mozilla Foundation"),
    ("browser_version", "latest"),
    ("sec-ch-ua", "", "header"),
    ("page", "Safari holidays"),
    ("release", "5.0 (beta)", "json"),
    ("note", '"quoted" text', "json"),
    ("travel.agent", "Probe", "json"),
    ("x-studio-user-agent", "JSClient/3.1.0", "header"),
    ("engine.version", "v8-turbo", "json"),
]


@pytest.mark.parametrize("case", YES, ids=lambda c: c[0])
def test_it_is_caught(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("device_browser", *case) >= 0.6


@pytest.mark.parametrize("case", NO, ids=lambda c: c[0])
def test_it_is_let_pass(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("device_browser", *case) == 0
