"""The conditions of a question: values, what is missing, periods, days and numbers, with what each is bound to."""

from dataclasses import dataclass, field
from datetime import date

from consentinel.understand.asking.lexicon import Value
from consentinel.understand.asking.live import name
from consentinel.understand.asking.missing import missing
from consentinel.understand.asking.periods import MONTHS, Period, Span
from consentinel.understand.asking.query import Condition, literal
from consentinel.understand.asking.reading import Reading
from consentinel.understand.asking.refusal import Refused
from consentinel.understand.asking.words import NEGATING, folded, rows_of

__all__ = ["Conditions", "between", "refuse_contradictions"]

_ORDER = ("low", "medium", "high", "critical")
_JOINS = ("AND", "OR", "COMMA")


@dataclass
class Conditions:
    """What was found: conditions on rows, on groups, lists of values and periods that may be compared instead."""

    reading: Reading
    where: list[Condition] = field(default_factory=list)
    having: list[Condition] = field(default_factory=list)
    lists: list[tuple[str, list[str], list[int], bool]] = field(default_factory=list)  # column, values, places, by or
    spans: list[tuple[str, list[Span], list[int], bool]] = field(default_factory=list)  # column, spans, places, by or
    notes: list[str] = field(default_factory=list)

    def find(self) -> None:
        """Find all conditions and mark what they are made of as used."""
        for at in self.reading.places("VALUE"):
            self._bind(at)
        for at in self.reading.places("VALUE"):
            if not self.reading.items[at].used:
                self._values(at)
        self.where += missing(self.reading)
        for at in self.reading.places("PERIOD"):
            if not self.reading.items[at].used:
                self._period(at)
        for at in self.reading.places("DAYS", "MONTH"):
            self._days(at)
        for at in self.reading.places("NUMBERS"):
            self._numbers(at)

    # values

    def _bind(self, at: int) -> None:
        """Decide which column and value the words at AT mean."""
        read, item = self.reading, self.reading.items[at]
        options: list[Value] = item.what
        columns = list(dict.fromkeys(one.column for one in options))
        before = read.strong(at, -1, over=("NOT", "AT_LEAST"))
        after = read.strong(at, 1, over=("OR_HIGHER", "OR_LOWER"))
        for near in (before, after):
            if read.tag(near) == "COLUMN" and near is not None and set(read.items[near].what) & set(columns):
                if (
                    read.tag(read.strong(near, -1)) in ("BY", "WHICH", "MOST", "LEAST", "QTY", "DISTINCT")
                    and near == before
                ):
                    continue
                columns = [one for one in columns if one in read.items[near].what]
                read.use(near)
                break
        if len(columns) > 1:
            cues = {read.items[i].tag for i in range(max(0, at - 2), at)}
            hinted = [c for c in columns if (c == "recipient" and "TO" in cues) or (c == "subject" and "ON" in cues)]
            columns = hinted or columns
        if len(columns) > 1:
            raise Refused(
                f"'{item.text}' may be {' or '.join(columns)}; say, for example, '{columns[0]} {item.text}'", 4
            )
        found = list(dict.fromkeys(one.value for one in options if one.column == columns[0]))
        if len(found) > 1:
            exact = [one for one in found if folded(one) == folded(item.text)]
            exact = [one for one in exact if one.lower().rstrip(".") == item.text.rstrip(".")] or exact
            if len(exact) != 1:
                raise Refused(f"'{item.text}' may be {', '.join(map(repr, found[:5]))} of {columns[0]}", 4)
            found = exact
        item.what = [Value(columns[0], found[0])]
        if item.note:
            self.notes.append(item.note.partition(" for ")[0] + f" for '{found[0]}'")

    def _values(self, at: int) -> None:
        """Join the value at AT with those after it in the same column; NOT before them turns them round."""
        read = self.reading
        column, values, places = read.items[at].what[0].column, [read.items[at].what[0].value], [at]
        ways: set[str] = set()
        here = at
        while True:
            join = read.strong(here, 1, over=("ROW",))
            following = join if read.tag(join) == "VALUE" else read.strong(join, 1, over=("ROW", "COMMA", "QTY")) \
                if join is not None and read.tag(join) in _JOINS else None  # fmt: skip
            if following is not None and read.tag(following) in ("AND", "OR"):
                join, following = following, read.strong(following, 1, over=("ROW",))
            if following is None or read.tag(following) != "VALUE":
                break
            if read.items[following].what[0].column != column:
                break
            if join == following and self.reading.places("RATIO"):
                join = None
            elif join == following:  # two values of one column with nothing between them
                raise Refused(f"'{values[-1]}' and '{read.items[following].what[0].value}' cannot both be the {column}")
            ways.add(read.tag(join))
            read.use(join)
            values.append(read.items[following].what[0].value)
            places.append(following)
            here = following
        if len(values) > 1 and read.items[max(at - 1, 0)].text == "both" and not read.places("CMP"):
            raise Refused(f"'both' may be one of {' and '.join(values)}, or both at once; write 'or', or ask twice", 3)
        if ways == {"AND"} and not read.places("CMP", "GROW", "MORE", "FEWER") and self._together(column, values):
            raise Refused(f"{' and '.join(values)} stand together in {column} too; write 'or', or compare them", 3)
        read.use(*range(at, here + 1))
        turned = read.strong(at, -1, over=("AND",) if read.tag(read.strong(at, -1)) == "AND" else ())
        if read.tag(turned) == "COLUMN" and turned is not None and read.items[turned].used:
            turned = read.strong(turned, -1)
        not_ = turned is not None and (read.tag(turned) == "NOT" or (
            read.tag(turned) == "NULL" and read.items[turned].text in ("no", "without")))  # fmt: skip
        if not_ and turned is not None:
            if read.tag(turned) == "NULL" and read.tag(read.strong(here, 1)) == "ROW":
                raise Refused(
                    f"what has {read.items[turned].text} {rows_of(read.lexicon.table.name)} is not in the table", 3
                )
            read.use(turned)
            self.where.append(self._not_in(column, values, at))
            return
        ranked = self._ranked(column, values, at, here)
        if ranked:
            self.where.append(ranked)
        elif len(values) > 1:
            self.lists.append((column, values, places, "OR" in ways))
        else:
            self.where.append(self.is_in(column, values, at))

    def _together(self, column: str, values: list[str]) -> bool:
        """Whether one value of COLUMN is a list that has some of VALUES in it."""
        known = self.reading.lexicon.live.values(self.reading.lexicon.table.name, column)
        return any({piece.strip() for piece in one.split(",")} & set(values) for one in known if "," in one)

    def is_in(self, column: str, values: list[str], at: int) -> Condition:
        """Return that COLUMN is one of VALUES."""
        said = f"{column} is {' or '.join(values)}"
        turned = any(NEGATING & {*folded(value)} for value in values)
        if self.reading.lexicon.table.columns[column].role == "list":
            tests = [f"list_contains({name(column)}, {literal(v)})" for v in values]
            sql = tests[0] if len(tests) == 1 else f"({' OR '.join(tests)})"
            return Condition(sql, said, at, column=column, turned=turned)
        if len(values) == 1:
            return Condition(f"{name(column)} = {literal(values[0])}", said, at, column=column, turned=turned)
        listed = ", ".join(map(literal, values))
        return Condition(f"{name(column)} IN ({listed})", said, at, column=column, turned=turned)

    def _not_in(self, column: str, values: list[str], at: int) -> Condition:
        said = f"{column} is not {' nor '.join(values)}"
        if self.reading.lexicon.table.columns[column].role == "list":
            sql = f"NOT coalesce({self.is_in(column, values, at).sql}, false)"
        elif len(values) == 1:
            sql = f"{name(column)} IS DISTINCT FROM {literal(values[0])}"
        else:
            sql = f"coalesce({name(column)} NOT IN ({', '.join(map(literal, values))}), true)"
        table = self.reading.lexicon.table
        missing = table.rows - table.columns[column].filled
        if missing:
            self.notes.append(
                f"{missing:,} {rows_of(table.name)} without a {column} count as not {' nor '.join(values)}"
            )
        return Condition(sql, said, at, column=column, turned=True)

    def _ranked(self, column: str, values: list[str], at: int, last: int) -> Condition | None:
        """Return the condition of 'high or higher', for values that have an order."""
        way, least = self.reading.strong(last, 1, over=("COLUMN",)), self.reading.strong(at, -1)
        above = self.reading.tag(way) == "OR_HIGHER" or self.reading.tag(least) == "AT_LEAST"
        below = self.reading.tag(way) == "OR_LOWER"
        if not (above or below) or len(values) != 1 or values[0] not in _ORDER:
            return None
        self.reading.use(least if self.reading.tag(least) == "AT_LEAST" else way)
        place = _ORDER.index(values[0])
        return self.is_in(column, list(_ORDER[place:] if above else _ORDER[: place + 1]), at)

    # time

    def _period(self, at: int) -> None:
        """Read the period at AT, with those that follow it by AND or OR."""
        read = self.reading
        column, places = read.time(at), [at]
        spans, ways, here = [at], set(), at
        while True:
            join = read.strong(here, 1)
            following = (
                read.strong(join, 1) if join is not None and read.tag(join) in (*_JOINS, "CMP", "THAN") else None
            )
            if following is None or read.tag(following) != "PERIOD" or read.tag(join) in ("CMP", "THAN"):
                break
            ways.add(read.tag(join))
            read.use(join)
            spans.append(following)
            here = following
        read.use(*spans)
        periods: list[Period] = [read.items[i].what for i in spans]
        if len(periods) == 1:
            self.where.append(between(column, periods[0].start, periods[0].end, periods[0].spans, periods[0].word, at))
            return
        words = {one.word for one in periods}
        if words == {"in"}:
            self.spans.append((column, [one.spans[0] for one in periods], places, "OR" in ways))
            return
        if "OR" in ways or len(periods) > 2 or words & {"in", "range"}:
            raise Refused("two periods that do not go together; ask for one of them, or compare two", 4)
        for one in periods:  # after 2015 and before 2019
            self.where.append(between(column, one.start, one.end, one.spans, one.word, at))

    def either(self, column: str, spans: list[Span], at: int) -> Condition:
        """Return that COLUMN lies in one of SPANS."""
        made = [between(column, one.start, one.end, (one,), "in", at) for one in spans]
        return Condition(f"({' OR '.join(f'({m.sql})' for m in made)})", " or ".join(m.said for m in made), at, True,
                         column)  # fmt: skip

    def _days(self, at: int) -> None:
        item, column = self.reading.items[at], self.reading.time(at)
        item.used = True
        if item.tag == "DAYS":
            listed = ", ".join(map(str, item.what))
            self.where.append(
                Condition(f"isodow({name(column)}) IN ({listed})", f"{column} {item.text}", at, True, column)
            )
            return
        first, last = self.reading.lexicon.live.spans[self.reading.lexicon.table.name, column]
        if (last - first).days > 364:
            raise Refused(f"{MONTHS[item.what - 1].capitalize()} of which year? There are several", 4)
        self.where.append(Condition(f"month({name(column)}) = {item.what}", f"{column} {item.text}", at, True, column))

    # numbers

    def _numbers(self, at: int) -> None:
        read, item = self.reading, self.reading.items[at]
        signs, words = item.what
        if "%" in item.text:
            raise Refused("conditions on percentages are not understood", 3)
        item.used = True
        column, group = self._unit(at, words)
        if item.text.endswith(("once", "twice")):
            column, group = None, "count(*)"
        if not group and not column:
            raise Refused(f"'{item.text}' of what?", 3)
        if column and not group:
            head = next((i for i in range(at - 1, -1, -1) if read.tag(i) in ("ROW", "UNITS") or
                         (read.label(i) and not read.items[i].used)), None)  # fmt: skip
            made = next((i for i in (read.strong(at, -1), read.strong(at, 1)) if read.tag(i) in
                         ("AVG", "MEDIAN", "SUM", "MIN", "MAX")), None)  # fmt: skip
            if made is not None and read.tag(head) != "ROW" and head is not None:
                group = read.measure(read.tag(made), column).over()
                read.use(made)
            elif head is not None and read.tag(head) != "ROW":
                raise Refused(f"'{item.text}': of one of the {rows_of(read.lexicon.table.name)}, or in total?", 4)
        test = " AND ".join(f"{group or name(column or '')} {sign} {value:.15g}" for sign, value in signs)
        said = f"{column or 'number'} {item.text}"
        (self.having if group else self.where).append(Condition(test, said, at, column=column or ""))

    def _unit(self, at: int, words: str) -> tuple[str | None, str]:
        """Return the column that the number at AT counts, or the aggregate of groups that it does."""
        read = self.reading
        if words:
            fold = folded(words)
            if fold in read.lexicon.nouns:
                return None, "count(*)"
            named = [c for c in read.lexicon.columns.get(fold, []) if read.lexicon.table.columns[c].role == "number"]
            return (named[0], "") if len(named) == 1 else (None, "")
        after = read.strong(at, 1, over=("AFFECT", "QTY", "VALUE"))
        if read.tag(after) == "ROW" or read.tag(after) == "ONCE":
            read.use(after)
            return None, "count(*)"
        if read.tag(after) == "DISTINCT" and after is not None:
            inner = read.strong(after, 1)
            column = read.label(inner)
            if column:
                read.use(after, inner)
                return None, read.distinct(column).over()
        if after is not None and (column := read.number(after)):
            read.use(after)
            return column, ""
        before = read.strong(at, -1, over=("AFFECT",))
        if before is not None and (column := read.number(before)) and read.tag(read.strong(before, -1)) != "QTY":
            read.use(before)
            return column, ""
        cue = {read.tag(i) for i in (at - 1, at - 2, at + 1) if 0 <= i < len(read.items)}
        if "AFFECT" in cue and "people" in read.lexicon.table.columns:
            return "people", ""
        return None, ""


def between(
    column: str, start: date | None, end: date | None, spans: tuple[Span, ...], word: str, at: int
) -> Condition:
    """Return that COLUMN lies from START up to but without END."""
    tests = [f"{name(column)} >= DATE '{start}'"] if start else []
    tests += [f"{name(column)} < DATE '{end}'"] if end else []
    said = f"{column} {word if word not in ('range',) else 'from'} {' to '.join(one.said for one in spans)}"
    return Condition(" AND ".join(tests), said, at, True, column)


def refuse_contradictions(conditions: list[Condition]) -> None:
    """Raise Refused where two CONDITIONS want one column to be two things: they belong to parts of the question."""
    seen: dict[str, Condition] = {}
    for one in conditions:
        within = one.timed and " >= DATE" in one.sql and " < DATE" in one.sql
        if not (within or " = '" in one.sql or " IN (" in one.sql) or one.sql.startswith("isodow"):
            continue
        if one.column in seen:
            raise Refused(f"'{one.said}' and '{seen[one.column].said}' do not go together; ask for one of them", 3)
        seen[one.column] = one
