"""The lines of a text file, whatever encoding it is in: UTF-8, UTF-16 or UTF-32, Latin-1, or several at once."""

import codecs
import gzip
import zlib
from collections.abc import Callable, Iterator
from io import BufferedReader
from pathlib import Path

from consentinel.core.errors import BadInput
from consentinel.understand.sources._asking import Asking

MAX_BYTES = 2 << 30  # of the text
BUFFER = 1 << 20
PACKED = 64 << 20  # bytes of text from which on packed data is asked how often it grew
GROWTH = 200  # most bytes of text from one packed byte; texts of records pack to a tenth, rarely to a fiftieth
_MARKS = (  # longest first: the mark of UTF-32 begins as that of UTF-16 does
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip


def lines(path: Path, asking: Asking) -> Iterator[str]:
    """Yield the lines of PATH with their ends; a file may be packed by gzip.

    The encoding is that of the byte order mark, else UTF-16 where every other byte is zero, else UTF-8; a line that is
    no UTF-8 is read as Windows-1252, and how many were is told. Raises BadInput for what cannot be read.
    """
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            yield from _decoded(gzip.GzipFile(fileobj=file) if packed else file, file.tell, path.name, asking)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        asking.unreadable += 1
        asking.notes.append(f"{path.name}: the packed data is damaged or cut off; what came before it was read")
    except OSError as why:
        raise BadInput(f"cannot be read ({why.strerror or why})", where=path.name, todo="Check the path") from None


def head(path: Path, characters: int = 4096) -> str:
    """Return the first CHARACTERS of PATH, or what can be read of them; empty where nothing can."""
    found = ""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            data = (gzip.GzipFile(fileobj=file) if packed else file).read(4 * characters)
            found = data.decode(_encoding(data) or "utf-8", "replace")
    except (OSError, EOFError, zlib.error):
        return found
    return found[:characters]


def _encoding(data: bytes) -> str:
    """Return the encoding that DATA, the beginning of a file, shows; empty where it is to be tried line by line."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return name
    half = len(data) // 2
    if half > 1 and data[1::2].count(0) > 0.4 * half > data[::2].count(0):
        return "utf-16-le"
    if half > 1 and data[::2].count(0) > 0.4 * half > data[1::2].count(0):
        return "utf-16-be"
    return ""


def _decoded(
    file: gzip.GzipFile | BufferedReader, taken: Callable[[], int], where: str, asking: Asking
) -> Iterator[str]:
    first = file.read1(BUFFER)
    encoding = _encoding(first[:4096])
    pieces = _pieces(first, file, taken, where)
    if encoding:
        decoder = codecs.getincrementaldecoder(encoding)("replace")
        rest = ""
        for piece in pieces:
            whole = (rest + decoder.decode(piece)).split("\n")
            rest = whole.pop()
            yield from (f"{line}\n" for line in whole)
        yield rest + decoder.decode(b"", True)
        return
    other = 0
    for line in _cut(pieces):
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError:
            other += 1
            yield line.decode("cp1252", "replace")
    if other:
        asking.notes.append(f"{where}: {other} lines are no UTF-8 and were read as Windows-1252")


def _pieces(
    first: bytes, file: gzip.GzipFile | BufferedReader, taken: Callable[[], int], where: str
) -> Iterator[bytes]:
    size, piece = 0, first
    while piece:
        size += len(piece)
        if size > MAX_BYTES:
            raise BadInput(f"holds more than {MAX_BYTES >> 30} GiB of text", where=where, todo="Split it")
        if size > PACKED and isinstance(file, gzip.GzipFile) and size > GROWTH * taken():
            raise BadInput(
                f"unpacks to over {GROWTH} times its size", where=where, todo="Unpack it and look at it first"
            )
        yield piece
        piece = file.read1(BUFFER)


def _cut(pieces: Iterator[bytes]) -> Iterator[bytes]:
    rest: list[bytes] = []
    for piece in pieces:
        whole = piece.split(b"\n")
        if len(whole) == 1:  # a long line is joined once, at its end
            rest.append(piece)
            continue
        yield b"".join(rest) + whole[0] + b"\n"
        yield from (line + b"\n" for line in whole[1:-1])
        rest = [whole[-1]]
    last = b"".join(rest)
    if last:
        yield last
