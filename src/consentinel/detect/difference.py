"""The step of a scan that compares repeated visits: what depends on a randomised property, and what refusing changes.

It runs only where visits tell the levels of their profile (VISITS.profile_levels). The levels were drawn by us, so that
a field which follows them can only have got them from the visitor's device or account: proof P2, with an exact test
and without any planted value. What is claimed goes through the judge like every other datum, so that policy, consent,
evidence and words are the same.
"""

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from consentinel.core.tables import LABEL
from consentinel.detect._difference_claims import (
    FLEET_RATE,
    TYPE_OF,
    Dependence,
    by_field,
    judged,
    retold,
    standing,
    types,
    unproven,
)
from consentinel.detect._difference_fields import Held, Profiled, profiled, sites, third
from consentinel.detect._difference_power import Power, power
from consentinel.detect._difference_refusal import refusals
from consentinel.detect._difference_site import SITE_ERROR, STAGE, Examined, examine, firsts, site_error
from consentinel.detect.sightings import SAID, Sighter

__all__ = ["DEFAULT_REPEATS", "DIFFERENCES", "Differences", "compare"]

DEFAULT_REPEATS = 24  # of each scenario: enough for a property put into two buckets; 12 are for what keeps levels apart
# One row is a property that a recipient depends on in one scenario, or a recipient of which none can be claimed.
DIFFERENCES = pa.schema(
    [
        ("run_id", LABEL),
        ("subject", LABEL),
        ("scenario", LABEL),
        ("recipient", LABEL),
        ("property", LABEL),  # null where nothing is claimed
        ("type", LABEL),
        ("decision", LABEL),  # depends, no dependence shown, not testable
        ("why", LABEL),  # not testable: never changes, new in every visit, too few visits
        ("keys", pa.list_(pa.string())),
        ("n_visits", pa.int64()),  # that reached the recipient
        ("n_fields", pa.int64()),
        ("n_testable", pa.int64()),  # fields that could be decided
        ("p", pa.float64()),  # adjusted for everything that was tested at the site; null where nothing is claimed
    ]
)


@dataclass(frozen=True, slots=True)
class Differences:
    """What the comparison of repeated visits gave, for the reports."""

    claims: pa.Table  # DIFFERENCES
    refusals: pa.Table  # REFUSALS
    n_sites: int
    n_visits: int
    repeats: int  # most visits of one scenario of one site
    properties: tuple[str, ...]
    m: int  # hypotheses that could be decided
    open: int  # sites where more repeats may show what these do not
    power: tuple[Power, ...]
    site_error: float = SITE_ERROR
    fleet_rate: float = FLEET_RATE
    notes: tuple[str, ...] = ()


def compare(
    out: Path, visits: pa.Table, consent: pa.Table, findings: pa.Table, sighter: Sighter, run_id: str
) -> tuple[Differences, pa.Table, pa.Table] | None:
    """Return (Differences, FINDINGS, EVIDENCE) of the visits in OUT that have drawn profiles; None when none has.

    Arguments: OUT, the folder that holds data.parquet and traffic.parquet of this scan; its VISITS, CONSENT and
    FINDINGS so far: a dependence of a flow that planted values prove already is not found a second time.
    """
    told = profiled(visits, frozenset(TYPE_OF))
    if not told.visit_ids:
        return None
    notes = _suspicious(told)
    every: list[Dependence] = []
    rows: list[dict[str, Any]] = []
    seen: list[Examined] = []
    for held in sites(out / "data.parquet", told) if not notes else ():
        examined = examine(held.site)
        every += _dependences(told, held, examined, len(seen))
        rows += _recipients(told, held, examined)
        seen.append(examined)
    kept = standing(every, len(seen))
    data = retold(out / "data.parquet", told, kept)
    judge = judged(out / "traffic.parquet", data, visits, consent, sighter)
    differences = Differences(
        claims=_table(told, kept, rows),
        refusals=_refused(out / "data.parquet", told, data),
        n_sites=len(told.subjects),
        n_visits=len(told.visit_ids),
        repeats=max((e.repeats for e in seen), default=0),
        properties=tuple(told.properties),
        m=sum(e.m for e in seen),
        open=sum(e.open > 0 for e in seen),
        power=_power(told, seen),
        notes=tuple(notes),
    )
    return differences, unproven(judge.findings(run_id), findings), judge.evidence()


def _suspicious(told: Profiled) -> list[str]:
    """Why the draws cannot have been made as the test needs it, if so: every property by itself, visit by visit."""
    if not told.properties:
        return ["no visit tells a property of its profile that is known: repeated visits were not compared"]
    group = told.subject * len(told.scenarios) + told.scenario
    squares, free = 0.0, 0  # chi-squared of the counts of levels, and its degrees of freedom
    for levels, pool in zip(told.levels, told.pools.tolist(), strict=True):
        if pool > 1:
            there = levels >= 0
            n = np.zeros((int(group.max()) + 1, pool))
            np.add.at(n, (group[there], levels[there]), 1)
            n = n[n.sum(axis=1) > 1]
            total = n.sum(axis=1)
            squares += float(((n - total[:, None] / pool) ** 2 / (total[:, None] / pool)).sum())
            free += (pool - 1) * len(n)
    # Wilson and Hilferty 1931: nearly normal; as even as this by chance once in 10^9 scans
    if free and ((squares / free) ** (1 / 3) - 1 + 2 / (9 * free)) / math.sqrt(2 / (9 * free)) < -6:
        return ["profiles were balanced, not drawn independently: repeated visits were not compared"]
    alike = [
        f"{one} and {two}"
        for i, one in enumerate(told.properties)
        for j, two in enumerate(told.properties[:i])
        if len(told.visit_ids) >= STAGE and _alike(told.levels[i], told.levels[j])
    ]
    if alike:
        return [f"properties were drawn together ({', '.join(alike)}): repeated visits were not compared"]
    return []


def _alike(one: np.ndarray, two: np.ndarray) -> bool:
    """Whether two properties tell the same visits apart."""
    distinct = len(np.unique(one))
    return distinct > 1 and np.unique(np.stack([one, two]), axis=1).shape[1] == distinct == len(np.unique(two))


def _dependences(told: Profiled, held: Held, examined: Examined, number: int) -> Iterator[Dependence]:
    claims, subject = examined.claims, int(told.subject[held.visits[0]])
    scenarios = np.unique(told.scenario[held.visits]).tolist()
    for row, s, of, pair in zip(claims.field, claims.scenario, claims.of, claims.pair, strict=True):
        field, log_e = held.fields[held.field_of[row]], float(examined.pairs[pair])
        yield Dependence(subject, scenarios[s], field, told.properties[of], log_e, (number, int(pair)))


def _recipients(told: Profiled, held: Held, examined: Examined) -> Iterator[dict[str, Any]]:
    """What could be tested of each recipient in each scenario."""
    rows_of: dict[str, list[int]] = defaultdict(list)
    for row, field in enumerate(held.field_of.tolist()):
        rows_of[str(held.fields[field][0])].append(row)
    for s, scenario in enumerate(np.unique(told.scenario[held.visits]).tolist()):
        for recipient, rows in sorted(rows_of.items()):
            values = held.site.values[rows][:, held.site.scenario == s]
            there = (values >= 0).any(axis=1)
            able, field = examined.testable[rows, s] & there, held.field_of[rows]
            if there.any():
                yield {
                    "subject": held.subject, "scenario": told.scenarios[scenario], "recipient": recipient,
                    "n_visits": int((values >= 0).any(axis=0).sum()), "n_fields": len(np.unique(field[there])),
                    "n_testable": len(np.unique(field[able])), "why": None if able.any() else _why(values[there]),
                }  # fmt: skip


def _why(values: np.ndarray) -> str:
    """Why none of the fields that held VALUES (f, t) could be decided."""
    distinct = (firsts(values) == np.arange(values.shape[1])).sum(axis=1)
    if (distinct <= 1).all():
        return "never changes"
    new = distinct == (values >= 0).sum(axis=1)
    return "new in every visit" if ((distinct <= 1) | new).all() else "too few visits"


def _table(told: Profiled, kept: list[Dependence], rows: list[dict[str, Any]]) -> pa.Table:
    """Return DIFFERENCES: the claims of each recipient, and one row for a recipient without any."""
    claims: dict[tuple[str, str, str], dict[tuple[str, str], tuple[set[str], float]]] = defaultdict(dict)
    for (subject, scenario, field), ones in by_field(kept).items():
        kinds, of = types(ones), claims[told.subjects[subject], told.scenarios[scenario], str(field[0])]
        for one in ones:
            keys, log_e = of.get((one.of, kinds[one.of]), (set(), -math.inf))
            of[one.of, kinds[one.of]] = (keys | {field[2] or ""}, max(log_e, one.log_e))
    made: list[dict[str, Any]] = []
    for row in rows:
        of = claims.get((row["subject"], row["scenario"], row["recipient"]), {})
        for (name, kind), (keys, log_e) in sorted(of.items()):
            claim = {"property": name, "type": kind, "keys": sorted(keys)[:8], "p": math.exp(-log_e)}
            made.append(row | claim | {"decision": "depends", "why": None})
        if not of:
            made.append(row | {"keys": [], "decision": "not testable" if row["why"] else "no dependence shown"})
    plain = [pa.string() if f.type == LABEL else f.type for f in DIFFERENCES]
    columns = [
        pa.array([row.get(f.name) for row in made], kind).cast(f.type)
        for f, kind in zip(DIFFERENCES, plain, strict=True)
    ]
    return pa.table(columns, schema=DIFFERENCES)


def _refused(file: Path, told: Profiled, dependent: pa.Table) -> pa.Table:
    """How often third parties got each type in the visits that accepted, and in the others.

    The type is the recognised one in the DATA file, or the one that the rows DEPENDENT were told as.
    """
    columns = ["visit_id", "action", "recipient", "type", "type_p"]
    seen: set[tuple[int, str, str]] = set()
    read = (pa.Table.from_batches([raw]) for raw in pq.ParquetFile(file).iter_batches(columns=columns))
    for batch in (*([dependent] if dependent.num_rows else []), *read):
        sent = pc.equal(batch["action"].cast(pa.string()), "sent")
        some = batch.filter(pc.and_(sent, pc.fill_null(pc.greater_equal(batch["type_p"], SAID), False)))
        texts = [some[name].cast(pa.string()).to_pylist() for name in ("recipient", "type")]
        seen |= {row for row in zip(told.numbers(some["visit_id"]).tolist(), *texts, strict=True) if row[0] >= 0}
    got: dict[tuple[str, str, str, str], int] = defaultdict(int)
    for visit, recipient, kind in seen:
        got[told.subjects[told.subject[visit]], told.scenarios[told.scenario[visit]], recipient, kind] += 1
    pairs: dict[str, set[str]] = defaultdict(set)
    for subject, _, recipient, _ in got:
        pairs[subject].add(recipient)
    kept = {(s, r) for s, names in pairs.items() for r, ok in zip(names, third(s, list(names)), strict=True) if ok}
    got = {row: n for row, n in got.items() if (row[0], row[2]) in kept}
    n: dict[tuple[str, str], int] = defaultdict(int)
    for subject_no, scenario in zip(told.subject.tolist(), told.scenario.tolist(), strict=True):
        n[told.subjects[subject_no], told.scenarios[scenario]] += 1
    return refusals(n, got, [s for s in told.scenarios if s not in ("accept", "unknown")])


def _power(told: Profiled, seen: list[Examined]) -> tuple[Power, ...]:
    """Power at the site in the middle, in the visits of one scenario and of all."""
    order = sorted(seen, key=lambda e: e.spread)
    if not order or not (told.pools > 1).any():
        return ()
    middle, pool = order[len(order) // 2], int(np.bincount(told.pools[told.pools > 1]).argmax())
    return tuple(power(middle.spread, site_error(middle.repeats), pool, [middle.repeats, middle.visits]))
