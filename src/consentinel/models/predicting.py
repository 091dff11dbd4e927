"""Ask a model about the rows of a file and keep its answers."""

from pathlib import Path

import pyarrow as pa

from consentinel.core.errors import UsageError
from consentinel.core.model_contracts import Model
from consentinel.core.run import Outcome, Run
from consentinel.core.tables import check
from consentinel.models import files, kept, reading
from consentinel.models.evaluation.measuring import answers, asked_of
from consentinel.models.rows import RANKED

__all__ = ["predict"]


def predict(run: Run, model: Path, path: Path, *, k: int, columns: str, form: str) -> Outcome:
    """Keep what MODEL answers for the rows of PATH as predictions.parquet, and in the format FORM where it is another.

    Raises UsageError, BadInput; ContractBroken where the model does not answer as promised.
    """
    if k < 1:
        raise UsageError(f"k, the most items for each query, is at least 1; got {k}")
    opened = kept.opened(run, model)
    shelf, found = opened.shelf, opened.model
    table = files.renamed(files.read(run.read(path)), columns)
    if found.kind in ("recsys", "ranking"):
        made = _ranked(found, table, shelf, path.name, k)
    else:
        if form in ("run", "inter"):
            raise UsageError(f"a {found.kind} model ranks nothing, so there is no .{form} file of it; leave out --form")
        rows = reading.shaped(table, shelf, path.name)
        answers(found, reading.unlabelled(rows, shelf))
        made = found.predict(reading.unlabelled(rows, shelf))
    out = {"predictions": run.keep("predictions", made)}
    if form != "parquet":
        out[form] = run.kept(files.write(made, run.out / f"predictions.{form}"), rows=made.num_rows)
    return Outcome(run, 0, out, f"{shelf}/{opened.name}: {made.num_rows:,} answers for {table.num_rows:,} rows")


def _ranked(model: Model, table: pa.Table, shelf: str, where: str, k: int) -> pa.Table:
    """Return what MODEL ranks: candidates or pictures that are rows of their shelf themselves, else for queries."""
    if shelf == "vision" or (shelf == "rank" and {"features", "score"} & set(table.column_names)):
        rows = reading.unlabelled(reading.shaped(table, shelf, where), shelf)
        if shelf == "vision" and "k" not in rows.column_names:
            rows = rows.append_column("k", pa.array([k] * rows.num_rows, pa.int32()))
        return check(model.predict(rows), RANKED, where)
    return asked_of(model, reading.queries(table, where, k))
