"""Settings of the command line: defaults < consentinel.toml < CONSENTINEL_* < flags.

A setting replaces the default of the parameter of the same name in every verb that has one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from consentinel.core.errors import UsageError

__all__ = ["FILE", "PREFIX", "Settings", "given", "resolve"]

FILE = "consentinel.toml"
PREFIX = "CONSENTINEL_"


@dataclass(frozen=True)
class Settings:
    """What holds for every verb; None leaves the verb's own default."""

    out: Path | None = field(default=None, metadata={"help": "folder that a run is kept in"})
    policy: Path | None = field(default=None, metadata={"help": "policy file (TOML) instead of the default policy"})
    region: str | None = field(default=None, metadata={"help": "region whose rules hold, for example EU or US-CA"})
    project_key_file: Path | None = field(
        default=None, metadata={"help": "file with the key that digests are made with"}
    )


def given(folder: Path, environ: Mapping[str, str]) -> dict[str, tuple[object, str]]:
    """Return the settings that FOLDER/consentinel.toml or ENVIRON sets: name -> (value, where it was set).

    Raises UsageError for an unknown key in the file (naming the nearest one) and for a value of the wrong kind.
    """
    found: dict[str, tuple[object, str]] = {}
    for name, value in _read(folder / FILE).items():
        found[name] = (_value(name, value, FILE), FILE)
    for name in _names():
        text = environ.get(PREFIX + name.upper(), "")
        if text:
            where = PREFIX + name.upper()
            found[name] = (_value(name, text, where), where)
    return found


def resolve(folder: Path, environ: Mapping[str, str]) -> Settings:
    """Return the settings in force: the defaults, then FOLDER/consentinel.toml, then ENVIRON."""
    values: dict[str, Any] = {name: value for name, (value, _) in given(folder, environ).items()}
    return Settings(**values)


def _names() -> list[str]:
    return [f.name for f in fields(Settings)]


def _read(file: Path) -> dict[str, object]:
    import tomllib  # only where there is a file to read

    if not file.is_file():
        return {}
    try:
        keys: dict[str, object] = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as why:
        raise UsageError(f"{file.name}: this is not TOML ({why})") from None
    for key in keys:
        if key not in _names():
            near = get_close_matches(key, _names(), n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"there is: {', '.join(_names())}"
            raise UsageError(f"{file.name}: unknown key '{key}'; {hint}")
    return keys


def _value(name: str, value: object, where: str) -> object:
    """Return VALUE in the type of the setting NAME."""
    if not isinstance(value, str) or not value:
        raise UsageError(f"{where}: {name} should be a text")
    return value if name == "region" else Path(value)
