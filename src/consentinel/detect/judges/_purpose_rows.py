"""From data and requests to what a recipient got: names of fields, carriers, methods and resource types, gathered.

Batches are reduced to distinct words as they come, so that memory grows with what is different, not with traffic.
"""

from collections.abc import Callable, Collection

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.core.columns import codes, labels
from consentinel.core.tables import TRAFFIC, check
from consentinel.detect.judges._rows import PURPOSE_ROWS

__all__ = ["PurposeFields"]

Names = Callable[[list[str]], Collection[str]]
_HELD = 50_000  # distinct words that are kept before they are brought together
_DATA = ("action", "carrier", "key", "recipient", "seq")
_TRAFFIC = ("direction", "recipient", "method", "resource_type")

# Headers that a browser sets by itself say nothing of the recipient, so their names are no features.
_WORDS = """
with sent as (select * from data where action = 'sent' and seq is not null and carrier <> 'header'),
asked as (select * from traffic where direction = 'sent')
select recipient::varchar as recipient, 'key' as kind, key::varchar as word, 0 as n from sent group by all
union all select recipient::varchar, 'carrier', carrier::varchar, 0 from sent group by all
union all select recipient::varchar, 'method', method::varchar, 0 from asked group by all
union all select recipient::varchar, 'resource', resource_type::varchar, 0 from asked group by all
union all select recipient::varchar, 'requests', null, count(*) from asked group by all
"""
_WHOLE = "select recipient, kind, word, sum(n)::bigint as n from words group by all"
_ROWS = """
select '' as subject, recipient,
  coalesce(list_sort(list(word) filter (kind = 'method' and word is not null)), []) as methods,
  coalesce(list_sort(list(word) filter (kind = 'resource' and word is not null)), []) as resource_types,
  coalesce(list_sort(list(word) filter (kind = 'key' and word is not null)), []) as keys,
  []::varchar[] as types,
  coalesce(list_sort(list(word) filter (kind = 'carrier' and word is not null)), []) as carriers,
  sum(n)::bigint as n_requests
from words group by all order by recipient
"""


class PurposeFields:
    """Gathers what the recipients get that WANTED picks from names; `rows` tells it, a row for each recipient."""

    def __init__(self, wanted: Names) -> None:
        self._wanted = wanted
        self._engine = duckdb.connect(":memory:", config={"threads": 1})
        self._words: list[pa.Table] = []
        self._new = 0

    def batch(self, data: pa.Table, traffic: pa.Table | None) -> None:
        """Take DATA of any types, and the TRAFFIC that it travelled in."""
        told = TRAFFIC.empty_table() if traffic is None else traffic
        data, told = self._picked(data.select(_DATA)), self._picked(told.select(_TRAFFIC))
        if data.num_rows or told.num_rows:
            self._words.append(self._ask(_WORDS, data=data, traffic=told))
            self._new += self._words[-1].num_rows
            if self._new > _HELD:
                self._fold()

    def rows(self) -> pa.Table:
        """Return PURPOSE_ROWS of all that was taken, sorted by recipient; whoever sent it, and without types."""
        if not self._words:
            return PURPOSE_ROWS.empty_table()
        self._fold()
        return check(self._ask(_ROWS, words=self._words[0]), PURPOSE_ROWS, "detect.purposes")

    def _fold(self) -> None:
        self._words, self._new = [self._ask(_WHOLE, words=pa.concat_tables(self._words))], 0

    def drop(self, recipients: Collection[str]) -> None:
        """Forget what RECIPIENTS got."""
        gone = pa.array(sorted(recipients), pa.string())
        self._words = [words.filter(pc.invert(pc.is_in(words["recipient"], value_set=gone))) for words in self._words]

    def _picked(self, table: pa.Table) -> pa.Table:
        names = labels(table["recipient"])
        wanted = self._wanted([name for name in names if name])
        keep = np.array([*(name in wanted for name in names), False])[codes(table["recipient"])]
        return table if keep.all() else table.filter(pa.array(keep))

    def _ask(self, sql: str, **tables: pa.Table) -> pa.Table:
        for name, table in tables.items():
            self._engine.register(name, table)
        return self._engine.sql(sql).to_arrow_table()
