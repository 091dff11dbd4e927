"""Keys and witnesses: whole or not at all, never back, and refused when damaged."""

import os
import stat
from pathlib import Path

import pytest

from consentinel.core.errors import BadInput
from consentinel.core.ledger_witness import Mark, Witness, key_made, key_read

KEY = bytes(range(32))
ONE = Mark("L1", 1, "aa", "p")
TWO = Mark("L1", 2, "bb", "p")


def witness(*files: Path) -> Witness:
    found = Witness(files, KEY)
    with found.held():
        found.put(ONE)
    return found


def test_a_key_is_for_its_owner_only_and_is_never_replaced(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "ledger.key"
    key = key_made(file)
    assert len(key) == 32
    assert key_read(file) == key
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(BadInput, match="cannot be made"):
        key_made(file)
    assert key_read(file) == key
    assert os.listdir(file.parent) == ["ledger.key"]


def test_keys_that_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "k"
    with pytest.raises(BadInput, match="Put the key file back"):
        key_read(file)
    for text in (b"", b"ab" * 31, b"zz" * 32, b"\xff" * 64, b"ab" * 33):
        file.write_bytes(text)
        file.chmod(0o600)
        with pytest.raises(BadInput, match="64 hexadecimal digits"):
            key_read(file)
    file.write_bytes(b"ab" * 32)
    for mode in (0o640, 0o604, 0o620):
        file.chmod(mode)
        with pytest.raises(BadInput, match="chmod 600 k"):
            key_read(file)


def test_a_witness_goes_forward_only(tmp_path: Path) -> None:
    files = (tmp_path / "a", tmp_path / "b" / "b")
    found = witness(*files)
    assert found.read() == [ONE, ONE]
    codes = {1: "aa", 2: "bb"}
    found.advance(TWO, [ONE, ONE], codes.__getitem__)
    assert found.read() == [TWO, TWO]
    found.advance(ONE, [ONE, ONE], codes.__getitem__)  # another process was faster
    assert found.read() == [TWO, TWO]
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600


def test_another_history_is_found_before_a_ticket_leaves(tmp_path: Path) -> None:
    found = witness(tmp_path / "a")
    found.advance(TWO, [ONE], {1: "aa", 2: "bb"}.__getitem__)
    for code in ("cc", ""):
        with pytest.raises(BadInput, match="another entry 2"):
            found.advance(Mark("L1", 3, "dd", "p"), [ONE], lambda _, code=code: code)  # type: ignore[misc]
    with pytest.raises(BadInput, match="another entry 2"):
        found.advance(Mark("L2", 3, "dd", "p"), [ONE], {2: "bb"}.__getitem__)
    assert found.read() == [TWO]


def test_damaged_forged_and_missing_witnesses(tmp_path: Path) -> None:
    file = tmp_path / "a"
    found = witness(file)
    data = file.read_bytes()
    for at in range(len(data) - 1):
        file.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        with pytest.raises(BadInput, match="damaged"):
            found.read()
    for other in (b"", data[:10], data * 2, b"\n\n"):
        file.write_bytes(other)
        with pytest.raises(BadInput, match="damaged"):
            found.read()
    file.write_bytes(data)
    with pytest.raises(BadInput, match="belongs to another"):
        Witness([file], bytes(32)).read()
    file.unlink()
    with pytest.raises(BadInput, match="is missing"):
        found.read()
    assert found.remembered() == []


def test_what_a_killed_process_left_is_written_over(tmp_path: Path) -> None:
    found = witness(tmp_path / "a")
    (tmp_path / ".a.part").write_bytes(b"half")
    found.advance(TWO, [ONE], {1: "aa"}.__getitem__)
    assert found.read() == [TWO]
    assert sorted(os.listdir(tmp_path)) == ["a", "a.lock"]


def test_a_witness_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = witness(tmp_path / "a")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BadInput, match="what was charged stays spent"):
        found.advance(TWO, [ONE], {1: "aa"}.__getitem__)
    assert found.read() == [ONE]


def test_a_place_is_told_only_with_the_key() -> None:
    assert Witness([], KEY).digest("x") == Witness([], KEY).digest("x") != Witness([], KEY).digest("y")
    assert Witness([], KEY).digest("x") != Witness([], bytes(32)).digest("x")
