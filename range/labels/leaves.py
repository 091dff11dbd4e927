"""Says of single values what they tell: one row for each (site, sender, recipient, name, value) that was decided.

A value stands for itself by `value_hash`, so the table can be joined by whoever has the traffic. What no source decided
has no row.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from labels.agree import TESTED
from labels.decide import Carried
from labels.fields import Fields
from labels.gather import Gathered
from labels.shapes import CLOCK, IDENTIFIER
from labels.traced import GUESS, IDENTIFIERS

SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("site", "group", "component", "family", "host", "name")),
        ("value", pa.int64()),
        # types: all that it tells; partly: these, and perhaps more; none: it follows nothing that was drawn;
        # constant: it never varied, so it tells nothing that was drawn, and may tell what never was
        ("verdict", pa.string()),
        ("types", pa.list_(pa.string())),
    ]
)
MOST_NONE = 40  # values without a type kept of one field: clocks and numbers of requests are all alike
_BELOW = re.compile(r"~\w+|#\d+$")  # encodings of a value, and the number of a token in it
_PLACE = re.compile(r"(?:\[[^\]]*\])+$")

ROWS = """
with base as (select * from keys where key = base),
rows as (
  select r.*, b.flow, b.name, b.kind, b.unsettled, b.parts_unsettled from rows r join base b using (key)
), whole as (
  select key, visit, value, type from picked join base using (key)
), token as (
  select k.base as key, p.visit, lb.value, p.type, lt.request
  from picked p join keys k on k.key = p.key and k.base <> k.key
    join leaves lt on lt.key = p.key and lt.visit = p.visit and lt.value = p.value
    join leaves lb on lb.request = lt.request and lb.key = k.base
), alone as (  -- of several values in one request nobody knows whose token it was
  select key, visit, value, type from token
    semi join (select request, key from token group by all having count(distinct value) = 1) using (request, key)
), known as (
  select key, visit, value, type from rows join planted using (visit, value)
  union select key, visit, value, type from rows join lasting using (visit, value)
    where kind not in ('none', 'constant')
  union select * from whole union select * from alone
), told as (
  select key, visit, value, list(distinct type order by type) as types from known group by all
), said as (
  select r.flow, r.visit, r.name, r.value, coalesce(t.types, []) as types,
    case when t.types is not null then if(r.parts_unsettled, 'partly', 'types')
      when r.unsettled or r.parts_unsettled then 'open'
      when r.kind = 'several' then if(not r.again and r.unique_looking, 'none', 'open')
      when r.kind = 'other' then if(r.clock, 'none', 'open')
      when r.kind = 'carries' then 'open'
      else r.kind end as verdict
  from rows r left join told t using (key, visit, value)
), merged as (
  select v.site, v."group", f.component, f.family, f.host, s.name, s.value,
    bool_or(verdict = 'types') as entire, bool_or(verdict in ('types', 'partly')) as typed,
    bool_or(verdict = 'none') as untyped, bool_or(verdict = 'constant') as still,
    list(distinct s.types order by s.types) filter (len(s.types) > 0) as sets
  from said s join visits v using (visit) join flows f on f.flow = s.flow and f.site = v.site group by all
)
select site, "group", component, family, host, name, value,
  case when typed then if(entire and len(sets) = 1, 'types', 'partly') when untyped then 'none' else 'constant'
    end as verdict,
  coalesce(list_sort(list_distinct(flatten(sets))), []) as types
from merged where (typed or untyped or still) and not (typed and untyped)
qualify typed or row_number() over (partition by site, component, host, name, typed order by value) <= ?
order by all
"""


def last_name(path: str) -> str:
    """Return the innermost name of a field's path, lower case, without list positions: ".user.Ids[*]" gives "ids"."""
    carrier, _, rest = path.partition("|")
    if carrier == "path":
        return "path"
    below = _BELOW.sub("", rest.partition("|")[2])
    return _PLACE.sub("", below).rpartition(".")[2].lower()


def _kind(kind: str) -> tuple[str, bool]:
    """Return what a verdict means for a value that has no type, and whether it leaves the field unsettled."""
    if kind == "constant":
        return "constant", False
    if kind in TESTED or kind == "explained by its tokens":
        return "none", False
    if kind == "several values in a visit":
        return "several", False
    if kind == "another value in every visit":
        return "other", False
    carries = kind in ("follows", "reveals", "composite", "present", "identifier")
    return ("carries", False) if carries else ("open", True)


def _keys(fields: Fields, carried: Carried) -> pa.Table:
    """Return for each key its flow, last name, kind of verdict, the key of the whole text, and what is unsettled."""
    count = max(1, len(fields.paths))
    flow, field = np.divmod(fields.wide, count)
    number = {path: at for at, path in enumerate(fields.paths)}
    whole = np.asarray([number[path.partition("#")[0]] for path in fields.paths], np.int64)
    base = np.searchsorted(fields.wide, flow * count + whole[field])
    names = [last_name(path) for path in fields.paths]
    kinds = [_kind(carried.verdicts[key].kind if key in carried.verdicts else "") for key in range(len(fields.wide))]
    unsettled = np.asarray([flag for _, flag in kinds], bool)
    parts = np.zeros(len(fields.wide), bool)
    np.logical_or.at(parts, base, unsettled & (base != np.arange(len(base))))
    return pa.table(
        {
            "key": np.arange(len(fields.wide)),
            "flow": flow,
            "base": base,
            "name": pa.array([names[at] for at in field.tolist()], pa.string()),
            "kind": pa.array([kind for kind, _ in kinds], pa.string()),
            "unsettled": unsettled,
            "parts_unsettled": parts,
        }
    )


def _held(gathered: Gathered) -> tuple[pa.Table, pa.Table]:
    """Return what source (a) found in texts: planted values, and identifiers that last."""
    lasting = {slot for slot in gathered.slots.loads if gathered.slots.is_lasting(slot)}
    kept = [
        (visit, text, IDENTIFIERS)
        for visit, text, part, slots in gathered.kept_in
        if not lasting.isdisjoint(slots) and gathered.slots.is_unique(part)
    ]
    planted = [fact for fact in gathered.planted_in if not fact[2].startswith(GUESS)]
    return _facts(planted), _facts(kept)


def _facts(found: list[tuple[int, int, str]]) -> pa.Table:
    visit, value, kind = zip(*dict.fromkeys(found), strict=True) if found else ((), (), ())
    return pa.table(
        {
            "visit": pa.array(visit, pa.int64()),
            "value": pa.array(value, pa.int64()),
            "type": pa.array(kind, pa.string()),
        }
    )


def _flows(gathered: Gathered, fields: Fields) -> pa.Table:
    """Return component, family and host of each (site, flow)."""
    family = {
        (visit["site"], entry["component"]): entry.get("family") or entry["component"]
        for visit in gathered.visits
        for entry in visit["components"]
    }
    sites = [gathered.visits[number]["site"] for number in gathered.request["visit"]]
    columns: dict[str, list[Any]] = {name: [] for name in ("site", "flow", "component", "family", "host")}
    for site, flow in sorted(set(zip(sites, fields.flow.tolist(), strict=True))):
        component = fields.components[flow // len(fields.hosts)]
        host = fields.hosts[flow % len(fields.hosts)]
        told = (site, flow, component, family.get((site, component), component), host)
        for column, cell in zip(columns.values(), told, strict=True):
            column.append(cell)
    kinds = {name: pa.int64() if name == "flow" else pa.string() for name in columns}
    return pa.table({name: pa.array(column, kinds[name]) for name, column in columns.items()})


def make_leaves(gathered: Gathered, fields: Fields, carried: Carried) -> pa.Table:
    """Return the table of single values, sorted, with the columns of SCHEMA."""
    planted, lasting = _held(gathered)
    tables = {
        "keys": _keys(fields, carried),
        "rows": pa.table(
            {
                "key": fields.key,
                "visit": fields.visit,
                "value": fields.value,
                "again": fields.again,
                "unique_looking": fields.flags & (IDENTIFIER | CLOCK) > 0,
                "clock": fields.flags & CLOCK > 0,
            }
        ),
        "leaves": fields.leaves,
        "picked": carried.picked,
        "planted": planted,
        "lasting": lasting,
        "flows": _flows(gathered, fields),
        "visits": pa.table(
            {
                "visit": np.arange(len(gathered.visits)),
                **{name: pa.array([str(v[name]) for v in gathered.visits]) for name in ("site", "group")},
            }
        ),
    }
    with duckdb.connect() as engine:
        engine.execute("set memory_limit = '3GB'; set threads = 1")
        for name, table in tables.items():
            engine.register(name, table)
        return engine.sql(ROWS, params=[MOST_NONE]).to_arrow_table().cast(SCHEMA)


def write_leaves(table: pa.Table, path: Path) -> None:
    """Write TABLE as Parquet, whole or not at all."""
    part = path.with_suffix(".part")
    pq.write_table(table, part, compression="zstd")
    part.replace(path)
