"""What speaks against an answer once its rows are known: equal places at the cut, periods without any rows."""

from dataclasses import replace

from consentinel.understand.asking.live import Live, name
from consentinel.understand.asking.query import Query, written
from consentinel.understand.asking.refusal import Refused

__all__ = ["doubted"]

_WHOLE = ("day", "week", "month", "quarter", "year")


def doubted(query: Query, live: Live) -> None:
    """Raise Refused where the rows of QUERY would mislead, and say how."""
    if query.limit and query.named and not query.each:
        _ties(query, live)
    timed = [key for key in query.keys if key.unit in _WHOLE]
    low = query.over in ("avg", "median", "min") or " ASC" in query.order or any("<" in one.sql for one in query.having)
    if timed and low and not query.pair and not query.part:
        _gaps(query, live)


def _ties(query: Query, live: Live) -> None:
    """Refuse where the last place that is shown is shared with one that is not."""
    found = live.connection.execute(written(replace(query, limit=query.limit + 1)))
    names = [column[0] for column in found.description or ()]
    rows = found.fetchall()
    ranked = query.order.split(" ")[0].strip('"')
    if len(rows) <= query.limit or ranked not in names:
        return
    at = names.index(ranked)
    if rows[-1][at] != rows[-2][at]:
        return
    same = [str(row[0]) for row in rows if row[at] == rows[-1][at]]
    raise Refused(f"places {query.limit} and {query.limit + 1} are equal ({', '.join(same[-3:])}: {rows[-1][at]}); "
                  "ask for one place more or less")  # fmt: skip


def _gaps(query: Query, live: Live) -> None:
    """Refuse where periods without a row would count, as they are not among the groups."""
    key = next(one for one in query.keys if one.unit in _WHOLE)
    plain = replace(query, keys=(key,), having=(), order="", limit=0, over="", each=False)
    groups = f"SELECT {name(key.name)} AS begun FROM ({written(plain)}) WHERE {name(key.name)} IS NOT NULL"
    found = live.connection.execute(
        f"SELECT count(*), date_diff('{key.unit}', min(begun), max(begun)) + 1 FROM ({groups})"
    ).fetchall()[0]
    if found[0] and found[0] != found[1]:
        raise Refused(f"{found[1] - found[0]} of {found[1]} {key.unit}s have no rows; ask for the counts by {key.unit}")
