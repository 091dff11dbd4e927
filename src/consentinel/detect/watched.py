"""What models are asked about, as facts that `drift` compares: in training for the card, in a scan against the card."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core.modelfile import ModelFile
from consentinel.detect.drift import Drift, Seen, compare, reference
from consentinel.detect.judges._claim_features import numbers
from consentinel.detect.judges._claim_rows import FLOOR
from consentinel.detect.judges._datum_features import last_names
from consentinel.detect.judges._datum_linear import Linear, from_file
from consentinel.detect.judges._rows import DATUM_ROWS, TYPES
from consentinel.detect.sightings import SAID

__all__ = ["CARD", "claims_drift", "data_drift", "with_claims", "with_data"]

CARD = "reference"  # the field of a model's card that holds what it saw
_UNSURE = (0.2, 0.8)
_NONE = "none"
# They follow from how many visits were made, which training varies itself: a scan of fewer is nothing new to the model.
_OF_VISITS = ("n_requests", "n_visits", "n_digests", "spread", "stable_over_visits", "varies")

# One row is one field of a recipient; headers are by the browser, and what the site itself gets is no model's business.
_FIELDS = """
select recipient::varchar as recipient, key::varchar as key, carrier::varchar as carrier,
  arg_max(type::varchar, type_p) as type, coalesce(max(type_p), 0) as p
from read_parquet($data) where action = 'sent' and carrier <> 'header' and seq is not null and key is not null
  and recipient in (select distinct recipient from read_parquet($traffic) where party = 'third')
group by all order by all
"""
_TAUGHT = """
select family as recipient, key, carrier, arg_max(said, p) as type, max(p) as p from taught
where carrier <> 'header' group by all order by all
"""


def with_claims(model: ModelFile, rows: pa.Table, p: NDArray[np.float64], *, seed: int) -> ModelFile:
    """Return the MODEL of claims with what it saw in its card: ROWS that taught, and their held-out probabilities P."""
    return _carded(model, _claims(rows, p, float(model.card["threshold"])), seed)


def with_data(model: ModelFile, table: pa.Table, *, seed: int) -> ModelFile:
    """Return the MODEL of data with what it saw in its card: the fields of TABLE (DATUM_TABLE).

    Whether a name is known is told as for a family that the model never saw: some other family has it.
    """
    judge = from_file(model)
    rows = pa.table({name: table[name] for name in DATUM_ROWS.names}).cast(DATUM_ROWS)
    every = judge.probabilities(rows)
    said = np.array(TYPES, object)[every.argmax(axis=1)]
    taught = table.select(["family", "key", "carrier"])
    taught = taught.append_column("said", pa.array(said, pa.string())).append_column("p", pa.array(every.max(axis=1)))
    with duckdb.connect(":memory:", config={"threads": 1}) as engine:
        engine.register("taught", taught)
        fields = engine.sql(_TAUGHT).to_arrow_table()
    bucket = _buckets(fields, judge)
    pairs = np.unique(np.column_stack([bucket, _coded(fields["recipient"])]), axis=0)
    families = np.bincount(pairs[:, 0], minlength=len(judge.met))
    return _carded(model, _data(fields, families[bucket] > 1), seed)


def claims_drift(model: ModelFile, rows: pa.Table, told: pa.Table) -> Drift | None:
    """Return how CLAIM_ROWS, and what the MODEL TOLD of them (ANSWER), differ from what it saw; None: not known."""
    p = told["p"].to_numpy().astype(np.float64)
    return compare(model.card.get(CARD, ""), _claims(rows, p, float(model.card.get("threshold", "1"))))


def data_drift(model: ModelFile, scan: Path) -> Drift | None:
    """Return how the data in the folder SCAN differ from what the MODEL saw; None where its card does not say."""
    if CARD not in model.card:
        return None
    judge = from_file(model)
    files = {name: str(scan / f"{name}.parquet") for name in ("data", "traffic")}
    with duckdb.connect(":memory:", config={"threads": 1}) as engine:
        fields = engine.sql(_FIELDS, params=files).to_arrow_table()
    return compare(model.card[CARD], _data(fields, judge.met[_buckets(fields, judge)]))


def _carded(model: ModelFile, seen: Seen, seed: int) -> ModelFile:
    return replace(model, card=dict(model.card) | {CARD: reference(seen, seed=seed)})


def _claims(rows: pa.Table, p: NDArray[np.float64], threshold: float) -> Seen:
    facts: dict[str, NDArray[Any]] = {name: n for name, n in numbers(rows).items() if name not in _OF_VISITS}
    kinds, keys, to, by = (np.array(rows[n].to_pylist(), object) for n in ("type", "key", "recipient", "subject"))
    sure = np.where(np.maximum(p, 1 - p) < threshold, "undecided", "decided").astype(object)
    more = {"type": kinds, "probability": p, "decided": sure}
    return Seen(facts | more, to, np.array([f"{a}|{b}" for a, b in zip(kinds, keys, strict=True)], object), by)


def _data(fields: pa.Table, met: NDArray[np.bool_]) -> Seen:
    p = np.where(fields["p"].to_numpy() >= FLOOR, fields["p"].to_numpy(), 0.0)
    kinds = np.where(p >= SAID, np.array(fields["type"].to_pylist(), object), _NONE)
    low, high = _UNSURE
    facts = {
        "carrier": np.array(fields["carrier"].to_pylist(), object),
        "type": kinds,
        "probability": p,
        "decided": np.where((p > low) & (p < high), "undecided", "decided").astype(object),
        "name": np.where(met, "known", "unknown").astype(object),
        "depth": np.array([key.count(".") for key in fields["key"].to_pylist()], np.float64),
    }
    return Seen(facts, *(np.array(fields[name].to_pylist(), object) for name in ("recipient", "key")))


def _buckets(fields: pa.Table, judge: Linear) -> NDArray[np.int64]:
    names = pa.table({"key": fields["key"].cast(pa.string()).dictionary_encode()})
    return np.asarray(last_names(names) % len(judge.met), np.int64)


def _coded(column: pa.ChunkedArray) -> NDArray[np.int64]:
    return np.unique(np.array(column.to_pylist(), object).astype(str), return_inverse=True)[1]
