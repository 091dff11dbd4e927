"""Findings that no rule makes: a model says that data went there, and policy and consent say that it should not have.

Rules claim what they can tell by themselves: one property of a device is too little for them. What a model calls is
looked up in the tables of the scan and judged like every other claim, so that a finding has its scenario, place,
times and evidence; it is about the field that the model's reason speaks of, and as sure as the model.

Where the rule for fingerprints has a potential violation for the same sender, recipient and state of consent,
properties of the device are named there and are no findings of their own: it is one flow.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from consentinel.core.columns import relabel, values
from consentinel.core.finding_words import TYPES
from consentinel.core.tables import CONSENT, DATA, EVIDENCE, FINDINGS, TRAFFIC, VISITS, check
from consentinel.detect.judge import Judge
from consentinel.detect.page_load_ids import KEYS
from consentinel.detect.pipeline import batches
from consentinel.detect.shelves import RULES
from consentinel.detect.sightings import Sighter

__all__ = ["NAME", "UNIT", "findings"]

NAME, VERSION, PROOF = "claim_model", "2", "P3"
UNIT = ("subject", "recipient", "type", "consent_state")
BUNDLE = "fingerprint_surface"  # the rule that tells properties of a device together
_FLOW = ("subject", "recipient", "consent_state")
_VIOLATION = "potential violation"
_BY_ITSELF = ("device.", "fingerprint.")  # what browsers put into the headers of every request

Unit = tuple[str, ...]


def findings(
    claims: pa.Table, ruled: pa.Table, scan: Path, sighter: Sighter, run_id: str
) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Return (RULED with what belongs to it named, new FINDINGS, EVIDENCE of these).

    New are CLAIMS (of `modelled`) that are decided to be violations and that RULED, what rules and comparisons found,
    does not have. The tables of the SCAN, a folder, tell the rest; SIGHTER is that of the scan.
    """
    known = set(_rows(ruled, UNIT))
    called = pc.and_(pc.equal(claims["verdict"], _VIOLATION), pc.invert(claims["undecided"]))
    new = {row[:4]: row for row in _rows(claims.filter(called), (*UNIT, "key", "p", "why")) if row[:4] not in known}
    ruled, named = _named(ruled, new)
    left = {unit: row for unit, row in new.items() if unit not in named}
    if not left:
        return ruled, FINDINGS.empty_table(), EVIDENCE.empty_table()
    judge = Judge(sighter, [_Called({(*unit, row[4]) for unit, row in left.items()})])
    for batch in batches(_tables(scan, left)):
        judge.batch(**batch)
    found = judge.findings(run_id)
    found = found.filter(pc.equal(found["outcome"].cast(pa.string()), _VIOLATION))
    mine = [left[unit] for unit in _rows(found, UNIT)]
    told = [
        f"{text} Model (p {row[5]:.2f}): {row[6]}."
        for text, row in zip(found["explanation"].to_pylist(), mine, strict=True)
    ]
    found = _with(found, "p", pa.array([row[5] for row in mine], pa.float32()))
    return ruled, _with(found, "explanation", pa.array(told, pa.string())), judge.evidence()


class _Called:
    """A rule that claims what a model called: CALLED has units with the field that the model's reason speaks of."""

    __name__, VERSION, PROOF = NAME, VERSION, PROOF

    def __init__(self, called: Iterable[tuple[str | None, ...]]) -> None:
        self._called = pa.array(sorted("\x1f".join(part or "" for part in row) for row in called), pa.string())

    def find(self, visits: pa.Table) -> pa.Table:
        """Return the sightings of such a field that went to a third party."""
        parts = [pc.fill_null(visits[name].cast(pa.string()), "") for name in (*UNIT, "key")]
        wanted = pc.is_in(pc.binary_join_element_wise(*parts, "\x1f"), value_set=self._called)
        by_itself = pc.equal(visits["carrier"].cast(pa.string()), "header")
        of_browser = pc.or_(*(pc.starts_with(parts[2], prefix) for prefix in _BY_ITSELF))
        wanted = pc.and_(wanted, pc.invert(pc.and_(pc.fill_null(by_itself, False), of_browser)))
        return visits.filter(pc.and_(wanted, visits["regulated"]))


def _named(ruled: pa.Table, new: dict[Unit, tuple[Any, ...]]) -> tuple[pa.Table, set[Unit]]:
    """Return RULED with the properties among NEW named where they belong to a fingerprint, and which those are.

    A hint that the model knows enough properties of becomes as sure as the least sure of those that the rule needs.
    """
    rule: Any = RULES.take(BUNDLE)
    flows: dict[Unit, list[tuple[float, str]]] = {}
    for unit, row in new.items():
        if unit[2] in rule.PROPERTIES:
            flows.setdefault((unit[0], unit[1], unit[3]), []).append((row[5], unit[2]))
    wanted = zip(_rows(ruled, ("rule", "outcome")), _rows(ruled, _FLOW), strict=True)
    at = [n for n, (what, flow) in enumerate(wanted) if what == (BUNDLE, _VIOLATION) and flow in flows]
    if not at:
        return ruled, set()
    texts, proof, p = (values(ruled[name]) for name in ("explanation", "proof", "p"))
    every = _rows(ruled, _FLOW)
    for n in at:
        most = sorted(flows[every[n]], key=lambda told: (-told[0], told[1]))
        texts[n] += f" Model: with it went {', '.join(f'{TYPES[kind]} (p {sure:.2f})' for sure, kind in most)}."
        if proof[n] == "P4" and len(most) >= rule.TOGETHER:
            proof[n], p[n] = PROOF, most[rule.TOGETHER - 1][0]
    ruled = _with(ruled, "explanation", pa.array(texts, pa.string()))
    ruled = _with(ruled, "p", pa.array(p, pa.float32()))
    names = list(dict.fromkeys(proof))
    ruled = _with(ruled, "proof", relabel(np.array([names.index(one) for one in proof], np.int64), names))
    there = {every[n] for n in at}
    named = {unit for unit in new if unit[2] in rule.PROPERTIES and (unit[0], unit[1], unit[3]) in there}
    return ruled, named


def _tables(scan: Path, units: Iterable[Unit]) -> dict[str, pa.Table]:
    """Return what SCAN kept of the visits that UNITS are about; of data what recipients got, and what is beside it."""
    subjects, recipients = (pa.array(sorted({unit[at] for unit in units}), pa.string()) for at in (0, 1))
    visits = pq.read_table(scan / "visits.parquet")
    visits = check(visits.filter(pc.is_in(visits["subject"].cast(pa.string()), value_set=subjects)), VISITS, NAME)
    ids = visits["visit_id"].cast(pa.string()).combine_chunks()
    inside = pc.field("visit_id").cast(pa.string()).isin(ids)
    got = pc.field("recipient").cast(pa.string()).isin(recipients) & pc.field("type").is_valid()
    kept = pc.field("action").cast(pa.string()).isin(["stored", "read"])  # may show that an identifier lasts
    signal = pc.match_substring_regex(pc.field("key").cast(pa.string()), KEYS)
    asked = {"data": (DATA, inside & (got | kept | signal)), "traffic": (TRAFFIC, inside), "consent": (CONSENT, inside)}
    tables = {
        name: check(ds.dataset(scan / f"{name}.parquet").to_table(filter=wanted), schema, NAME)
        for name, (schema, wanted) in asked.items()
    }
    return {name: table.unify_dictionaries().combine_chunks() for name, table in ({"visits": visits} | tables).items()}


def _rows(table: pa.Table, names: tuple[str, ...]) -> list[tuple[Any, ...]]:
    return list(zip(*(values(table[name]) for name in names), strict=True))


def _with(table: pa.Table, name: str, column: pa.Array) -> pa.Table:
    at = table.schema.get_field_index(name)
    return table.set_column(at, table.schema.field(at), column)
