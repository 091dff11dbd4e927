"""Dependences as claims: which of them stand over the whole fleet, as what type, and through the judge to findings."""

import math
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from consentinel.core.columns import codes, labels
from consentinel.core.tables import DATA, FINDINGS, LABEL, TRAFFIC
from consentinel.detect import randomised_difference
from consentinel.detect._difference_fields import Field, Profiled, field_numbers
from consentinel.detect.judge import Judge
from consentinel.detect.pipeline import batches
from consentinel.detect.sightings import Sighter

__all__ = ["FLEET_RATE", "TYPE_OF", "Dependence", "by_field", "judged", "retold", "standing", "types", "unproven"]

FLEET_RATE = 0.05  # of false claims among all claims of a scan
SURFACE, PARTS_OF_SURFACE = "fingerprint.surface", 3
# The property of a profile -> the data type that a field which depends on it tells.
TYPE_OF = {
    "email": "contact.email", "phone": "contact.phone", "name": "contact.name", "user_id": "user.id",
    "visitor_id": "device.id", "shared_id": "device.advertising_id", "latitude": "location.precise",
    "longitude": "location.precise", "ua_version": "device.browser", "os_version": "device.os",
    "cores": "device.hardware", "memory": "device.hardware", "screen": "device.screen", "dpr": "device.screen",
    "languages": "device.locale", "timezone": "device.time_zone", "webgl": SURFACE, "canvas": SURFACE,
}  # fmt: skip
_OF_PEOPLE = frozenset(("email", "phone", "name", "user_id", "visitor_id", "shared_id", "latitude", "longitude"))
_HASHABLE = ("contact.email", "contact.phone")
_DIGEST_LENGTHS = (24, 28, 32, 40, 44, 56, 64, 88, 96, 128)  # of MD5 to SHA-512, in hexadecimal and base64
_FLOW = ("subject", "scenario", "recipient", "type", "carrier", "consent_state")


@dataclass(frozen=True, slots=True)
class Dependence:
    """One that is claimed: the field FIELD of a subject and scenario (numbers) depends on the property OF."""

    subject: int
    scenario: int
    field: Field
    of: str
    log_e: float  # weighted: p = exp(-log_e) holds for everything that was tested at the site
    key: tuple[int, int]  # of the hypothesis: equal where fields share their pattern


ByField = dict[tuple[int, int, Field], list[Dependence]]


def standing(every: list[Dependence], n_sites: int) -> list[Dependence]:
    """Return those of EVERY dependence, each within its site's error, that keep FLEET_RATE over N_SITES too.

    The weights of a site add up to 1, so a fleet's e-values have a mean of at most 1 a site, whatever hangs together.
    Source: e-BH, Wang and Ramdas 2022; e-values that their site's gate stopped count as 0 and stay e-values.
    """
    logs = sorted({one.key: one.log_e for one in every}.values(), reverse=True)
    enough = [r for r, log in enumerate(logs, 1) if log >= math.log(n_sites / (FLEET_RATE * r)) - 1e-12]
    least = logs[enough[-1] - 1] if enough else math.inf
    return [one for one in every if one.log_e >= least]


def by_field(kept: list[Dependence]) -> ByField:
    """Return the dependences of each field of each subject and scenario."""
    found: ByField = defaultdict(list)
    for one in kept:
        found[one.subject, one.scenario, one.field].append(one)
    return found


def types(ones: list[Dependence]) -> dict[str, str]:
    """Return the type that each property on one field is told as: three kinds of device facts make a fingerprint."""
    told = {one.of: TYPE_OF[one.of] for one in ones}
    device = told.keys() - _OF_PEOPLE
    if len({told[of] for of in device}) >= PARTS_OF_SURFACE:
        told |= dict.fromkeys(device, SURFACE)
    return told


def retold(data: Path, told: Profiled, kept: list[Dependence]) -> pa.Table:
    """Return the rows of the DATA file behind KEPT, once for each type that they are told as, in the order read."""
    claimed = by_field(kept)
    number = {field: n for n, field in enumerate(dict.fromkeys(field for _, _, field in claimed))}
    parts = [DATA.empty_table()]
    for raw in pq.ParquetFile(data).iter_batches() if kept else ():
        batch = pa.Table.from_batches([raw])
        visit, field = told.numbers(batch["visit_id"]), field_numbers(batch, number, grow=False)
        sent = np.array([*(a == "sent" for a in labels(batch["action"])), False])[codes(batch["action"])]
        at = np.flatnonzero((visit >= 0) & (field >= 0) & sent)
        where = np.stack([told.subject[visit[at]], told.scenario[visit[at]], field[at]])
        parts.append(_retold(batch, at, where, list(number), claimed))
    return pa.concat_tables(parts).unify_dictionaries().combine_chunks()


def _retold(batch: pa.Table, at: np.ndarray, where: np.ndarray, fields: list[Field], claimed: ByField) -> pa.Table:
    """The rows AT of a batch of DATA, which lie at (subject, scenario, field) WHERE, told as what they depend on."""
    groups, group = np.unique(where, axis=1, return_inverse=True)
    rows, kinds, p = [np.zeros(0, np.int64)], [], []
    for n, (subject, scenario, field) in enumerate(groups.T.tolist()):
        ones = claimed.get((subject, scenario, fields[field]), [])
        told = types(ones)
        for kind in sorted(set(told.values())):
            rows.append(at[group.ravel() == n])
            kinds.append(kind)
            p.append(1.0 - math.exp(-max(one.log_e for one in ones if told[one.of] == kind)))
    kind_of = np.repeat(np.arange(len(kinds)), [len(r) for r in rows[1:]])
    row = np.concatenate(rows)
    order = np.argsort(row, kind="stable")
    kind_of, some = kind_of[order], batch.take(pa.array(row[order]))
    names = _hashed(some, [kinds[n] for n in kind_of.tolist()])
    new = {
        "type": pa.array(names, pa.string()).dictionary_encode(),
        "type_p": pa.array(np.array(p, np.float32)[kind_of]),
        "planted_id": pa.nulls(len(row), LABEL),
        "planted_form": pa.nulls(len(row), LABEL),
        "matched_bits": pa.nulls(len(row), pa.int32()),
    }
    return pa.table([new.get(f.name, some[f.name]) for f in DATA], schema=DATA)


def _hashed(rows: pa.Table, kinds: list[str]) -> list[str]:
    """KINDS of ROWS; contact data that is as long as a digest and was not recognised as plain is told as hashed."""
    recognised = rows["type"].cast(pa.string()).to_pylist()
    lengths = rows["length"].to_pylist()
    return [
        f"{kind}_hashed" if kind in _HASHABLE and known != kind and length in _DIGEST_LENGTHS else kind
        for kind, known, length in zip(kinds, recognised, lengths, strict=True)
    ]


def judged(traffic: Path, data: pa.Table, visits: pa.Table, consent: pa.Table, sighter: Sighter) -> Judge:
    """Return a judge that has seen the retold rows DATA, with the TRAFFIC file, VISITS and CONSENT around them."""
    judge = Judge(sighter, [randomised_difference])
    if data.num_rows:
        ids = pc.unique(data["visit_id"].cast(pa.string()))
        parts = [_of(pa.Table.from_batches([raw]), ids) for raw in pq.ParquetFile(traffic).iter_batches()]
        around = pa.concat_tables([TRAFFIC.empty_table(), *parts]).unify_dictionaries().combine_chunks()
        tables = {"visits": _of(visits, ids), "traffic": around, "data": data, "consent": _of(consent, ids)}
        for whole in batches(tables):
            judge.batch(**whole)
    return judge


def _of(table: pa.Table, ids: pa.Array) -> pa.Table:
    return table.filter(pc.is_in(table["visit_id"].cast(pa.string()), value_set=ids))


def unproven(found: pa.Table, findings: pa.Table) -> pa.Table:
    """Return the findings FOUND whose flow planted values do not prove in FINDINGS already."""
    if not found.num_rows:
        return FINDINGS.empty_table()
    proved = findings.filter(pc.equal(findings["proof"].cast(pa.string()), "P0"))
    known = set(zip(*(proved[n].cast(pa.string()).to_pylist() for n in _FLOW), strict=True))
    flows = zip(*(found[n].cast(pa.string()).to_pylist() for n in _FLOW), strict=True)
    return found.filter(pa.array([flow not in known for flow in flows], pa.bool_()))
