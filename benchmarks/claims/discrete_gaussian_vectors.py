"""Published discrete-Gaussian vectors (of the Canonne-Kamath-Steinke reference) replayed draw by draw."""

import json
import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

from benchmarks._claim import ROOT, keep_cases, write
from consentinel.protect.noise._reference import discrete_gaussian, from_bytes

NAMES = ("discrete_gaussian_vectors",)
RATE, ROUNDS, LANE = 168, 12, (1 << 64) - 1


def vectors() -> list[dict[str, Any]]:
    """Return the vectors from the shared data: seed, std_num, std_denom, samples."""
    shared = Path(os.environ.get("CONSENTINEL_SHARED_DATA", ROOT.parent / "shared" / "data"))
    files = sorted((shared / "protect" / "vdaf_18_vectors").glob("discrete_gauss_*.json"))
    if not files:
        raise SystemExit("no discrete_gauss vectors: set CONSENTINEL_SHARED_DATA to the folder with protect/")
    return [json.loads(file.read_text("utf-8")) for file in files]


def replayed(vector: dict[str, Any]) -> list[int]:
    """Return what the reference sampler draws from the stream of the vector's seed."""
    seed = bytes.fromhex(vector["seed"])
    below = from_bytes(turboshake128(b"\x00\x00" + bytes([len(seed)]) + seed, 1))
    sigma = Fraction(vector["std_num"], vector["std_denom"])
    return [discrete_gaussian(sigma, below) for _ in vector["samples"]]


def turboshake128(message: bytes, domain: int) -> Callable[[int], bytes]:
    """Return a reader of the TurboSHAKE128 stream of MESSAGE under the separation byte DOMAIN (RFC 9861)."""
    state = [0] * 25
    padded = bytearray(message + bytes([domain]))
    padded += bytes(-len(padded) % RATE)
    padded[-1] ^= 0x80
    for start in range(0, len(padded), RATE):
        for lane in range(RATE // 8):
            state[lane] ^= int.from_bytes(padded[start + 8 * lane : start + 8 * lane + 8], "little")
        keccak(state)
    held = bytearray()

    def read(count: int) -> bytes:
        while len(held) < count:
            held.extend(b"".join(lane.to_bytes(8, "little") for lane in state[: RATE // 8]))
            keccak(state)
        taken = bytes(held[:count])
        del held[:count]
        return taken

    return read


def keccak(state: list[int]) -> None:
    """Apply Keccak-p[1600, 12] to the 25 lanes of STATE, lane x + 5 y (FIPS 202, section 3.2)."""
    for constant in ROUND_CONSTANTS[-ROUNDS:]:
        column = [state[x] ^ state[x + 5] ^ state[x + 10] ^ state[x + 15] ^ state[x + 20] for x in range(5)]
        theta = [column[x - 1] ^ turned(column[(x + 1) % 5], 1) for x in range(5)]
        moved = [0] * 25
        for x in range(5):
            for y in range(5):
                moved[y + 5 * ((2 * x + 3 * y) % 5)] = turned(state[x + 5 * y] ^ theta[x], OFFSETS[x + 5 * y])
        for x in range(5):
            for y in range(0, 25, 5):
                state[x + y] = moved[x + y] ^ (~moved[(x + 1) % 5 + y] & LANE & moved[(x + 2) % 5 + y])
        state[0] ^= constant


def turned(lane: int, by: int) -> int:
    return (lane << by | lane >> (64 - by)) & LANE if by else lane


def _offsets() -> list[int]:
    found, x, y = [0] * 25, 1, 0
    for t in range(24):
        found[x + 5 * y] = (t + 1) * (t + 2) // 2 % 64
        x, y = y, (2 * x + 3 * y) % 5
    return found


def _round_constants() -> list[int]:
    found, register = [], 1
    for _ in range(24):
        constant = 0
        for j in range(7):
            if register & 1:
                constant |= 1 << ((1 << j) - 1)
            register = register << 1 ^ (0x171 if register & 0x80 else 0)
        found.append(constant)
    return found


OFFSETS, ROUND_CONSTANTS = _offsets(), _round_constants()


def main() -> None:
    """Measure and write the number."""
    known = vectors()
    verdicts = [replayed(vector) == vector["samples"] for vector in known]
    equal = sum(verdicts)
    draws = sum(len(vector["samples"]) for vector in known)
    sigmas = ", ".join(str(Fraction(v["std_num"], v["std_denom"])) for v in known)
    named = [f"vector {at}, sigma {Fraction(v['std_num'], v['std_denom'])}" for at, v in enumerate(known, 1)]
    keep_cases(NAMES[0], dict(zip(named, verdicts, strict=True)))
    write(
        NAMES[0],
        value=equal,
        low=equal,
        high=equal,
        n=len(known),
        protocol=f"discrete-Gaussian vectors of libprio-rs (sigma {sigmas}; {draws} draws): the reference sampler on "
        "the TurboSHAKE128 stream of the seed gives every recorded draw in order",
    )


if __name__ == "__main__":
    main()
