"""What a question says is missing or known: no owner, without a description, region unknown."""

import re

from consentinel.understand.asking.live import name
from consentinel.understand.asking.query import Condition
from consentinel.understand.asking.reading import Reading
from consentinel.understand.asking.refusal import Refused
from consentinel.understand.asking.words import rows_of

__all__ = ["missing"]

# Words that only speak of what follows them; others, such as unknown, may follow what they speak of.
_AHEAD = re.compile(r"(?:have|has|had|with|without|no|lacks?|lacked|lacking|do|don't|does|not have)\b(?! known)")


def missing(read: Reading) -> list[Condition]:
    """Return what READ says is missing or known, and mark the words as used; raises Refused."""
    found = []
    for at in read.places("NULL", "KNOWN", "HAS"):
        if not read.items[at].used:
            found.append(_has(read, at) if read.tag(at) == "HAS" else _empty(read, at))
    return [one for one in found if one]


def _empty(read: Reading, at: int) -> Condition | None:
    item = read.items[at]
    only_ahead = bool(_AHEAD.match(item.text))
    ahead = (read.strong(at, 1, over=("QTY",)),)
    if only_ahead and item.tag == "NULL" and read.tag(ahead[0]) in ("ROW", "VALUE"):
        raise Refused(f"what has {item.text.split()[-1]} {rows_of(read.lexicon.table.name)} is not in the table", 3)
    for near in ahead if only_ahead else (*ahead, read.strong(at, -1, over=("NOT",))):
        if read.tag(near) != "COLUMN" or near is None or read.items[near].used:
            continue
        columns = read.items[near].what
        if len(columns) > 1:
            raise Refused(f"'{read.items[near].text}' may be {' or '.join(columns)}")
        column = columns[0]
        role = read.lexicon.table.columns[column].role
        if "unknown" in item.text and any(v.column == column for v in read.lexicon.values.get(("unknown",), [])):
            raise Refused(f"{column} may be empty, or 'Unknown' as the source says: write missing, or \"Unknown\"", 4)
        if role == "flag" or (role == "number" and only_ahead and _zeros(read, column)):
            what = "yes or no" if role == "flag" else "0, or missing"
            raise Refused(f"'{item.text} {read.items[near].text}' is not clear: {column} is {what}", 3)
        empty = item.tag == "NULL"
        turned = read.strong(at, -1)
        if read.tag(turned) == "NOT" and turned is not None and abs(turned - at) <= 3:
            empty = not empty
            read.use(turned)
        sql = f"{name(column)} IS {'' if empty else 'NOT '}NULL"
        if role == "list":
            sql = f"coalesce(len({name(column)}), 0) {'=' if empty else '>'} 0"
        read.use(at, near, *(i for i in range(at, near) if read.tag(i) == "QTY"))
        said = f"{column} is {'missing' if empty else 'known'}"
        return Condition(sql, said, at, column=column, turned=empty)
    if item.tag == "KNOWN" and item.text in ("recorded", "available", "stated", "with any"):
        item.used = True
    return None


def _zeros(read: Reading, column: str) -> bool:
    """Whether 0 stands in COLUMN."""
    sql = f"SELECT count(*) FROM {name(read.lexicon.table.name)} WHERE {name(column)} = 0"
    return bool(read.lexicon.live.connection.execute(sql).fetchall()[0][0])


def _has(read: Reading, at: int) -> Condition | None:
    """Read 'have a description': that it is there; where more is said of it, nothing by itself."""
    read.use(at)
    thing = read.strong(at, 1)
    if read.tag(thing) != "COLUMN" or thing is None or read.items[thing].used or len(read.items[thing].what) != 1:
        return None
    column = read.items[thing].what[0]
    if read.tag(read.strong(thing, 1)) in ("NULL", "KNOWN", "NUMBERS", "PERIOD", "VALUE"):
        return None
    if read.lexicon.table.columns[column].role not in ("label", "time"):
        return None
    read.use(thing)
    return Condition(f"{name(column)} IS NOT NULL", f"{column} is known", at, column=column)
