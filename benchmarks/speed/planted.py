"""Planted identifiers: megabytes a second and recall, beside Hyperscan on the same literals and bytes."""

import base64
import hashlib
import random
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import cycle

import pyarrow as pa

from consentinel.detect.planted import Planted, PlantedValue

SEED = 20260722
N_LITERALS = 28_000
IDENTITY = (
    PlantedValue("email", "contact.email", "probe.k3q9x7w2m4t8@example.com"),
    PlantedValue("phone", "contact.phone", "+1 (555) 010-0199"),
    PlantedValue("member", "user.id", "mbr-7f3k9q2x8w"),
)
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
WORDS = ("collect", "home page", "text/html; charset=utf-8", "en-GB,en;q=0.9", "gzip, deflate, br", "true", "1920x1080")


def identity() -> Planted:
    """Return the pool of one synthetic identity, at least the N_LITERALS literals that the public number names."""
    pool = Planted(IDENTITY)
    if len(pool.literals) < N_LITERALS:
        raise SystemExit(f"the identity has {len(pool.literals)} literals, fewer than {N_LITERALS}")
    return pool


def value(rng: random.Random) -> str:
    """Return one value as captured traffic holds them: numbers, ids, digests, tokens, addresses, JSON, headers."""
    kind = rng.random()
    if kind < 0.22:
        return str(rng.randrange(10 ** rng.randrange(1, 14)))
    if kind < 0.34:
        return rng.randbytes(rng.choice((8, 16, 20, 32))).hex()
    if kind < 0.44:
        return base64.b64encode(rng.randbytes(rng.randrange(12, 200))).decode()
    if kind < 0.52:
        raw = rng.randbytes(16).hex()
        return f"{raw[:8]}-{raw[8:12]}-4{raw[13:16]}-a{raw[17:20]}-{raw[20:]}"
    if kind < 0.68:
        return (
            f"https://cdn{rng.randrange(99)}.example.test/assets/{rng.randbytes(6).hex()}.js?v={rng.randrange(10**6)}"
        )
    if kind < 0.76:
        return f"person{rng.randrange(10**5)}@example.com" if rng.random() < 0.2 else AGENT
    if kind < 0.84:
        return f'{{"id":"{rng.randbytes(12).hex()}","ts":{rng.randrange(10**13)},"page":"/item/{rng.randrange(9999)}"}}'
    return rng.choice(WORDS)


def buffer(pool: Planted, megabytes: int, every: int = 100) -> tuple[pa.Array, dict[int, bytes]]:
    """Return MEGABYTES of values, and the literal of each row that got one: each in turn, one row in EVERY."""
    rng = random.Random(SEED)
    block = [value(rng) for _ in range(200_000)]
    turn = cycle(rng.sample(pool.literals, len(pool.literals)))
    rows: list[str] = []
    planted: dict[int, bytes] = {}
    size = 0
    while size < megabytes * 1_000_000:
        rng.shuffle(block)
        for text in block:
            if len(rows) % every == 0:
                planted[len(rows)] = next(turn)
                text = f'{text}"{planted[len(rows)].decode()}"'
            rows.append(text)
            size += len(text)
    return pa.array(rows, pa.large_string()), planted


def measure(pool: Planted, rows: pa.Array, planted: dict[int, bytes], repeats: int) -> list[float]:
    """Return MB/s of each of REPEATS scans; each has to find every planted row and no other."""
    if len(set(planted.values())) < len(pool.literals):
        raise SystemExit("not every literal was planted; make the buffer larger")
    size = rows.buffers()[2].size / 1e6
    pool.find(rows.slice(0, 1000))  # builds the automata
    speeds = []
    for _ in range(repeats):
        began = time.perf_counter()
        hits = pool.find(rows)
        speeds.append(size / (time.perf_counter() - began))
        found = set(hits.row.tolist())
        if found != planted.keys():
            missed, extra = len(planted.keys() - found), len(found - planted.keys())
            raise SystemExit(f"of {len(planted)} planted rows {missed} were missed; {extra} others were hit")
    return speeds


def hyperscan_speed(pool: Planted, rows: pa.Array, planted: dict[int, bytes]) -> float | None:
    """Return the MB/s of Hyperscan on the same literals and bytes, or None when it is not installed."""
    with suppress(ImportError):
        import hyperscan

        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        database.compile(expressions=pool.literals, ids=list(range(len(pool.literals))), literal=True)
        text = memoryview(rows.buffers()[2])[: rows.buffers()[2].size].tobytes()
        ends: list[int] = []
        began = time.perf_counter()
        database.scan(text, match_event_handler=lambda _id, _start, end, _flags, _context: ends.append(end))
        spent = time.perf_counter() - began
        if len(ends) < len(planted):
            raise SystemExit(f"Hyperscan found {len(ends)} of {len(planted)} planted literals")
        return len(text) / 1e6 / spent
    return None


def main() -> Iterator[tuple[str, float, str]]:
    """Yield (name, value, unit) rows."""
    began = time.perf_counter()
    pool = identity()
    pool.find(pa.array([hashlib.sha256(b"warm").hexdigest()]))
    yield "planted_pool_build", time.perf_counter() - began, "s"
    yield "planted_literals", float(len(pool.literals)), "literals"
    rows, planted = buffer(pool, 200)
    speeds = sorted(measure(pool, rows, planted, 5))
    yield "planted_scan", speeds[len(speeds) // 2], "MB/s"
    peer = hyperscan_speed(pool, rows, planted)
    if peer is not None:
        yield "planted_scan_hyperscan", peer, "MB/s"


if __name__ == "__main__":
    for name, number, unit in main():
        print(f"{name:28} {number:12.2f} {unit}")
