"""Small pictures whose class is easy to see: stripes that run across, down, or nowhere."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core.rng import generator
from consentinel.models.rows import IMAGES

CLASSES = ("across", "down", "plain")


def drawn(n: int, seed: int = 0, side: int = 16, channels: int = 1) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return n noisy pictures (n, side, side, channels) and their classes, in turn."""
    random = generator(seed, "made pictures")
    codes = np.arange(n) % len(CLASSES)
    wave = np.sin(np.arange(side) * 1.6 + random.uniform(0, 6, (n, 1)))
    x = np.zeros((n, side, side))
    x[codes == 0] += wave[codes == 0][:, :, None]
    x[codes == 1] += wave[codes == 1][:, None, :]
    x += random.normal(0, 0.3, x.shape)
    whole = np.clip(128 + 50 * x, 0, 255).astype(np.uint8)
    return np.repeat(whole[..., None], channels, axis=3), codes


def table(x: NDArray[np.uint8], labels: list[str] | None = None) -> pa.Table:
    """Return IMAGES of pictures X (n, height, width, channels)."""
    n = len(x)
    ends = pa.array(np.arange(n + 1, dtype=np.int32) * x[0].size)
    columns = [pa.ListArray.from_arrays(ends, pa.array(x.ravel()))]
    columns += [pa.array(np.full(n, size, np.int32)) for size in x.shape[1:]]
    return pa.table([*columns, pa.array(labels or [None] * n, pa.string())], schema=IMAGES)


def made(n: int, seed: int = 0, side: int = 16, channels: int = 1) -> pa.Table:
    """Return n labelled pictures as IMAGES."""
    x, codes = drawn(n, seed, side, channels)
    return table(x, [CLASSES[code] for code in codes])


def right(answer: pa.Table, rows: pa.Table) -> float:
    """Return the share of rows whose label is right."""
    return float(np.mean(np.array(answer["label"].to_pylist()) == np.array(rows["label"].to_pylist())))
