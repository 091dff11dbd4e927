"""From sightings of whole visits to claims: who got which type of data under which consent, and what speaks for it.

Batches are reduced to the distinct values of each field in each visit; what looks across visits (how stable a value
is, who else got it, whether it stands in storage) is counted once, over all of them. DuckDB does both.
"""

from collections.abc import Mapping
from types import MappingProxyType

import duckdb
import pyarrow as pa

from consentinel.core.tables import check
from consentinel.detect.judges._rows import CLAIM_ROWS

__all__ = ["FLOOR", "ClaimFields"]

# A type less probable than this is no claim. Lower than a person would ask about: a claim that is weighed can be left
# undecided, one that was never made is a miss. By cross-validation 0.015 is better than 0.05, 0.005 and 0.001.
FLOOR = 0.015

# A browser puts facts about itself into the headers of every request: the recipient did not ask for them.
_BATCH = """
select visit_id::varchar as visit_id, subject::varchar as subject, recipient::varchar as recipient,
  type::varchar as type, consent_state::varchar as consent_state, needs::varchar as needs,
  purpose::varchar as purpose, category::varchar as category, carrier::varchar as carrier, key::varchar as key, digest,
  max(type_p) as p, max(length) as length, max(entropy) as entropy, max(coalesce(matched_bits, 0)) as bits,
  count(distinct (visit_id, seq)) as n_requests
from seen
where action = 'sent' and party = 'third' and type is not null and type_p >= $floor
  and not (carrier = 'header' and (type like 'device.%' or type like 'fingerprint.%'))
group by all
"""
_KEPT = """
select distinct visit_id::varchar as visit_id, digest from seen
where action in ('stored', 'read') and digest is not null
"""
_OUTCOME = """
case when needs = 'nothing' or consent_state = 'granted' or (needs = 'opt_out' and consent_state = 'none') then 2
  when consent_state in ('none', 'unreadable') then 1 else 0 end
"""
# The example of a claim is its most probable field; of equal ones the one seen in most visits, then by name.
_CLAIMS = f"""
with whole as (select count(distinct visit_id) as visits from sent),
digests as (
  select digest, count(distinct recipient) as alike, count(distinct visit_id) as visits,
    count(distinct (recipient, key, carrier)) as fields
  from sent group by digest
),
named as (select digest, type, count(distinct (recipient, key, carrier)) as fields from sent group by all),
at_recipient as (
  select recipient, type, key, carrier, count(distinct digest) / count(distinct visit_id) as varies
  from sent group by all
),
in_visit as (
  select subject, recipient, type, consent_state, key, carrier, visit_id, count(distinct digest) as n
  from sent group by all
),
calm as (
  select subject, recipient, type, consent_state, key, carrier, avg((n = 1)::int) as stable_in_visit
  from in_visit group by all
),
held as (
  select subject, recipient, type, consent_state, key, carrier, digest, count(distinct visit_id) as visits
  from sent group by all
),
most as (
  select subject, recipient, type, consent_state, key, carrier, max(visits) as same from held group by all
),
field as (
  select s.subject, s.recipient, s.type, s.consent_state, s.key, s.carrier, max(s.p) as p,
    count(distinct s.visit_id) as visits, avg(s.length) as length, max(s.entropy) as entropy,
    avg((k.digest is not null)::int) as in_storage, max(d.alike) as alike,
    avg((d.alike > 1 or k.digest is not null)::int) as joinable,
    avg(n.fields / d.fields) as called_so, max(d.visits) as spread
  from sent s join digests d using (digest) join named n on n.digest = s.digest and n.type = s.type
    left join kept k on k.visit_id = s.visit_id and k.digest = s.digest
  group by all
),
example as (
  select * from field join calm using (subject, recipient, type, consent_state, key, carrier)
    join most using (subject, recipient, type, consent_state, key, carrier)
    join at_recipient using (recipient, type, key, carrier)
  qualify row_number() over (
    partition by subject, recipient, type, consent_state order by p desc, visits desc, key, carrier) = 1
),
reached as (
  select subject, recipient, consent_state, count(distinct visit_id) as visits, count(distinct type) as kinds
  from sent group by all
),
claim as (
  select subject, recipient, type, consent_state, arg_min(needs, {_OUTCOME}) as needs, min({_OUTCOME}) as outcome,
    min(purpose) as purpose, min(category) as category, count(distinct (key, carrier)) as n_fields,
    sum(n_requests) as n_requests, count(distinct visit_id) as n_visits, count(distinct digest) as n_digests,
    max(bits) as bits
  from sent group by all
),
ruled as (
  select subject::varchar as subject, recipient::varchar as recipient, type::varchar as type,
    consent_state::varchar as consent_state, min(proof::varchar) as proof,
    case when bool_or(outcome = 'potential violation') then 'potential violation'
      when bool_or(outcome = 'no signal') then 'no signal' else 'allowed' end as rule_outcome
  from findings where type is not null group by all
)
select subject, recipient, type, consent_state, needs, 'third' as party, purpose, null::float as purpose_p,
  p as p_type, n_fields, n_requests, n_visits, n_visits / reached.visits as share_of_visits, n_digests,
  stable_in_visit, same / example.visits as stable_over_visits, joinable, entropy, length, proof, rule_outcome,
  ['potential violation', 'no signal', 'allowed'][outcome + 1] as outcome, category, key, carrier, in_storage,
  called_so, alike, spread / whole.visits as spread, varies, kinds
from claim join example using (subject, recipient, type, consent_state)
  join reached using (subject, recipient, consent_state) cross join whole
  left join ruled using (subject, recipient, type, consent_state)
order by subject, recipient, type, consent_state
"""
_NO_FINDINGS = pa.schema([(name, pa.string()) for name in
                          ("subject", "recipient", "type", "consent_state", "proof", "outcome")])  # fmt: skip


class ClaimFields:
    """Gathers batches of sightings; `rows` tells all claims of them."""

    def __init__(self) -> None:
        self._engine = duckdb.connect(":memory:", config={"threads": 1})
        self._sent: list[pa.Table] = []
        self._kept: list[pa.Table] = []

    def batch(self, seen: pa.Table, data: pa.Table) -> None:
        """Take the SIGHTINGS of whole visits, and the DATA whose rows they number."""
        told = data.select(["length", "entropy", "digest"]).take(seen["row"])
        for name in told.column_names:
            seen = seen.append_column(name, told[name])
        self._sent.append(self._ask(_BATCH, {"floor": FLOOR}, seen=seen))
        self._kept.append(self._ask(_KEPT, seen=seen))

    def rows(
        self, findings: pa.Table | None = None, judged: Mapping[str, tuple[str, float]] = MappingProxyType({})
    ) -> pa.Table:
        """Return CLAIM_ROWS of all that was taken, with what the rules found where FINDINGS are given; sorted.

        JUDGED has purposes of recipients that a model told, with their probability.
        """
        if not self._sent:
            return CLAIM_ROWS.empty_table()
        tables = {"sent": pa.concat_tables(self._sent), "kept": pa.concat_tables(self._kept)}
        known = _NO_FINDINGS.empty_table() if findings is None else findings.select(_NO_FINDINGS.names)
        told = check(self._ask(_CLAIMS, findings=known, **tables), CLAIM_ROWS, "detect.claims")
        sure = [judged.get(name, ("", None))[1] for name in told["recipient"].to_pylist()]
        at = CLAIM_ROWS.get_field_index("purpose_p")
        return told.set_column(at, CLAIM_ROWS.field(at), pa.array(sure, pa.float32()))

    def _ask(self, sql: str, values: dict[str, float] | None = None, **tables: pa.Table) -> pa.Table:
        for name, table in tables.items():
            self._engine.register(name, table)
        return self._engine.sql(sql, params=values or {}).to_arrow_table()
