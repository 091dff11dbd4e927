"""Device os: what the recogniser has to catch, and what it has to let pass."""

from collections.abc import Callable

import pytest

YES = [
    ("os", "Android", "json"),
    ("device.os", "iOS", "json"),
    ("device.osv", "17.4", "json"),
    ("properties.$os", "Mac OS X", "json"),
    ("$os_version", "10.15.7", "json"),
    ("sec-ch-ua-platform", '"Linux"', "header"),
    ("sec-ch-ua-platform-version", '"6.5.0"', "header"),
    ("platform", "Win32"),
    ("uap", "Windows"),
    ("uapv", "15.0.0"),
    ("os_name", "Ubuntu"),
    ("osVersion", "Android 14"),
    ("android_sdk", "34"),
    ("navigator.platform", "MacIntel"),
    ("clientOs", "Windows 11"),
    ("host.os.name", "Linux", "json"),
    ("systemOsVersion", "14.5"),
    ("os_full_version", "10.15.7", "json"),
    ("platform_release", "22.6"),
]
NO = [
    ("platform", "web"),
    ("platform", "shopify"),
    ("os", "true"),
    ("os", ""),
    ("version", "10.15.7"),
    ("v", "1.2.3"),
    ("os_version", "latest"),
    ("api_version", "2.0"),
    ("pf", "store"),
    ("sdk", "js"),
    ("os", "15"),
    ("platform", "facebook"),
    ("app_version", "14.2"),
    ("photos", "Windows"),
    ("videos_version", "10.15.7"),
    ("client_os", "true"),
]


@pytest.mark.parametrize("case", YES, ids=lambda c: c[0])
def test_it_is_caught(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("device_os", *case) >= 0.6


@pytest.mark.parametrize("case", NO, ids=lambda c: c[0])
def test_it_is_let_pass(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("device_os", *case) == 0
