"""One rule of the policy as it holds in one region, and what it requires."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Requirement:
    """What has to be true before a datum may be sent, stored or read."""

    needs: str  # opt_in: consent granted before; opt_out: allowed until opted out; nothing
    basis: str  # article or section
    tcf_purposes: tuple[int, ...]  # TCF purposes that a consent string has to grant; only with opt_in
    storage: tuple[str, ...]  # Google Consent Mode settings that have to be granted: ad_storage, analytics_storage
    severity: str  # low, medium, high, critical: how bad it is when the need is not met
    rule_id: str
    legal_bases: tuple[str, ...]  # bases other than consent that the rule leans on
    gpc: bool  # Global Privacy Control has to be taken as an opt-out


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the policy for one region; holds from START until (not including) UNTIL."""

    id: str
    region: str
    types: frozenset[str]
    actions: frozenset[str]
    purposes: frozenset[str]
    party: str
    needs: str
    basis: str
    start: date
    until: date | None
    legal_bases: tuple[str, ...]
    gpc_from: date | None
    severity: str | None

    def fits(self, kind: str, purpose: str, action: str, party: str, day: date) -> bool:
        """Return whether the rule speaks about this combination on DAY."""
        return (
            kind in self.types
            and purpose in self.purposes
            and action in self.actions
            and self.party in ("any", party)
            and self.start <= day
            and (self.until is None or day < self.until)
        )
