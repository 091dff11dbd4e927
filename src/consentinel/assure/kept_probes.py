"""Measures of finished probes, kept beside an audit so that the same audit goes on where it was stopped."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from consentinel.assure.kept_shadows import KeptShadows
from consentinel.assure.measure import Found, Measure
from consentinel.core.run import atomic
from consentinel.core.stats import Interval

__all__ = ["KeptProbes", "asked_for"]


def asked_for(*what: Any) -> str:
    """Return a digest of all that an audit depends on: WHAT was asked, the files that were read, and this code."""
    found = sha256(json.dumps(what, sort_keys=True, default=str).encode())
    package = Path(__file__).parents[1]
    for file in sorted([file for room in ("assure", "core", "models") for file in package.glob(f"{room}/**/*.py")]):
        found.update(file.relative_to(package).as_posix().encode() + b"\0" + file.read_bytes())
    return found.hexdigest()[:24]


class KeptProbes:
    """The folder of what was measured for the audit with the digest KEY; those of other audits are thrown away."""

    def __init__(self, folder: Path, key: str) -> None:
        self.folder, self.key = folder / ".probes", key

    def load(self, pillar: str, probe: str) -> list[Found] | None:
        """Return what the probe found before, or None where it was not finished for this very audit."""
        try:
            said = json.loads(self._file(pillar, probe).read_bytes())
            if said["key"] != self.key:
                return None
            return [Found(pillar, probe, _measure(one)) for one in said["measures"]]
        except (OSError, ValueError, LookupError, TypeError):
            return None

    def keep(self, pillar: str, probe: str, found: Sequence[Found]) -> None:
        """Keep what the probe FOUND."""
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"key": self.key, "measures": [asdict(one.measure) for one in found]}, default=float)
        with atomic(self._file(pillar, probe)) as beside:
            beside.write_text(text, "utf-8")

    def shadows(self, pillar: str, probe: str, *, fresh: bool) -> KeptShadows:
        """Return where the answers of the shadow models of a probe are kept while it runs."""
        return KeptShadows(self.folder / f"{pillar}.{probe}", self.key, fresh)

    def _file(self, pillar: str, probe: str) -> Path:
        return self.folder / f"{pillar}.{probe}.json"


def _measure(said: dict[str, Any]) -> Measure:
    interval = said.pop("estimate")
    return Measure(estimate=None if interval is None else Interval(**interval), **said)
