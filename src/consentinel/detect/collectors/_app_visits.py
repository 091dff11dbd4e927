"""A study of apps as the tables of a scan: an app under a condition is a visit, what it sent is DATA."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.core.columns import codes, grouped, ints, labels, one, relabel
from consentinel.core.tables import CONSENT, DATA, LABEL, TRAFFIC, VISITS
from consentinel.detect import parties
from consentinel.detect.collectors._batch import Batch, Options
from consentinel.detect.consent import FOREVER

__all__ = ["batch"]

STATED = 0.97  # probability of a type that a study names: it decoded the field, nobody looked again


def batch(
    sent: pa.Table, declared: pa.Table | None, screens: dict[str, str], choice: set[str], source: str, options: Options
) -> Batch:
    """Return the whole study as one Batch.

    SENT: subject, scenario, recipient, key, type, carrier (labels), count, time. DECLARED: subject, key, type, carrier.
    SCREENS: subject -> word for what it showed; CHOICE: the subjects that could choose. Every app with a screen has a
    visit without action, also when it sent nothing; what is declared belongs to a visit of unknown scenario.
    """
    visit, declares, keys = _numbered(sent, declared, screens)
    first = np.full(len(keys), FOREVER, np.int64)
    np.minimum.at(first, visit, ints(sent["time"], FOREVER))
    started = pa.array(first, mask=first == FOREVER)
    visits = _visits(keys, started, source, options)
    rows, traffic = _sent(sent, visit, visits)
    tables = [rows]
    if declared is not None:
        order = pa.array(np.argsort(declares, kind="stable"))
        declared = declared.take(order)
        columns = {"visit_id": visits["visit_id"].take(pa.array(declares).take(order)), "action": "declared"}
        tables.append(_data(columns | {n: declared[n] for n in ("key", "type", "carrier")}, declared.num_rows))
    data = pa.concat_tables(tables).unify_dictionaries().combine_chunks()
    return Batch(traffic, visits=visits, consent=_consent(keys, visits, screens, choice), data=data, done=True)


def _numbered(
    sent: pa.Table, declared: pa.Table | None, screens: dict[str, str]
) -> tuple[np.ndarray, np.ndarray, list[tuple[str, str]]]:
    """The visit number of each row of SENT and DECLARED, and the (subject, scenario) of each visit."""
    texts = [
        pc.binary_join_element_wise(sent["subject"].cast(pa.string()), sent["scenario"].cast(pa.string()), "\n"),
        pa.chunked_array([pa.array([f"{subject}\nno_action" for subject in screens], pa.string())]),
    ]
    if declared is not None:
        texts.append(pc.binary_join_element_wise(declared["subject"].cast(pa.string()), "unknown", "\n"))
    number = one(pa.chunked_array([c for t in texts for c in t.chunks], pa.string()).dictionary_encode())
    at, keys = codes(number), [tuple(key.split("\n")) for key in labels(number)]
    n, after = sent.num_rows, sent.num_rows + len(screens)
    return at[:n], at[after:], keys


def _visits(keys: list[tuple[str, str]], started: pa.Array, source: str, options: Options) -> pa.Table:
    n = len(keys)
    columns: dict[str, Any] = {
        "visit_id": [f"{options.file_no:04d}.0.{i}" for i in range(n)],
        "source_kind": "mobile",
        "source_name": source,
        "subject": [subject for subject, _ in keys],
        "page_template": [""] * n,
        "started": started,
        "scenario": [scenario for _, scenario in keys],
        "scenario_proof": "unknown",
        "repeat": [0] * n,
        "region": options.region,
    }
    return _table(columns, n, VISITS)


def _sent(sent: pa.Table, visit: np.ndarray, visits: pa.Table) -> tuple[pa.Table, pa.Table]:
    """DATA, equal rows of the study brought together, and TRAFFIC: one row for each recipient of a visit.

    A study does not tell requests; a row of TRAFFIC says that there was at least one.
    """
    by = [(visit, len(visits)), *((codes(sent[n]), len(labels(sent[n]))) for n in ("recipient", "key", "carrier"))]
    groups = grouped(*by)
    row = groups.order[groups.starts]
    told, visit = sent.take(pa.array(row)), visit[row]
    recipient = codes(told["recipient"])
    pair = visit * (len(labels(told["recipient"])) + 1) + recipient + 1
    known = recipient >= 0
    pairs, place = np.unique(pair[known], return_inverse=True)
    at_visit, who = np.divmod(pairs, len(labels(told["recipient"])) + 1)
    seq = np.arange(len(pairs)) - np.searchsorted(at_visit, at_visit)
    of_row = np.full(len(row), -1, np.int64)
    of_row[known] = seq[place]
    times = groups.least(ints(sent["time"], FOREVER))
    time = pa.array(times, mask=times == FOREVER)
    data = _data(
        {
            "visit_id": visits["visit_id"].take(pa.array(visit)),
            "seq": pa.array(of_row.astype(np.int32), mask=of_row < 0),
            "time": time,
            "action": "sent",
            "count": pa.array(groups.sum(ints(sent["count"], 1))),
            **{n: told[n] for n in ("carrier", "key", "type", "recipient")},
        },
        len(row),
    )
    return data, _traffic(visits, at_visit, who - 1, seq, labels(told["recipient"]))


def _traffic(visits: pa.Table, visit: np.ndarray, who: np.ndarray, seq: np.ndarray, names: list[str]) -> pa.Table:
    subjects = visits["subject"].cast(pa.string()).to_pylist()
    known = parties.lookup(names)
    owner, site = known["owner"].to_pylist(), known["recipient"].to_pylist()
    of_subject = dict(zip(subjects, parties.lookup(subjects)["owner"].to_pylist(), strict=True))
    party = [
        parties.party(subjects[v], site[w], of_subject[subjects[v]], owner[w])
        for v, w in zip(visit.tolist(), who.tolist(), strict=True)
    ]
    columns = {
        "visit_id": visits["visit_id"].take(pa.array(visit)),
        "seq": seq,
        "channel": "app",
        "direction": "sent",
        "host": relabel(who, names),
        "recipient": relabel(who, names),
        "owner": relabel(who, owner),
        "category": relabel(who, known["category"].to_pylist()),
        "party": party,
    }
    return _table(columns, len(seq), TRAFFIC)


def _data(columns: dict[str, Any], n: int) -> pa.Table:
    typed = one(columns["type"]).is_valid()
    told = {"decode_path": "", "depth": np.zeros(n, np.int32), "count": np.ones(n, np.int64)}
    p = pa.array(np.full(n, STATED, np.float32), mask=pc.invert(typed).to_numpy(zero_copy_only=False))
    return _table(told | columns | {"type_p": p}, n, DATA)


def _consent(keys: list[tuple[str, str]], visits: pa.Table, screens: dict[str, str], choice: set[str]) -> pa.Table:
    """What is known of visits without action: a choice was offered and not yet made, or nothing decides."""
    at = [i for i, (_, scenario) in enumerate(keys) if scenario == "no_action"]
    subjects = [keys[i][0] for i in at]
    columns: dict[str, Any] = {
        "visit_id": visits["visit_id"].take(pa.array(at, pa.int64())),
        "subject": subjects,
        "scope": "",
        "source": "table",
        "valid_from": np.zeros(len(at), np.int64),
        "valid_until": np.full(len(at), FOREVER),
        "observed": visits["started"].take(pa.array(at, pa.int64())),
        "state": ["unset" if s in choice else "unknown" for s in subjects],
        "quality": "ok",
        "reason": [screens.get(s, "") for s in subjects],
    }
    return _table(columns, len(at), CONSENT)


def _table(columns: dict[str, Any], n: int, schema: pa.Schema) -> pa.Table:
    """Return a table of SCHEMA with N rows; one text stands for all rows, and a column that is not given is null."""
    out = []
    for field in schema:
        column = columns.get(field.name)
        if column is None:
            column = pa.nulls(n, field.type)
        elif isinstance(column, str):
            column = relabel(np.zeros(n, np.int64), [column])
        elif isinstance(column, (list, np.ndarray)):
            plain = field.type.value_type if field.type == LABEL else field.type
            column = pa.array(column, plain)
        column = one(column)
        if field.type == LABEL and not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        out.append(column.cast(field.type))
    return pa.table(out, schema=schema)
