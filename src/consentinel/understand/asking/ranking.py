"""Questions for the most and the least: groups, single rows, days and the first and last time."""

from dataclasses import replace

from consentinel.understand.asking.conditions import Conditions
from consentinel.understand.asking.live import name
from consentinel.understand.asking.query import Condition, Key, Measure, Query
from consentinel.understand.asking.reading import Reading
from consentinel.understand.asking.refusal import Refused

__all__ = ["extreme", "limit_of", "ranked", "when"]

_SIZE = ("largest", "biggest", "greatest", "smallest")
_OFTEN = ("common", "frequent", "often", "rarest", "prevalent", "busiest", "quietest", "frequently", "commonly",
          "numerous", "commonest")  # fmt: skip
_AGGREGATES = ("AVG", "MEDIAN", "SUM", "MIN", "MAX")
_SIZES = {"incidents": "people"}


def when(read: Reading, found: Conditions, base: Query) -> Query | None:
    """When something first or last happened, or the day of the largest one."""
    asked = read.places("WHEN")
    ends = read.places("OLDEST", "NEWEST")
    if not asked:
        return None
    if not ends or read.places("MOST", "LEAST"):
        return None if read.places("MOST", "LEAST") else _unclear("a date of what? Say the first or the last one")
    if len(ends) > 1 or read.places("NUM"):
        raise Refused("which of the dates is meant is not clear")
    column = read.time(ends[0])
    kind = "min" if read.tag(ends[0]) == "OLDEST" else "max"
    read.use(*asked, *ends)
    made = Measure(f"CAST({kind}({name(column)}) AS DATE)", f"{'first' if kind == 'min' else 'last'}_{column}",
                   f"{'first' if kind == 'min' else 'last'} {column}")  # fmt: skip
    return replace(base, measures=(made,))


def _unclear(reason: str) -> None:
    raise Refused(reason, 2)


def extreme(read: Reading, found: Conditions, base: Query) -> Query | None:
    """The largest number of people in one incident, or of incidents in one month."""
    best = read.places("MOST", "LEAST", "MAX", "MIN")
    if len(best) != 1 or read.places("WHICH", fit=lambda item: item.text != "what"):
        return None
    at = best[0]
    down = read.tag(at) in ("MOST", "MAX")
    after = read.strong(at, 1, over=("QTY",))
    single = [i for i in read.places("SINGLE") if read.tag(read.strong(i, 1)) == "UNITS"]
    units = [read.strong(i, 1) for i in single] or [i for i in read.places("UNITS") if read.items[i - 1].text in (
        "in a", "a", "any", "one", "in one", "in any")]  # fmt: skip
    named = "number" in read.items[at].text or read.tag(at + 1) == "QTY" or read.tag(at) in ("MAX", "MIN")
    if units and read.tag(after) == "ROW" and not base.keys and units[0] is not None:
        key = Key(read.time(units[0]), read.items[units[0]].what)
        read.use(at, units[0], *single, *read.places("QTY"))
        return replace(base, keys=(key,), measures=(read.count(),), over="max" if down else "min")
    column = read.number(after)
    named = named or bool(read.places("SINGLE")) or column != "people"
    if column and named and not units and not [i for i in read.places("COLUMN") if read.label(i)]:
        read.use(at, after, *read.places("QTY"), *read.places("SINGLE"))
        return replace(base, measures=(read.measure("max" if down else "min", column),))
    return None


def ranked(read: Reading, found: Conditions, base: Query) -> Query | None:
    """The most and the least of groups, of groups in each of others, or of single rows."""
    best = read.places("MOST", "LEAST", "NEWEST", "OLDEST")
    if not best:
        return _all_ranked(read, base)
    if any(read.tag(i) in ("MOST", "LEAST") for i in best) and len(best) > 1:
        texts = [read.items[i].text for i in best]
        if len(best) > 2 or texts[0] not in ("top", "bottom"):
            raise Refused("it asks for two orders at once")
        read.use(best[0])
        if read.tag(best[0]) != read.tag(best[1]):
            read.items[best[1]].tag = read.tag(best[1])
        best = best[1:]
    at = best[0]
    limit = limit_of(read, at)
    group = _group(read, at, base)
    if group is None or read.tag(at) in ("NEWEST", "OLDEST"):
        return _rows(read, base, at, limit)
    place, key = group
    measure = _measure(read, at, place)
    plural = read.items[place].text.endswith("s") and not read.items[place].text.endswith(("us", "ss"))
    if not limit and plural and "one of" not in read.items[place].text:
        raise Refused(f"how many {read.items[place].text}? Ask, for example, for the top 5", 4)
    read.use(at, place, *read.places("QTY"), *read.places("WHICH"), *read.places("WHEN"), *read.places("DISTINCT"))
    way = "DESC" if read.tag(at) == "MOST" else "ASC"
    where = base.where
    if not key.items:
        where = (*where, Condition(f"{name(key.column)} IS NOT NULL", ""))
    order = f"{name(measure.name)} {way} NULLS LAST"
    made = replace(base, measures=(measure,), where=where, limit=limit or 1, named=True)
    if base.keys:
        if len(base.keys) > 1:
            raise Refused("the most in each of two groupings is not understood")
        return replace(made, keys=(base.keys[0], key), each=True, order=order)
    return replace(made, keys=(key,), order=f"{order}, {name(key.name)}")


def _all_ranked(read: Reading, base: Query) -> Query | None:
    """Rank the categories by ...: all groups, the highest first."""
    places = read.places("RANK")
    if not places or read.strong(-1, 1) != places[0] or base.keys:
        return None
    group = _group(read, places[0], base)
    if group is None:
        return None
    measure = _measure(read, places[0], group[0])
    read.use(group[0], *read.places("QTY"))
    where = (*base.where, Condition(f"{name(group[1].column)} IS NOT NULL", ""))
    order = f"{name(measure.name)} DESC NULLS LAST, {name(group[1].name)}"
    return replace(base, keys=(group[1],), measures=(measure,), where=where, order=order)


def limit_of(read: Reading, at: int) -> int:
    """Return the number that goes with the superlative, 0 where there is none."""
    numbers = read.places("NUM")
    if not numbers:
        return 0
    if len(numbers) > 1:
        raise Refused("two numbers; how many are asked for is not clear")
    near = {
        read.strong(at, -1),
        read.strong(at, 1),
        read.strong(at, -1, over=("BY", "COLUMN", "UNITS", "ROW", "WHICH")),
    }
    if numbers[0] not in near:
        raise Refused(f"what '{read.items[numbers[0]].text}' counts is not clear")
    limit = int(read.items[numbers[0]].what)
    if not 1 <= limit <= 1000 or limit != read.items[numbers[0]].what:
        raise Refused("the top is a whole number from 1 to 1000")
    read.use(numbers[0])
    return limit


def _sized(read: Reading) -> str:
    """Return the column that says how large a row is, empty where there is none."""
    column = _SIZES.get(read.lexicon.table.name, "")
    return column if column in read.lexicon.table.columns else ""


def _group(read: Reading, at: int, base: Query) -> tuple[int, Key] | None:
    """Return where and what the groups are that are ranked."""
    found: list[tuple[int, Key]] = []
    for i in read.places("COLUMN", "UNITS"):
        column = read.label(i)
        if column:
            found.append((i, Key(column, items=read.lexicon.table.columns[column].role == "list")))
        elif read.tag(i) == "UNITS":
            found.append((i, Key(read.time(i), read.items[i].what)))
    if len(found) == 2 and read.strong(at, 1, over=("DISTINCT",)) == found[1][0] and found[0][0] < at:
        return found[0]  # which recipient appears on the most sites
    if len(found) > 1:
        raise Refused("which groups are ranked is not clear")
    return found[0] if found else None


def _measure(read: Reading, at: int, group: int) -> Measure:
    """Return the number that groups are ranked by."""
    made = read.places(*_AGGREGATES)
    by = read.places("BY", "RANK")
    numbers = [i for i in read.places("COLUMN") if read.number(i)]
    if len(numbers) > 1 or len(made) > 1:
        raise Refused("by which number is ranked is not clear")
    read.use(*by)
    size = read.items[at].text in _SIZE
    if numbers:
        column = read.number(numbers[0]) or ""
        kind = read.tag(made[0]) if made else "SUM"
        read.use(*made, *numbers)
        return read.measure(kind, column)
    if [i for i in made if read.tag(i) != "SUM"]:
        raise Refused("the average of what?")
    read.use(*made)
    after = read.strong(at, 1)
    inner = read.strong(at, 1, over=("DISTINCT",))
    if inner != group and (other := read.label(inner)):
        read.use(inner, *read.places("DISTINCT"))
        return read.distinct(other)
    if read.tag(after) == "ROW" and size and after is not None:
        column = _sized(read)
        if not column or read.items[after].text.endswith("s"):
            raise Refused(f"'{read.items[at].text} {read.items[after].text}' by what?")
        return read.measure("max" if read.tag(at) == "MOST" else "min", column)
    rows = read.places("ROW") or ([after] if read.tag(after) == "VALUE" else [])
    near = after == group or read.tag(read.strong(at, 1, over=("NUM", "SUM", "QTY"))) in ("ROW", "COLUMN", "UNITS")
    often = any(word in read.items[at].text for word in _OFTEN)
    if read.tag(after) == "AFFECT" or (size and not rows and not by):
        raise Refused("by the number of people, or of incidents? Say which", 4)
    if read.items[at].text in ("highest", "lowest", "most", "least", "fewest") and not often and not rows:
        raise Refused("the most of what? Say which number is meant")
    if not (near or often or rows):
        raise Refused("the most of what? Say which number is meant")
    return read.count()


def _rows(read: Reading, base: Query, at: int, limit: int) -> Query | None:
    """The largest or the latest rows, one by one."""
    rows = read.places("ROW") or [
        i for i in [read.strong(at, 1, over=("NUM",))] if i is not None and read.tag(i) == "VALUE"
    ]
    if not rows or base.keys or base.having:
        raise Refused("the most of what? Say which groups, or which number", 2)
    numbers = [i for i in read.places("COLUMN") if read.number(i)]
    text = read.items[rows[0]].text
    if not limit and text.endswith("s"):
        raise Refused(f"how many {text}? Ask, for example, for the top 5", 4)
    if read.places(*_AGGREGATES) or len(numbers) > 1:
        raise Refused("by which number is ranked is not clear")
    if read.tag(at) in ("NEWEST", "OLDEST"):
        if numbers:
            raise Refused("by date or by number?")
        column = read.time(at)
    elif numbers:
        column = read.number(numbers[0]) or ""
    elif read.items[at].text in (*_SIZE, "top") and _sized(read):
        column = _sized(read)
    else:
        raise Refused("the most of what? Say which number is meant")
    down = read.tag(at) in ("MOST", "NEWEST")
    read.use(at, *numbers, *read.places("QTY"), *read.places("BY", "RANK", "WHICH", "WHEN", "SINGLE"))
    extra = read.places("COLUMN")
    columns = read.listed()
    columns += [one for i in extra for one in read.items[i].what]
    read.use(*extra)
    shown = dict.fromkeys([*columns, column])
    where = (*base.where, Condition(f"{name(column)} IS NOT NULL", ""))
    return replace(base, rows=tuple(c for c in shown if read.lexicon.table.columns[c].filled), where=where,
                   order=f"{name(column)} {'DESC' if down else 'ASC'}", limit=limit or 1, named=True)  # fmt: skip
