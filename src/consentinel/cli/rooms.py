"""Find rooms and shelves by reading folders, without importing any of them."""

import ast
from importlib.util import find_spec
from pathlib import Path

from consentinel.core.errors import UsageError
from consentinel.core.shelf import Shelf

__all__ = ["parts", "rooms", "shelves", "summary"]


def rooms(package: str) -> list[str]:
    """Return the names of the rooms of PACKAGE: its sub-packages that have verbs."""
    return sorted(p.parent.name for p in _folder(package).glob("*/verbs.py"))


def summary(package: str, room: str) -> str:
    """Return the first docstring line of ROOM."""
    tree = ast.parse((_folder(package) / room / "__init__.py").read_text("utf-8"))
    return (ast.get_docstring(tree) or "").partition("\n")[0]


def shelves(package: str) -> list[str]:
    """Return the shelves of all rooms as "room/shelf": the folders that the room's shelves.py declares."""
    files = [p for room in rooms(package) if (p := _folder(package) / room / "shelves.py").is_file()]
    calls = [node for p in files for node in ast.walk(ast.parse(p.read_text("utf-8"))) if isinstance(node, ast.Call)]
    shelf = [c for c in calls if isinstance(c.func, ast.Name) and c.func.id == "Shelf" and c.args]
    folders = [ast.literal_eval(c.args[0]) for c in shelf]
    return sorted("/".join(folder.split(".")[-2:]) for folder in folders)


def parts(package: str, wanted: str | None) -> str:
    """Return a list of the parts on the shelf WANTED ("room/shelf", a room or a shelf; None: on all) as text.

    Raises UsageError when nothing is called WANTED.
    """
    there = shelves(package)
    chosen = [s for s in there if wanted is None or wanted.strip("/") in (s, *s.split("/"))]
    if not chosen:
        raise UsageError(f"there is no shelf '{wanted}'; there is: {', '.join(there) or 'none'}")
    lines = []
    for name in chosen:
        shelf: Shelf[object] = Shelf(f"{package}.{name.replace('/', '.')}", "")
        width = max((len(part) for part in shelf.names()), default=0)
        lines += [name, *(f"  {part:{width}}  {shelf.summary(part)}" for part in shelf.names()), ""]
    return "\n".join(lines[:-1])


def _folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise UsageError(f"there is no package '{package}'")
    return Path(next(iter(spec.submodule_search_locations)))
