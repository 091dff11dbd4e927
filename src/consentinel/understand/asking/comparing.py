"""Questions that set parts against each other: a share, the change between two, several side by side."""

from dataclasses import replace

from consentinel.understand.asking.conditions import Conditions, between, refuse_contradictions
from consentinel.understand.asking.live import name
from consentinel.understand.asking.periods import Span
from consentinel.understand.asking.query import Condition, Key, Measure, Pair, Query, Unit
from consentinel.understand.asking.ranking import limit_of
from consentinel.understand.asking.reading import Reading
from consentinel.understand.asking.refusal import Refused

__all__ = ["pair", "share", "sides"]

_VERBS = frozenset([
    "were", "was", "are", "is", "have", "has", "had", "happened", "occurred", "involved", "involve", "involves",
    "came", "come", "comes", "concerned", "took", "affected", "affecting", "affect", "that", "which", "who",
    "resulted", "happen", "occur", "exposed", "lacked", "lack", "lacks", "went", "go", "impacted", "exist",
    "caused",
])  # fmt: skip
_PARTICIPLES = frozenset([
    "affected", "exposed", "impacted", "caused",
])  # fmt: skip


def _resolved(found: Conditions) -> list[Condition]:
    """Return all conditions on rows, lists of values and of periods taken as one of them."""
    made = list(found.where)
    made += [found.is_in(column, values, places[0]) for column, values, places, _ in found.lists]
    return made + [found.either(column, spans, places[0]) for column, spans, places, _ in found.spans]


def _base(read: Reading) -> Measure:
    """Return what is counted: people where the question speaks of them with a count, else rows."""
    numbers = [i for i in read.places("COLUMN") if read.number(i)]
    if len({read.number(i) for i in numbers}) > 1:
        raise Refused("two numbers at once; ask for one of them")
    read.use(*numbers)
    return read.measure("sum", read.number(numbers[0]) or "") if numbers else read.count()


def share(read: Reading, found: Conditions, base: Query) -> Query | None:
    """What part of the rows, or of the people, something is."""
    of = read.places("SHAREOF")
    asked = read.places("SHARE") or of
    if not asked:
        return None
    if base.having or read.places("GROW", "CMP", "MORE", "FEWER", "MEDIAN", "AVG"):
        raise Refused("a share of this kind is not understood")
    things = [i for i in range(len(read.items)) if read.tag(i) == "ROW" or (read.number(i) and not read.items[i].used)]
    after = [i for i in things if i > asked[0]]
    if not things and not read.places("MOST", "LEAST"):
        values = [i for i in range(len(read.items)) if read.tag(i) == "VALUE"]
        if len(values) < 2 or values[0] < asked[0]:
            raise Refused("a share of what? Say of which incidents, findings or people")
        things = after = values[:1]  # what share of potential violations have ...
    measure, at = _base(read), (after or things or [0])[0]
    read.use(*asked, *read.places("QTY"), *read.places("SUM"), *read.places("WHICH"))
    conditions = _resolved(found)
    groups = [i for i in read.places("COLUMN", "UNITS") if read.label(i) or read.tag(i) == "UNITS"]
    best = read.places("MOST", "LEAST")
    if groups or best:
        return _ranked_share(read, base, measure, conditions, groups, best)
    if base.keys and not [c for c in conditions if not c.timed] and len(base.keys) == 1:
        return replace(base, measures=(measure,), where=tuple(conditions), shares=True,
                       order=f"{name(measure.name)} DESC" if not base.keys[0].unit else "")  # fmt: skip
    refuse_contradictions(conditions)
    part, whole = _sides(read, conditions, asked[0], at, bool(of) or not after)
    if not part:
        raise Refused("which part is meant is not clear: what share of incidents were ...?")
    if len({c.column for c in part}) > 1 and len([c for c in part if not c.timed]) > 1:
        raise Refused("the part may be one condition of several; put what all rows have before the noun", 3)
    return replace(base, measures=(measure,), where=tuple(whole), part=tuple(part))


def _sides(
    read: Reading, conditions: list[Condition], asked: int, at: int, turned: bool
) -> tuple[list[Condition], list[Condition]]:
    """Return the conditions of the part and those of the whole, by where they stand."""
    if turned:  # hacking as a share of all incidents; of all incidents, what share were hacking
        first = [c for c in conditions if c.at < asked]
        last = [c for c in conditions if c.at >= asked]
        part, whole = (first, last) if read.tag(asked) == "SHAREOF" else (last, first)
        return _timed_out(part, whole)
    verb = _verb(read, at, conditions)
    before = [c for c in conditions if c.at < asked]
    inner = [c for c in conditions if asked <= c.at < verb]
    after = [c for c in conditions if c.at >= verb]
    if after:
        return _timed_out(after, before + inner)
    named = [c for c in inner if c.at < at and not c.timed] or [c for c in inner if not c.timed]
    rest = [c for c in inner if c not in named]
    if [c for c in [*rest, *after, *before] if not c.timed] or not named:
        raise Refused("which part and which whole is meant is not clear: what share of ... incidents were ...?", 3)
    return named, [*before, *rest, *after]


def _timed_out(part: list[Condition], whole: list[Condition]) -> tuple[list[Condition], list[Condition]]:
    """A period beside another condition limits both the part and the whole."""
    if [c for c in part if not c.timed]:
        return [c for c in part if not c.timed], [*whole, *(c for c in part if c.timed)]
    return part, whole


def _verb(read: Reading, at: int, conditions: list[Condition]) -> int:
    """Return the place of the verb behind the noun at AT, from which on the part is described."""
    places = []
    for i in range(at + 1, len(read.items)):
        words = read.items[i].text.split()
        if words[0] in _VERBS and not (words[0] in _PARTICIPLES and i == at + 1):
            places.append(i)
    starts = [i for i in places if any(c.at >= i and not c.timed for c in conditions)]
    if starts:
        between_ = [c for c in conditions if starts[0] <= c.at < starts[-1] and not c.timed]
        return starts[-1] if between_ else starts[0]
    return places[0] if places else len(read.items)


def _ranked_share(
    read: Reading, base: Query, measure: Measure, conditions: list[Condition], groups: list[int], best: list[int]
) -> Query:
    """Which group has the largest share."""
    part = [c for c in conditions if not c.timed]
    if len(groups) != 1 or len(best) != 1 or len(part) != 1 or base.keys:
        raise Refused("a share of this kind is not understood")
    column = read.label(groups[0])
    key = Key(column) if column else Key(read.time(groups[0]), read.items[groups[0]].what)
    way = "DESC" if read.tag(best[0]) == "MOST" else "ASC"
    read.use(*groups, *best)
    whole = [c for c in conditions if c.timed] + [Condition(f"{name(key.column)} IS NOT NULL", "")]
    order = f"share {way} NULLS LAST, {name(key.name)}"
    limit = limit_of(read, best[0]) or 1
    return replace(base, keys=(key,), measures=(measure,), where=tuple(whole), part=tuple(part), limit=limit,
                   order=order, named=True)  # fmt: skip


def pair(read: Reading, found: Conditions, base: Query) -> Query | None:
    """The change from one period or value to another."""
    grow, more, than = read.places("GROW"), read.places("MORE", "FEWER"), read.places("THAN")
    counted = bool(read.places("QTY"))
    ratio = read.places("RATIO")
    if ratio and not grow:
        grow = ratio
    if not grow and not (more and than and counted):
        return None
    if base.having or read.places("MEDIAN", "MOST", "LEAST"):
        raise Refused("a change of this kind is not understood")
    column, first, second, places = _two(read, found, bool(than))
    yearly = [k for k in base.keys if k.unit]
    if yearly:
        raise Refused("the change from each period to the next is not understood; ask for the counts by period", 2)
    average = read.places("AVG")
    numbers = [i for i in read.places("COLUMN") if read.number(i)]
    if average and numbers:
        measure = read.measure("AVG", read.number(numbers[0]) or "")
        read.use(*average, *numbers)
    elif average:
        raise Refused("the average of what?")
    else:
        measure = _base(read)
    read.use(*grow, *more, *than, *read.places("QTY"), *read.places("SUM"), *read.places("CMP"), *read.places("SHARE"))
    where = [c for c in found.where if c.at not in places]
    where += [found.is_in(c, v, p[0]) for c, v, p, _ in found.lists if p != places]
    where += [found.either(c, s, p[0]) for c, s, p, _ in found.spans if p != places]
    if column == "" or first is None:
        raise Refused("which two are compared is not clear")
    fewer = bool(more) and read.tag(more[0]) == "FEWER"
    said = [read.items[i].text for i in grow]
    turned = bool(than) or any("difference" in s for s in said)
    both = (second, first) if turned and not fewer else (first, second)
    if grow and not ratio and all(c.timed for c in both) and both[0].sql > both[1].sql:
        both = (both[1], both[0])
    return replace(base, measures=(measure,), where=tuple(where), pair=Pair(*both, ratio=bool(ratio)))


def _two(read: Reading, found: Conditions, than: bool) -> tuple[str, Condition, Condition, list[int]]:
    """Return the two conditions that are compared."""
    for condition in found.where:
        item = read.items[condition.at] if condition.timed else None
        if item is not None and item.tag == "PERIOD" and len(item.what.spans) == 2 and item.what.word == "range":
            a, b = (_within(condition.column, span, condition.at) for span in item.what.spans)
            return condition.column, a, b, [condition.at]
    for column, spans, places, _ in found.spans:
        if len(spans) == 2:
            a, b = (_within(column, span, places[0]) for span in spans)
            return column, a, b, places
    for column, values, places, _ in found.lists:
        if len(values) == 2:
            a, b = (found.is_in(column, [value], place) for value, place in zip(values, places, strict=True))
            return column, a, b, places
    by: dict[str, list[Condition]] = {}
    for condition in found.where:
        by.setdefault(condition.column, []).append(condition)
    twos = [ones for ones in by.values() if len(ones) == 2 and (" = " in ones[0].sql or ones[0].timed)]
    if len(twos) == 1:
        a, b = sorted(twos[0], key=lambda c: c.at)
        return a.column, a, b, [a.at, b.at]
    raise Refused("which two are compared is not clear; say, for example, from 2019 to 2020", 2)


def _within(column: str, span: Span, at: int) -> Condition:
    return between(column, span.start, span.end, (span,), "in", at)


def sides(read: Reading, found: Conditions, base: Query) -> Query | None:
    """Several values or periods side by side."""
    compared = read.places("CMP")
    more = read.places("MORE", "FEWER")
    explicit = [i for i in compared if not read.items[i].text.startswith("how d")]
    if not compared and not more:
        return None
    if base.having or (read.places("AVG", "MEDIAN") and len(base.keys) > 1):
        raise Refused("a comparison of this kind is not understood")
    keys: list[Key] = []
    where = []
    for column, values, places, _ in found.lists:
        where.append(found.is_in(column, values, places[0]))
        keys.append(Key(column, items=read.lexicon.table.columns[column].role == "list"))
    for column, spans, places, _ in found.spans:
        keys.append(Key(column, _unit(spans)))
        where.append(found.either(column, spans, places[0]))
    by: dict[str, list[Condition]] = {}
    for condition in found.where:
        by.setdefault(condition.column, []).append(condition)
    for column, ones in by.items():
        where += _side(read, found, column, ones, keys)
    if not keys and explicit and len(base.keys) == 1:
        keys = []  # compare the categories by ...
    elif len(keys) != 1:
        raise Refused("what is compared is not clear; name two values or two periods", 2)
    made = read.places("AVG", "MEDIAN", "MIN", "MAX")
    numbers = [i for i in read.places("COLUMN") if read.number(i)]
    if made and numbers:
        measure = read.measure(read.tag(made[0]), read.number(numbers[0]) or "")
        read.use(*made, *numbers)
    elif made:
        raise Refused("the average of what?")
    else:
        measure = _base(read)
    read.use(*compared, *more, *read.places("THAN"), *read.places("QTY"), *read.places("SUM"), *read.places("OR"),
             *read.places("WHICH", "RANK"))  # fmt: skip
    labels = [i for i in read.places("COLUMN") if read.label(i) in [k.column for k in (*keys, *base.keys)]]
    units = [i for i in read.places("UNITS") if read.items[i].what in [k.unit for k in keys]]
    read.use(*labels, *units)
    together = (*base.keys, *keys) if len(base.keys) < 2 else base.keys
    order = "" if base.keys or any(k.unit for k in keys) else f"{name(measure.name)} DESC"
    return replace(base, keys=together, measures=(measure,), where=tuple(where), order=order)


def _side(read: Reading, found: Conditions, column: str, ones: list[Condition], keys: list[Key]) -> list[Condition]:
    """Return the condition that two conditions on one COLUMN make when they are compared; the key goes to KEYS."""
    if len(ones) < 2 or (ones[0].timed and not all(read.items[c.at].tag == "PERIOD" for c in ones)):
        return ones
    if ones[0].timed:
        spans = [read.items[c.at].what.spans[0] for c in ones]
        if any(read.items[c.at].what.word != "in" for c in ones):
            return ones
        keys.append(Key(column, _unit(spans)))
        return [found.either(column, spans, ones[0].at)]
    if not all(" = " in c.sql for c in ones):
        return ones
    values = [read.items[c.at].what[0].value for c in ones]
    keys.append(Key(column))
    return [found.is_in(column, values, ones[0].at)]


def _unit(spans: list[Span]) -> Unit:
    """Return the unit that all SPANS are one of."""
    sizes: dict[Unit, tuple[int, ...]] = {
        "year": (365, 366),
        "quarter": (90, 91, 92),
        "month": (28, 29, 30, 31),
        "day": (1,),
    }
    for unit, days in sizes.items():
        if all((span.end - span.start).days in days for span in spans):
            return unit
    raise Refused("the periods are of different lengths")
