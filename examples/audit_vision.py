"""Train a small network on scikit-learn's digits and audit it: attacks, certificates, what it looks at, what leaks."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from consentinel import assure, models
from consentinel.core.errors import MissingExtra
from consentinel.core.extras import need
from consentinel.core.run import Outcome


def digits() -> pa.Table:
    """Return the digits, each pixel as four, and whether they are written with much ink or little."""
    found = need("sklearn.datasets", extra="models").load_digits()
    grey = np.repeat(np.repeat(found.images * 15, 2, axis=1), 2, axis=2).astype(np.uint8).reshape(-1, 256)
    ink = grey.mean(axis=1)
    side, one = np.full(len(grey), 16, np.int32), np.ones(len(grey), np.int32)
    return pa.table({
        "image": pa.array(list(grey), pa.list_(pa.uint8())), "height": side, "width": side, "channels": one,
        "label": found.target.astype(str).tolist(), "ink": np.where(ink > np.median(ink), "much", "little").tolist(),
    })  # fmt: skip


def main(pictures: Path | None = None, out: Path | None = None, shadows: int = 8) -> Outcome:
    """Audit a small CNN on PICTURES (a table with image, height, width, channels and label), or on the digits.

    The reports are kept in OUT where one is given.
    """
    with TemporaryDirectory() as place:
        home, groups = Path(place), ""
        if pictures is None:
            pictures, groups = home / "digits.parquet", "ink"
            pq.write_table(digits(), pictures)
        models.train("vision/small_cnn", pictures, settings="epochs=10", split="random", share=0.4, out=home / "cnn")
        return assure.audit(
            str(home / "cnn" / "model.safetensors"), home / "cnn" / "held_out.parquet", kind="vision", groups=groups,
            learned=home / "cnn" / "training.parquet", trainer="vision/small_cnn:epochs=10", shadows=shadows, rows=40,
            draws=500, out=out or home / "audit",
        )  # fmt: skip


if __name__ == "__main__":
    try:
        print(main(*map(Path, sys.argv[1:3])).text)
    except MissingExtra as why:
        raise SystemExit(str(why)) from None
