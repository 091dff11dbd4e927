"""What a ledger keeps outside its database: its key, and witnesses who remember how far it had come.

A witness is a small file, signed with the ledger's key, that names the last entry, its code, and where the database
was. It is written anew after each entry, before any ticket leaves, and never goes back. So an older copy of the
database, one whose end was cut off, one that was made again, and a copy used beside the original are found. Not found:
somebody who sets back the database and every witness together. A second witness on another disk or machine is for that.

The key is 32 secret bytes in a file of mode 0600. Who has it can forge tickets, entries and witnesses.
"""

import hmac
import json
import os
import secrets
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from consentinel.core.errors import BadInput
from consentinel.core.ledger import canonical

__all__ = ["Mark", "Witness", "key_made", "key_read"]

KEY_BYTES = 32


@dataclass(frozen=True)
class Mark:
    """How far a ledger had come: its identifier, its last entry and the code of that, and a keyed code of its place."""

    ledger: str
    seq: int
    mac: str
    place: str


def key_made(file: Path) -> bytes:
    """Return a new key and keep it in FILE, readable by its owner only; an existing file is never replaced."""
    key = secrets.token_bytes(KEY_BYTES)
    beside = file.with_name(f".{file.name}.{secrets.token_hex(4)}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        _written(beside, key.hex().encode() + b"\n")
        os.link(beside, file)  # whole or not at all, and never over another key
    except OSError as why:
        todo = "Name another place for the key"
        raise BadInput(f"the key cannot be made ({why.strerror or why})", where=file.name, todo=todo) from None
    finally:
        with suppress(OSError):
            beside.unlink()
    return key


def key_read(file: Path) -> bytes:
    """Return the key in FILE; raises BadInput where it is missing, is none, or can be read by others."""
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
        text = file.read_text("ascii").strip()
    except OSError as why:
        raise BadInput(
            f"the ledger's key cannot be read ({why.strerror or why})",
            where=file.name,
            todo="Put the key file back; without it nothing can be spent or checked, and no other key fits",
        ) from None
    except UnicodeDecodeError:
        text = ""
    if os.name == "posix" and mode & 0o077:
        raise BadInput("others can read the ledger's key", where=file.name, todo=f"Run: chmod 600 {file.name}")
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        todo = "Put the key file back from where you keep a copy"
        raise BadInput(f"a ledger key is {2 * KEY_BYTES} hexadecimal digits", where=file.name, todo=todo)
    return key


class Witness:
    """The witnesses of one ledger: files that agree, or the one that is ahead counts."""

    def __init__(self, files: Sequence[Path], key: bytes) -> None:
        self.files, self._key = tuple(files), key

    def digest(self, place: str) -> str:
        """Return the keyed code of PLACE; without the key nobody learns the place."""
        return hmac.digest(self._key, b"consentinel ledger place 1\n" + place.encode(), "sha256").hex()

    def read(self) -> list[Mark]:
        """Return what each witness remembers; raises BadInput where one is missing or damaged."""
        return [self._one(file) for file in self.files]

    def remembered(self) -> list[Mark]:
        """Return what the witnesses that are there and whole remember."""
        found = []
        for file in self.files:
            try:
                found.append(self._one(file))
            except BadInput:
                continue
        return found

    def missing(self) -> bool:
        """Return whether none of the files is there."""
        return not any(file.exists() for file in self.files)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes from writing the witnesses; however this process ends, the system lets go of them."""
        with ExitStack() as stack:
            for file in self.files:
                stack.enter_context(_locked(file))
            yield

    def advance(self, mark: Mark, seen: Sequence[Mark], code_of: Callable[[int], str]) -> None:
        """Let every witness remember MARK unless it is further already.

        SEEN is what was read from them and checked before. A mark that appeared since was left by another process; its
        entry has to be in this database too (CODE_OF gives the code of an entry), else two copies are in use.
        """
        with self.held():
            for file, before in zip(self.files, seen, strict=True):
                now = self._one(file)
                if now != before and (now.ledger != mark.ledger or now.mac != code_of(now.seq)):
                    raise BadInput(
                        f"the witness remembers another entry {now.seq} than this ledger has",
                        where=file.name,
                        todo="Two copies of one ledger are in use: stop both, keep the one with more entries, and "
                        "adopt it with forfeit",
                    )
                if now.seq < mark.seq:
                    self._put(file, mark)

    def put(self, mark: Mark) -> None:
        """Let every witness remember MARK, whatever it remembered before; only with the witnesses held."""
        for file in self.files:
            self._put(file, mark)

    def _one(self, file: Path) -> Mark:
        try:
            body, code = file.read_bytes().removesuffix(b"\n").split(b"\n")
            if not hmac.compare_digest(code, self._code(body)):
                raise ValueError
            return Mark(**json.loads(body))
        except FileNotFoundError:
            what = "the witness is missing"
        except OSError as why:
            what = f"the witness cannot be read ({why.strerror or why})"
        except (ValueError, TypeError):
            what = "the witness is damaged, or belongs to another ledger"
        todo = "Put it back; if it is lost, adopt the ledger, which tells what that costs"
        raise BadInput(what, where=file.name, todo=todo)

    def _put(self, file: Path, mark: Mark) -> None:
        body = canonical(asdict(mark))
        beside = file.with_name(f".{file.name}.part")  # one name: what a killed process left is written over
        try:
            _written(beside, body + b"\n" + self._code(body) + b"\n")
            os.replace(beside, file)
        except OSError as why:
            raise BadInput(
                f"the witness cannot be written ({why.strerror or why}); what was charged stays spent",
                where=file.name,
                todo="Free space or check the rights, then ask again",
            ) from None

    def _code(self, body: bytes) -> bytes:
        return hmac.digest(self._key, b"consentinel ledger witness 1\n" + body, "sha256").hex().encode()


def _written(file: Path, data: bytes) -> None:
    """Write DATA to FILE, for its owner only, and wait until it is on the disk."""
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as to:
        to.write(data)
        to.flush()
        os.fsync(to.fileno())


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(file.with_name(f"{file.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as why:
        todo = "Check the folder and its rights"
        raise BadInput(f"the witness cannot be locked ({why.strerror or why})", where=file.name, todo=todo) from None
    try:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
