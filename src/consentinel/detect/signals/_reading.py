"""What one consent signal said: the record that every part on this shelf returns."""

import re
from dataclasses import dataclass

__all__ = ["Reading", "unfilled"]


@dataclass(frozen=True, slots=True)
class Reading:
    """One signal, read once; None means that the signal does not state it.

    source: tcf, gpp, us_privacy, gpc or consent_mode.
    quality: ok, partial (something in it could not be read; `reason` says what) or malformed (nothing usable).
    gdpr_applies: whether the sender says that the GDPR applies.
    purposes_consent, purposes_li: TCF purposes, bit p-1 is set where purpose p is allowed on that basis.
    special: TCF special feature opt-ins, bit f-1 is set for feature f.
    vendors_consent, vendors_li, vendors_disclosed: vendor v is bit (v-1) % 8 of byte (v-1) // 8; no trailing zeros.
    restrictions: publisher restrictions (purpose, type, vendors); type 0 not allowed, 1 require consent, 2 require LI.
    policy_version, cmp_id: as in the TC string.
    gpc: Global Privacy Control.
    sale_opt_out, sharing_opt_out, targeted_opt_out: True opted out, False did not, None not applicable or absent.
    ad_storage, analytics_storage, ad_user_data, ad_personalization: Google Consent Mode, True where granted.
    sections: names of the GPP sections that the signal carries or names as in force.
    created, updated: microseconds since 1970 UTC, as stated by the signal.
    """

    source: str
    quality: str
    reason: str = ""
    gdpr_applies: bool | None = None
    purposes_consent: int | None = None
    purposes_li: int | None = None
    special: int | None = None
    vendors_consent: bytes | None = None
    vendors_li: bytes | None = None
    vendors_disclosed: bytes | None = None
    restrictions: tuple[tuple[int, int, bytes], ...] = ()
    policy_version: int | None = None
    cmp_id: int | None = None
    gpc: bool | None = None
    sale_opt_out: bool | None = None
    sharing_opt_out: bool | None = None
    targeted_opt_out: bool | None = None
    ad_storage: bool | None = None
    analytics_storage: bool | None = None
    ad_user_data: bool | None = None
    ad_personalization: bool | None = None
    sections: tuple[str, ...] = ()
    created: int | None = None
    updated: int | None = None


_UNFILLED = re.compile(r"\$?\{.*\}|\[[A-Za-z_]+\]|%%.*%%|__[A-Z0-9_]+__|<[A-Za-z_]+>", re.DOTALL)


def unfilled(text: str) -> bool:
    """Say whether TEXT is a placeholder that the sender forgot to fill in, such as ${GDPR_CONSENT_7}."""
    return _UNFILLED.fullmatch(text) is not None
