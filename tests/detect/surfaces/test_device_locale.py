"""Device locale: what the recogniser has to catch, and what it has to let pass."""

from collections.abc import Callable

import pytest

MD5 = "9e107d9d372bb6826bd81d3542a419d6"

YES = [
    ("accept-language", "en-GB,en;q=0.9", "header"),
    ("ul", "en-us"),
    ("lang", "de-DE"),
    ("lang", "en"),
    ("device.language", "en", "json"),
    ("context.locale", "fr-FR", "json"),
    ("navigator.languages[]", "en-US", "json"),
    ("browser_language", "pt_BR"),
    ("hl", "en"),
    ("properties.$browser_language", "nl-NL", "json"),
    ("languages", '["en-US","en"]', "json"),
    ("locale", "zh-Hant-TW"),
    ("device.locales[]", "de-AT", "json"),
    ("environment.nav.languages.0", "nl-NL", "json"),
    ("components.dateTimeLocale.value", "pt-BR", "json"),
    ("$first_browser_language", "zh-cn", "json"),
    ("bl", "fr-CA"),
    ("attributes[].browser.language.value.stringValue", "sv-SE", "json"),
    ("culture.name", "nb-NO", "json"),
]
NO = [
    ("content-language", "en", "header"),
    ("page_lang", "de-DE"),
    ("site.content.language", "en", "json"),
    ("language", "javascript"),
    ("ul", "true"),
    ("lang", "all"),
    ("hl", ""),
    ("country", "de"),
    ("lang", "12"),
    ("locale", "checkout-page-1"),
    ("code", "en-US"),
    ("lang", MD5),
    ("target_lang", "fr"),
    ("bl", "top"),
    ("node.attributes.lang", "en", "json"),
    ("node.attributes.xml:lang", "en-GB", "json"),
    ("bl", "12345"),
]


@pytest.mark.parametrize("case", YES, ids=lambda c: c[0])
def test_it_is_caught(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("device_locale", *case) >= 0.6


@pytest.mark.parametrize("case", NO, ids=lambda c: c[0])
def test_it_is_let_pass(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("device_locale", *case) == 0
