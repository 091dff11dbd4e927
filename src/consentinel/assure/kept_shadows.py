"""Answers of shadow models that are done, kept beside a running audit: when it is stopped, it goes on from them."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from consentinel.core.run import atomic
from consentinel.core.stats import Floats

__all__ = ["KeptShadows"]


@dataclass(frozen=True)
class KeptShadows:
    """A FOLDER with one table for each shadow model of one probe, of the audit with the digest KEY.

    What is kept are the signals that an attack reads, numbers alone; the models and their rows are not. FRESH: nothing
    that was there before is read.
    """

    folder: Path
    key: str
    fresh: bool = False

    def load(self, at: int) -> Floats | None:
        """Return the signals of the shadow model AT, or None where there are none of this very audit."""
        if self.fresh:
            return None
        try:
            found = pq.ParquetFile(self._file(at)).read()
            about = found.schema.metadata or {}
            if about.get(b"key") != self.key.encode():
                return None
            shape = tuple(int(size) for size in about[b"shape"].split(b","))
            return np.asarray(found["signal"], np.float64).reshape(shape)
        except (OSError, ValueError, LookupError, pa.ArrowException):
            return None

    def keep(self, at: int, signals: Floats) -> None:
        """Keep the SIGNALS of the shadow model AT, whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        about = {"key": self.key, "shape": ",".join(map(str, signals.shape))}
        table = pa.table({"signal": np.asarray(signals, np.float64).ravel()}).replace_schema_metadata(about)
        with atomic(self._file(at)) as beside:
            pq.write_table(table, beside, compression="zstd")

    def forget(self) -> None:
        """Throw away what was kept: the probe is done."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _file(self, at: int) -> Path:
        return self.folder / f"{at:05}.parquet"
