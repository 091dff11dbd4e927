"""One run of a verb: what was asked, read, written, spent and assumed, kept in run.json even when it fails."""

import hashlib
import json
import os
import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from consentinel.core import progress
from consentinel.core.errors import BadInput, ConsentinelError, UsageError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Outcome", "Run", "atomic"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a verb returns: its run, the exit code, the files it kept by name, and the text for the terminal."""

    run: "Run"
    exit_code: int = 0
    tables: dict[str, Path] = field(default_factory=dict)
    text: str = ""


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Give a path beside PATH to write to, and put it in place of PATH only when all went well."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        yield beside
        os.replace(beside, path)
    except OSError as why:
        raise BadInput(
            f"cannot be written ({why.strerror or why})", where=path.name, todo="Free space or name another --out"
        ) from None
    finally:
        beside.unlink(missing_ok=True)


class Run:
    """An open run; made by `Run.open`, which see."""

    def __init__(self, verb: str, out: Path, asked: dict[str, Any]) -> None:
        self.verb, self.out, self.asked = verb, out, asked
        self.run_id = secrets.token_hex(8)
        self.started = time.time()
        self.notes: list[str] = []
        self._read: list[dict[str, object]] = []
        self._kept: dict[str, dict[str, object]] = {}
        self._assumed: dict[str, object] = {}
        self._charges: list[dict[str, object]] = []
        self.interrupted = False

    @classmethod
    @contextmanager
    def open(cls, verb: str, out: Path, **asked: Any) -> Iterator["Run"]:
        """Open a run of VERB that keeps its files in the folder OUT.

        run.json is written at once, and again at the end with the outcome, also when the verb fails or is stopped.
        Paths among the arguments are stored as base names. Raises BadInput when OUT cannot be written to and
        UsageError when another run is writing there.
        """
        run = cls(verb, out, asked)
        try:
            out.mkdir(parents=True, exist_ok=True)
            lock = _lock(out)
        except OSError as why:
            raise BadInput(
                f"the output folder cannot be written to ({why.strerror or why})",
                where=out.name,
                todo="Name another with --out",
            ) from None
        outcome: dict[str, object] = {"state": "running"}
        try:
            run._write(outcome)
            yield run
            outcome = {"state": "stopped" if run.interrupted else "finished"}
        except KeyboardInterrupt:
            outcome = {"state": "stopped"}
            raise
        except ConsentinelError as why:
            outcome = {"state": "failed", "error": type(why).__name__, "message": str(why)}
            raise
        except BaseException as why:  # the message of an unexpected error may quote the input: keep its kind only
            outcome = {"state": "failed", "error": type(why).__name__}
            raise
        finally:
            try:
                run._write(outcome)
            finally:
                os.close(lock)

    def note(self, text: str) -> None:
        """Add a sentence that the reader of the result must know, such as what was left out."""
        self.notes.append(text)

    def assume(self, **what: object) -> None:
        """Record something that the result rests on, such as the policy and its digest."""
        self._assumed |= what

    def assumed(self, name: str) -> object:
        """Return what was recorded under NAME, or None."""
        return self._assumed.get(name)

    def charge(self, mechanism: str, micro_rho: int, charge: str, account: Sequence[str]) -> None:
        """Record what was spent, in run.json at once: a run that is killed later still says it.

        Arguments: the mechanism; its price; the entry of the ledger; the account: data set, privacy unit, epoch.
        """
        record: dict[str, object] = {
            "mechanism": mechanism,
            "micro_rho": micro_rho,
            "charge": charge,
            "account": list(account),
        }
        self._charges.append(record)
        self._write({"state": "running"})

    def read(self, path: Path) -> Path:
        """Record that PATH was read, with its size and SHA-256, and return it. Raises BadInput when it cannot be."""
        if path.exists() and not path.is_file():  # a pipe could be read only once, a folder not at all
            raise BadInput("is not a regular file", where=path.name, todo="Save it as a file first")
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                size = os.fstat(file.fileno()).st_size
        except OSError as why:
            raise BadInput(f"cannot be read ({why.strerror or why})", where=path.name, todo="Check the path") from None
        self._read.append({"name": path.name, "bytes": size, "sha256": digest})
        return path

    def digests(self) -> dict[str, str]:
        """Return the SHA-256 of each file that was read, by its name."""
        return {str(one["name"]): str(one["sha256"]) for one in self._read}

    def each(self, items: Iterable[T], label: str, total: int | None = None) -> Iterator[T]:
        """Yield ITEMS and show progress: a bar on a terminal, silence elsewhere."""
        return progress.each(items, label, total)

    def keep(self, name: str, table: "pa.Table") -> Path:
        """Write TABLE as OUT/name.parquet, whole or not at all, and return its path."""
        writer = self.writer(name, table.schema)
        with writer as put:
            put(table)
        return self.out / f"{name}.parquet"

    @contextmanager
    def writer(self, name: str, schema: "pa.Schema") -> Iterator[Any]:
        """Give a function that appends tables of SCHEMA to OUT/name.parquet; the file appears when all is written."""
        import pyarrow.parquet as pq

        path, rows = self.out / f"{name}.parquet", 0
        with atomic(path) as beside:
            sink: pq.ParquetWriter = pq.ParquetWriter(beside, schema, compression="zstd", compression_level=1)

            def put(table: "pa.Table") -> None:
                nonlocal rows
                if table.num_rows:
                    sink.write_table(self.stamp(table))
                    rows += table.num_rows

            try:
                yield put
            finally:
                sink.close()
        self.kept(path, rows=rows)

    def stamp(self, table: "pa.Table") -> "pa.Table":
        """Return TABLE with its run_id column set to this run, where it has one."""
        import pyarrow as pa

        at = table.schema.get_field_index("run_id")
        if at < 0:
            return table
        column = pa.DictionaryArray.from_arrays(pa.array([0], pa.int32()), pa.array([self.run_id]))
        repeated = column.take(pa.nulls(table.num_rows, pa.int32()).fill_null(0))
        return table.set_column(at, table.schema.field(at), repeated)

    def kept(self, path: Path, **facts: object) -> Path:
        """Record that PATH, in the output folder, is part of the result."""
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        self._kept[path.name] = {"name": path.name, "bytes": path.stat().st_size, "sha256": digest, **facts}
        return path

    def _write(self, outcome: dict[str, object]) -> None:
        from consentinel import __version__

        started = datetime.fromtimestamp(self.started, UTC)
        record = {
            "run_id": self.run_id,
            "verb": self.verb,
            "asked": {k: _plain(v) for k, v in self.asked.items()},
            "version": __version__,
            "commit": _commit(),
            "started": started.isoformat(timespec="seconds"),
            "seconds": round(time.time() - self.started, 3),
            "read": self._read,
            "kept": list(self._kept.values()),
            "assumed": {k: _plain(v) for k, v in self._assumed.items()},
            "charges": self._charges,
            "notes": self.notes,
            "outcome": outcome,
        }
        with atomic(self.out / "run.json") as beside:
            beside.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return value.name
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)


def _lock(out: Path) -> int:
    """Hold OUT for this run; the system lets go when the process ends, however it ends."""
    handle = os.open(out / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:  # a system without flock: two runs into one folder are then not noticed
        pass
    except BlockingIOError:
        os.close(handle)
        raise UsageError(f"another run is writing to {out.name}; wait for it or name another --out") from None
    return handle


def _commit() -> str | None:
    """The commit of the source tree that this package runs from, or None for an installed package."""
    git = Path(__file__).parents[3] / ".git"
    try:
        head = (git / "HEAD").read_text("ascii").strip()
        if not head.startswith("ref: "):
            return head
        return (git / head[5:]).read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
