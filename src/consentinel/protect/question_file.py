"""Questions in TOML: what is measured (lift, attribution, reach), in which files, within which bounds.

measure = "lift"                   # or "attribution", "reach"
publisher = "publisher.parquet"    # beside this file; without files it can be planned, not measured
partner = "partner.parquet"
outcome = "conversions"            # converters, conversions, value
high = "4"                         # of a person's outcome; numbers are exact
[columns.publisher]                # canonical name = her name
test_flag = "arm"
"""

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from consentinel.core.errors import BadInput, UsageError
from consentinel.protect.ad_measurements import AskedAttribution, AskedLift
from consentinel.protect.ad_question import AdQuestion
from consentinel.protect.attribution.credit import HALF_LIFE
from consentinel.protect.attribution.private import credit_bounds
from consentinel.protect.declared import number, whole
from consentinel.protect.exchange import ROLES
from consentinel.protect.lift.counting import CAP
from consentinel.protect.lift.private import PrivateLift
from consentinel.protect.reach.asked import AskedReach
from consentinel.protect.reach.sketch import Params
from consentinel.protect.statistic import Bounds
from consentinel.protect.toml_values import keyed, known, near, text_of

__all__ = ["read"]

TABLES = ("publisher", "partner", "columns")
KEYS = {
    "lift": ("measure", *TABLES, "outcome", "low", "high", "least", "most", "cohorts", "cap"),
    "attribution": ("measure", *TABLES, "rule", "of", "cap", "high", "ads", "way", "half_life"),
    "reach": ("measure", "sketches", "epoch", "key", "unions", "shape", "sampled"),
}
OUTCOMES = ("converters", "conversions", "value")
LARGEST = 1 << 20


def read(path: Path) -> AdQuestion:
    """Return the question in the TOML file PATH; its file names are relative to its folder.

    Raises BadInput for a file that is no TOML, and UsageError, with the nearest name, for what is not known.
    """
    try:
        data = path.read_bytes()
        if len(data) > LARGEST:
            raise BadInput("is larger than any question", where=path.name, todo="Check the name")
        found = tomllib.loads(data.decode("utf-8"), parse_float=Decimal)
    except OSError as why:
        raise BadInput(f"cannot be read ({why.strerror or why})", where=path.name, todo="Check the path") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as why:
        raise BadInput(f"this is not TOML ({why})", where=path.name) from None
    try:
        measure = text_of(found.get("measure"), "measure")
        if measure not in KEYS:
            raise UsageError(f"measure: there is no '{measure[:60]}'; {near(measure, list(KEYS))}")
        known(found, KEYS[measure], "the question")
        return {"lift": _lift, "attribution": _attribution, "reach": _reach}[measure](found, path.parent)
    except UsageError as why:
        raise UsageError(f"{path.name}: {why}") from None


def _lift(found: Mapping[str, Any], folder: Path) -> AdQuestion:
    outcome: Any = _one_of(found.get("outcome", "converters"), OUTCOMES, "outcome")
    if outcome == "converters":
        told = [name for name in ("low", "high", "least", "most") if name in found]
        if told:
            raise UsageError(f"{told[0]}: who converts is 0 or 1; leave it out, or ask for conversions or value")
        bounds = Bounds(1, 1, Fraction(0), Fraction(1))
    else:
        if "high" not in found:
            raise UsageError("high is missing: the most of a person's outcome that counts, for example high = '200'")
        low, high = number(found.get("low", 0), "low"), number(found["high"], "high")
        ends = [number(found[name], name) if name in found else None for name in ("least", "most")]
        bounds = Bounds(1, 1, low, high, *ends)
    cohorts = tuple(_wholes(found["cohorts"], "cohorts")) if "cohorts" in found else None
    asked = AskedLift(outcome, bounds, cohorts, whole(found.get("cap", CAP), "cap"))
    PrivateLift(outcome).needs(bounds, Fraction(1))  # says what is wrong with the bounds
    return AdQuestion(asked, *_tables(found, folder, "lift"))


def _attribution(found: Mapping[str, Any], folder: Path) -> AdQuestion:
    of: Any = _one_of(found.get("of", "conversions"), ("conversions", "value"), "of")
    if (of == "value") != ("high" in found):
        raise UsageError("high, the most that one conversion is worth, is given with of = 'value' and only then")
    high = number(found["high"], "high") if "high" in found else None
    if high is not None and high <= 0:
        raise UsageError(f"high: what a conversion is worth at most is above 0, got {high}")
    if "ads" not in found:
        raise UsageError("ads is missing: the public list of ads to tell apart, for example ads = [1, 2, 3]")
    asked = AskedAttribution(
        rule=text_of(found.get("rule"), "rule"),
        bounds=credit_bounds(whole(found.get("cap", 1), "cap"), high),
        ads=tuple(_wholes(found["ads"], "ads")),
        of=of,
        way=text_of(found.get("way", "last"), "way"),
        half_life=whole(found.get("half_life", HALF_LIFE), "half_life"),
    )
    asked.part.needs(asked.bounds, Fraction(1))
    return AdQuestion(asked, *_tables(found, folder, "attribution"))


def _reach(found: Mapping[str, Any], folder: Path) -> AdQuestion:
    given = keyed(found.get("shape", {}), "shape")
    known(given, ("registers", "classes", "falling", "frequency"), "shape")
    unions = keyed(found.get("unions", {"all": []}), "unions")
    chosen = tuple((name, tuple(_texts(patterns, f"unions.{name}"))) for name, patterns in unions.items())
    sampled = found.get("sampled", False)
    if not isinstance(sampled, bool):
        raise UsageError("sampled is true or false")
    asked = AskedReach(text_of(found.get("epoch"), "epoch"), chosen, Params(**given), sampled)
    files = tuple(folder / name for name in _texts(found.get("sketches", []), "sketches"))
    return AdQuestion(asked, sketches=files, key=text_of(found["key"], "key") if "key" in found else "")


def _tables(
    found: Mapping[str, Any], folder: Path, measure: str
) -> tuple[dict[str, Path], dict[str, Mapping[str, str]]]:
    """Return the files of the two tables, where they are named, and their column maps."""
    files = {who: folder / text_of(found[who], who) for who in ("publisher", "partner") if who in found}
    if len(files) == 1:
        raise UsageError("publisher and partner are named together")
    maps = keyed(found.get("columns", {}), "columns")
    known(maps, ("publisher", "partner"), "columns")
    for who, names in maps.items():
        known(keyed(names, f"columns.{who}"), ROLES[f"{measure}.{who}"].names, f"columns.{who}")
        for name, hers in names.items():
            text_of(hers, f"columns.{who}.{name}")
    return files, dict(maps)


def _texts(value: Any, what: str) -> list[str]:
    if not isinstance(value, list):
        raise UsageError(f"{what} is a list of texts")
    return [text_of(one, what) for one in value]


def _wholes(value: Any, what: str) -> list[int]:
    fits = isinstance(value, list) and value and all(type(one) is int and abs(one) < 2**63 for one in value)
    if not fits or len(set(value)) != len(value) or len(value) > 100_000:
        raise UsageError(f"{what} is a list of whole numbers, each once, at least one")
    return list(value)


def _one_of(value: Any, names: tuple[str, ...], what: str) -> str:
    text = text_of(value, what)
    if text not in names:
        raise UsageError(f"{what}: there is no '{text[:60]}'; {near(text, list(names))}")
    return text
