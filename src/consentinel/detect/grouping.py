"""Equal claims become one group, batch by batch and then over all batches: counts, times, names, examples."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.core import evidence
from consentinel.core.columns import Groups, codes, floats, grouped, ints, labels, one, relabel
from consentinel.core.tables import EVIDENCE

__all__ = ["GROUPED_BY", "PARTIAL", "TOLD", "merge", "partial"]

EVIDENCE_PER_GROUP = 3
MAX_KEYS = 8
GROUPED_BY = ("subject", "scenario", "recipient", "type", "carrier", "consent_state")
TOLD = ("owner", "category", "party", "purpose", "consent_source")  # the same within a group
# What a record of evidence says of the datum, beside its request and the state of consent.
_OF_DATUM = (
    "seq", "time", "action", "carrier", "key", "decode_path", "length", "shape", "type", "planted_form", "matched_bits",
    "lifetime_s", "recipient",
)  # fmt: skip
# Where on the request a datum sat, as a person would say it; findings do not tell one kind of body from another.
_PLACE = {
    "query": "url", "path": "url", "fragment": "url", "form": "body", "json": "body", "multipart": "body",
    "text": "body", "body": "body", "set-cookie": "storage", "cookie-store": "storage", "local-storage": "storage",
    "session-storage": "storage",
}  # fmt: skip

_LABEL = pa.dictionary(pa.int32(), pa.string())
# Groups of one batch: what they are grouped by, what is told with them, sums, and one example.
PARTIAL = pa.schema(
    [
        ("rule", pa.int32()),
        ("requirement", pa.int32()),  # the first of those with the same need and basis
        ("severity", pa.int32()),  # rank of the worst, 0 is critical
        *((name, _LABEL) for name in (*GROUPED_BY, *TOLD)),
        *((name, pa.int64()) for name in ("n", "n_visits", "first", "last")),
        ("p", pa.float64()),
        ("bits", pa.int32()),
        ("keys", pa.list_(pa.string())),
        ("evidence_ids", pa.list_(pa.string())),
        ("location", _LABEL),
        ("line", pa.int32()),
        ("col", pa.int32()),
    ],
)


def partial(
    claims: pa.Table, rule: np.ndarray, alike: np.ndarray, rank: np.ndarray, data: pa.Table, traffic: pa.Table | None
) -> tuple[pa.Table, pa.Table]:
    """Return (PARTIAL, EVIDENCE) of the CLAIMS of one batch; RULE is the number of the rule of each row.

    ALIKE and RANK have an entry for each requirement: the first one with its need and basis, and how severe it is.

    A group counts events: several values in one request, or in one write to storage, are one.
    """
    place = [_PLACE.get(c, c) for c in labels(claims["carrier"])]
    at = claims.schema.get_field_index("carrier")
    claims = claims.set_column(at, "carrier", relabel(codes(claims["carrier"]), place))
    requirement = alike[ints(claims["requirement"])]
    by = [(rule, int(rule.max()) + 1), (requirement, int(requirement.max()) + 1)]
    by += [(codes(claims[n]), len(labels(claims[n]))) for n in GROUPED_BY]
    groups = grouped(*by)
    row = groups.order[groups.starts]
    records, place_of = _examples(claims.take(pa.array(row)), data, traffic)
    n_visits, n = _events(claims, groups)
    columns = {
        "rule": pa.array(rule[row].astype(np.int32)),
        "requirement": pa.array(requirement[row].astype(np.int32)),
        "severity": pa.array(groups.least(rank[ints(claims["requirement"])]).astype(np.int32)),
        "n": pa.array(n),
        "n_visits": pa.array(n_visits),
        "first": pa.array(groups.least(ints(claims["time"]))),
        "last": pa.array(groups.most(ints(claims["time"]))),
        "p": pa.array(groups.most(floats(claims["type_p"]))),
        "bits": pa.array(groups.most(ints(claims["matched_bits"])).astype(np.int32)),
        "keys": _keys(claims["key"], groups),
        "evidence_ids": pa.ListArray.from_arrays(np.arange(len(row) + 1, dtype=np.int32), one(records["evidence_id"])),
    } | place_of
    columns |= {name: one(claims[name]).take(pa.array(row)) for name in (*GROUPED_BY, *TOLD)}
    return pa.table([columns[f.name] for f in PARTIAL], schema=PARTIAL), records


def _events(claims: pa.Table, groups: Groups) -> tuple[np.ndarray, np.ndarray]:
    """Distinct visits, and distinct requests or writes weighted by the rows of the source, of each group."""
    order = groups.order
    visit, time, seq = codes(claims["visit_id"])[order], ints(claims["time"])[order], ints(claims["seq"], -1)[order]
    new_visit, new_event = groups.first.copy(), groups.first.copy()
    new_visit[1:] |= visit[1:] != visit[:-1]
    new_event[1:] |= (visit[1:] != visit[:-1]) | (time[1:] != time[:-1]) | (seq[1:] != seq[:-1])
    count = np.where(new_event, ints(claims["n"], 1)[order], 0)
    return np.add.reduceat(new_visit, groups.starts, dtype=np.int64), np.add.reduceat(count, groups.starts)


def _keys(key: pa.ChunkedArray, groups: Groups) -> pa.ListArray:
    """The names of the fields of each group, most frequent first."""
    column = one(key)
    code, group = codes(column)[groups.order], groups.number()
    packed, n = np.unique(group * (len(column.dictionary) + 1) + code + 1, return_counts=True)
    group, code = packed // (len(column.dictionary) + 1), packed % (len(column.dictionary) + 1) - 1
    order = np.lexsort((code, -n, group))
    group, code = group[order], code[order]
    rank = np.arange(len(group)) - np.searchsorted(group, group)
    keep = (rank < MAX_KEYS) & (code >= 0)
    ends = np.searchsorted(group[keep], np.arange(len(groups.starts) + 1)).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(ends), column.dictionary.take(pa.array(code[keep])))


def _examples(claims: pa.Table, data: pa.Table, traffic: pa.Table | None) -> tuple[pa.Table, dict[str, pa.Array]]:
    """EVIDENCE of one row of each group, and the place in the code that it came from."""
    datum = data.select(["visit_id", *_OF_DATUM]).take(claims["row"])
    facts = {name: datum[name] for name in _OF_DATUM}
    facts |= {
        "scenario": claims["scenario"],
        "consent": claims["consent_state"],
        "consent_from": claims["consent_source"],
    }
    where: dict[str, pa.Array] = {
        n: pa.nulls(claims.num_rows, PARTIAL.field(n).type) for n in ("location", "line", "col")
    }
    rows = _traffic_rows(traffic, datum)
    if traffic is not None:
        asked = pa.array(rows, mask=rows < 0)
        request = traffic.select(["method", "path_template", "status", "initiator_url", "line", "col"]).take(asked)
        facts |= {"method": request["method"], "path": request["path_template"], "status": request["status"]}
        where = {"location": one(request["initiator_url"]), "line": one(request["line"]), "col": one(request["col"])}
    return evidence.records(pa.table(facts), one(datum["visit_id"])), where


def _traffic_rows(traffic: pa.Table | None, datum: pa.Table) -> np.ndarray:
    """The row of TRAFFIC that each datum travelled in, or -1.

    seq counts the rows of a visit from 0 and the rows of a visit lie together, so it is an offset; a table that does
    not keep this gives -1.
    """
    if traffic is None or not traffic.num_rows:
        return np.full(datum.num_rows, -1)
    visit, names = codes(traffic["visit_id"]), labels(traffic["visit_id"])
    firsts = np.flatnonzero(np.concatenate(([True], visit[1:] != visit[:-1])))
    start = {names[visit[i]]: i for i in reversed(firsts.tolist())}
    begins = np.array([start.get(n, -1) for n in labels(datum["visit_id"])] + [-1])[codes(datum["visit_id"])]
    seq = ints(datum["seq"], -1)
    row = np.where((begins >= 0) & (seq >= 0), begins + seq, -1)
    row = np.where(row < traffic.num_rows, row, -1)
    at = np.maximum(row, 0)
    ids = np.array([names.index(n) if n in start else -2 for n in labels(datum["visit_id"])] + [-2])
    same = (ints(traffic["seq"])[at] == seq) & (visit[at] == ids[codes(datum["visit_id"])])
    return np.where(same, row, -1)


def merge(partials: list[pa.Table]) -> pa.Table:
    """Return the PARTIAL tables of all batches as one row a group."""
    if not partials:
        return PARTIAL.empty_table()
    every = pa.concat_tables(partials).unify_dictionaries().combine_chunks()
    if not every.num_rows:
        return every
    by = [(ints(every[n]), int(ints(every[n]).max()) + 1) for n in ("rule", "requirement")]
    by += [(codes(every[n]), len(labels(every[n]))) for n in GROUPED_BY]
    groups = grouped(*by)
    first = every.take(pa.array(groups.order[groups.starts]))
    merged: dict[str, pa.Array] = {n: pa.array(groups.sum(ints(every[n]))) for n in ("n", "n_visits")}
    merged |= {
        "first": pa.array(groups.least(ints(every["first"]))),
        "last": pa.array(groups.most(ints(every["last"]))),
    }
    merged |= {
        "p": pa.array(groups.most(floats(every["p"]))),
        "bits": pa.array(groups.most(ints(every["bits"])), pa.int32()),
    }
    merged["severity"] = pa.array(groups.least(ints(every["severity"])), pa.int32())
    limits = {"keys": MAX_KEYS, "evidence_ids": EVIDENCE_PER_GROUP}
    merged |= {name: _gathered(one(every[name]), groups, limit) for name, limit in limits.items()}
    return pa.table([merged.get(f.name, first[f.name]) for f in PARTIAL], schema=PARTIAL)


def _gathered(lists: pa.ListArray, groups: Groups, limit: int) -> pa.ListArray:
    """The items of the lists of each group, each once, the first LIMIT of them."""
    parent = pc.list_parent_indices(lists).to_numpy()
    rank_of_row = np.empty(len(groups.order), np.int64)
    rank_of_row[groups.order] = np.arange(len(groups.order))
    order = np.argsort(rank_of_row[parent], kind="stable")
    group = groups.number()[rank_of_row[parent]][order]
    items = lists.flatten().take(pa.array(order)).dictionary_encode()
    _, seen_first = np.unique(group * (len(items.dictionary) + 1) + codes(items), return_index=True)
    at = np.sort(seen_first)
    rank = np.arange(len(at)) - np.searchsorted(group[at], group[at])
    at = at[rank < limit]
    ends = np.searchsorted(group[at], np.arange(len(groups.starts) + 1)).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(ends), items.take(pa.array(at)).cast(pa.string()))


def used(evidence_table: pa.Table, partial_table: pa.Table) -> pa.Table:
    """Return the EVIDENCE rows that groups point to, each once."""
    if not evidence_table.num_rows:
        return EVIDENCE.empty_table()
    wanted = pc.unique(one(partial_table["evidence_ids"]).flatten())
    ids = evidence_table["evidence_id"].combine_chunks()
    return evidence_table.take(pc.index_in(wanted, value_set=one(pa.chunked_array([ids]))))
