"""Where visits are kept: files that appear whole or not at all, readable by their owner only, and a journal.

The journal has one line a visit, written before its archive appears; a visit counts as made when both are there, so
that nothing finished is lost or made twice, whenever the process was ended.
"""

import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import zstandard

from consentinel.core.errors import BadInput, UsageError
from consentinel.core.run import atomic
from consentinel.detect.live.outcomes import DONE
from consentinel.detect.live.visit import Seen, Task

__all__ = ["Store", "open_store"]

LEVEL = 6  # of zstd: higher ones cost more time than a visit has
PRIVATE = 0o600


@dataclass
class Store:
    """The folder OUT of a run: visits/ (whole visits), partial/ (what was seen of others), events/, screenshots/."""

    out: Path
    seed: int
    key: bytes | None = None
    lines: dict[str, dict[str, Any]] = field(default_factory=dict)

    def made(self, task: Task, *, again: bool) -> bool:
        """Whether TASK was made before; with AGAIN only where the visit is whole."""
        line = self.lines.get(task.name)
        if line is None:
            return False
        return self._archive(task, DONE).exists() if line["outcome"] == DONE else not again

    def keep(self, task: Task, seen: Seen, attempts: int) -> None:
        """Keep the visit TASK with what was SEEN in the last of ATTEMPTS."""
        line = {
            "visit": task.name, "url": task.url, "host": task.host, "scenario": task.scenario, "repeat": task.repeat,
            "outcome": seen.outcome, "why": seen.why, "proof": seen.proof, "proof_why": seen.proof_why,
            "attempts": attempts, "started": round(seen.started, 3), "seconds": round(seen.seconds, 3),
            "requests": seen.requests, "received": seen.received,
        }  # fmt: skip
        for name, picture in seen.pictures.items():
            self._write(self.out / "screenshots" / f"{task.name}.{name}.png", picture)
        if seen.events:
            text = b"".join(msgspec.json.encode(event) + b"\n" for event in seen.events)
            self._write(self.out / "events" / f"{task.name}.ndjson.zst", _packed(text))
        packed = _packed(msgspec.json.encode(seen.har)) if seen.har else None
        self._append(line)
        if packed:
            self._write(self._archive(task, seen.outcome), packed)
            if seen.outcome == DONE:
                self._archive(task, "").unlink(missing_ok=True)

    def planted(self, text: str) -> Path:
        """Keep the list of planted values and return its path; scans need it readable, so it is never sealed."""
        path = self.out / "planted.toml"
        _put(path, text.encode())
        return path

    def _archive(self, task: Task, outcome: str) -> Path:
        folder = "visits" if outcome == DONE else "partial"
        return self.out / folder / f"{task.name}.har.zst{'.vault' if self.key else ''}".replace(".zst.vault", ".vault")

    def _write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        if self.key is None:
            _put(path, data)
            return
        from consentinel.core.vault import seal

        plain = path.with_name(f".{path.name}.plain")
        target = path if path.name.endswith(".vault") else path.with_name(f"{path.name}.vault")
        try:
            _put(plain, data)
            seal(plain, target, self.key)
            target.chmod(PRIVATE)
        finally:
            plain.unlink(missing_ok=True)

    def _append(self, line: dict[str, Any]) -> None:
        self.lines[line["visit"]] = line
        _journal(self.out / "journal.ndjson", line)


def open_store(out: Path, *, seed: int | None, manner: dict[str, Any], key: bytes | None) -> Store:
    """Return the store in OUT, with what an earlier run finished there.

    MANNER is what changes what visits show; SEED None takes that of the earlier run, or draws one. Raises UsageError
    when the earlier run had another manner or seed: its visits and the new ones could not be compared.
    """
    path = out / "journal.ndjson"
    lines = _read(path) if path.exists() else []
    if lines:
        head = lines[0]
        other = sorted(name for name, value in manner.items() if head.get("manner", {}).get(name) != value)
        if seed is not None and seed != head.get("seed"):
            other.append("seed")
        if other:
            words = ", ".join(f"--{name.replace('_', '-')}" for name in other)
            raise UsageError(
                f"{out.name} holds visits made with other values of {words}; give the same or name another --out"
            )
        seed = int(head["seed"])
    else:
        seed = secrets.randbits(63) if seed is None else seed
        _journal(path, {"seed": seed, "manner": manner})
    for folder in ("visits", "partial", "events", "screenshots"):
        for left in (out / folder).glob(".*"):  # of a run that was killed while it wrote
            left.unlink()
    (out / "visits").mkdir(mode=0o700, exist_ok=True)
    return Store(out, seed, key, {line["visit"]: line for line in lines[1:]})


def _read(path: Path) -> list[dict[str, Any]]:
    """The lines of a journal; one that was cut off when the process was killed is removed."""
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(path, whole)
    try:
        return [json.loads(line) for line in data[:whole].splitlines()]
    except ValueError:
        raise BadInput("the journal is damaged", where=path.name, todo="Name another --out") from None


def _journal(path: Path, line: dict[str, Any]) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE)
    try:
        os.write(handle, msgspec.json.encode(line) + b"\n")
        os.fsync(handle)
    except OSError as why:
        raise BadInput(
            f"cannot be written ({why.strerror})", where=path.name, todo="Free space or name another --out"
        ) from None
    finally:
        os.close(handle)


def _packed(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=LEVEL).compress(data)


def _put(path: Path, data: bytes) -> None:
    with atomic(path) as beside:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
