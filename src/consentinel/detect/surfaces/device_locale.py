"""The language or locale that the device or the browser is set to.

Tags follow BCP 47 (RFC 5646): language, optional script, optional region. The language of a page is not a datum about
the person, so names such as `content_language` or `page_lang` do not count.
"""

from consentinel.detect.surfaces._pairs import HINT, LIKELY, SURE, Pairs, Scores, best

TYPE = "device.locale"

NAMED = """ul browserlanguage browserlang navigatorlanguage devicelang devicelanguage devicelocale userlanguage
    userlocale systemlanguage systemlocale oslanguage languagecode localelanguagecode inputlanguage
    device.language device.locale device.lang navigator.language navigator.languages context.locale
    client.language client.locale browser.language brlang browserlocale applocale keyboardlocale
    preferredlanguages devlang clientlocale user.locale user.language components.languages languages
    locale secchlang"""
LIKE = (
    r"(browser|navigator|nav|device|user|client|system|sys|os|platform|ui|preferred|accept|first|host|culture)[.]?"
    r"(languages?|langs?|locales?|culture)(code|tag|name)?$|[.](locales|uilocale|langs)$|(datetime|number|intl)locale$"
    r"|(^|[.])culture([.](code|tag|name))?$"
)
WEAK = "lang language hl ln lc"
BRIEF = "bl lng lg blang ulang blng"  # counts with a region only
TAG = (
    r"(?i)^\[?\"?[a-z]{2,3}([-_][a-z]{4})?([-_]([a-z]{2}|[0-9]{3}))?(@[a-z]+|\.utf-?8)?"
    r"(\"?, ?\"?[a-z]{2,3}([-_][a-z]{2,4})*)*\"?\]?$"
)
ACCEPT = r"(?i)^([a-z]{1,8}(-[a-z0-9]{1,8})*|\*)(;q=[0-9.]+)?( ?, ?([a-z]{1,8}(-[a-z0-9]{1,8})*|\*)(;q=[0-9.]+)?)*$"
WORDS = "all any yes no off on new old raw js css api web app url img"


def recognise(pairs: Pairs) -> Scores:
    """Return the probability that each pair holds the language or locale of the device."""
    short = (pairs.length >= 2) & (pairs.length <= 120)
    named = pairs.by_value(TAG, (pairs.named(NAMED) | pairs.like(LIKE)) & short)
    brief = pairs.by_value(r"^[a-z]{2}[-_][A-Z]{2}$", pairs.named(BRIEF) & (pairs.length == 5))
    weak = pairs.by_value(TAG, pairs.named(WEAK) & short)
    accept = pairs.by_value(ACCEPT, pairs.named("acceptlanguage") & short)
    weak &= ~pairs.by_key(r"(content|page|site|html|href|target|source|doc|subtitle|audio|attributes\.(xml:)?lang$)")
    weak &= ~pairs.value_in(WORDS, weak)
    named &= ~pairs.value_in(WORDS, named)
    region = weak & (pairs.length >= 5)
    return best(pairs.n, (weak | brief, HINT), (region, LIKELY), (named, SURE), (accept, SURE))
