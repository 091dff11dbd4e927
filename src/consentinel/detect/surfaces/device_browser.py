"""The browser, its version, its user agent string or its client hints."""

from consentinel.detect.surfaces._pairs import LIKELY, SURE, Pairs, Scores, best

TYPE = "device.browser"

AGENT = """useragent ua device.ua device.useragent rawuseragent browseruseragent deviceuseragent navigatoruseragent
    clientuseragent navigator.useragent client.useragent http.useragent contextuseragent"""
AGENT_LIKE = (
    r"(^|[.])(user|browser|client|raw|http|device|request)[.]?(agent|uastring)$|useragent[.](raw|full|original)$"
)
HINTS = "secchua secchuafullversion secchuafullversionlist uafvl mchua mchfullver secchuamobile secchuawow64 uamb"
HINT_VALUES = r"(;\s?v=\"|;v?[0-9]+\.[0-9]|^\?[01]$|^\"?[0-9]+(\.[0-9]+)+\"?$|%22;v=|\|)"
NAME = """browser browsername browserfamily browser.name browser.family client.browser device.browser uabrowser
    initialbrowser brands.brand browserbrand fullversionlist.brand"""
NAMES = (
    r"(?i)\b(chrome|chromium|firefox|safari|edge|opera|samsung internet|samsungbrowser|internet explorer|msie|brave"
    r"|vivaldi|yandex|ucbrowser|webkit|headlesschrome|duckduckgo)\b"
)
NAME_LIKE = r"(browser|useragent|[.]ua|navigator)[.]?(name|family|brand|vendor|type)?$"
VERSION_LIKE = (
    r"(browser|useragent|engine|webkit)[.]?(full)?(version|major|vers?)(full|major|name|string|number)?$"
    r"|[.]ua(full)?(version|major|vers?)$"
)
# What navigator.appVersion says, and a list of brands as Sec-CH-UA has it, whatever stands before the version.
APP_VERSION = r"^5\.0 \((X11|Windows|Macintosh|Linux|iPhone|iPad|Android|compatible)"
BRANDS = r"^\"[^\"]{1,60}\"[;|] ?v=\"?[0-9]"
VERSION = (
    "browserversion browserver browser.version initialbrowserversion navigatorappversion brands.version browsermajor"
)
BUILD = (
    """navigatorvendor navigatorproductsub productsub navigator.vendor vendorflavors appcodename navigator.appversion"""
)


def recognise(pairs: Pairs) -> Scores:
    """Return the probability that each pair describes the browser."""
    short = (pairs.length > 0) & (pairs.length <= 1_000)
    agent = pairs.by_value(
        r"^[A-Za-z][A-Za-z0-9 ._+-]*/[0-9]", (pairs.named(AGENT) | pairs.like(AGENT_LIKE)) & short & (pairs.length >= 6)
    )
    agent |= pairs.named("useragent") & pairs.carrier_in("header") & (pairs.length >= 4)
    hints = pairs.by_value(HINT_VALUES, pairs.named(HINTS) & short)
    name = pairs.by_value(NAMES, (pairs.named(NAME) | pairs.like(NAME_LIKE)) & short & (pairs.length <= 60))
    numbered = (pairs.named(VERSION) | pairs.like(VERSION_LIKE)) & short
    version = pairs.by_value(r"^[0-9]{1,4}(\.[0-9]{1,6}){0,4}$|^5\.0 \(", numbered)
    build = pairs.by_value(
        r"(?i)^(google inc|apple comp|20030107|20100101|mozilla|chrome|5\.0 \()", pairs.named(BUILD) & short
    )
    anywhere = pairs.starts_with("Mozilla/5.0 (") & short
    anywhere |= pairs.by_value(APP_VERSION, pairs.starts_with("5.0 (") & short)
    anywhere |= pairs.by_value(BRANDS, (pairs.first == ord('"')) & short & (pairs.length >= 8))
    return best(
        pairs.n, (version, LIKELY), (build, LIKELY), (anywhere, SURE), (agent, SURE), (hints, SURE), (name, SURE)
    )
