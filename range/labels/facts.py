"""Joins what both sources found with visits, purposes and states of consent, and groups it to candidate rows."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from labels.attribute import CATEGORIES, STATES
from labels.decide import SURFACE, Carried
from labels.fields import Fields
from labels.gather import Gathered
from labels.law import Law
from labels.traced import GUESS, IDENTIFIERS

ROWS = """
with placed as (
  select f.*, r.visit, r.component, r.host, v.site, v.scenario, v.region, p.purpose, p.family,
    case p.category when 'analytics' then r.analytics when 'advertising' then r.advertising else r."any" end as state,
    k.carrier
  from facts f join requests r using (request) join visits v using (visit)
    join purposes p on p.site = v.site and p.component = r.component and p.host = r.host join keys k using (key)
)
select site, component, host, type, state, scenario, region, any_value(purpose) as purpose, any_value(family) as family,
  string_agg(distinct carrier, ',' order by carrier) as carrier,
  bool_or(a) as a, bool_or(guess) as guess, bool_or(planted) as planted, bool_or(b) as b, coalesce(bool_and(short) filter (b), false) as short,
  list(distinct key order by key) filter (a or guess) as a_keys,
  list(distinct kind order by kind) filter (b) as b_kinds,
  count(distinct visit) as n_visits, count(distinct request) as n_requests, min(request) as example
from placed group by site, component, host, type, state, scenario, region order by all
"""


def _facts_of_a(gathered: Gathered, fields: Fields) -> pa.Table:
    found = [*gathered.hits, *gathered.identifier_hits()]
    request = np.asarray([fact[0] for fact in found], np.int64)
    key = fields.keys_at(request, np.asarray([fact[1] for fact in found], np.int64))
    guess = [fact[2].startswith(GUESS) for fact in found]
    planted = [at < len(gathered.hits) and not flag for at, flag in enumerate(guess)]
    return pa.table(
        {
            "request": request,
            "key": key,
            "type": pa.array([fact[2].removeprefix(GUESS) for fact in found], pa.string()),
            "a": pa.array([not flag for flag in guess], pa.bool_()),
            "guess": pa.array(guess, pa.bool_()),
            "planted": pa.array(planted, pa.bool_()),
            "b": pa.array([False] * len(found), pa.bool_()),
            "short": pa.array([False] * len(found), pa.bool_()),
            "kind": pa.array([""] * len(found), pa.string()),
        }
    )


def _facts_of_b(gathered: Gathered, fields: Fields, carried: Carried) -> pa.Table:
    """Return the facts of source (b).

    A lasting identifier that nobody stored, of a component that reads canvas or WebGL, was made from them.
    """
    stored = {fact[:2] for fact in gathered.identifier_hits()}
    stored_keys = (
        set(fields.keys_at(*(np.asarray([fact[at] for fact in stored], np.int64) for at in (0, 1))).tolist())
        if stored
        else set()
    )
    readers = {component for (component, prop) in gathered.reads if prop in ("canvas", "webgl")}
    kinds, types = [], []
    for key, kind in zip(carried.key.tolist(), carried.type.to_pylist(), strict=True):
        verdict = carried.verdicts[key]
        made = verdict.kind == "identifier" and key not in stored_keys and fields.describe(key)[0] in readers
        kinds.append(verdict.kind)
        types.append(SURFACE if made and kind == IDENTIFIERS else kind)
    n = len(kinds)
    return pa.table(
        {
            "request": carried.request,
            "key": carried.key,
            "type": pa.array(types, pa.string()),
            "a": pa.array(np.zeros(n, bool)),
            "guess": pa.array(np.zeros(n, bool)),
            "planted": pa.array(np.zeros(n, bool)),
            "b": pa.array(np.ones(n, bool)),
            "short": pa.array(carried.short),
            "kind": pa.array(kinds, pa.string()),
        }
    )


def _purposes(gathered: Gathered, law: Law, pairs: set[tuple[str, str, str]]) -> pa.Table:
    named: dict[tuple[str, str], dict[str, Any]] = {}
    for visit in gathered.visits:
        for entry in visit["components"]:
            named[visit["site"], entry["component"]] = entry
    rows: dict[str, list[Any]] = defaultdict(list)
    for site, component, host in sorted(pairs):
        entry = named.get((site, component), {})
        purpose = law.purpose_of(component, entry.get("purpose"), site, host)
        values = (site, component, host, purpose, entry.get("family") or component, law.category(purpose))
        for name, value in zip(("site", "component", "host", "purpose", "family", "category"), values, strict=True):
            rows[name].append(value)
    return pa.table(
        {
            name: pa.array(rows[name], pa.string())
            for name in ("site", "component", "host", "purpose", "family", "category")
        }
    )


def candidates(gathered: Gathered, fields: Fields, carried: Carried, law: Law) -> list[dict[str, Any]]:
    """Return one record for each flow, type, state of consent and scenario in which a source found something."""
    facts = pa.concat_tables([_facts_of_a(gathered, fields), _facts_of_b(gathered, fields, carried)])
    component, host = np.divmod(fields.flow, max(1, len(fields.hosts)))
    states = np.asarray(gathered.request["states"], np.int64).reshape(-1, len(CATEGORIES))
    names = np.asarray(STATES)
    components = pa.array(fields.components, pa.string()).take(pa.array(component))
    hosts = pa.array(fields.hosts, pa.string()).take(pa.array(host))
    requests = pa.table(
        {
            "request": np.arange(len(fields.flow)),
            "visit": np.asarray(gathered.request["visit"], np.int64),
            "component": components,
            "host": hosts,
            **{
                category: pa.array(names[states[:, at]].tolist(), pa.string()) for at, category in enumerate(CATEGORIES)
            },
        }
    )
    visits = pa.table(
        {
            "visit": np.arange(len(gathered.visits)),
            **{
                name: pa.array([str(visit[name]) for visit in gathered.visits])
                for name in ("site", "scenario", "region")
            },
        }
    )
    sites = [gathered.visits[visit]["site"] for visit in gathered.request["visit"]]
    pairs = set(zip(sites, components.to_pylist(), hosts.to_pylist(), strict=True))
    keys = pa.table(
        {
            "key": np.arange(len(fields.wide)),
            "carrier": pa.array([fields.carrier(key) for key in range(len(fields.wide))], pa.string()),
        }
    )
    with duckdb.connect() as engine:
        engine.execute("set memory_limit = '3GB'; set threads = 1")
        for name, table in (
            ("facts", facts),
            ("requests", requests),
            ("visits", visits),
            ("keys", keys),
            ("purposes", _purposes(gathered, law, pairs)),
        ):
            engine.register(name, table)
        return engine.sql(ROWS).to_arrow_table().to_pylist()
