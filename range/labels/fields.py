"""Lays out what left as fields: for each (component, recipient, path) the values that every visit sent in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from labels.gather import Gathered

Ints = npt.NDArray[np.int64]


@dataclass(slots=True)
class Fields:
    """Distinct (key, visit, value), sorted; a key is one field of one component to one recipient."""

    key_of: dict[str, Ints]  # key -> component number, host number, field number, as columns
    components: list[str]
    hosts: list[str]
    paths: list[str]
    wide: Ints  # key -> flow and field in one number, rising
    flow: Ints  # of a request: component and host in one number
    leaves: pa.Table  # request, key, visit, value
    key: Ints
    visit: Ints
    value: Ints
    flags: Ints
    again: npt.NDArray[np.bool_]  # the value was sent on several page loads of the visit

    def keys_at(self, request: Ints, field: Ints) -> Ints:
        """Return the keys of FIELD numbers in REQUEST numbers."""
        return np.searchsorted(self.wide, self.flow[request] * max(1, len(self.paths)) + field)

    def carrier(self, key: int) -> str:
        """Return the part of the request that KEY stands in."""
        return self.paths[self.key_of["field"][key]].partition("|")[0]

    def describe(self, key: int) -> tuple[str, str, str]:
        """Return (component, recipient, path) of KEY."""
        return (
            self.components[self.key_of["component"][key]],
            self.hosts[self.key_of["host"][key]],
            self.paths[self.key_of["field"][key]],
        )


def _numbered(texts: list[str]) -> tuple[list[str], Ints]:
    names = sorted(set(texts))
    place = {name: number for number, name in enumerate(names)}
    return names, np.fromiter((place[text] for text in texts), np.int64, len(texts))


def lay_out(gathered: Gathered, memory: str = "3GB") -> Fields:
    """Settle who sent each request and lay out its leaves; MEMORY is what DuckDB may use before it goes to disk."""
    request = gathered.request
    visit = np.asarray(request["visit"], np.int64)
    sites = [gathered.visits[number]["site"] for number in request["visit"]]
    settled = [
        gathered.hosts.settle(component, host, site)
        for component, host, site in zip(request["component"], request["host"], sites, strict=True)
    ]
    components, component = _numbered(settled)
    hosts, host = _numbered(request["host"])
    leaves = gathered.leaves()
    flow = component * len(hosts) + host
    paths = gathered.fields.texts()
    wide = flow[leaves["request"]] * max(1, len(paths)) + leaves["field"]
    known, key = np.unique(wide, return_inverse=True)
    del wide
    table = pa.table(
        {
            "request": leaves["request"],
            "key": key.astype(np.int32),
            "visit": visit[leaves["request"]].astype(np.int32),
            "value": leaves["value"],
            "flags": leaves["flags"].astype(np.int32),
            "page": np.asarray(request["page"], np.int32)[leaves["request"]],
        }
    )
    with duckdb.connect() as engine:
        engine.execute(f"set memory_limit = '{memory}'; set threads = 1; set preserve_insertion_order = false")
        engine.register("leaves", table)
        rows = engine.sql(
            "select key, visit, value, bit_or(flags) as flags, min(page) < max(page) as again from leaves"
            " group by key, visit, value"
            " order by key, visit, value"
        ).to_arrow_table()
    columns: dict[str, Any] = {name: rows[name].to_numpy() for name in rows.column_names}
    flows, field = np.divmod(known, max(1, len(paths)))
    return Fields(
        key_of={"component": flows // len(hosts), "host": flows % len(hosts), "field": field},
        components=components,
        hosts=hosts,
        paths=paths,
        wide=known,
        flow=flow,
        leaves=table.select(["request", "key", "visit", "value"]),
        key=columns["key"].astype(np.int64),
        visit=columns["visit"].astype(np.int64),
        value=columns["value"],
        flags=columns["flags"].astype(np.int64),
        again=columns["again"].astype(bool),
    )
