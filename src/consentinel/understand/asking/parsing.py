"""From the words of a question to what it asks; whatever is not fully understood is refused with the reason."""

from dataclasses import replace
from datetime import date
from itertools import pairwise

from consentinel.understand.asking import comparing, ranking
from consentinel.understand.asking.conditions import Conditions, refuse_contradictions
from consentinel.understand.asking.lexicon import lexicon_of, names
from consentinel.understand.asking.lexing import cut
from consentinel.understand.asking.live import Live, name
from consentinel.understand.asking.query import Condition, Key, Measure, Query
from consentinel.understand.asking.reading import Reading
from consentinel.understand.asking.refusal import Refused
from consentinel.understand.asking.scope import implied, one_sided, whole

__all__ = ["parsed"]

OPTIONAL = frozenset(["WEAK", "COMMA", "AND", "ALL", "TO", "ON", "ROW", "AFFECT", "WHICH", "PRESENT", "TIME"])
MOST_ROWS = 1000
BESIDE = ("texts", "quality", "evidence")  # tables that a question is about only when it names them
_AGGREGATES = ("AVG", "MEDIAN", "MIN", "MAX", "SUM")


def parsed(question: str, live: Live, today: date) -> tuple[Query, list[str]]:
    """Return what QUESTION asks of the tables of LIVE, and notes on how it was taken.

    Raises Refused with the reason: a word that means nothing here, several meanings, several tables, several questions.
    """
    found: list[tuple[Query, list[str], bool]] = []
    reasons: list[tuple[bool, Refused]] = []
    text = question.strip()
    if text.rstrip("?.! ").count("?"):
        raise Refused("this is more than one question; ask them one by one")
    named = [table for table in live.tables.values() if names(text, table)]
    for table in named or [table for table in live.tables.values() if table.name not in BESIDE]:
        lexicon = lexicon_of(live, table, text)
        items = cut(text, lexicon, today)
        own = lexicon.named
        try:
            unknown = [item.text for item in items if item.tag == "UNKNOWN"]
            if unknown:
                few = 1 - len(unknown) / (len(items) + 1)
                raise Refused(f"nothing in {table.name} is called {', '.join(map(repr, unknown[:3]))}", few)
            query, notes = _one(Reading(items, lexicon))
            found.append((query, notes, own))
        except Refused as why:
            reasons.append((own, why))
    best = [one for one in found if one[2]] or found
    if len(best) > 1:
        best = [one for one in best if _within(one[0], live)] or best
    if len(best) == 1:
        return best[0][0], best[0][1]
    if best:
        raise Refused(f"this may be about {' or '.join(one[0].table for one in best)}; name one of them")
    if not reasons:
        raise Refused("there is no table")
    raise max(reasons, key=lambda one: (one[0], one[1].rank))[1]


def _within(query: Query, live: Live) -> bool:
    """Whether the table has anything in the period that is asked for."""
    timed = [one.sql for one in query.where if one.timed]
    if not timed:
        return True
    found = live.connection.execute(f"SELECT count(*) FROM {name(query.table)} WHERE {' AND '.join(timed)}").fetchall()
    return bool(found[0][0])


def _one(read: Reading) -> tuple[Query, list[str]]:
    notes = [item.note for item in read.items if item.note and item.tag != "VALUE"]
    conditions = Conditions(read, notes=notes)
    conditions.find()
    whole(read)
    query = _asked(read, conditions)
    one_sided(query, conditions)
    query = replace(query, where=(*implied(read, conditions), *query.where))
    left = [item.text for item in read.items if not item.used and item.tag not in OPTIONAL]
    left += [i.text for i in read.items if not i.used and i.tag == "TIME" and i.what != "opened"]
    if read.places("TREND"):
        raise Refused("over time by which unit? Say by day, week, month, quarter or year", 3)
    if left:
        raise Refused(f"it is not clear what {', '.join(map(repr, left[:3]))} means here", 2)
    return query, conditions.notes


def _asked(read: Reading, found: Conditions) -> Query:
    """Try the kinds of questions, from the most special one."""
    keys = _keys(read)
    base = Query(read.lexicon.table.name, keys=keys, having=tuple(found.having))
    for kind in (comparing.share, comparing.pair, comparing.sides):
        query = kind(read, found, base)
        if query:
            return query
    for column, values, places, _ in found.lists:
        found.where.append(found.is_in(column, values, places[0]))
    for column, spans, places, _ in found.spans:
        found.where.append(found.either(column, spans, places[0]))
    refuse_contradictions(found.where)
    base = replace(base, where=tuple(found.where))
    for kind in (ranking.when, ranking.extreme, ranking.ranked, _made, _counted, _listed):
        query = kind(read, found, base)
        if query:
            return query
    if read.places("TREND"):
        raise Refused("over time by which unit? Say by day, week, month, quarter or year", 3)
    raise Refused("it does not say what to count or to compute; begin with how many, which, what share, top 5", 1)


def _keys(read: Reading) -> tuple[Key, ...]:
    """Return what rows are put together by, as words such as by, per and each say."""
    keys: list[Key] = []
    for at in read.places("EVERY"):
        keys.append(Key(read.time(at), read.items[at].what))
        read.use(at)
    for at in read.places("BY"):
        after = read.strong(at, 1)
        if read.tag(after) == "VALUE" and read.items[at].text in ("by", "across", "by the"):
            read.use(at)  # affected by theft
            continue
        if read.tag(after) in ("QTY", *_AGGREGATES) or read.number(after):
            read.items[at].tag = "RANK"
            continue
        here = read.strong(at, 1, over=("DISTINCT", "WHICH"))
        while here is not None:
            key = _key(read, here)
            if key is None:
                break
            keys.append(key)
            read.use(at, here)
            join = read.strong(here, 1)
            after = (
                read.strong(join, 1, over=("BY",)) if join is not None and read.tag(join) in ("AND", "COMMA") else None
            )
            if after is not None and (read.label(after) or read.tag(after) == "UNITS"):
                read.use(join)
                if read.tag(after - 1) == "BY":
                    read.use(after - 1)
                here = after
            else:
                here = None
        if not read.items[at].used and read.tag(read.strong(at, 1)) == "ROW":
            read.use(at)  # per incident
            read.items[at].tag = "EACH_ROW"
    for at in read.places("TREND"):
        if any(key.unit for key in keys):
            read.use(at)
    if len({key.name for key in keys}) != len(keys):
        raise Refused("the same grouping is named twice")
    if len(keys) > 2:
        raise Refused("at most two groupings go together", 3)
    return tuple(keys)


def _key(read: Reading, at: int) -> Key | None:
    if read.tag(at) == "UNITS":
        return Key(read.time(at), read.items[at].what)
    column = read.label(at)
    if not column:
        return None
    return Key(column, items=read.lexicon.table.columns[column].role == "list")


def _made(read: Reading, found: Conditions, base: Query) -> Query | None:
    """An average, median, total, smallest or largest number, of rows or of groups."""
    places = read.places(*_AGGREGATES)
    if not places:
        return None
    measures: list[Measure] = []
    kinds = [read.tag(at) for at in places]
    numbers = [i for i in read.places("COLUMN") if read.number(i)]
    if not numbers:
        if kinds == ["SUM"]:
            read.items[places[0]].tag = "ALL" if read.places("QTY") else "QTY"
            return None  # the total number of incidents
        return _over(read, base, places)
    column = read.number(numbers[0])
    if len({read.number(i) for i in numbers}) > 1 or column is None:
        raise Refused("more than one column of numbers; ask for one of them")
    if "SUM" in kinds and len(kinds) > 1 and not any(read.tag(i) == "AND" for i in range(len(read.items))):
        raise Refused("it is not clear whether the total or the average is meant")
    for at in places:
        measures.append(read.measure(read.tag(at), column))
    read.use(*places, *numbers, *read.places("QTY"), *read.places("SINGLE"))
    if _order(read) and not base.keys:
        raise Refused("there is nothing to put in order")
    return replace(base, measures=tuple(measures), order=_sorted(read, base, measures[0]))


def _over(read: Reading, base: Query, places: list[int]) -> Query | None:
    """The average number of rows per group: incidents per month."""
    if len(places) != 1 or len(base.keys) != 1 or base.having:
        raise Refused("an average of what? Say of which column, or per month, per state and so on", 2)
    read.use(*places, *read.places("QTY"))
    kind = {"AVG": "avg", "MEDIAN": "median", "MIN": "min", "MAX": "max"}.get(read.tag(places[0]))
    if not kind or base.keys[0].items or base.keys[0].unit in ("weekday", "month of the year"):
        raise Refused("the average over such groups is not understood", 2)
    where = (*base.where, Condition(f"{name(base.keys[0].column)} IS NOT NULL", ""))
    return replace(base, measures=(read.count(),), over=kind, where=where)  # type: ignore[arg-type]


def _counted(read: Reading, found: Conditions, base: Query) -> Query | None:
    """How many rows, people, or different values there are, by groups; how many groups there are."""
    measures: list[Measure] = []
    counts = read.places("QTY")
    for first, second in pairwise(counts):
        if not any(read.tag(i) in ("AND", "COMMA") for i in range(first, second)):
            raise Refused(f"it is not clear what '{read.items[second].text}' counts")
    for at in counts:
        over = ("SUM", "ALL", "SINGLE", "OR_HIGHER", "VALUE", "NOT", "PERIOD", "NUMBERS", "NULL", "KNOWN", "TIME")
        inner = read.strong(at, 1, over=over)
        distinct = read.tag(inner) == "DISTINCT"
        thing = read.strong(inner, 1) if distinct and inner is not None else inner
        if thing is not None and read.tag(thing) == "COLUMN" and read.items[thing].used:
            thing = None  # it says what a value is of: on the health site
        column = read.label(thing)
        if column and thing is not None:
            if thing + 1 < len(read.items) and read.tag(thing + 1) == "ROW":
                raise Refused(f"'{read.items[thing].text} {read.items[thing + 1].text}' is not understood", 3)
            read.use(at, inner, thing)
            if base.having:
                if base.keys or len(counts) > 1:
                    raise Refused("which groups are counted is not clear")
                key = Key(column, items=read.lexicon.table.columns[column].role == "list")
                where = (*base.where, Condition(f"{name(column)} IS NOT NULL", ""))
                return replace(base, keys=(key,), measures=(read.count(),), over="count", where=where)
            measures.append(read.distinct(column))
        elif number := read.number(thing):
            read.use(at, thing)
            measures.append(read.measure("sum", number))
        elif read.tag(thing) == "UNITS" and thing is not None:
            read.use(at, thing)
            key = Key(read.time(thing), read.items[thing].what)
            if base.keys:
                raise Refused("which groups are counted is not clear")
            return replace(base, keys=(key,), measures=(read.count(),), over="count")
        elif read.tag(inner) == "AFFECT" and "people" in read.lexicon.table.columns:
            read.use(at, inner)
            measures.append(read.measure("sum", "people"))
        else:
            read.use(at)
            measures.append(read.count())
    sums = [i for i in read.places("COLUMN") if read.number(i)] if not counts or len(counts) == 1 else []
    for at in sums:
        before = read.strong(at, -1)
        if read.tag(before) in ("AND", "SUM", "COMMA", "") or not counts:
            measures.append(read.measure("sum", read.number(at) or ""))
            read.use(at)
    rows = read.places("ROW")
    if not measures and base.keys and rows:
        measures.append(read.count())
    if not measures:
        return None
    summed = bool(read.places("CUM"))
    read.use(*read.places("CUM"))
    if summed and not (len(base.keys) == 1 and base.keys[0].unit):
        raise Refused("a running total needs a unit of time: by month, by year")
    made = replace(base, measures=tuple(measures), summed=summed)
    if made.having and not made.keys:
        raise Refused("groups of what? Say which, for example: which states had more than 10")
    return replace(made, order=_sorted(read, made, measures[0]))


def _order(read: Reading) -> str:
    places = read.places("DESC", "ASC")
    if not places:
        return ""
    read.use(*places)
    return read.tag(places[0])


def _sorted(read: Reading, base: Query, measure: Measure) -> str:
    """Return the order of groups where the question says one: by the number, from the highest."""
    way, ranks = _order(read), read.places("RANK")
    read.use(*ranks)
    if not way and not ranks:
        return ""
    last = f", {base.keys[0].name}" if base.keys else ""
    return f"{name(measure.name)} {way or 'DESC'} NULLS LAST{last}"


def _listed(read: Reading, found: Conditions, base: Query) -> Query | None:
    """Which groups there are, or single rows one by one."""
    which = read.places("WHICH")
    for at in which:
        thing = read.strong(at, 1, over=("DISTINCT", "QTY"))
        key = _key(read, thing) if thing is not None and not read.items[thing].used else None
        if key and not base.keys:
            read.use(at, thing, *read.places("DISTINCT"))
            where = (*base.where, Condition(f"{name(key.column)} IS NOT NULL", ""))
            count = read.count()
            return replace(base, keys=(key,), measures=(count,), where=where, named=True,
                           order=f"{count.name} DESC, {key.name}")  # fmt: skip
    first = read.items[0].text.split()[0] if read.items else ""
    if base.having:
        return None
    rows = read.places("ROW")
    if rows and (which or first in ("show", "list", "display", "give", "find")) and not base.keys and base.where:
        read.use(*which)
        return replace(base, rows=tuple(read.listed()), limit=MOST_ROWS)
    return None
