"""Types of data told, for each recipient, by a judge that never saw a datum of its family.

A judge of claims that learnt from types as the shipped judge of data tells them would take them for better than they
are anywhere else: that judge was trained on the same recipients.
"""

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.core.columns import codes, floats, labels, one
from consentinel.core.errors import BadInput
from consentinel.core.progress import each
from consentinel.core.tables import DATA, check
from consentinel.detect._datum_types import DatumTypes
from consentinel.detect.judges._claim_training import folds
from consentinel.detect.judges._datum_linear import LinearJudge
from consentinel.detect.judges._datum_train import fitted
from consentinel.detect.judges._rows import TYPES
from consentinel.detect.modelled import Candidates
from consentinel.detect.page_load_ids import needed_rows

__all__ = ["HeldOutTypes", "joined"]

_RECIPIENTS = """
select distinct recipient_domain, recipient, family from read_parquet(?)
where "group" = 'train' and purpose <> 'first_party' order by all
"""
_REMEDY = "Give a folder with labels.parquet as `make range` writes it (range/README.md)"


class HeldOutTypes:
    """Types DATA anew, each row by the judge of the fold that its recipient is in."""

    def __init__(self, table: pa.Table, label_folder: Path, *, seed: int) -> None:
        """Train one judge a fold on the rows of TABLE (DATUM_TABLE) that are not of its families.

        The labels in LABEL_FOLDER say which families a recipient belongs to; those that share one are in one fold.
        Recipients that they do not name are in no judge's table. Raises BadInput when there are no such labels,
        MissingExtra without scikit-learn.
        """
        try:
            known = duckdb.execute(_RECIPIENTS, [str(label_folder / "labels.parquet")]).fetchall()
        except duckdb.Error as why:
            raise BadInput(f"cannot be read ({type(why).__name__})", where="labels.parquet", todo=_REMEDY) from None
        group = joined([(domain, family) for domain, _, family in known])
        mine = np.array([group.get(family, family) for family in table["family"].to_pylist()])
        fold = folds(mine, seed)
        fold_of = dict(zip(mine.tolist(), fold.tolist(), strict=True))
        self._fold: dict[str, int] = {domain: fold_of.get(group[family], 0) for domain, _, family in known}
        for _, host, family in known:  # a scan may cut a host elsewhere than the labels do
            for at in (n for n, sign in enumerate(host or "") if sign == "."):
                self._fold.setdefault(host[at + 1 :], fold_of.get(group[family], 0))
            self._fold.setdefault(host, fold_of.get(group[family], 0))
        numbers = np.unique(fold).tolist()
        self._judges = [
            DatumTypes(Candidates(LinearJudge(fitted(table.filter(pa.array(fold != at)), seed), f"fold {at}")))
            for at in each(numbers, "folds of the judge of data")
        ]

    def fold(self, recipient: str | None) -> int:
        """Return which judge types what RECIPIENT got."""
        return self._fold.get(recipient or "", 0)

    def retyped(self, data: pa.Table) -> pa.Table:
        """Return DATA that recognisers typed as the judges type it: a row for each type, the most probable first.

        What was sent and has no type is left out; types that planted values state stay.
        """
        fold = np.array([*map(self.fold, labels(data["recipient"])), 0])[codes(data["recipient"])]
        tables = [DATA.empty_table()]
        for number, judge in enumerate(self._judges):
            rows = data.filter(pa.array(fold == number))
            if rows.num_rows:
                tables.append(_typed(rows, judge))
        return pa.concat_tables(tables).unify_dictionaries()


def _typed(data: pa.Table, judge: DatumTypes) -> pa.Table:
    key, carrier, shape, kind = (one(data[name]) for name in ("key", "carrier", "shape", "type"))
    p = floats(data["type_p"]).astype(np.float32)
    stated = np.array([TYPES.index(name) if name in TYPES else -1 for name in labels(kind)] + [-1])[codes(kind)]
    proved = data["planted_id"].is_valid().to_numpy() & (stated >= 0)
    told = judge.ask(key, carrier, shape, kind, p).settle(proved, stated, p)
    row, entry = told.rows(np.arange(data.num_rows))
    new, sure = told.kind[entry], told.p[entry].astype(np.float32)
    kinds = pa.DictionaryArray.from_arrays(pa.array(np.maximum(new, 0).astype(np.int32), mask=new < 0), pa.array(TYPES))
    columns = {"type": kinds, "type_p": pa.array(sure, mask=new < 0)}
    rows = data.take(pa.array(row))
    rows = pa.table([columns.get(name, rows[name]) for name in DATA.names], schema=DATA)
    sent = pc.equal(rows["action"].cast(pa.string()), "sent")
    nothing = (new < 0) & ~needed_rows(rows)
    return check(rows.filter(pc.invert(pc.and_(sent, pa.array(nothing)))), DATA, "detect.train")


def joined(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Return for each family of the (recipient, family) PAIRS the one that stands for all that share recipients."""
    first: dict[str, str] = {}
    parent = {family: family for _, family in pairs}

    def root(family: str) -> str:
        while parent[family] != family:
            family = parent[family]
        return family

    for recipient, family in pairs:
        other = root(first.setdefault(recipient, family))
        low, high = sorted((other, root(family)))
        parent[high] = low
    return {family: root(family) for family in parent}
