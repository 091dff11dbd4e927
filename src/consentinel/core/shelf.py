"""A shelf is a folder and a part is one file in it: find, list, describe and take parts."""

import ast
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Generic, TypeVar, cast

from consentinel.core.errors import UsageError

__all__ = ["Shelf"]

Part = TypeVar("Part")


class Shelf(Generic[Part]):
    """The parts in one package: every module in it whose name does not start with an underscore.

    Part is the Protocol (core/contracts.py) that each of them keeps, so that a type checker sees what `take` returns.

    Listing and describing read the folder and import nothing; `take` imports one part.
    """

    def __init__(self, package: str, door: str) -> None:
        self.package, self.door = package, door

    def folder(self) -> Path:
        """Return the folder that the parts lie in."""
        spec = find_spec(self.package)
        if spec is None or not spec.submodule_search_locations:
            raise UsageError(f"there is no shelf '{self.package}'")
        return Path(next(iter(spec.submodule_search_locations)))

    def names(self) -> list[str]:
        """Return the names of the parts, sorted."""
        return sorted(p.stem for p in self.folder().glob("*.py") if not p.stem.startswith("_"))

    def summary(self, name: str) -> str:
        """Return the first docstring line of the part NAME without importing it."""
        text = ast.get_docstring(ast.parse((self.folder() / f"{name}.py").read_text("utf-8"))) or ""
        return text.partition("\n")[0]

    def take(self, name: str) -> Part:
        """Import the part NAME and return its module, which has the door that the shelf promises.

        Raises UsageError when there is no such part; the message lists those that there are.
        """
        if name not in self.names():
            short = self.package.removeprefix("consentinel.").replace(".", "/")
            raise UsageError(f"no '{name}' on {short}; there is: {', '.join(self.names())}")
        return cast(Part, import_module(f"{self.package}.{name}"))

    def choose(self, wanted: str) -> list[str]:
        """Return the part names in WANTED: "all", or names separated by commas; "-name" leaves one out."""
        names = self.names()
        asked = [w.strip() for w in wanted.split(",") if w.strip()]
        plus = [w for w in asked if not w.startswith("-") and w != "all"]
        minus = {w[1:] for w in asked if w.startswith("-")}
        for name in [*plus, *minus]:
            if name not in names:
                short = self.package.removeprefix("consentinel.").replace(".", "/")
                raise UsageError(f"no '{name}' on {short}; there is: {', '.join(names)}")
        return [n for n in (plus if plus and "all" not in asked else names) if n not in minus]
