"""The policy: for a data type, purpose, action, party and region, is consent needed, and by which article.

The default is data/policy.toml; a file of one's own may extend it. Which rule decides: the rules of the nearest region
that has one in force on that day (US-TX, then US, then default), and inside a region the first in file order.
"""

import json
import re
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase, translate
from functools import cached_property
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from consentinel.core.errors import ContractBroken, UsageError
from consentinel.detect._policy_file import (
    ACTIONS,
    PARTIES,
    PURPOSES,
    TYPES,
    Document,
    expanded,
    extended,
    known_region,
    nearest,
    parse,
    read,
)
from consentinel.detect._policy_page import page
from consentinel.detect._policy_rule import Requirement, Rule

__all__ = ["ACTIONS", "PURPOSES", "TYPES", "Policy", "Requirement", "Rule", "load"]

_TRACKING = frozenset({"advertising", "analytics", "social"})


@dataclass(frozen=True)
class Policy:
    """A checked policy with the region and the day that it is asked about."""

    document: Document
    name: str
    region: str
    on: date

    @cached_property
    def digest(self) -> str:
        """The sha256 of what the policy says; layout and remarks of the file do not change it."""
        return sha256(json.dumps(self.document, default=str).encode()).hexdigest()

    @cached_property
    def rules(self) -> dict[str, tuple[Rule, ...]]:
        """The rules by region, in the order in which they are tried."""
        by_region: dict[str, list[Rule]] = {}
        for row in self.document["rule"]:
            for rule in self._resolved(row):
                by_region.setdefault(rule.region, []).append(rule)
        return {code: tuple(rules) for code, rules in by_region.items()}

    def _resolved(self, row: Document) -> list[Rule]:
        regions, found = self.document["regions"], {}
        for asked in row["regions"]:
            every = asked.endswith("-*")
            for code in [c for c in regions if fnmatchcase(c, asked)] if every else [asked]:
                basis = self._basis(code, row["basis"])
                if basis is None and every:
                    continue
                where = f"{self.name}: rule '{row['id']}'"
                if basis is None:
                    names = regions.get(code, {}).get("basis", {})
                    raise UsageError(
                        f"{where}: basis '{row['basis']}' is not under [regions.{code}.basis]; "
                        f"{nearest(row['basis'], names) if names else 'write the article as a text of several words'}"
                    )
                starts = row.get("from")
                start = starts.get(code) if isinstance(starts, dict) else starts
                start = start or regions.get(code, {}).get("from")
                if start is None:
                    raise UsageError(f"{where}: there is no date from which it holds in {code}; add 'from'")
                found[code] = Rule(
                    id=row["id"],
                    region=code,
                    types=expanded(row.get("types", [])),
                    actions=frozenset(row.get("actions") or ACTIONS),
                    purposes=frozenset(row.get("purposes") or PURPOSES),
                    party=row.get("party", "any"),
                    needs=row["needs"],
                    basis=basis,
                    start=start,
                    until=row.get("until"),
                    legal_bases=tuple(row.get("legal_bases", [])),
                    gpc_from=regions.get(code, {}).get("gpc_from") if row.get("gpc") else None,
                    severity=row.get("severity"),
                )
        return list(found.values())

    def _basis(self, code: str, basis: str) -> str | None:
        if " " in basis.strip():
            return basis
        lines = [c for c in self.chain(code) if c == code or c != "default"]
        texts = (self.document["regions"].get(c, {}).get("basis", {}).get(basis) for c in lines)
        return next((text for text in texts if text), None)

    def chain(self, region: str) -> list[str]:
        """Return the regions whose rules are tried for REGION, nearest first: DE, EU, default."""
        parents = {m: c for c, r in self.document["regions"].items() for m in r.get("members", [])}
        codes, at = [], region.strip()
        at = at if at == "default" else at.upper()
        while at and at not in codes:
            codes.append(at)
            at = parents.get(at) or (at.rpartition("-")[0] if "-" in at else "")
        return codes if "default" in codes else [*codes, "default"]

    def require(
        self, type: str, purpose: str, action: str, party: str, region: str | None = None, on: date | None = None
    ) -> Requirement:
        """Return what TYPE for PURPOSE, by ACTION, to PARTY needs in REGION ON that day; ask once per combination.

        REGION and ON default to those of the policy. Raises ContractBroken for a word that is no type, purpose,
        action or party.
        """
        for word, known in ((type, TYPES), (purpose, PURPOSES), (action, ACTIONS), (party, PARTIES[:2])):
            if word not in known:
                raise ContractBroken(f"detect.policy: unknown '{word}'; {nearest(word, known)}")
        day = on or self.on
        for code in self.chain(region or self.region):
            for rule in self.rules.get(code, ()):
                if rule.fits(type, purpose, action, party, day):
                    return self._requirement(rule, type, purpose, party, day)
        signals = self.document["purpose"].get(purpose, {})
        return Requirement(
            needs="opt_in",
            basis="No rule of the policy speaks about this; consent before use is assumed",
            tcf_purposes=tuple(signals.get("tcf", ())),
            storage=tuple(signals.get("storage", ())),
            severity=self.severity(type, party),
            rule_id="none",
            legal_bases=(),
            gpc=False,
        )

    def _requirement(self, rule: Rule, type: str, purpose: str, party: str, day: date) -> Requirement:
        signals = self.document["purpose"].get(purpose, {})
        return Requirement(
            needs=rule.needs,
            basis=rule.basis,
            tcf_purposes=tuple(signals.get("tcf", ())) if rule.needs == "opt_in" else (),
            storage=tuple(signals.get("storage", ())) if rule.needs != "nothing" else (),
            severity=rule.severity or self.severity(type, party),
            rule_id=rule.id,
            legal_bases=rule.legal_bases,
            gpc=rule.gpc_from is not None and rule.gpc_from <= day,
        )

    def severity(self, type: str, party: str) -> str:
        """Return how bad it is when TYPE reaches PARTY against the policy; low when no pattern fits."""
        levels: dict[str, str] = self.document["severity"].get(party, {})
        return next((level for pattern, level in levels.items() if fnmatchcase(type, pattern)), "low")

    def necessary(self, keys: list[str], purpose: list[str] | None = None) -> list[bool]:
        """Return for each storage name of KEYS whether the policy takes it as strictly necessary.

        PURPOSE is that of the recipient, one for each key: a name alone does not exempt what an advertising, analytics
        or social recipient stores, unless the group names that purpose. Names are compared without case.
        """
        purposes = purpose if purpose is not None else ["unknown"] * len(keys)
        return [
            any(for_ not in _TRACKING - names and pattern.match(key.lower()) for pattern, names in self._groups)
            for key, for_ in zip(keys, purposes, strict=True)
        ]

    @cached_property
    def _groups(self) -> list[tuple[re.Pattern[str], frozenset[str]]]:
        return [
            (
                re.compile("|".join(translate(key.lower()) for key in group["keys"])),
                frozenset(group.get("purposes", [])),
            )
            for group in self.document["necessary"]
        ]

    def table_markdown(self) -> str:
        """Return the policy as the text of a Markdown page: regions, rules, signals, severities, necessary storage."""
        return page(self.document, self.rules)


def load(path: Path | None = None, *, region: str = "EU", on: date | None = None) -> Policy:
    """Return the policy in the TOML file PATH, or the default one, asked about REGION ON a day (today when None).

    Raises UsageError naming the file, the place, the nearest word and what to do.
    """
    code = region.strip() if region.strip() == "default" else region.strip().upper()
    if not known_region(code):
        raise UsageError(
            f"unknown region '{region[:100]}'; write EU, UK, an ISO 3166 code (DE, BR), "
            "a part of a country (US-TX, CA-QC), or default"
        )
    base = parse(files("consentinel.detect").joinpath("data/policy.toml").read_text("utf-8"), "policy.toml")
    document = extended(base, read(path), path.name) if path else base
    policy = Policy(document, path.name if path else "policy.toml", code, on or date.today())
    _ = policy.rules  # resolve now, so that a wrong basis is told at the door
    return policy
