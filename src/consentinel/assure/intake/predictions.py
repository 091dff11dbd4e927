"""A table of answers that a model gave earlier, Parquet or CSV; what asks the model again cannot be measured."""

from pathlib import Path

import pyarrow as pa

from consentinel.assure.intake._opened import Opened
from consentinel.assure.tables_read import read
from consentinel.core.errors import UsageError

__all__ = ["ALLOWS", "opened", "takes"]

ALLOWS = "what was answered can be measured; the model cannot be asked again, trained again or looked into"
SUFFIXES = (".parquet", ".csv", ".tsv", ".run")


def takes(given: str, /) -> bool:
    """Return whether GIVEN has the suffix of a table."""
    return given.lower().endswith(SUFFIXES)


def opened(given: str, kind: str, /) -> Opened:
    """Return the answers in the file GIVEN, one column of them named as an audit does; raises BadInput, UsageError.

    Classifiers: score, prediction (or label), probabilities where there are, id where rows are not in the order of the
    data. Rankings: query (or user), item, score.
    """
    path = Path(given)
    table = read(path)
    names = table.column_names
    if kind in ("recsys", "ranking"):
        table = table.rename_columns(["query" if n == "user" and "query" not in names else n for n in names])
        wanted = ("query", "item", "score")
    else:
        if "prediction" in names:
            table = table.drop_columns(["label"] if "label" in names else []).rename_columns(
                ["label" if name == "prediction" else name for name in names if name != "label"]
            )
        wanted = ("score",)
    lost = [name for name in wanted if name not in table.column_names]
    if lost:
        raise UsageError(
            f"{path.name}: no column '{lost[0]}' of answers; there is: {', '.join(names)[:300]}. "
            f"Name it with --columns {lost[0]}=THEIRS"
        )
    if pa.types.is_string(table["score"].type) or pa.types.is_list(table["score"].type):
        raise UsageError(f"{path.name}: the column 'score' holds no numbers")
    return Opened(answers=table, made_of=(path,))
