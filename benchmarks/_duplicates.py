"""Records that pairs were drawn from, as the program reads them, and the pairs with their two labels.

Pairs were drawn before any model ran: thirty in each tenth of the cosine of TF-IDF (words and pairs of words), none of
texts that are equal, no record twice; from breach narratives, breach notices, app reviews and segments of policies.
The file holds ids and labels; texts stay where they are.
"""

import csv
import gzip
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from benchmarks._claim import ROOT
from consentinel.core.run import Outcome
from consentinel.understand import ingest

__all__ = ["DEVELOPMENT", "PAIRS", "labelled", "runs"]

PAIRS = ROOT / "benchmarks" / "data" / "duplicates_pairs.csv"  # id_1, id_2, label_1, label_2
DEVELOPMENT = ROOT / "benchmarks" / "data" / "duplicates_development.csv"  # id_1, id_2, label: what weights come from
_HHS = "text=description,source_id=record_id,subject=entity,category=breach_type,region=state,opened=submitted,people=individuals_affected"  # noqa: E501
_HIBP = "text=Description,source_id=id,subject=Title,region=,opened=BreachDate,people=PwnCount,category=,data_types="


def labelled(path: Path) -> list[dict[str, str]]:
    """Return the rows of a file of labelled pairs."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@contextmanager
def runs() -> Iterator[dict[str, tuple[Path, dict[str, str]]]]:
    """Give for each set the run of ingest and which record of it is which id, in a folder that goes afterwards."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        yield {name: _ingested(folder, name, rows, kind, columns) for name, rows, kind, columns in _sets()}


def _sets() -> Iterator[tuple[str, list[dict[str, Any]], str, str]]:
    at = Path(os.environ.get("CONSENTINEL_SHARED_DATA", ROOT.parent / "shared" / "data")) / "understand"
    if not (at / "hhs_breaches").is_dir():
        raise SystemExit("no hhs_breaches: set CONSENTINEL_SHARED_DATA to the folder that has it under understand/")
    rows = pq.read_table(at / "hhs_breaches" / "records.parquet").to_pylist()
    yield "hhs", [row | {"submitted": str(row["submitted"])} for row in rows if row["description"]], "incident", _HHS
    with gzip.open(at / "hibp_breaches" / "breaches.jsonl.gz", "rt", encoding="utf-8") as file:
        yield "hibp", [row | {"id": row["Name"]} for row in map(json.loads, file)], "incident", _HIBP
    rows = pq.read_table(at / "app_reviews_privacy" / "labeled_reviews.parquet").to_pylist()
    reviews = [{"id": str(n), "text": row["content"]} for n, row in enumerate(rows) if row["content"]]
    yield "review", reviews, "app_review", "text=text,source_id=id"
    with gzip.open(at / "opp115_segments" / "segments.jsonl.gz", "rt", encoding="utf-8") as file:
        segments = [{"id": str(n), "text": row["text"]} for n, row in enumerate(map(json.loads, file))]
    yield "opp", segments, "policy", "text=text,source_id=id"


def _ingested(
    folder: Path, name: str, rows: list[dict[str, Any]], kind: Any, columns: str
) -> tuple[Path, dict[str, str]]:
    file = folder / f"{name}.jsonl"
    file.write_text("".join(f"{json.dumps(row, default=str)}\n" for row in rows), "utf-8")
    out: Outcome = ingest([file], out=folder / name, kind=kind, columns=columns, project_key_file=folder / "key")
    ids = {}
    for table, key in (("incidents", "incident_id"), ("texts", "text_id")):
        found = pq.read_table(out.tables[table])
        if table == "texts" and kind == "incident":
            continue
        order = [rows[row] for row in found["source_row"].to_pylist()]
        of = "record_id" if name == "hhs" else "id"
        ids |= {f"{name}:{row[of]}": record for row, record in zip(order, found[key].to_pylist(), strict=True)}
    return folder / name, ids
