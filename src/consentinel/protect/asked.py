"""What a question asks, checked and written out: keys, aggregates with their bounds, filters, tables and joins.

It is made in one place (protect/sql.py), whether the caller wrote SQL or Python, and everything later reads it from
here: the plan, the ticket's digest, the SQL that runs. All SQL in it was written by protect/expressions.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from consentinel.core.contracts import Question
from consentinel.protect.statistic import Bounds

__all__ = ["Aggregate", "Asked", "Filter", "Joined", "Key"]


@dataclass(frozen=True)
class Key:
    """One column of a GROUP BY: its name in the answer, its SQL, and its public values (None: to be selected)."""

    name: str
    sql: str
    values: tuple[str | int | bool, ...] | None


@dataclass(frozen=True)
class Aggregate:
    """One asked number per group.

    Arguments: name in the answer; kind, the mechanism (a part of protect/mechanisms: count, sum, mean, variance,
    standard_deviation, quantiles, histogram, top_k); params, its own settings as text ("of" of count: rows or units;
    "at" of quantiles: exact numbers with commas; "bins" of histogram; "k" of top_k); value, the SQL of the value, or of
    a condition where rows are counted (None: all are); bounds, what the noise is made for.
    """

    name: str
    kind: str
    params: tuple[tuple[str, str], ...]
    value: str | None
    bounds: Bounds

    def param(self, name: str) -> str:
        """Return the setting NAME, or an empty text."""
        return dict(self.params).get(name, "")


@dataclass(frozen=True)
class Filter:
    """One condition that rows meet; aliases are the tables that it reads."""

    sql: str
    aliases: frozenset[str]


@dataclass(frozen=True)
class Joined:
    """One table of the question.

    Arguments: name as declared; alias in the SQL; unit, the column that says whose row it is (empty: it is public);
    columns that are read; side, INNER or LEFT (empty for the first); on, pairs of (SQL of a column of an earlier table,
    own column).
    """

    name: str
    alias: str
    unit: str
    columns: tuple[str, ...]
    side: str = ""
    on: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Asked:
    """A whole question.

    Arguments: keys; aggregates; filters; tables, the first one is private; groups and rows, what each unit is bounded
    to; reach, what one person may change, counted in units (1, more where persons meet in a join); unit_join, whether
    two private tables were joined by their units; fanout, (alias, column, most rows for each of its values) in the
    order of truncation; epochs, per private table the epochs that the question is limited to (none: all of them);
    protects, who the unit is.
    """

    keys: tuple[Key, ...]
    aggregates: tuple[Aggregate, ...]
    filters: tuple[Filter, ...]
    tables: tuple[Joined, ...]
    groups: int
    rows: int
    reach: int
    fanout: tuple[tuple[str, str, int], ...]
    epochs: tuple[tuple[str, tuple[str, ...]], ...]
    protects: str

    @property
    def selects(self) -> bool:
        """Whether which groups there are is itself private."""
        return any(key.values is None for key in self.keys)

    @property
    def width(self) -> int:
        """How many groups there are, where that is public; 0 otherwise."""
        if self.selects:
            return 0
        found = 1
        for key in self.keys:
            found *= len(key.values or ())
        return found

    def question(self, digests: Mapping[str, str] | None = None) -> Question:
        """Return the canonical question; DIGESTS of the tables bind it to the rows that were planned for."""
        return Question.of(
            "aggregates",
            {
                "keys": [[k.name, k.sql, None if k.values is None else list(k.values)] for k in self.keys],
                "aggregates": [
                    [a.name, a.kind, {**dict(a.params)}, a.value, *map(_text, _numbers(a.bounds))]
                    for a in self.aggregates
                ],
                "where": sorted(f.sql for f in self.filters),
                "tables": [[t.name, t.alias, t.unit, t.side, [list(pair) for pair in t.on]] for t in self.tables],
                "bounds": {"groups": self.groups, "rows": self.rows, "reach": self.reach},
                "fanout": [list(f) for f in self.fanout],
                "unit": self.protects,
                "digests": dict(digests or {}),
            },
        )


def _numbers(bounds: Bounds) -> tuple[object, ...]:
    return bounds.groups, bounds.rows, bounds.low, bounds.high, bounds.least, bounds.most


def _text(value: object) -> str | None:
    return None if value is None else str(value)
