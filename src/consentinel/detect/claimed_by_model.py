"""Findings that no rule makes: a model says that data went there, and policy and consent say that it should not have.

Rules claim what they can tell by themselves: one property of a device is too little for them. There is one finding for
each subject, recipient, type and state of consent, and it is as sure as the model says.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.core.columns import values
from consentinel.core.tables import FINDINGS
from consentinel.detect._policy_rule import Requirement
from consentinel.detect.explain import explain
from consentinel.detect.fingerprints import finding_id, fingerprint
from consentinel.detect.parties import lookup
from consentinel.detect.policy import Policy

__all__ = ["NAME", "findings"]

NAME, VERSION, PROOF = "claim_model", "1", "P3"
UNIT = ("subject", "recipient", "type", "consent_state")


def findings(claims: pa.Table, ruled: pa.Table, visits: pa.Table, policy: Policy, run_id: str) -> pa.Table:
    """Return FINDINGS for the CLAIMS that are decided to be violations and that RULED (FINDINGS) does not have.

    VISITS tell region and day of each subject, which POLICY is asked for.
    """
    known = set(zip(*(values(ruled[name]) for name in UNIT), strict=True))
    called = pc.and_(pc.equal(claims["verdict"], "potential violation"), pc.invert(claims["undecided"]))
    claims = claims.filter(called)
    new = [unit not in known for unit in zip(*(claims[name].to_pylist() for name in UNIT), strict=True)]
    claims = claims.filter(pa.array(new, pa.bool_()))
    if not claims.num_rows:
        return FINDINGS.empty_table()
    units = list(zip(*(claims[name].to_pylist() for name in UNIT), strict=True))
    seen = _seen(visits)
    purposes = claims["purpose"].to_pylist()
    ask = cache(policy.require)
    needed = [
        _requirement(ask, unit[2], purpose or "unknown", needs, seen.get(unit[0], {}))
        for unit, purpose, needs in zip(units, purposes, claims["needs"].to_pylist(), strict=True)
    ]
    recipients = sorted({unit[1] for unit in units})
    owner = dict(zip(recipients, lookup(recipients)["owner"].to_pylist(), strict=True))
    prints = [fingerprint(NAME, subject, "", recipient, kind, "", state) for subject, recipient, kind, state in units]
    n = claims.num_rows
    columns: dict[str, Any] = {
        name: claims[name] for name in (*UNIT, "party", "purpose", "category", "p", "n_visits")
    } | {
        "run_id": [run_id] * n,
        "finding_id": [finding_id(run_id, text) for text in prints],
        "fingerprint": prints,
        "rule": [NAME] * n,
        "rule_version": [VERSION] * n,
        "owner": [owner[unit[1]] for unit in units],
        "keys": [[key] if key else [] for key in claims["key"].to_pylist()],
        "carrier": claims["carrier"],
        "basis": [one.basis for one in needed],
        "outcome": claims["verdict"],
        "proof": [PROOF] * n,
        "severity": [one.severity for one in needed],
        "n": claims["n_requests"],
        "evidence_ids": [[]] * n,
    }
    nothing = {field.name: pa.chunked_array([pa.nulls(n, field.type)]) for field in FINDINGS}
    found = pa.table(
        [_column(field, columns[field.name]) if field.name in columns else nothing[field.name] for field in FINDINGS],
        schema=FINDINGS,
    )
    told = [
        f"{text} Model (p {p:.2f}): {why}."
        for text, p, why in zip(
            explain(found).to_pylist(), claims["p"].to_pylist(), claims["why"].to_pylist(), strict=True
        )
    ]
    at = FINDINGS.get_field_index("explanation")
    return found.set_column(at, FINDINGS.field(at), pa.array(told, pa.string()))


def _seen(visits: pa.Table) -> dict[str, dict[str | None, date | None]]:
    """Return for each subject the regions that it was visited from, the first first, and the day of that."""
    seen: dict[str, dict[str | None, date | None]] = {}
    columns = (values(visits[name]) for name in ("subject", "region"))
    started = np.asarray(pc.fill_null(visits["started"].cast(pa.int64()), 0).to_numpy())
    for subject, region, at in sorted(zip(*columns, started.tolist(), strict=True), key=lambda row: row[2]):
        day = datetime.fromtimestamp(at / 1e6, UTC).date() if at > 0 else None
        seen.setdefault(subject, {}).setdefault(region, day)
    return seen


def _requirement(
    ask: Callable[..., Requirement], kind: str, purpose: str, needs: str, seen: dict[str | None, date | None]
) -> Requirement:
    """Return what the policy says to ASK in the first of the regions SEEN where it is what the claim NEEDS."""
    asked = [ask(kind, purpose, "sent", "third", *place) for place in (seen or {None: None}).items()]
    return next((one for one in asked if one.needs == needs), asked[0])


def _column(field: pa.Field, items: list[Any] | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    labels = pa.types.is_dictionary(field.type)
    if isinstance(items, list):
        items = pa.chunked_array([pa.array(items, pa.string() if labels else field.type)])
    return items.cast(pa.string()).dictionary_encode() if labels else items.cast(field.type)
