"""Which findings are the same question to a reviewer: one decision closes all of them.

The class of a finding is made of its rule, recipient, party, data type, carrier, state of consent, field names and
legal basis. Not in it: subject and scenario (the same SDK does the same on every site), counts, times, places in the
code, severity and the versions of rule and model, so that a class is known again in every later scan, as a fingerprint
is. A claim about the visit itself has no fields; there the scenario stands in their place. Field names are those that a
finding keeps, the eight most frequent, in alphabetical order.

The basis is in it because the question is another one under another law. `alike` leaves it out, so that a decision made
under another basis can be told.
"""

import hashlib
import json
from typing import Any

import pyarrow as pa

from consentinel.core.columns import values

__all__ = ["PARTS", "classes", "versions"]

PARTS = ("rule", "recipient", "party", "type", "carrier", "consent_state")


def classes(findings: pa.Table) -> pa.Table:
    """Return the table (class, alike) of FINDINGS, one row a finding, in order."""
    names = (*PARTS, "keys", "scenario", "basis")
    found: dict[str, list[str]] = {"class": [], "alike": []}
    for *parts, keys, scenario, basis in zip(*(values(findings[name]) for name in names), strict=True):
        question = [*parts, sorted(set(keys or [])) or scenario]
        found["alike"].append(_id("a", question))
        found["class"].append(_id("c", [*question, basis]))
    return pa.table({name: pa.array(ids, pa.string()) for name, ids in found.items()})


def versions(rule_version: str, model_version: str) -> str:
    """Return six characters that change with the version of the rule or of the model."""
    return _id("v", [rule_version, model_version])[2:8]


def _id(kind: str, parts: list[Any]) -> str:
    """KIND and 96 bits of the hash of PARTS; as JSON, so that no name can reach into the next part."""
    text = json.dumps(parts, separators=(",", ":"))  # ASCII: lone surrogates too
    return f"{kind}_{hashlib.sha256(text.encode()).hexdigest()[:24]}"
