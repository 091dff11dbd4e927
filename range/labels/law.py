"""The truth of violation: what the rules of a region say, given purpose, recipient and true state of consent."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labels.attribute import SITE, domain_of

FIRST_PARTY = "first_party"
UNKNOWN = "unknown"
NO_SIGNAL = "no consent signal"
YES, NO, UNDECIDABLE = "yes", "no", "undecidable"


def _among(kind: str, patterns: list[str]) -> bool:
    return any(kind == pattern or (pattern.endswith("*") and kind.startswith(pattern[:-1])) for pattern in patterns)


@dataclass(frozen=True, slots=True)
class Law:
    """The rules of law.toml."""

    regions: dict[str, str]
    purposes: dict[str, dict[str, Any]]
    opt_out: dict[str, list[str]]
    unnamed: dict[str, str]

    def purpose_of(self, component: str, named: str | None, site: str, host: str) -> str:
        """Return the purpose of COMPONENT on SITE; NAMED is what the site itself names, None where it names nothing."""
        if domain_of(host) == domain_of(site):
            return FIRST_PARTY  # whose script asked does not matter: nobody else got it
        if named:
            return named
        if component == SITE:
            return UNKNOWN
        return next((purpose for start, purpose in self.unnamed.items() if component.startswith(start)), UNKNOWN)

    def category(self, purpose: str) -> str:
        """Return the category of consent that PURPOSE needs: analytics, advertising or any."""
        return str(self.purposes.get(purpose, {}).get("category", "any"))

    def judge(self, region: str, purpose: str, kind: str, state: str) -> tuple[str, str]:
        """Return (yes, no or undecidable; why) for a datum of type KIND sent in REGION for PURPOSE under STATE."""
        regime = next((regime for start, regime in self.regions.items() if region.startswith(start)), None)
        if regime is None:
            return UNDECIDABLE, "no rules for the region"
        if purpose == FIRST_PARTY:
            return NO, "the site's own use"
        rules = self.purposes.get(purpose)
        if rules is None:
            return UNDECIDABLE, "purpose of the recipient not known"
        if regime == "opt_out":
            if purpose not in self.opt_out["purposes"]:
                return NO, "a service provider, not bound by an opt-out"
            if state in ("opted_out", "denied"):
                return YES, f"shared for {purpose} after an opt-out"
            return NO, "no opt-out"
        if _among(kind, rules["free"]) and not _among(kind, rules.get("beyond", [])):
            return NO, f"needed for {purpose}, no consent asked"
        if state == "none":
            return UNDECIDABLE, NO_SIGNAL
        if state == "granted":
            return NO, "consent given"
        words = {"before": "before any choice", "denied": "though refused", "opted_out": "after an opt-out"}
        return YES, f"sent for {purpose} {words[state]}"


def read_law(path: Path | None = None) -> Law:
    """Read the rules; the ones beside this file unless PATH names others."""
    with (path or Path(__file__).with_name("law.toml")).open("rb") as file:
        read = tomllib.load(file)
    return Law(read["regions"], read["purposes"], read["opt_out"], read["unnamed"])
