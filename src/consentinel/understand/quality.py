"""Data-quality gates: how much of what came in may be wrong, and what each check says of it."""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from consentinel.core.errors import UsageError

__all__ = ["CHECKS", "DEFAULTS", "QUALITY", "Limits", "checked", "exit_code", "limits"]

# Check -> (largest share that passes, what is counted).
DEFAULTS: dict[str, tuple[float, str]] = {
    "unreadable_records": (0.01, "records that could not be read"),
    "without_text": (0.5, "records without a text"),
    "without_date": (0.05, "records without a date"),
    "unreadable_dates": (0.01, "dates that are none"),
    "future_dates": (0.01, "dates later than tomorrow"),
    "closed_before_opened": (0.01, "records that were closed before they were opened"),
    "unreadable_numbers": (0.01, "numbers that are none"),
    "unknown_severities": (0.05, "severities that are no known word"),
    "unknown_categories": (0.0, "categories that are not in the list"),
    "repeated_records": (0.05, "records that say the same as an earlier one (kept once)"),
    "shared_ids": (0.01, "records with the id of a different earlier one of the same source (both kept)"),
    "crossing_ids": (1.0, "records with the id of a different one of an earlier source (both kept)"),
    "damaged_texts": (0.01, "texts with lost or wrongly decoded characters"),
}
CHECKS = tuple(DEFAULTS)
QUALITY = pa.schema(
    [
        ("run_id", pa.dictionary(pa.int32(), pa.string())),
        ("check", pa.string()),
        ("n", pa.int64()),
        ("of", pa.int64()),
        ("share", pa.float64()),  # null where there was nothing to look at
        ("most", pa.float64()),
        ("verdict", pa.string()),  # pass, fail, insufficient
        ("counted", pa.string()),
    ]
)
Verdict = Literal["pass", "fail", "insufficient"]


@dataclass(frozen=True)
class Limits:
    """What passes: the largest share of each check, the fewest records to judge by, the categories that are known."""

    most: Mapping[str, float]
    records: int = 1
    categories: tuple[str, ...] = ()


def limits(file: Path | None) -> Limits:
    """Return the limits that FILE sets (TOML: records, categories, [most] with shares), the defaults without one.

    Raises UsageError for an unknown key, naming the nearest, and for a value that is none.
    """
    shares = {name: share for name, (share, _) in DEFAULTS.items()}
    if file is None:
        return Limits(shares)
    try:
        keys = tomllib.loads(file.read_text("utf-8"))
    except OSError as why:
        raise UsageError(f"{file.name}: cannot be read ({why.strerror or why})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError):
        raise UsageError(f"{file.name}: this is not TOML") from None
    _known(keys, ("most", "records", "categories"), file.name)
    most, records, categories = keys.get("most", {}), keys.get("records", 1), keys.get("categories", [])
    if not isinstance(most, dict):
        raise UsageError(f"{file.name}: most is a table of shares, for example [most] then without_text = 0.2")
    _known(most, CHECKS, file.name)
    for name, share in most.items():
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
            raise UsageError(f"{file.name}: {name} is a share between 0 and 1")
    if isinstance(records, bool) or not isinstance(records, int) or records < 1:
        raise UsageError(f"{file.name}: records is a whole number of at least 1")
    if not isinstance(categories, list) or not all(isinstance(one, str) for one in categories):
        raise UsageError(f"{file.name}: categories is a list of texts")
    return Limits(shares | most, records, tuple(categories))


def _known(keys: Mapping[str, Any], names: tuple[str, ...], where: str) -> None:
    for key in keys:
        if key not in names:
            near = get_close_matches(key, names, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"there is: {', '.join(names)}"
            raise UsageError(f"{where}: unknown key '{key[:60]}'; {hint}")


def checked(counted: Mapping[str, tuple[int, int]], records: int, allowed: Limits) -> pa.Table:
    """Return QUALITY from COUNTED (check -> how many, of how many) over RECORDS; a check of nothing is left out."""
    rows = []
    for name, (n, of) in counted.items():
        most = allowed.most[name]
        verdict: Verdict = "fail" if of and n > most * of else "pass"
        if records < allowed.records:
            verdict = "insufficient"
        if of or verdict == "insufficient":
            share = n / of if of else math.nan
            rows.append(
                {"run_id": "", "check": name, "n": n, "of": of, "share": None if math.isnan(share) else share,
                 "most": most, "verdict": verdict, "counted": DEFAULTS[name][1]}
            )  # fmt: skip
    return pa.Table.from_pylist(rows, QUALITY)


def exit_code(quality: pa.Table) -> int:
    """Return 1 where a check of QUALITY failed, 3 where one had too few records, else 0."""
    verdicts = set(quality["verdict"].to_pylist())
    return 1 if "fail" in verdicts else 3 if "insufficient" in verdicts or not quality.num_rows else 0
