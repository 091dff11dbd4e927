"""Open a recorded file whatever it is packed in: plain, gzip, zstd, zip or a sealed vault."""

import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from consentinel.core.errors import BadInput

CHUNK = 1 << 20
MAX_RATIO = 200  # more expansion than this is a bomb, not a recording: real captures stay under 100
MAX_BYTES = 64 << 30
RATIO_COUNTS_FROM = 32 << 20
_UNPACK_ERRORS = (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError)

_KINDS: dict[type[Exception], str] = {
    gzip.BadGzipFile: "damaged gzip data",
    zipfile.BadZipFile: "damaged zip file",
    NotImplementedError: "packed in a way that cannot be undone here",
    RuntimeError: "the zip is encrypted",
}


class _Metered(io.RawIOBase):
    """A reader that stops a compressed file from expanding without bound."""

    def __init__(self, source: BinaryIO, packed: BinaryIO, where: str) -> None:
        self._source, self._packed, self._where, self._seen = source, packed, where, 0
        self._start = packed.tell()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._source.read(len(buffer))
        self._seen += len(data)
        ratio = self._seen / max(self._packed.tell() - self._start, 1)
        if self._seen > MAX_BYTES or (self._seen > RATIO_COUNTS_FROM and ratio > MAX_RATIO):
            raise BadInput(
                f"it expands to more than {ratio:,.0f} times its size: a decompression bomb",
                where=self._where,
                todo="Leave it out, or unpack and check it yourself",
            )
        buffer[: len(data)] = data
        return len(data)


def safe_name(path: Path | str) -> str:
    """Return the base name of PATH without control characters, as it may be stored and shown."""
    name = path.name if isinstance(path, Path) else path.replace("\\", "/").rpartition("/")[2]
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", "?", name)[:120]


@contextmanager
def unpacking(where: str) -> Iterator[None]:
    """Turn what goes wrong while reading or unpacking into BadInput that names the file."""
    try:
        yield
    except BadInput:
        raise
    except Exception as why:
        if isinstance(why, _UNPACK_ERRORS) or type(why).__module__.startswith(
            ("zstandard", "backports", "compression")
        ):
            raise BadInput(f"cannot be read ({_reason(why)})", where=where, todo="Record or copy it again") from None
        raise


def _reason(why: Exception) -> str:
    """What went wrong without any piece of the input: texts of these errors may quote names or bytes of it."""
    if isinstance(why, zlib.error | EOFError) or type(why).__module__.startswith("zstandard"):
        return str(why)[:120]
    return getattr(why, "strerror", None) or _KINDS.get(type(why), type(why).__name__)


def members(path: Path, key: bytes = b"") -> Iterator[tuple[str, BinaryIO]]:
    """Yield (name, stream of unpacked bytes) for the file PATH: one, or one per member of a zip.

    Raises BadInput for a missing, unreadable, empty or bomb-like file.
    """
    where = safe_name(path)
    with unpacking(where):
        if path.is_dir():
            raise BadInput("is a folder", where=where, todo="Name the files in it, or the folder to `detect scan`")
        if not path.exists():
            raise BadInput("there is no such file", where=where, todo="Check the path")
        if not path.stat().st_size:
            raise BadInput("is empty (0 bytes)", where=where, todo="Record it again")
        with path.open("rb") as packed:
            file: BinaryIO = packed
            magic = packed.read(8)
            packed.seek(0)
            if magic == b"CSNTVLT1":
                from consentinel.core.vault import unseal

                file = unseal(packed, key, where)
                magic = cast(io.BufferedReader, file).peek(8)[:8]
            if magic[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
                yield from _zip_members(file, where)
            else:
                yield where, _buffered(_unpacked(file, magic), packed, where)


def _unpacked(file: BinaryIO, magic: bytes) -> BinaryIO:
    if magic[:2] == b"\x1f\x8b":
        return cast(BinaryIO, gzip.GzipFile(fileobj=file))
    if magic[:4] == b"\x28\xb5\x2f\xfd":
        import zstandard

        reader = zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(file, read_across_frames=True)
        return cast(BinaryIO, reader)
    return file


def _buffered(source: BinaryIO, packed: BinaryIO, where: str) -> BinaryIO:
    return io.BufferedReader(_Metered(source, packed, where), CHUNK)


def _zip_members(file: BinaryIO, where: str) -> Iterator[tuple[str, BinaryIO]]:
    if not file.seekable():  # a sealed zip: its directory is at its end
        file = io.BytesIO(file.read())
    with zipfile.ZipFile(file) as archive:
        infos = [i for i in archive.infolist() if not i.is_dir() and not i.filename.startswith("__MACOSX")]
        hars = [i for i in infos if i.filename.lower().endswith(".har")] or infos
        if not hars:
            raise BadInput("the zip holds no file", where=where, todo="Zip the HAR file itself")
        for info in hars:
            if info.flag_bits & 1:
                raise BadInput("the zip is encrypted", where=where, todo="Unpack it first")
            with archive.open(info) as member:
                name = f"{where}/{safe_name(info.filename)}"
                yield name, _buffered(cast(BinaryIO, member), file, name)
