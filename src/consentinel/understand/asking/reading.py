"""A question being read: its items, which of them were used, and the columns that they speak of."""

from collections.abc import Callable
from dataclasses import dataclass

from consentinel.understand.asking.lexicon import Item, Lexicon
from consentinel.understand.asking.live import name
from consentinel.understand.asking.query import Measure
from consentinel.understand.asking.refusal import Refused
from consentinel.understand.asking.words import LISTED, TIME, rows_of

__all__ = ["QUIET", "Reading"]

QUIET = frozenset(["WEAK", "TO", "ON", "ALL"])  # they may stand anywhere
_MADE = {"SUM": "sum", "AVG": "avg", "MEDIAN": "median", "MIN": "min", "MAX": "max"}
_SAID = {"sum": "total", "avg": "average", "median": "median", "min": "smallest", "max": "largest"}


@dataclass
class Reading:
    """The ITEMS of a question about the table of LEXICON."""

    items: list[Item]
    lexicon: Lexicon

    def strong(self, at: int, step: int, *, over: tuple[str, ...] = ()) -> int | None:
        """Return the place of the next item from AT in the direction STEP that is not quiet nor tagged as in OVER."""
        at += step
        while 0 <= at < len(self.items):
            if self.items[at].tag not in QUIET and self.items[at].tag not in over:
                return at
            at += step
        return None

    def tag(self, at: int | None) -> str:
        """Return the tag at AT, empty beyond the ends."""
        return "" if at is None else self.items[at].tag

    def places(self, *tags: str, fit: Callable[[Item], bool] = lambda item: True) -> list[int]:
        """Return the places of unused items with one of TAGS that FIT."""
        return [i for i, item in enumerate(self.items) if item.tag in tags and not item.used and fit(item)]

    def use(self, *places: int | None) -> None:
        """Mark the items at PLACES as used."""
        for at in places:
            if at is not None:
                self.items[at].used = True

    def column(self, at: int | None, *roles: str) -> str | None:
        """Return the column that the item at AT names, where it has one of ROLES; raises Refused for two."""
        if at is None or self.items[at].tag != "COLUMN":
            return None
        table = self.lexicon.table
        fits = [one for one in self.items[at].what if table.columns[one].role in roles]
        if len(fits) > 1:
            raise Refused(f"'{self.items[at].text}' may be {' or '.join(fits)}")
        if fits and not table.columns[fits[0]].filled:
            raise Refused(f"'{fits[0]}' has no values in {table.name}", 3)
        return fits[0] if fits else None

    def label(self, at: int | None) -> str | None:
        """Return the column of labels that the item at AT names."""
        return self.column(at, "label", "list", "flag")

    def number(self, at: int | None) -> str | None:
        """Return the column of numbers that the item at AT names."""
        return self.column(at, "number")

    def time(self, at: int | None = None) -> str:
        """Return the column of times that the item at AT is about: a cue near it says which; raises Refused."""
        table = self.lexicon.table
        times = [c.name for c in table.columns.values() if c.role == "time" and c.filled]
        if not times:
            raise Refused(f"{rows_of(table.name)} have no dates", 3)
        if at is not None:
            near = [*range(at - 1, max(-1, at - 5), -1), *range(at + 1, min(len(self.items), at + 3))]
            for i in near:
                item = self.items[i]
                if item.tag == "TIME" and item.what in times:
                    item.used = True
                    return str(item.what)
                if item.tag == "COLUMN" and set(item.what) & set(times) and not item.used:
                    item.used = True
                    return str(next(one for one in item.what if one in times))
                if item.tag in ("PERIOD", "BY", "ROW") or (item.tag == "TIME" and item.what == "closed"):
                    break
            cue = [i for i in near if self.items[i].tag == "TIME" and self.items[i].what == "closed"]
            if cue:
                raise Refused(f"'closed' has no values in {table.name}", 3)
            present = [i for i in near if self.items[i].tag == "PRESENT"]
            if present and {"first", "last"} <= set(times):
                raise Refused("it does not say whether the first or the last time counts: first seen, or last seen", 3)
            self.use(*present)
        usual = TIME.get(table.name, "")
        if usual in times:
            return usual
        if len(times) > 1:
            raise Refused(f"it does not say which date: {', '.join(times)}", 3)
        return times[0]

    def measure(self, kind: str, column: str) -> Measure:
        """Return the aggregate KIND (a tag, or a function) of COLUMN; sums are for whole numbers only."""
        made = _MADE.get(kind, kind)
        whole = "INT" in self.lexicon.table.columns[column].kind
        if made == "sum" and not whole:
            raise Refused(f"a total of '{column}' means nothing; ask for its average, median, smallest or largest")
        sql = f"CAST(sum({name(column)}){{}} AS BIGINT)" if made == "sum" else f"{made}({name(column)}){{}}"
        return Measure(sql, f"{made}_{column}", f"{_SAID[made]} of {column}")

    def listed(self) -> list[str]:
        """Return the columns that are shown of single rows."""
        columns = self.lexicon.table.columns
        usual = [one for one in LISTED.get(self.lexicon.table.name, ()) if one in columns]
        return [one for one in (usual if len(usual) > 1 else list(columns)[:8]) if columns[one].filled]

    def count(self) -> Measure:
        """Return the number of rows."""
        return Measure("count(*){}", "n", f"number of {rows_of(self.lexicon.table.name)}")

    def distinct(self, column: str) -> Measure:
        """Return the number of different values of COLUMN."""
        if self.lexicon.table.columns[column].role == "list":
            raise Refused(f"'{column}' holds lists; ask for counts by {column}")
        return Measure(f"count(DISTINCT {name(column)}){{}}", f"n_{column}", f"number of different values of {column}")
