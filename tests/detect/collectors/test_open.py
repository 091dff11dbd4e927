import gzip
import os
import time
import zipfile
import zlib
from pathlib import Path

import pytest
import zstandard

from benchmarks._claim import measure
from consentinel.core.errors import BadInput
from consentinel.core.vault import seal
from consentinel.detect.collectors import _open
from tests.detect.collectors.hars import document, entry, read, traffic

KEY = bytes(range(32))
TEXT = str(document([entry()])).encode() * 50


def zipped(files: dict[str, bytes], path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def contents(path: Path, key: bytes = KEY) -> dict[str, bytes]:
    found = {}
    for name, stream in _open.members(path, key):
        with _open.unpacking(name):
            found[name] = stream.read()
    return found


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress], ids=["plain", "gzip", "zstd"])
@pytest.mark.parametrize("sealed", [False, True])
def test_packings_are_undone_by_content_not_by_name(pack, sealed: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.har"
    path.write_bytes(pack(TEXT))
    if sealed:
        path = seal(path, tmp_path / "a.har.vault", KEY)
    assert contents(path) == {path.name: TEXT}


def test_several_gzip_members_and_zstd_frames_are_one_stream(tmp_path: Path) -> None:
    for pack in (gzip.compress, zstandard.compress):
        (tmp_path / "a").write_bytes(pack(b"one ") + pack(b"two"))
        assert contents(tmp_path / "a") == {"a": b"one two"}


@pytest.mark.parametrize("sealed", [False, True])
def test_a_zip_gives_its_har_members_only(sealed: bool, tmp_path: Path) -> None:
    files = {"read.txt": b"x", "in/A.HAR": b"1", "b.har": b"2", "__MACOSX/b.har": b"3"}
    path = zipped(files, tmp_path / "a.zip")
    if sealed:
        path = seal(path, tmp_path / "b.vault", KEY)
    assert contents(path) == {f"{path.name}/A.HAR": b"1", f"{path.name}/b.har": b"2"}


def test_a_zip_without_har_gives_what_it_has_and_an_empty_one_is_refused(tmp_path: Path) -> None:
    assert contents(zipped({"capture.json": b"{}"}, tmp_path / "a.zip")) == {"a.zip/capture.json": b"{}"}
    with pytest.raises(BadInput, match="no file"):
        contents(zipped({}, tmp_path / "b.zip"))


def test_an_encrypted_zip_is_told(tmp_path: Path) -> None:
    path = zipped({"a.har": TEXT}, tmp_path / "a.zip")
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x03\x04") + 6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(BadInput, match="encrypted"):
        contents(path)


@pytest.mark.parametrize("damage", ["cut", "flip"])
@pytest.mark.parametrize("kind", ["gzip", "zip"])
def test_damaged_files_are_refused_without_a_word_of_their_content(kind: str, damage: str, tmp_path: Path) -> None:
    path = tmp_path / "a"
    if kind == "gzip":
        path.write_bytes(gzip.compress(os.urandom(4000)))
    else:
        zipped({"jane-at-example.har": os.urandom(4000)}, path)
    data = bytearray(path.read_bytes())
    if damage == "flip":
        data[2000] ^= 0xFF
    path.write_bytes(data[:3000] if damage == "cut" else data)
    with pytest.raises(BadInput) as told:
        contents(path)
    assert str(told.value).startswith("a")
    assert "jane" not in told.value.what


@pytest.mark.parametrize("name", ["missing.har", "folder", "empty.har"])
def test_nothing_to_read_is_told(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.har").touch()
    with pytest.raises(BadInput) as told:
        contents(tmp_path / name)
    assert str(told.value).startswith(f"{name}: ")
    assert str(tmp_path) not in str(told.value)
    assert told.value.todo


def test_names_are_shown_without_control_characters_or_folders() -> None:
    assert _open.safe_name("C:\\Users\\jane\\a\x1b[31m\u202e.har") == "a?[31m?.har"
    assert _open.safe_name(Path("/srv/jane/b.har")) == "b.har"
    assert len(_open.safe_name("x" * 999)) == 120


def gzip_bomb(head: bytes, fill: bytes, megabytes: int) -> bytes:
    """A gzip file whose blocks are all the same; its checksum, at the end, is wrong."""
    machine = zlib.compressobj(9, zlib.DEFLATED, -15)
    start = machine.compress(head) + machine.flush(zlib.Z_FULL_FLUSH)
    block = machine.compress(fill * (1 << 20)) + machine.flush(zlib.Z_FULL_FLUSH)
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + start + block * megabytes + machine.flush() + bytes(8)


def zstd_bomb(head: bytes, fill: bytes, megabytes: int) -> bytes:
    return zstandard.compress(head) + zstandard.compress(fill * (1 << 20)) * megabytes


HEAD = b'{"log":{"entries":[{"request":{"url":"https://t.test/?a=1"}}'
BOMBS = {
    "zeros.gz": lambda: gzip_bomb(b"", b"\0", 1024),
    "spaces.gz": lambda: gzip_bomb(HEAD, b" ", 1024),
    "string.gz": lambda: gzip_bomb(HEAD + b',{"x":"', b"x", 1024),
    "zeros.zst": lambda: zstd_bomb(b"", b"\0", 1024),
    "spaces.zst": lambda: zstd_bomb(HEAD, b" ", 1024),
    "brackets.zst": lambda: zstd_bomb(HEAD, b"[", 1024),
    "nested.gz": lambda: gzip.compress(gzip_bomb(HEAD, b" ", 1024)),
}


@pytest.mark.parametrize("name", [*BOMBS, "spaces.zip"])
def test_bombs_are_refused_in_bounded_time_and_memory(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name == "spaces.zip":
        zipped({"a.har": HEAD + b" " * (100 << 20)}, path)
    else:
        path.write_bytes(BOMBS[name]())
    with measure() as idle:
        pass
    said, batches, cpu = "", [], time.process_time()
    with measure() as found:
        try:
            batches, notes = read(path)
            said = notes[0]
        except BadInput as why:
            said = str(why)
    assert time.process_time() - cpu < 2
    assert found.peak_mb - idle.peak_mb < 200
    assert "bomb" in said or "not JSON" in said
    assert len(traffic(batches)) == ("bomb" in said)  # what came before the bomb is kept


def test_a_large_honest_file_is_not_taken_for_a_bomb(tmp_path: Path) -> None:
    block = os.urandom(1 << 16).hex().encode()
    (tmp_path / "a.gz").write_bytes(gzip.compress(block * 600, 1))
    start = time.perf_counter()
    assert sum(len(s.read()) for _, s in _open.members(tmp_path / "a.gz")) == len(block) * 600
    assert time.perf_counter() - start < 5
