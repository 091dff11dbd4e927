"""A sealed copy of raw traffic: AES-256-GCM in chunks under a key derived from the project key.

Layout: the magic CSNTVLT1, a 16-byte salt, then chunks of a 4-byte length and that many bytes of ciphertext. The nonce
of a chunk is its number and whether it is the last, so that chunks cannot be dropped, moved or cut off unnoticed
(the STREAM construction: Hoang, Reyhanitabar, Rogaway, Vizar, CRYPTO 2015). The key is HKDF-SHA256 (RFC 5869) of the
project key with the salt.
"""

import hashlib
import hmac
import io
import secrets
from pathlib import Path
from typing import Any, BinaryIO

from consentinel.core.errors import BadInput
from consentinel.core.extras import need
from consentinel.core.run import atomic

__all__ = ["MAGIC", "seal", "unseal"]

MAGIC = b"CSNTVLT1"
CHUNK = 1 << 20
_TAG = 16


def _cipher(key: bytes, salt: bytes) -> Any:
    aead = need("cryptography.hazmat.primitives.ciphers.aead", extra="vault")
    extracted = hmac.digest(salt, key, hashlib.sha256)
    return aead.AESGCM(hmac.digest(extracted, b"consentinel vault\x01", hashlib.sha256))


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def seal(source: Path, target: Path, key: bytes) -> Path:
    """Write an encrypted copy of the file SOURCE to TARGET, whole or not at all, and return TARGET.

    KEY has 32 bytes. Raises MissingExtra without the vault extra, and BadInput when TARGET cannot be written.
    """
    salt = secrets.token_bytes(16)
    cipher = _cipher(key, salt)
    with atomic(target) as beside, source.open("rb") as read, beside.open("wb") as write:
        write.write(MAGIC + salt)
        piece, number = read.read(CHUNK), 0
        while True:
            following = read.read(CHUNK)
            sealed = cipher.encrypt(_nonce(number, not following), piece, MAGIC)
            write.write(len(sealed).to_bytes(4, "big") + sealed)
            if not following:
                break
            piece, number = following, number + 1
    return target


class _Unsealed(io.RawIOBase):
    def __init__(self, file: BinaryIO, key: bytes, where: str) -> None:
        head = file.read(len(MAGIC) + 16)
        self._cipher, self._file, self._where = _cipher(key, head[len(MAGIC) :]), file, where
        self._number, self._rest, self._ended = 0, b"", False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest and not self._ended:
            self._rest = self._next()
        taken = self._rest[: len(buffer)]
        self._rest = self._rest[len(taken) :]
        buffer[: len(taken)] = taken
        return len(taken)

    def _next(self) -> bytes:
        size = int.from_bytes(self._file.read(4), "big")
        sealed = self._file.read(size) if _TAG <= size <= CHUNK + _TAG else b""
        for last in (False, True):
            try:
                plain: bytes = self._cipher.decrypt(_nonce(self._number, last), sealed, MAGIC)
            except Exception as why:  # the library's InvalidTag carries no message
                if type(why).__name__ not in ("InvalidTag", "ValueError"):
                    raise
                continue
            self._number, self._ended = self._number + 1, last
            return plain
        raise BadInput(
            "the vault cannot be opened: another project key, or it was changed or cut off",
            where=self._where,
            todo="Run where the project key of the scan that made it is (.consentinel/key), or set CONSENTINEL_KEY",
        )


def unseal(file: BinaryIO, key: bytes, where: str) -> BinaryIO:
    """Return the plain bytes of a sealed file as a stream; raises BadInput when the key or the file is wrong."""
    return io.BufferedReader(_Unsealed(file, key, where), CHUNK)
