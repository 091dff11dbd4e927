"""Reads what a page's consent managers have recorded, through their public doors and storage, without clicking.

Standard doors (TCF, GPP, US Privacy, Global Privacy Control, Google Consent Mode) are decoded with the signal parts
of this package; for about fifteen consent managers their own door or cookie is read. What their categories are for is
told by their names.
"""

import asyncio
import time
from dataclasses import dataclass, field, replace
from typing import Any

from consentinel.core.extras import need
from consentinel.detect.live.banner_find import script
from consentinel.detect.live.banner_text import category
from consentinel.detect.signals import gpp, tcf, us_privacy
from consentinel.detect.signals._reading import Reading

__all__ = ["Readback", "Said", "read", "said_of"]

# Doors that hold the choice itself; the others (Consent Mode, storage, GPC) follow from it or stand beside it.
FOLLOWERS = ("consent_mode", "storage", "gpc")
READ_TIMEOUT_S = 3.0
# IAB Europe TCF policies, appendix A: purposes that are about advertising, and about measuring and audiences.
_ADVERTISING = sum(1 << (p - 1) for p in (3, 4))
_ANALYTICS = sum(1 << (p - 1) for p in (8, 9, 10))


@dataclass(frozen=True, slots=True)
class Said:
    """What one source says of consent; None where it does not say.

    chosen: whether the person has made a choice. analytics, advertising: granted. others: whether anything else that
    is not necessary is granted. note: what is worth telling beside that.
    """

    source: str
    chosen: bool | None = None
    analytics: bool | None = None
    advertising: bool | None = None
    others: bool | None = None
    note: str = ""
    coarse: bool = False  # it knows yes and no only

    @property
    def follows(self) -> bool:
        """Whether this source only follows the choice that another one holds."""
        return self.source in FOLLOWERS

    @property
    def state(self) -> str:
        """The state in one word: unset, granted, denied, partial or unknown."""
        if self.chosen is False:
            return "unset"
        told = [x for x in (self.analytics, self.advertising, self.others) if x is not None]
        return "unknown" if not told else "granted" if all(told) else "partial" if any(told) else "denied"


@dataclass(frozen=True, slots=True)
class Readback:
    """Everything that was read at one moment (µs, UTC)."""

    time: int
    said: tuple[Said, ...] = ()
    gpc: bool = False
    automated: bool = False  # the page can see that the browser is automated, so some managers stay away

    def managers(self) -> list[Said]:
        """Return what speaks for the choice itself; where nothing does, what follows from it."""
        own = [s for s in self.said if not s.follows and s.state != "unknown"]
        return own or [s for s in self.said if s.source != "gpc" and s.state != "unknown"]

    @property
    def state(self) -> str:
        """The state in one word, as the sources that hold the choice say it together; unknown where they differ."""
        states = {s.state for s in self.managers()}
        return states.pop() if len(states) == 1 else "unknown" if not states else "partial"


@dataclass(slots=True)
class _Kinds:
    """Granted or not, by what for."""

    of: dict[str, list[bool]] = field(default_factory=dict)

    def granted(self, kind: str) -> bool | None:
        return any(self.of[kind]) if kind in self.of else None


async def read(page: Any) -> Readback:
    """Return what the consent managers of PAGE (an asynchronous Playwright page) say now. Never raises for a page."""
    error = need("playwright.async_api", extra="browser").Error
    try:
        async with asyncio.timeout(READ_TIMEOUT_S):
            told = await page.evaluate(script("consent_read.js"))
    except (error, TimeoutError):  # it is navigating, or busy
        return Readback(time.time_ns() // 1000)
    said = _in_detail([s for s in (said_of(item) for item in told["said"]) if s])
    gpc = any(item["source"] == "gpc" and item.get("on") for item in told["said"])
    return Readback(int(told["at"]) * 1000, tuple(said), gpc, bool(told["webdriver"]))


def _in_detail(said: list[Said]) -> list[Said]:
    """Let the site's own record say what a manager granted that knows yes and no only."""
    kept = next((s for s in said if s.source == "storage" and None not in (s.analytics, s.advertising)), None)
    return [
        replace(s, analytics=kept.analytics, advertising=kept.advertising, coarse=False)
        if kept and s.coarse and s.advertising
        else s
        for s in said
    ]


def said_of(item: dict[str, Any]) -> Said | None:
    """Return what one answer of the page script says; None where it says nothing."""
    source, chosen, text = str(item["source"]), item.get("chosen"), str(item.get("text") or "")
    if source == "tcf":
        return _of_tcf(chosen, text, item)
    if source == "gpp":
        reading = gpp.read("gpp", text)
        return _of_opt_out("gpp", chosen, reading) if reading else Said("gpp", chosen, note="it has no string")
    if source == "us_privacy":
        reading = us_privacy.read("us_privacy", text)
        return _of_opt_out("us_privacy", None, reading) if reading else None
    if source == "gpc":
        return Said("gpc", note="on" if item.get("on") else "off")
    granted = {str(name): bool(on) for name, on in (item.get("granted") or {}).items()}
    if source == "consent_mode":
        return _of_consent_mode(granted, bool(item.get("updated")))
    required = {str(name) for name in item.get("required") or ()}
    return _of_categories(source, chosen, granted, required, item)


def _of_tcf(chosen: bool | None, text: str, item: dict[str, Any]) -> Said:
    if item.get("applies") is False:
        return Said("tcf", None, note="it says that the GDPR does not apply")
    reading = tcf.read("tcstring", text) if text else None
    if reading is None or reading.purposes_consent is None:
        return Said("tcf", chosen, note=reading.reason if reading else "it has no TC string yet")
    consent, interest = reading.purposes_consent, reading.purposes_li or 0
    vendors = bool(reading.vendors_consent)
    rest = consent & ~(_ADVERTISING | _ANALYTICS)
    note = "" if vendors or not consent else "purposes are granted, but to no vendor"
    if interest and not consent:
        note = f"legitimate interest is kept for {interest.bit_count()} purposes"
    return Said(
        "tcf", chosen, bool(consent & _ANALYTICS), bool(consent & _ADVERTISING), bool(rest) if rest else None, note
    )


def _of_opt_out(source: str, chosen: bool | None, reading: Reading) -> Said:
    """What a US signal says: an opt-out concerns advertising; analytics is not spoken of."""
    if reading.purposes_consent is not None:  # the TCF section of a GPP string
        consent = reading.purposes_consent
        return Said(source, chosen, bool(consent & _ANALYTICS), bool(consent & _ADVERTISING))
    told = [x for x in (reading.sale_opt_out, reading.sharing_opt_out, reading.targeted_opt_out) if x is not None]
    return Said(source, chosen, None, None if not told else not any(told), note=reading.reason)


def _of_consent_mode(granted: dict[str, bool], updated: bool) -> Said:
    ads = [granted[n] for n in ("ad_storage", "ad_user_data", "ad_personalization") if n in granted]
    note = "" if updated else "by default only"
    chosen = None if updated else False
    return Said("consent_mode", chosen, granted.get("analytics_storage"), any(ads) if ads else None, note=note)


def _of_categories(
    source: str, chosen: bool | None, granted: dict[str, bool], required: set[str], item: dict[str, Any]
) -> Said | None:
    if item.get("waiting"):
        return Said(source, False, note=f"{item['waiting']} services still wait for an answer")
    if "all" in granted and len(granted) == 1:
        return Said(source, chosen, granted["all"], granted["all"], note=str(item.get("status") or ""), coarse=True)
    if item.get("names"):  # a record that lists what is granted
        listed = {category(str(name)) for name in item["names"]}
        if "other" in listed:
            return None
        return Said(source, chosen, "analytics" in listed, "advertising" in listed)
    kinds = _Kinds()
    for name, on in granted.items():
        kind = "necessary" if name in required else category(name)
        kinds.of.setdefault(kind, []).append(on)
    analytics, advertising = kinds.granted("analytics"), kinds.granted("advertising")
    if item.get("complete") is False:  # it names only what is granted
        analytics, advertising = bool(analytics), bool(advertising)
    if source == "storage" and analytics is None and advertising is None:
        return None
    return Said(source, chosen, analytics, advertising, kinds.granted("other"), str(item.get("status") or ""))
