import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.core import vault
from consentinel.core.errors import BadInput
from consentinel.core.vault import MAGIC, seal, unseal

KEY = bytes(range(32))


def opened(path: Path, key: bytes = KEY) -> bytes:
    with path.open("rb") as file:
        return unseal(file, key, path.name).read()


def sealed(data: bytes, folder: Path, key: bytes = KEY) -> Path:
    (folder / "a.har").write_bytes(data)
    return seal(folder / "a.har", folder / "a.har.vault", key)


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 128, 1000])
def test_what_was_sealed_comes_back(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault, "CHUNK", 64)
    data = os.urandom(size)
    path = sealed(data, tmp_path)
    assert opened(path) == data
    assert path.read_bytes()[:8] == MAGIC
    if size >= 63:
        assert data[:16] not in path.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.har", "a.har.vault"]


def test_two_seals_of_one_file_differ(tmp_path: Path) -> None:
    assert sealed(b"x" * 99, tmp_path).read_bytes() != sealed(b"x" * 99, tmp_path).read_bytes()


def test_another_key_is_refused_and_told_what_to_do(tmp_path: Path) -> None:
    path = sealed(b"x" * 99, tmp_path)
    for key in (bytes(32), b""):
        with pytest.raises(BadInput, match="another project key") as told:
            opened(path, key)
        assert "CONSENTINEL_KEY" in told.value.todo


def test_every_cut_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault, "CHUNK", 64)
    path = sealed(os.urandom(200), tmp_path)
    whole = path.read_bytes()
    for size in range(len(MAGIC), len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(BadInput, match="cut off"):
            opened(path)


@settings(max_examples=150, deadline=None)
@given(at=st.integers(8, 10_000), bit=st.integers(0, 7))
def test_every_flipped_bit_is_noticed(at: int, bit: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.MonkeyPatch().context() as patched:
        patched.setattr(vault, "CHUNK", 64)
        path = sealed(bytes(200), tmp_path_factory.mktemp("v"))
        data = bytearray(path.read_bytes())
        data[8 + (at - 8) % (len(data) - 8)] ^= 1 << bit
        path.write_bytes(data)
        with pytest.raises(BadInput):
            opened(path)


def test_moved_dropped_and_repeated_chunks_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault, "CHUNK", 64)
    path = sealed(os.urandom(64 * 3), tmp_path)
    data = path.read_bytes()
    head, size = data[:24], 4 + 64 + 16
    a, b, c = (data[24 + n * size : 24 + (n + 1) * size] for n in range(3))
    for order in ([b, a, c], [a, c], [a, b], [a, a, b, c], [c]):
        path.write_bytes(head + b"".join(order))
        with pytest.raises(BadInput):
            opened(path)


def test_a_failed_seal_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        seal(tmp_path / "missing", tmp_path / "a.vault", KEY)
    assert list(tmp_path.iterdir()) == []
