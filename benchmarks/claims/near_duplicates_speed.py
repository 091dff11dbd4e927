"""Near-duplicates among 100,000 made texts: seconds, and how many of the planted copies are found."""

import numpy as np
import pyarrow as pa

from benchmarks._claim import measure, write
from consentinel.core.rng import generator
from consentinel.core.stats import wilson
from consentinel.understand.grouping.near import near_duplicates, overlap
from consentinel.understand.grouping.words import shingles, words

NAMES = ("near_duplicates_seconds", "near_duplicates_found")
INPUTS = ("src/consentinel/understand/grouping/*.py",)
TEXTS, COPIES, THRESHOLD = 100_000, 10_000, 0.7


def made() -> tuple[pa.Array, np.ndarray, np.ndarray]:
    """Return TEXTS texts of 40 to 120 words, the last COPIES of them copies with words changed, and which of which."""
    random = generator(8, "benchmarks.near")
    parts = [a + b for a in "bdfgklmnprst" for b in "aeiou"]  # no digits: they count as one another
    names = np.array([first + second + third for first in parts for second in parts[:20] for third in parts[20:40]])
    chance = 1 / np.arange(20, 20 + len(names))
    lengths = random.integers(40, 121, TEXTS - COPIES)
    codes = random.choice(len(names), size=int(lengths.sum()), p=chance / chance.sum())
    texts = np.split(codes, np.cumsum(lengths)[:-1])
    of = random.integers(0, TEXTS - COPIES, COPIES)
    for one in of.tolist():
        copy = texts[one].copy()
        changed = random.random(len(copy)) < random.choice([0.01, 0.03, 0.05])
        copy[changed] = random.integers(0, len(names), int(changed.sum()))
        texts.append(copy)
    return pa.array([" ".join(names[text]) for text in texts]), of, np.arange(TEXTS - COPIES, TEXTS)


def main() -> None:
    """Measure and write."""
    texts, left, right = made()
    with measure() as used:
        found = near_duplicates(texts, THRESHOLD)
    pairs = set(zip(found.left.tolist(), found.right.tolist(), strict=True))
    near, _ = overlap(*shingles(words(texts)), left, right)
    planted = [pair for pair, close in zip(zip(left.tolist(), right.tolist(), strict=True), near, strict=True)
               if THRESHOLD <= close < 1]  # fmt: skip
    write("near_duplicates_seconds", value=used.seconds, low=used.seconds, high=used.seconds, n=TEXTS,
          protocol=f"{TEXTS:,} made texts of 40 to 120 words, {COPIES:,} of them copies with words changed; two cores; "
          f"{used.cpu_s:.1f} s of processor time, {used.peak_mb:,.0f} MB")  # fmt: skip
    share = wilson(sum(pair in pairs for pair in planted), len(planted))
    write("near_duplicates_found", value=share.value, low=share.low, high=share.high, n=share.n,
          protocol="the same texts: planted pairs of Jaccard similarity 0.7 to below 1 (runs of three words) that are "
          "found; Wilson interval")  # fmt: skip


if __name__ == "__main__":
    main()
