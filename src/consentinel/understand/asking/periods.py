"""Periods of time as people write them: a day, month, quarter, half, year, a range of them, or one from today."""

import re
from dataclasses import dataclass
from datetime import date, timedelta

__all__ = ["MONTHS", "WEEKDAYS", "Period", "Span", "bare_month", "period"]

MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
          "november", "december")  # fmt: skip
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NAMED = "|".join(f"{m}|{m[:3]}" for m in MONTHS) + "|sept"
_Y = r"(?:19|20)\d\d"
_ORDINAL = {"first": 1, "second": 2, "third": 3, "fourth": 4, "1st": 1, "2nd": 2, "3rd": 3, "4th": 4, "last": 0}
_TH = "|".join(_ORDINAL)
_FORMS: tuple[tuple[str, str], ...] = (
    ("day", rf"(?P<y>{_Y})-(?P<m>\d\d)-(?P<d>\d\d)"),
    ("day", rf"(?P<name>{_NAMED})\.? (?:the )?(?P<d>\d\d?)(?:st|nd|rd|th)?,? (?:of )?(?P<y>{_Y})"),
    ("day", rf"(?:the )?(?P<d>\d\d?)(?:st|nd|rd|th)? (?:of )?(?P<name>{_NAMED})\.?,? (?P<y>{_Y})"),
    ("month", rf"(?P<y>{_Y})-(?P<m>\d\d)"),
    ("month", rf"(?:the month of )?(?P<name>{_NAMED})\.?,? (?:of )?(?:the year )?(?P<y>{_Y})"),
    ("quarter", rf"q(?P<q>[1-4])(?: of|/|-|,)? ?(?P<y>{_Y})"),
    ("quarter", rf"(?P<y>{_Y})[ -]?q(?P<q>[1-4])"),
    ("quarter", rf"(?:the )?(?P<th>{_TH}) quarter (?:of|in)? ?(?P<y>{_Y})"),
    ("half", rf"h(?P<h>[12])(?: of)? ?(?P<y>{_Y})"),
    ("half", rf"(?:the )?(?P<th>first|second|1st|2nd|last) half (?:of|in)? ?(?P<y>{_Y})"),
    ("decade", r"the (?P<y>(?:19|20)\d)0s"),
    ("year", rf"(?:the )?(?:calendar )?(?:year )?(?P<y>{_Y})(?![\d,.]\d)"),
)
_RELATIVE = re.compile(
    r"(?:the )?(?:(?P<day>today|yesterday)|(?P<which>this|current|last|previous|past) (?P<unit>week|month|quarter|year)"
    r"|(?:last|past|previous) (?P<n>\d{1,3}) (?P<units>days|weeks|months|years))\b"
)
_END = r"(?![\w-])"
_COMPILED = tuple((kind, re.compile(pattern + _END)) for kind, pattern in _FORMS)
_MONTH = re.compile(rf"(?P<name>{_NAMED}){_END}")
_SHARED = re.compile(
    rf"(?P<a>{_NAMED}) (?P<word>and|or|to|through|until|-) (?P<b>{_NAMED}),? (?:of )?(?P<y>{_Y}){_END}"
)
_BEFORE = re.compile(
    r"(?P<word>since|starting(?: in| from| on)?|beginning(?: in| on)?|after|later than|before|earlier than|prior to"
    r"|until the end of|through|up to and including|up to the end of|by the end of|no later than|between|from|in|during"
    r"|for|over|on|of|within|throughout|in the course of) +"
)


@dataclass(frozen=True)
class Span:
    """One period named by people: days from START up to but without END."""

    start: date
    end: date
    said: str


@dataclass(frozen=True)
class Period:
    """Days from START (None: all before) to before END (None: all after), and the spans that were named."""

    start: date | None
    end: date | None
    spans: tuple[Span, ...]
    word: str = ""


def period(text: str, today: date) -> tuple[Period, int] | None:
    """Return the period that TEXT (lower case) begins with and how many characters it takes, or None."""
    before = _BEFORE.match(text)
    word, at = (before["word"], before.end()) if before else ("", 0)
    if word in ("between", "from", ""):
        shared = _SHARED.match(text, at)
        if shared and (shared["word"] != "or"):
            spans = tuple(_month(int(shared["y"]), _month_of(shared[g])) for g in "ab")
            pair = word != "between" and shared["word"] == "and"
            return None if pair else (Period(spans[0].start, spans[1].end, spans, "range"), shared.end())
    first = _span(text, at, today)
    if first is None and (named := _MONTH.match(text, at)) and word in ("between", "from"):
        later = re.compile(r" (?:and|to|until|through|-) ").match(text, named.end())
        ended = _span(text, later.end(), today) if later else None
        if ended:
            first = (_month(ended[0].start.year, _month_of(named["name"])), named.end())
    if first is None:
        return None
    span, until = first
    joins = r" ?(?:to|until|till|through|and|-|–) ?" if word == "between" else r"(?: (?:to|until|till|through) |-|–)"  # noqa: RUF001
    joined = re.compile(joins).match(text, until)
    second = _span(text, joined.end(), today) if joined else None
    if word == "between" and second is None:
        return None
    if second is not None and word in ("", "between", "from", "in", "during", "for", "over"):
        if second[0].start < span.start:
            return None
        return Period(span.start, second[0].end, (span, second[0]), "range"), second[1]
    onward = re.compile(r"(?: and (?:later|after)| onwards?| or later| on(?= |$|\?|,))").match(text, until)
    if onward and word in ("", "from", "in"):
        return Period(span.start, None, (span,), "since"), onward.end()
    if word == "from":
        return Period(span.start, span.end, (span,), "in"), until
    if word.startswith(("since", "starting", "beginning")):
        return Period(span.start, None, (span,), "since"), until
    if word in ("after", "later than"):
        return Period(span.end, None, (span,), "after"), until
    if word in ("before", "earlier than", "prior to"):
        return Period(None, span.start, (span,), "before"), until
    if word.startswith(("until", "through", "up to", "by the", "no later")):
        return Period(None, span.end, (span,), "until"), until
    return Period(span.start, span.end, (span,), "in"), until


def bare_month(text: str) -> tuple[int, int] | None:
    """Return the month without a year that TEXT begins with, and how many characters it takes; or None."""
    found = re.compile(rf"(?:in|during) (?:the month of )?(?P<name>{_NAMED}){_END}").match(text)
    return (_month_of(found["name"]), found.end()) if found else None


def _span(text: str, at: int, today: date) -> tuple[Span, int] | None:
    for kind, pattern in _COMPILED:
        if found := pattern.match(text, at):
            made = _named(kind, found)
            return (made, found.end()) if made else None
    found = _RELATIVE.match(text, at)
    return (_relative(found, today), found.end()) if found else None


def _named(kind: str, found: re.Match[str]) -> Span | None:
    parts = {key: value for key, value in found.groupdict().items() if value}
    year = int(parts["y"])
    if kind == "decade":
        return Span(date(year * 10, 1, 1), date(year * 10 + 10, 1, 1), f"{year}0s")
    if kind == "year":
        return Span(date(year, 1, 1), date(year + 1, 1, 1), str(year))
    if kind in ("quarter", "half"):
        size, count = (3, 4) if kind == "quarter" else (6, 2)
        nth = int(parts["q"]) if "q" in parts else int(parts["h"]) if "h" in parts else _ORDINAL[parts["th"]] or count
        first = (nth - 1) * size + 1
        return Span(date(year, first, 1), _after(year, first + size - 1), f"{year}-{'Q' if size == 3 else 'H'}{nth}")
    month = int(parts["m"]) if "m" in parts else _month_of(parts["name"])
    if not 1 <= month <= 12:
        return None
    if kind == "month":
        return _month(year, month)
    try:
        day = date(year, month, int(parts["d"]))
    except ValueError:
        return None
    return Span(day, day + timedelta(days=1), day.isoformat())


def _relative(found: re.Match[str], today: date) -> Span:
    if found["day"]:
        day = today - timedelta(days=int(found["day"] == "yesterday"))
        return Span(day, day + timedelta(days=1), day.isoformat())
    if found["n"]:
        n, unit = int(found["n"]), found["units"]
        tomorrow = today + timedelta(days=1)
        if unit in ("days", "weeks"):
            return Span(tomorrow - timedelta(days=n * (7 if unit == "weeks" else 1)), tomorrow, found[0])
        months = n * (12 if unit == "years" else 1)
        whole = today.year * 12 + today.month - 1 - months
        return Span(date(whole // 12, whole % 12 + 1, min(today.day, 28)) + timedelta(days=1), tomorrow, found[0])
    back = 0 if found["which"] in ("this", "current") else 1
    match found["unit"]:
        case "week":
            start = today - timedelta(days=today.weekday() + 7 * back)
            return Span(start, start + timedelta(days=7), found[0])
        case "month":
            whole = today.year * 12 + today.month - 1 - back
            return _month(whole // 12, whole % 12 + 1)
        case "quarter":
            whole = today.year * 4 + (today.month - 1) // 3 - back
            year, quarter = whole // 4, whole % 4 + 1
            return Span(date(year, quarter * 3 - 2, 1), _after(year, quarter * 3), f"{year}-Q{quarter}")
    year = today.year - back
    return Span(date(year, 1, 1), date(year + 1, 1, 1), str(year))


def _month(year: int, month: int) -> Span:
    return Span(date(year, month, 1), _after(year, month), f"{year}-{month:02d}")


def _after(year: int, month: int) -> date:
    return date(year + month // 12, month % 12 + 1, 1)


def _month_of(text: str) -> int:
    return next(at for at, month in enumerate(MONTHS, 1) if month.startswith(text[:3]))
