"""Which collector reads which file: by the end of its name, then by what it holds; some sources are several files."""

from pathlib import Path
from typing import Any

from consentinel.core.contracts import CollectorPart
from consentinel.detect.collectors._batch import Batch, Options

__all__ = ["assigned"]

Part = CollectorPart[Options, Batch]


def assigned(files: list[Path], collectors: list[Part], options: Options) -> dict[Path, tuple[Part, tuple[Path, ...]]]:
    """Return file -> its collector and the files that are read with it, in the order of FILES.

    Where several collectors read one kind of file, the one decides whose `holds(path, options)` knows its content. A
    collector with `FOLDER = True` reads its files of one folder together, with those of the folder that nobody knows.
    """
    whole: dict[Path, list[Path]] = {}
    found: dict[Path, Part] = {}
    nobodys: dict[Path, Part] = {}
    for file in files:
        fitting = _fitting(file, collectors)
        holding = [part for part in fitting if len(fitting) == 1 or _holds(part, file, options)]
        part = (holding or fitting)[-1]
        if not holding:
            nobodys[file] = part
        found[file] = part
        if holding and getattr(part, "FOLDER", False):
            whole.setdefault(file.parent, []).append(file)
    for file in nobodys:
        if file.parent in whole:
            whole[file.parent].append(file)
    units: dict[Path, tuple[Part, tuple[Path, ...]]] = {}
    later = {file for members in whole.values() for file in members[1:]}
    for file, part in found.items():
        if file not in later:
            together = whole.get(file.parent, []) if getattr(part, "FOLDER", False) else []
            units[file] = (part, tuple(together[1:]))
    return units


def _fitting(file: Path, collectors: list[Part]) -> list[Part]:
    """The collectors that read such names; HAR when there is none, which then says what is wrong."""
    name = file.name.lower().removesuffix(".vault")
    fitting = [part for part in collectors if name.endswith(part.SUFFIXES)]
    return fitting or [next(part for part in collectors if part.__name__.endswith(".har"))]


def _holds(part: Any, file: Path, options: Options) -> bool:
    """Whether PART, one of several that read such files, knows the content of FILE."""
    return bool(part.holds(file, options))
