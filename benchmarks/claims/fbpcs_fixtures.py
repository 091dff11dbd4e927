"""Meta's Private Lift and Private Attribution fixtures: every expected file, from plain tables and from XOR shares."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from benchmarks._claim import ROOT, keep_cases, write
from consentinel.protect.attribution.matching import attribute
from consentinel.protect.attribution.results import attributed_pairs, measurement, reformatted
from consentinel.protect.attribution.rules import RULES
from consentinel.protect.attribution.shares import rejoin, rejoin_words
from consentinel.protect.exchange import read
from consentinel.protect.lift.counting import count

NAMES = ("fbpcs_fixtures_equal",)
INPUTS = (
    "src/consentinel/protect/exchange.py",
    "src/consentinel/protect/lift/counting.py",
    "src/consentinel/protect/attribution",
)
ATTRIBUTION, AGGREGATION = (f"pcf2_{kind}/test/test_correctness" for kind in ("attribution", "aggregation"))
LIFT = "lift/pcf2_calculator/sample_input"
EXTRA_FORMS = ("targetid", "targetid_actiontype")  # further columns that last_click_1d does not look at


@dataclass(frozen=True)
class Case:
    """One expected result: its name, what the fixture says and what we get."""

    name: str
    wanted: Any
    got: Any


def folder() -> Path:
    """Return the folder of the fixtures in the shared data; SystemExit where it is not."""
    shared = Path(os.environ.get("CONSENTINEL_SHARED_DATA", ROOT.parent / "shared" / "data"))
    found = shared / "protect" / "fbpcs_fixtures"
    if not found.is_dir():
        raise SystemExit("no fbpcs_fixtures: set CONSENTINEL_SHARED_DATA to the folder that has it under protect/")
    return found


def lift_cases(where: Path) -> Iterator[Case]:
    """Yield everyone, each cohort and each breakdown of the lift fixture."""
    connection = duckdb.connect()
    read(connection, where / LIFT / "publisher_unittest3.csv", "lift.publisher")
    read(connection, where / LIFT / "partner_2_convs_unittest.csv", "lift.partner")
    got, wanted = count(connection, cap=2).metrics(), _json(where / LIFT / "correctness_output.json")
    yield Case("lift everyone", wanted["metrics"], got["metrics"])
    for kind in ("cohortMetrics", "publisherBreakdowns"):
        ours: Any = got[kind]
        for at, one in enumerate(wanted[kind]):
            yield Case(f"lift {kind} {at}", one, ours[at] if at < len(ours) else None)


def attribution_cases(where: Path) -> Iterator[Case]:
    """Yield both result forms of each rule from plain tables, from shares of one side and from shares of both."""
    at = where / ATTRIBUTION
    for rule, names in _rules(at):
        forms = ["", "xor", "partner_xor", *(EXTRA_FORMS if rule == "last_click_1d" else ())]
        for form in forms:
            connection = _opened(at, rule, form)
            attribute(connection, RULES[rule])
            for suffix in names:
                wanted = _json(at / f"{rule}{suffix}.json")[rule]
                if suffix:
                    yield Case(f"{rule} {form or 'plain'} reformatted", wanted, reformatted(connection))
                else:
                    yield Case(f"{rule} {form or 'plain'}", wanted["default"], attributed_pairs(connection))


def aggregation_cases(where: Path) -> Iterator[Case]:
    """Yield the measurement of each rule from our own attribution and from the fixture's shares of it."""
    at = where / AGGREGATION
    for file in sorted(at.glob("*.measurement.json")):
        rule = file.name.partition(".")[0]
        wanted = _json(file)[rule]["measurement"]
        connection = _opened(where / ATTRIBUTION, rule, "")
        attribute(connection, RULES[rule])
        yield Case(f"{rule} measured", wanted, measurement(connection, attributed_pairs(connection)))
        yield Case(f"{rule} measured, reformatted", wanted, measurement(connection, reformatted(connection)))
        for suffix in ("", "_reformatted"):
            ours, theirs = (_json(at / f"{rule}{suffix}.{who}.json")[rule] for who in ("publisher", "partner"))
            if not suffix:
                ours, theirs = ours["default"], theirs["default"]
            joined = {
                person: [_joined(one, other) for one, other in zip(ours[person], theirs[person], strict=True)]
                for person in ours
            }
            yield Case(f"{rule} measured from shares{suffix}", wanted, measurement(connection, joined))


def cases(where: Path) -> list[Case]:
    """Return every case of the fixtures in WHERE."""
    return [*lift_cases(where), *attribution_cases(where), *aggregation_cases(where)]


def _rules(at: Path) -> Iterator[tuple[str, list[str]]]:
    for rule in RULES:
        names = [suffix for suffix in ("", "_reformatted") if (at / f"{rule}{suffix}.json").is_file()]
        if names:
            yield rule, names


def _opened(at: Path, rule: str, form: str) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    dot = f".{form}" if form else ""
    publisher, partner = (at / f"{rule}{dot}.{who}.csv" for who in ("publisher", "partner"))
    if form.endswith("xor"):
        rejoin(connection, publisher, partner)
    else:
        read(connection, publisher, "attribution.publisher")
        read(connection, partner, "attribution.partner")
    return connection


def _joined(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {
        name: one[name] != other[name] if name == "is_attributed" else rejoin_words(one[name], other[name])
        for name in one
    }


def _json(file: Path) -> Any:
    return json.loads(file.read_text("utf-8"))


def main() -> None:
    """Measure and write the number."""
    found = cases(folder())
    differ = [case.name for case in found if case.wanted != case.got]
    equal = len(found) - len(differ)
    keep_cases(NAMES[0], {case.name: case.wanted == case.got for case in found})
    write(
        NAMES[0],
        value=equal / len(found),
        low=equal / len(found),
        high=equal / len(found),
        n=len(found),
        protocol=f"{equal} of {len(found)} expected results of facebookresearch/fbpcs field by field: lift (everyone, "
        "cohorts, breakdowns), attribution (both result forms from plain tables and rejoined XOR shares), measurement "
        f"(from our attribution and from the fixture's shares); {', '.join(differ) or 'none differs'}",
    )


if __name__ == "__main__":
    main()
