"""The policy of a gate: a TOML file of rules, each a bound that the interval of a measure has to keep.

A rule names measures by `metric`, and by `pillar`, `probe`, `slice` and `against` where it does (patterns with *), and
says one of `at_most`, `at_least`, or `within` (distance from the value without effect). `[gate]` sets `adjust`: holm
(default) or none, and `level`, which has to be that of the audit where it is given.
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from consentinel.core.errors import BadInput, UsageError

__all__ = ["Policy", "Rule", "read"]

BOUNDS = ("at_most", "at_least", "within")
FIELDS = ("name", "metric", "pillar", "probe", "slice", "against", "severity", "required", "why", *BOUNDS)
SEVERITIES = ("low", "medium", "high", "critical")
_EXAMPLE = 'for example [[rule]] name = "no gap", metric = "equal_opportunity_difference", at_most = 0.1'


@dataclass(frozen=True)
class Rule:
    """One bound: which measures it is about, by patterns, and what their intervals have to keep."""

    name: str
    metric: str
    bound: Literal["at_most", "at_least", "within"]
    limit: float
    pillar: str = "*"
    probe: str = "*"
    slice: str = "*"
    against: str = "*"
    severity: str = "medium"
    required: bool = True
    why: str = ""

    def told(self) -> str:
        """Return the bound in words."""
        words = {"at_most": "at most", "at_least": "at least", "within": "no farther from no effect than"}
        return f"{words[self.bound]} {self.limit:g}"


@dataclass(frozen=True)
class Policy:
    """The rules of a gate, and whether what fails is corrected for how much was looked at."""

    name: str
    rules: tuple[Rule, ...]
    adjust: Literal["holm", "none"] = "holm"
    level: float | None = None


def read(path: Path) -> Policy:
    """Return the policy in PATH; raises BadInput for what is no TOML, UsageError for an unknown or wrong key."""
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, RecursionError) as why:
        raise BadInput(f"cannot be read ({type(why).__name__})", where=path.name, todo="Check the path") from None
    except tomllib.TOMLDecodeError as why:
        raise BadInput(f"is no TOML ({str(why)[:120]})", where=path.name, todo="Correct the line") from None
    _known(found, ("gate", "rule"), path.name)
    gate, rules = found.get("gate", {}), found.get("rule", [])
    if not isinstance(gate, dict):
        raise UsageError(f"{path.name}: [gate] is a table of keys and values")
    _known(gate, ("name", "adjust", "level"), f"{path.name}, [gate]")
    adjust, level = gate.get("adjust", "holm"), gate.get("level")
    if adjust not in ("holm", "none"):
        raise UsageError(f"{path.name}: adjust is holm or none")
    if level is not None and not (isinstance(level, float) and 0 < level < 1):
        raise UsageError(f"{path.name}: level is in (0, 1), for example 0.95")
    if not isinstance(rules, list) or not rules:
        raise UsageError(f"{path.name}: there is no rule; {_EXAMPLE}")
    made = tuple(_rule(one, f"{path.name}, rule {at}") for at, one in enumerate(rules, 1))
    names = [rule.name for rule in made]
    if len(set(names)) < len(names):
        raise UsageError(f"{path.name}: two rules have the same name")
    return Policy(str(gate.get("name", path.stem)), made, adjust, level)


def _rule(said: Any, where: str) -> Rule:
    if not isinstance(said, dict):
        raise UsageError(f"{where} is a table of keys and values; {_EXAMPLE}")
    _known(said, FIELDS, where)
    texts = {
        key: said[key] for key in ("metric", "pillar", "probe", "slice", "against", "severity", "why") if key in said
    }
    for key, value in texts.items():
        if not isinstance(value, str) or (key == "metric" and not value):
            raise UsageError(f"{where}: {key} is a text")
    if "metric" not in texts:
        raise UsageError(f"{where}: metric is missing; {_EXAMPLE}")
    if texts.get("severity", "medium") not in SEVERITIES:
        raise UsageError(f"{where}: severity is one of {', '.join(SEVERITIES)}")
    bounds = [key for key in BOUNDS if key in said]
    if len(bounds) != 1:
        raise UsageError(f"{where}: say one of {', '.join(BOUNDS)}, and only one")
    limit = said[bounds[0]]
    if isinstance(limit, bool) or not isinstance(limit, int | float) or not math.isfinite(limit):
        raise UsageError(f"{where}: {bounds[0]} is a finite number")
    if bounds[0] == "within" and limit < 0:
        raise UsageError(f"{where}: within is a distance of at least 0")
    if not isinstance(said.get("required", True), bool):
        raise UsageError(f"{where}: required is true or false")
    name = str(said.get("name") or f"{texts['metric']} {bounds[0]} {limit:g}")
    bound: Any = bounds[0]
    return Rule(name=name, bound=bound, limit=float(limit), required=said.get("required", True), **texts)


def _known(found: Mapping[str, Any], names: tuple[str, ...], where: str) -> None:
    for key in found:
        if key not in names:
            near = get_close_matches(key, names, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"there is: {', '.join(names)}"
            raise UsageError(f"{where}: unknown key '{key[:60]}'; {hint}")
