"""What is grouped: texts with what is known of their incidents, read from a run of ingest or from one table of it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.core.columns import one
from consentinel.core.errors import BadInput, UsageError
from consentinel.core.run import Run
from consentinel.core.tables import INCIDENTS, TEXTS

__all__ = ["Records", "read"]

DAY = 86_400_000_000


@dataclass(frozen=True)
class Records:
    """N records to group: ids, texts (title and text), and fields; days and people are NaN where not known."""

    ids: list[str]
    texts: pa.Array
    incident: NDArray[np.bool_]  # the record is an incident with fields of its own
    days: NDArray[np.float64]  # since 1970
    people: NDArray[np.float64]
    subject: pa.Array
    category: pa.Array
    region: pa.Array
    case: NDArray[np.int64]  # of findings and audits: what they are about and who got it; -1 for reports in words


def read(run: Run, path: Path) -> Records:
    """Return the records of PATH: the folder of a run of ingest, an incidents.parquet or a texts.parquet.

    Of a folder every incident is a record, with its text where it has one, and every text that belongs to no incident.
    Raises BadInput for a file that is no such table, UsageError where there are fewer than two records.
    """
    import pyarrow.parquet as pq

    if path.is_dir():
        files = [file for file in (path / "incidents.parquet", path / "texts.parquet") if file.is_file()]
        if not files:
            raise BadInput("holds neither incidents nor texts", where=path.name, todo="Name a run of understand ingest")
    else:
        files = [path]
    incidents, texts = INCIDENTS.empty_table(), TEXTS.empty_table()
    for file in files:
        try:
            table = pq.read_table(run.read(file))
        except pa.ArrowException:
            raise BadInput("is no Parquet file", where=file.name, todo="Name a run of understand ingest") from None
        if "opened" in table.column_names and "incident_id" in table.column_names:
            incidents = table
        elif "text" in table.column_names and "text_id" in table.column_names:
            texts = table
        else:
            raise BadInput("is neither incidents nor texts", where=file.name, todo="Name a run of understand ingest")
    made = _joined(incidents, texts)
    if len(made.ids) < 2:
        raise UsageError(f"{path.name}: {len(made.ids)} records; grouping needs at least two")
    return made


def _joined(incidents: pa.Table, texts: pa.Table) -> Records:
    theirs = dict(zip(texts["text_id"].to_pylist(), texts["text"].to_pylist(), strict=True))
    n = incidents.num_rows
    known = set(incidents["incident_id"].to_pylist())
    alone = pa.array([one not in known for one in texts["incident_id"].to_pylist()], pa.bool_())
    rest = texts.filter(alone)
    titles, ids = incidents["title"].to_pylist(), incidents["text_id"].to_pylist()
    said = [
        "\n".join(part for part in (title, theirs.get(text) if text else None) if part)
        for title, text in zip(titles, ids, strict=True)
    ]
    m = rest.num_rows
    nothing = np.full(m, np.nan)

    def field(name: str) -> pa.Array:
        column = one(incidents[name])
        plain = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
        return pa.concat_arrays([plain.cast(pa.string()), pa.nulls(m, pa.string())])

    def number(name: str, unit: float) -> NDArray[np.float64]:
        column = pc.divide(pc.cast(incidents[name], pa.float64()), unit)
        return np.concatenate([np.asarray(column.to_numpy(), np.float64), nothing])

    return Records(
        ids=incidents["incident_id"].to_pylist() + rest["text_id"].to_pylist(),
        texts=pa.array(said + rest["text"].to_pylist(), pa.string()),
        incident=np.arange(n + m) < n, days=number("opened", DAY), people=number("people", 1.0),
        subject=field("subject"), category=field("category"), region=field("region"),
        case=np.concatenate([_cases(incidents), np.full(m, -1, np.int64)]),
    )  # fmt: skip


def _cases(incidents: pa.Table) -> NDArray[np.int64]:
    """Return for each finding and audit the number of its subject and recipient, -1 for the others.

    Their texts are made from the same few sentences, so words cannot tell them apart; who got data from whom does.
    """
    made: dict[tuple[str | None, str | None], int] = {}
    found = []
    columns = (incidents[name].to_pylist() for name in ("kind", "subject", "facts"))
    for kind, subject, facts in zip(*columns, strict=True):
        whom = next((fact["value"] for fact in facts or [] if fact["name"] == "recipient"), None)
        found.append(made.setdefault((subject, whom), len(made)) if kind in ("finding", "audit") else -1)
    return np.array(found, np.int64)
