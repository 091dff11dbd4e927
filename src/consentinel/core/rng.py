"""Random numbers: named reproducible streams for science, the system's secure source for everything private.

`generator` is for what must come out the same twice: resampling, splits, simulation, initial weights. Its streams
are predictable by design, so no privacy noise, key, share, nonce or canary may come from them. `secure_bytes`,
`secure_below` and `secure_words` are for those: they read the operating system's generator and cannot be seeded.
"""

import secrets
from hashlib import sha256

import numpy as np

from consentinel.core.errors import UsageError

__all__ = ["generator", "secure_below", "secure_bytes", "secure_words"]


def generator(seed: int, *names: str) -> np.random.Generator:
    """Return the reproducible stream that belongs to SEED and NAMES.

    Streams of different names are independent, so that a new consumer of random numbers never shifts the numbers of
    an old one. Equal seed and names give equal numbers on every machine.

    Arguments: a seed of at least 0; names from the outside in, for example ("detect.train", "fold 3").
    Raises UsageError for a negative seed. Source: NumPy SeedSequence (O'Neill's seed_seq), PCG64 DXSM.
    """
    if seed < 0:
        raise UsageError(f"a seed is a whole number of at least 0, got {seed}")
    words: list[int] = []
    for name in names:  # 128 bits a name, so that ("a", "b") and ("ab",) are different streams
        digest = sha256(name.encode()).digest()
        words += [int.from_bytes(digest[at : at + 4], "little") for at in range(0, 16, 4)]
    return np.random.Generator(np.random.PCG64DXSM(np.random.SeedSequence(seed, spawn_key=tuple(words))))


def secure_bytes(n: int) -> bytes:
    """Return N bytes that nobody can predict."""
    return secrets.token_bytes(n)


def secure_below(bound: int) -> int:
    """Return a whole number in [0, BOUND) that nobody can predict; BOUND may be of any size."""
    if bound < 1:
        raise UsageError(f"a bound is at least 1, got {bound}")
    return secrets.randbelow(bound)


def secure_words(n: int) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """Return N unpredictable unsigned 64-bit words, for vectorised exact samplers; shape (n,)."""
    return np.frombuffer(secrets.token_bytes(8 * n), dtype="<u8").astype(np.uint64)
