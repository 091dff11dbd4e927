"""Personal data in running text replaced by placeholders: [EMAIL_1], [PERSON_2], one number for a value in a document.

Every part of understand/masking looks at all documents at once. Where their spans overlap, the surer one holds, then
the longer; what sticks out of the other is masked too. Placeholders that a text brings along are left alone, and new
numbers begin after theirs. Companies, places, peoples, titles and dates stay unless they are asked for: they are what
a report of an incident is about.
"""

import re
from bisect import bisect_right
from collections.abc import Collection, Iterator
from itertools import accumulate

import pyarrow as pa

from consentinel.core.columns import one
from consentinel.understand.masking._span import DIVIDES, Span
from consentinel.understand.shelves import MASKING

__all__ = ["DIRECT", "MASKED", "WIDER", "masked", "spans"]

MASKED = pa.schema(
    [
        ("text", pa.string()),
        ("masked", pa.list_(pa.struct([("kind", pa.string()), ("n", pa.int32())]))),  # spans by kind
        ("spans", pa.list_(pa.struct([("kind", pa.string()), ("start", pa.int32()), ("end", pa.int32())]))),
    ]
)  # of the text as it was, in characters
# Kinds that identify by themselves: what is masked also where a name of a company or a place has to stay.
DIRECT = ("EMAIL", "PHONE", "CARD", "IBAN", "NATIONAL_ID", "IP")
# Kinds that say whom a text is about only together with others: masked where they are asked for by name.
WIDER = ("DATE", "GROUP", "ORGANISATION", "PLACE", "TITLE")
AT_ONCE = 4_000_000  # characters
SURE, FULL = 0.8, 0.7  # of a name, of one word and of several, that is looked for in all of its document
_NAME = re.compile(
    r"(?<![\w@./-])[^\W\d_a-z][^\W\d_]{4,}(?![\w@-])"
)  # a capital, then letters: as long as few words are
_WORDS = re.compile(r"\w(?:.*\w)?", re.DOTALL)
_PLACEHOLDER = re.compile(r"\[([A-Z_]{2,20})_(\d{1,6})\]")


def masked(texts: pa.Array | pa.ChunkedArray, kinds: Collection[str] | None = None) -> pa.Table:
    """Return MASKED of TEXTS, row by row: the masked text, how many spans of which kind, and where they were.

    Arguments: texts, of string, nulls stay null; kinds that are masked, None for all but WIDER.
    """
    rows = [row for batch in _batches(one(texts).cast(pa.string()).to_pylist()) for row in _masked(batch, kinds)]
    return pa.Table.from_pylist(rows, MASKED)


def spans(texts: list[str], kinds: Collection[str] | None = None) -> list[list[Span]]:
    """Return the spans in each of TEXTS that do not overlap, in order."""
    whole = DIVIDES.join(text.replace(DIVIDES, " ") for text in texts)
    starts = [0, *accumulate(len(text) + 1 for text in texts)]
    found = [Span(*hit.span(), "", 2.0) for hit in _PLACEHOLDER.finditer(whole)]
    for name in MASKING.names():
        part = MASKING.take(name)
        wanted = set(part.KINDS).difference(WIDER) if kinds is None else set(part.KINDS).intersection(kinds)
        if wanted:
            found += [span for span in part.find(whole) if span.kind in wanted]
    made: list[list[Span]] = [[] for _ in texts]
    for span in _apart(found, whole):
        at = bisect_right(starts, span.start) - 1
        if span.kind and span.end < starts[at + 1]:
            made[at].append(span._replace(start=span.start - starts[at], end=span.end - starts[at]))
    return [_again(text, there) for text, there in zip(texts, made, strict=True)]


def _again(text: str, there: list[Span]) -> list[Span]:
    """Return the spans THERE in TEXT and the other places of names of persons that are sure, or sure enough in full."""
    known = [(span, text[span.start : span.end]) for span in there if span.kind == "PERSON"]
    sure = [span for span, name in known if span.p >= (FULL if " " in name else SURE)]
    names = {word: span for span in sure for word in _NAME.findall(text[span.start : span.end])}
    if not names:
        return there
    starts = [span.start for span in there]
    more = []
    for hit in _NAME.finditer(text):
        if hit[0] in names:
            at = bisect_right(starts, hit.start()) - 1
            inside = at >= 0 and hit.start() < there[at].end
            if not inside and (at + 1 == len(there) or hit.end() <= there[at + 1].start):
                more.append(Span(hit.start(), hit.end(), "PERSON", names[hit[0]].p))
    return sorted([*there, *more])


def _batches(texts: list[str | None]) -> Iterator[list[str | None]]:
    begin, size = 0, 0
    for at, text in enumerate(texts):
        size += len(text or "")
        if size > AT_ONCE:
            yield texts[begin : at + 1]
            begin, size = at + 1, 0
    if begin < len(texts):
        yield texts[begin:]


def _apart(found: list[Span], whole: str) -> list[Span]:
    """Return the spans of FOUND that hold where they overlap in the text WHOLE, in order of their start."""
    kept: list[Span] = []
    group: list[Span] = []
    until = -1
    for span in sorted(found):
        if span.start >= until and group:
            kept += _surest(group, whole)
            group = []
        group.append(span)
        until = max(until, span.end)
    return kept + _surest(group, whole)


def _surest(group: list[Span], whole: str) -> list[Span]:
    """Return the surest of the spans in GROUP, then of the others what they leave, less what is no word."""
    if len(group) == 1:
        return group
    kept: list[Span] = []
    for span in sorted(group, key=lambda s: (-s.p, s.start - s.end)):
        at = span.start
        for other in [*sorted(kept), Span(span.end, span.end, "", 0)]:
            if other.end < at or other.start > span.end:
                continue
            rest = _WORDS.search(whole, at, max(at, min(other.start, span.end)))
            if rest:
                kept.append(span._replace(start=rest.start(), end=rest.end()))
            at = max(at, other.end)
    return sorted(kept)


def _masked(texts: list[str | None], kinds: Collection[str] | None) -> Iterator[dict[str, object]]:
    for text, there in zip(texts, spans([text or "" for text in texts], kinds), strict=True):
        if text is None:
            yield {"text": None, "masked": [], "spans": []}
            continue
        counts: dict[str, int] = {}
        for span in there:
            counts[span.kind] = counts.get(span.kind, 0) + 1
        yield {
            "text": _replaced(text, there) if there else text,
            "masked": [{"kind": kind, "n": n} for kind, n in counts.items()],
            "spans": [{"kind": s.kind, "start": s.start, "end": s.end} for s in there],
        }


def _replaced(text: str, there: list[Span]) -> str:
    last: dict[str, int] = {}
    for hit in _PLACEHOLDER.finditer(text):
        last[hit[1]] = max(last.get(hit[1], 0), int(hit[2]))
    names: dict[tuple[str, str], str] = {}
    pieces, at = [], 0
    for span in there:
        same = (span.kind, re.sub(r"\W+", "", text[span.start : span.end]).casefold())
        if same not in names:
            last[span.kind] = last.get(span.kind, 0) + 1
            names[same] = f"[{span.kind}_{last[span.kind]}]"
        pieces += [text[at : span.start], names[same]]
        at = span.end
    return "".join([*pieces, text[at:]])
