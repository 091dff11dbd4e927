"""Classes with names and parents: ours, a company's own in TOML, or just the labels that were found."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import BadInput, UsageError
from consentinel.core.text import one_line

__all__ = ["Taxonomy", "read"]

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
MOST, LONGEST = 2000, 200
_FIELDS = {"id", "name", "parent", "refs", "also"}


@dataclass(frozen=True)
class Taxonomy:
    """Classes by id, in order; the parent of each (its place, or -1), and what else a label of it is called."""

    name: str
    ids: Sequence[str]
    names: Sequence[str]
    parents: Sequence[int]
    also: Mapping[str, int]  # other spellings and references, lower case, to the place of the class

    @classmethod
    def of_labels(cls, labels: Iterable[str]) -> "Taxonomy":
        """Return the flat taxonomy of LABELS, sorted. Raises UsageError for too many."""
        ids = sorted(set(labels))
        if len(ids) > MOST:
            raise UsageError(f"there are {len(ids)} different labels, more than {MOST}; is this the right column?")
        return cls("labels", ids, ids, [-1] * len(ids), {one.lower(): at for at, one in enumerate(ids)})

    @classmethod
    def of(cls, record: Mapping[str, Any], where: str = "taxonomy") -> "Taxonomy":
        """Return the taxonomy of RECORD: name, and class, a list of {id, name, parent, refs, also}. Raises BadInput."""

        def bad(what: str) -> BadInput:
            return BadInput(what, where=where, todo="See the taxonomies that come with the package")

        rows = record.get("class")
        if not isinstance(rows, list) or not rows or len(rows) > MOST:
            raise bad(f"needs [[class]] entries, from 1 to {MOST}")
        for row in rows:
            if not isinstance(row, dict) or set(row) - _FIELDS or not _text(row.get("id")):
                raise bad(f"a [[class]] has an id and may have {', '.join(sorted(_FIELDS - {'id'}))}")
            if not all(_text(row.get(key, "-")) for key in ("name", "parent")):
                raise bad(f"name and parent of '{one_line(row['id'], 40)}' are short texts")
            lists = [row.get(key, []) for key in ("refs", "also")]
            if not all(isinstance(one, list) and all(map(_text, one)) for one in lists):
                raise bad(f"refs and also of '{one_line(row['id'], 40)}' are lists of short texts")
        place = {row["id"]: at for at, row in enumerate(rows)}
        if len(place) < len(rows):
            raise bad("two classes share an id")
        missing = sorted({row["parent"] for row in rows if row.get("parent")} - set(place))
        if missing:
            raise bad(f"no class is '{one_line(missing[0], 40)}', which is the parent of one")
        parents = [place[row["parent"]] if row.get("parent") else -1 for row in rows]
        for at in range(len(rows)):
            seen, up = {at}, parents[at]
            while up >= 0:
                if up in seen:
                    raise bad(f"'{one_line(rows[at]['id'], 40)}' is among its own ancestors")
                seen.add(up)
                up = parents[up]
        also = {other.lower(): at for at, row in enumerate(rows)
                for other in (*row.get("also", []), *row.get("refs", []), row.get("name", row["id"]))}  # fmt: skip
        also |= {one.lower(): at for one, at in place.items()}
        return cls(str(record.get("name", "taxonomy"))[:LONGEST], list(place),
                   [row.get("name", row["id"]) for row in rows], parents, also)  # fmt: skip

    def record(self) -> dict[str, Any]:
        """Return what `of` reads."""
        called: dict[int, list[str]] = {}
        for other, at in self.also.items():
            called.setdefault(at, []).append(other)
        rows = [{"id": one, "name": self.names[at], "also": called.get(at, [])}
                | ({"parent": self.ids[self.parents[at]]} if self.parents[at] >= 0 else {})
                for at, one in enumerate(self.ids)]  # fmt: skip
        return {"name": self.name, "class": rows}

    def places(self, label: str) -> int:
        """Return the place of the class that LABEL names, -1 where none does."""
        return self.also.get(label.strip().lower(), -1)

    def path(self, at: int) -> str:
        """Return the ids from the top to the class at AT, separated by " > "."""
        names = [self.ids[at]]
        while self.parents[at] >= 0:
            at = self.parents[at]
            names.append(self.ids[at])
        return " > ".join(reversed(names))

    def closed(self, targets: Mask) -> Mask:
        """Return TARGETS (n, classes) with the ancestors of each class added."""
        made = targets.copy()
        for at in self._down():
            if self.parents[at] >= 0:
                made[:, self.parents[at]] |= made[:, at]
        return made

    def consistent(self, p: Floats) -> Floats:
        """Return P (n, classes) in which no child is likelier than its parent: both raised and lowered to meet."""
        if max(self.parents) < 0:
            return p
        made = p.copy()
        for at in reversed(self._down()):
            up = self.parents[at]
            if up >= 0:
                over = made[:, at] > made[:, up]
                middle = (made[over, at] + made[over, up]) / 2
                made[over, up] = middle
        for at in reversed(self._down()):  # parents first
            if self.parents[at] >= 0:
                made[:, at] = np.minimum(made[:, at], made[:, self.parents[at]])
        return made

    def _down(self) -> list[int]:
        """Return the places of all classes, children before parents."""
        return sorted(range(len(self.ids)), key=lambda at: -self.path(at).count(" > "))


def read(name: str) -> Taxonomy:
    """Return one of our taxonomies by NAME, or the one in the TOML file of that name. Raises UsageError, BadInput."""
    folder = files("consentinel.understand") / "data" / "taxonomies"
    ours = sorted(one.name.removesuffix(".toml") for one in folder.iterdir() if one.name.endswith(".toml"))
    path = Path(name)
    if name not in ours and path.suffix.lower() != ".toml":
        raise UsageError(f"no taxonomy '{one_line(name, 40)}'; there is: {', '.join(ours)}, or a .toml file of yours")
    try:
        text = (folder / f"{name}.toml").read_text("utf-8") if name in ours else path.read_text("utf-8")
        return Taxonomy.of(tomllib.loads(text), path.name)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as why:
        what = why.strerror if isinstance(why, OSError) else "it is no TOML in UTF-8"
        raise BadInput(f"cannot be read ({what})", where=path.name, todo="Check the file") from None


def _text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST
