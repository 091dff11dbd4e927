"""Cut a HAR 1.2 stream into its entries without holding the file: one pass over chunks of bytes.

HAR is one JSON object, so a parser that wants the whole text needs many times its size in memory. Here brackets
outside strings are located with NumPy, chunk by chunk, and only those near the root are looked at one by one: a HAR's
entries are at depth 4 (root, log, entries, entry). Each cut piece is parsed by a real JSON parser afterwards.
"""

from collections.abc import Iterator
from typing import BinaryIO

import msgspec
import numpy as np

from consentinel.core.errors import BadInput

CHUNK = 1 << 20
MAX_PIECE = 64 << 20  # one entry, or one other member of log

_IS_BRACKET = np.zeros(256, bool)
_IS_BRACKET[[ord(c) for c in "{}[]"]] = True
_STEP = np.zeros(256, np.int8)
_STEP[[ord("{"), ord("[")]] = 1
_STEP[[ord("}"), ord("]")]] = -1
_LOOKBACK = 512
_SPACE = b" \t\r\n"
_OTHER_JSON = "is JSON but not a HAR: there is no log.entries"
_REMEDY = "Export it as HAR 1.2 (for example 'Save all as HAR' in the browser's network panel)"


class _Brackets:
    """Positions and depths of the brackets outside strings, over successive chunks."""

    def __init__(self) -> None:
        self.depth, self.in_string, self.odd_backslash = 0, False, False

    def scan(self, data: bytes | bytearray, deepest: int) -> list[tuple[int, int]]:
        """Return (position, depth after) of the brackets that open to or close from a depth up to DEEPEST."""
        raw = np.frombuffer(data, np.uint8)
        quotes = np.flatnonzero(raw == 34)
        slashes = np.flatnonzero(raw == 92)
        odd_before = self.odd_backslash
        if len(slashes):
            breaks = np.flatnonzero(np.diff(slashes) != 1) + 1
            starts = slashes[np.concatenate(([0], breaks))]
            ends = slashes[np.concatenate((breaks - 1, [len(slashes) - 1]))]
            lengths = ends - starts + 1
            if odd_before and starts[0] == 0:
                lengths[0] += 1
            odd = ends[lengths % 2 == 1] + 1  # the character after an odd run is escaped
            quotes = quotes[~np.isin(quotes, odd, assume_unique=True)]
            self.odd_backslash = bool(ends[-1] == len(raw) - 1 and lengths[-1] % 2)
        else:
            self.odd_backslash = False
        if odd_before and len(quotes) and quotes[0] == 0 and not (len(slashes) and slashes[0] == 0):
            quotes = quotes[1:]
        at = np.flatnonzero(_IS_BRACKET[raw])
        outside = (np.searchsorted(quotes, at) + self.in_string) % 2 == 0
        at = at[outside]
        self.in_string = bool((len(quotes) + self.in_string) % 2)
        step = _STEP[raw[at]]
        after = self.depth + np.cumsum(step, dtype=np.int64)
        if len(after):
            self.depth = int(after[-1])
        near = np.where(step > 0, after <= deepest, after < deepest)
        return list(zip(at[near].tolist(), after[near].tolist(), strict=True))


def pieces(stream: BinaryIO, where: str, notes: list[str]) -> Iterator[tuple[str, bytes]]:
    """Yield ("entry", JSON bytes) for each entry and (name, JSON bytes) for each other object or array in log.

    Pieces over 64 MB are left out. What was left out and a truncated end are told in NOTES. Raises BadInput when the
    stream is not JSON or is JSON but not HAR.
    """
    head = _first_bytes(stream, where)
    brackets, buffer, base = _Brackets(), bytearray(head), 0
    scanned = 0  # bytes of the stream that brackets have been located in
    start = -1  # stream position where the current piece starts
    name, inside_log, inside_entries, seen_entries, entries = "", False, False, False, 0
    too_large = False
    while True:
        fresh = buffer[scanned - base :]
        for offset, depth in brackets.scan(fresh, 4) if fresh else ():
            position = scanned + offset
            char = fresh[offset]
            opens = char in b"{["
            if depth < 0 and seen_entries:
                notes.append(f"{where}: brackets do not match after entry {entries:,}; the rest was left out")
                return
            if depth < 0 or (depth == 0 and not opens and not seen_entries):
                raise BadInput(_OTHER_JSON, where=where, todo=_REMEDY)
            if opens and depth == 2:
                inside_log = _key_before(buffer, position - base) == "log"
            elif opens and depth == 3 and inside_log:
                name, start = _key_before(buffer, position - base), position
                inside_entries, too_large = name == "entries" and char == 91, False
                seen_entries |= inside_entries
            elif opens and depth == 4 and inside_entries:
                start, too_large = position, False
            elif not opens and start >= 0 and depth == (3 if inside_entries else 2):
                if depth == 3:
                    entries += 1
                if too_large:
                    notes.append(f"{where}: {_ordinal(depth, entries, name)} is over 64 MB and was left out")
                elif depth == 3 or not inside_entries:
                    yield ("entry" if depth == 3 else name), bytes(buffer[start - base : position + 1 - base])
                start, too_large = -1, False
            if not opens and depth == 2:
                inside_entries, start = False, -1
        scanned += len(fresh)
        keep = scanned - _LOOKBACK if start < 0 or too_large else min(start, scanned - _LOOKBACK)
        if start >= 0 and scanned - start > MAX_PIECE:
            too_large, keep = True, scanned - _LOOKBACK
        cut = max(keep - base, 0)
        more = stream.read(CHUNK)
        if not more:
            break
        del buffer[:cut]  # a bytearray takes both without copying what stays
        buffer += more
        base += cut
    if not seen_entries:
        ended = " (and it ends in the middle)" if brackets.depth > 0 or brackets.in_string else ""
        raise BadInput(_OTHER_JSON + ended, where=where, todo=_REMEDY)
    if brackets.depth > 0 or brackets.in_string:
        notes.append(f"{where}: the file is truncated; the {entries:,} whole entries before the end were read")


def _ordinal(depth: int, entries: int, name: str) -> str:
    return f"entry {entries:,}" if depth == 3 else f"log.{name}" if name == "pages" else "another part of log"


def _first_bytes(stream: BinaryIO, where: str) -> bytes:
    head = stream.read(max(CHUNK, 16))
    if head[:3] == b"\xef\xbb\xbf":
        head = head[3:]
    text = head.lstrip(b" \t\r\n")
    if not text:
        raise BadInput("holds nothing but white space", where=where, todo="Record it again")
    if text[:2] in (b"\xff\xfe", b"\xfe\xff") or text[:2] in (b"{\0", b"\0{", b"[\0", b"\0["):
        raise BadInput("is UTF-16 text, a HAR is UTF-8", where=where, todo="Convert it to UTF-8")
    if text[:1] != b"{":
        kind = "is JSON but not a HAR: its root is not an object" if text[:1] in b'["' else "is not JSON"
        raise BadInput(kind, where=where, todo=_REMEDY)
    return head


def _key_before(buffer: bytearray, position: int) -> str:
    """Return the name written before POSITION, or an empty text; names over 500 bytes are not looked for."""
    head = bytes(buffer[max(0, position - _LOOKBACK) : position]).rstrip(_SPACE)
    head = head[:-1].rstrip(_SPACE) if head[-1:] == b":" else b""
    if head[-1:] != b'"':
        return ""
    start = head.rfind(b'"', 0, -1)
    while start > 0 and (start - len(head[:start].rstrip(b"\\"))) % 2:  # an escaped quote inside the name
        start = head.rfind(b'"', 0, start)
    try:
        return str(msgspec.json.decode(head[start:])) if start >= 0 else ""
    except (msgspec.MsgspecError, ValueError):
        return ""
