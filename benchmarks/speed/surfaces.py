"""Data types: microseconds a unique (key, value, carrier) triple for all recognisers together, one thread."""

import random
import time
from collections.abc import Iterator
from itertools import islice

import pyarrow as pa

from consentinel.core.shelf import Shelf
from consentinel.detect.surfaces._pairs import Pairs, recognise_all

SEED = 20260722
N_PAIRS = 200_000
REPEATS = 5
KEYS = """v tid cid _p sr ul ua tz dl dt en ep.value up.user_id _s seg sid sct ec ea el ts cb rnd id w h sz type u r e
    device.ifa device.ua device.geo.lat device.w imp[].banner.format[].w imp[].id site.page user.ext.eids[].uids[].id
    events[].properties.$device_id events[].properties.$current_url events[].properties.$lib_version events[].event
    events[].properties.$screen_height events[].timestamp batch[].context.timezone batch[].messageId ud[em] fbp fbc
    user-agent accept-language sec-ch-ua referer x-request-id etag content-type _ga _fbp session csrf consent lang page
    price items[].sku items[].price email phone city name title category path version build hash gdpr_consent"""
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"


def triples() -> Iterator[tuple[str, str, str]]:
    """Yield triples as decoded traffic has them: few keys often, many keys once, values of every kind."""
    rng = random.Random(SEED)
    keys = KEYS.split()
    kinds = (
        lambda: str(rng.randrange(10 ** rng.randrange(1, 14))),
        lambda: rng.randbytes(rng.choice((8, 16, 20))).hex(),
        lambda: f"https://shop{rng.randrange(99)}.example.test/item/{rng.randrange(10**6)}?page={rng.randrange(99)}",
        lambda: rng.choice(("page_view", "home page", "true", "false", "", "web", "control", "checkout", "EUR")),
        lambda: f"{rng.uniform(-90, 90):.{rng.randrange(1, 7)}f}",
        lambda: "-".join(rng.randbytes(n).hex() for n in (4, 2, 2, 2, 6)),
        lambda: rng.choice(("en-GB", "Europe/Berlin", "1920x1080", AGENT, "4g", "person@example.com", "203.0.113.7")),
        lambda: f"{rng.randrange(20)}.{rng.randrange(99)}.{rng.randrange(999)}",
    )
    carriers = ("query", "query", "json", "json", "json", "form", "header", "cookie")
    while True:
        rare = rng.random() < 0.1
        key = f"{rng.choice(keys)}.{rng.randbytes(3).hex()}.{rng.choice(keys)}" if rare else rng.choice(keys)
        yield key, rng.choice(kinds)(), rng.choice(carriers)


def batch(n: int = N_PAIRS) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Return N unique triples as columns, keys and carriers dictionary-encoded as they leave the decoder."""
    unique: dict[tuple[str, str, str], None] = {}
    for triple in islice(triples(), 2 * n):
        unique[triple] = None
        if len(unique) == n:
            break
    keys, values, carriers = zip(*unique, strict=True)
    return (
        pa.array(keys).dictionary_encode(),
        pa.array(values, pa.large_string()),
        pa.array(carriers).dictionary_encode(),
    )


def main() -> Iterator[tuple[str, float, str]]:
    """Yield (name, value, unit) rows: the median of REPEATS, all together and part by part."""
    shelf = Shelf("consentinel.detect.surfaces", "recognise")
    parts = [shelf.take(name) for name in shelf.names()]
    columns = batch()
    n = len(columns[1])

    def middle(seconds: list[float]) -> float:
        return sorted(seconds)[len(seconds) // 2] / n * 1e6

    whole, build, each = [], [], {part.TYPE: [] for part in parts}
    for _ in range(REPEATS):
        began = time.perf_counter()
        recognise_all(Pairs(*columns), parts)
        whole.append(time.perf_counter() - began)
        began = time.perf_counter()
        pairs = Pairs(*columns)
        pairs.named("warm")
        build.append(time.perf_counter() - began)
        for part in parts:
            began = time.perf_counter()
            part.recognise(pairs)
            each[part.TYPE].append(time.perf_counter() - began)
    yield "surfaces_all", middle(whole), "us/pair"
    yield "surfaces_build", middle(build), "us/pair"
    for name, seconds in each.items():
        yield f"surfaces_{name}", middle(seconds), "us/pair"


if __name__ == "__main__":
    for name, number, unit in main():
        print(f"{name:36} {number:8.3f} {unit}")
