"""A question about lift, attribution or reach as `plan` and `measure` handle it: its checks, its release."""

import csv
import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from consentinel.core.contracts import Question
from consentinel.core.errors import BadInput, UsageError
from consentinel.core.ledger import Ticket
from consentinel.protect import ad_measurements
from consentinel.protect.ad_measurements import AskedAttribution, AskedLift, file_digest
from consentinel.protect.costing import Paid, Part
from consentinel.protect.dry_run import Measurement, dry_run
from consentinel.protect.exchange import ColumnMap, checked
from consentinel.protect.reach import asked as reach
from consentinel.protect.reach.asked import AskedReach

__all__ = ["AdQuestion"]


@dataclass
class AdQuestion:
    """What was asked of two tables (lift, attribution) or of sketches (reach).

    Arguments: asked; tables, "publisher" and "partner" with their files; maps, their column maps; sketches, files; key,
    the id of the key that the sketches were made with, where it is known. No files: it can be planned only.
    """

    asked: AskedLift | AskedAttribution | AskedReach
    tables: Mapping[str, Path] = field(default_factory=dict)
    maps: Mapping[str, ColumnMap] = field(default_factory=dict)
    sketches: tuple[Path, ...] = ()
    key: str = ""
    _opened: Any = None

    protects = "person"
    needs_gaussian = True

    @property
    def kind(self) -> str:
        """lift, attribution or reach."""
        return self.asked.kind

    @property
    def parts(self) -> tuple[Part, ...]:
        """The one part that answers it."""
        return (Part(self.kind, self.kind, self.asked.bounds, self.asked.part),)

    def check_epoch(self, epoch: str) -> None:
        """Raise UsageError unless sketches are of EPOCH, which pays."""
        if isinstance(self.asked, AskedReach) and self.asked.epoch != epoch:
            raise UsageError(
                f"the sketches are of epoch '{self.asked.epoch}', so its budget pays: give --epoch {self.asked.epoch}"
            )

    def check(self, paid: Sequence[Paid]) -> None:
        """Refuse files without the columns that are needed, by their headers, and column maps that do not work on
        made-up tables."""
        if isinstance(self.asked, AskedReach):
            return
        kind: Measurement = "lift" if isinstance(self.asked, AskedLift) else "attribution"
        for who, path in self.tables.items():
            role, raw = f"{kind}.{who}", f"columns of {who}"
            with duckdb.connect() as connection:
                connection.register(raw, _without_rows(path))
                checked(connection, raw, role, self.maps.get(who), path.name)
        dry_run(kind, self.maps, people=200)

    def digests(self) -> dict[str, str]:
        """Return the SHA-256 of each file, none where no files are named."""
        found = {who: file_digest(path, self.maps.get(who, {})) for who, path in self.tables.items()}
        for at, path in enumerate(self.sketches, 1):
            try:
                with path.open("rb") as file:
                    found[f"sketch {at}"] = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError:
                raise BadInput("cannot be read", where=path.name, todo="Check the name") from None
        return found

    def question(self, digests: Mapping[str, str]) -> Question:
        """Return the question about the files with DIGESTS."""
        return ad_measurements.question(self.asked, digests)

    def open(self, digests: Mapping[str, str]) -> None:
        """Read and check the files before the charge; raises BadInput, also where they are not those of DIGESTS."""
        if isinstance(self.asked, AskedReach):
            if not self.sketches:
                raise UsageError("name the files of sketches in the question: sketches = ['news.sketch']")
            self._opened, found = reach.open_sketches(self.sketches, self.asked, key_id=self.key)
        else:
            if set(self.tables) != {"publisher", "partner"}:
                raise UsageError("name the files of both tables in the question: publisher and partner")
            self._opened, found = ad_measurements.open_tables(
                "lift" if isinstance(self.asked, AskedLift) else "attribution",
                self.tables["publisher"],
                self.tables["partner"],
                self.maps,
            )
        if found != dict(digests):
            raise BadInput("a file was changed while it was read", todo="Run again; nothing was spent")

    def release(
        self, tickets: Sequence[Ticket], paid: Sequence[Paid], digests: Mapping[str, str], level: float, run_id: str
    ) -> pa.Table:
        """Return the answer as RELEASES rows for the one ticket; `open` comes before."""
        asked, (ticket,) = self.asked, tickets
        try:
            if isinstance(asked, AskedReach):
                return reach.release(self._opened, asked, digests, ticket, level=level, run_id=run_id)
            return ad_measurements.release(self._opened, asked, digests, ticket, level=level, run_id=run_id)
        finally:
            with suppress(AttributeError):
                self._opened.close()


def _without_rows(path: Path) -> pa.Table:
    """Return the table in the file PATH without its rows; columns of CSV are texts."""
    try:
        if path.suffix == ".parquet":
            return pq.read_schema(path).empty_table()
        with path.open(encoding="utf-8-sig", newline="") as file:
            names = next(csv.reader([file.readline(1_000_000)]), [])
        return pa.table({name.strip(): pa.array([], pa.string()) for name in names})
    except (OSError, ValueError, csv.Error, pa.ArrowException):
        raise BadInput("cannot be read as a table", where=path.name, todo="Give Parquet or CSV") from None
