"""The part of the reports about repeated visits: what depends on a drawn property, what refusing changes, and power."""

from collections import Counter
from typing import Any

import pyarrow.compute as pc

from consentinel.core.finding_words import type_name
from consentinel.core.page import Column, Html, h, number, section, table
from consentinel.core.text import one_line
from consentinel.detect.difference import Differences
from consentinel.detect.reports._words import SCENARIOS

__all__ = ["differences_section", "lines", "plain"]

_ROWS = 500
_LINES = 8
_METHOD = (
    "The properties of device and person were drawn at random for every visit. If what a recipient gets does not "
    "depend on a property, every draw was equally likely given what was sent, so the test is exact (an e-value), "
    "whatever the fields hold. Clocks, counters and random ids cannot pass it more often than the error that is stated."
)


def lines(found: Differences) -> list[str]:
    """Return the comparison as a few lines of plain text."""
    said = [_summary(found)]
    if found.power:
        said.append("Power: " + "; ".join(f"{_share(p.power)} for {p.way} in {p.n_visits} visits" for p in found.power))
        said.append(f"Smallest p-value that can be reached, adjusted for the site: {_smallest(found):.1e}")
    untested = _untested(found)
    if untested:
        said.append("Not testable: " + ", ".join(f"{n:,} recipients ({why})" for why, n in untested))
    kept = [row for row in found.refusals.to_pylist() if row["reading"] != "no change shown"]
    same = found.refusals.num_rows - len(kept)
    if found.refusals.num_rows:
        said.append(f"Refusing changes what {len(kept):,} flows send; {same:,} show no change:")
        said += [f"  {_refusal(row)}" for row in _unchanged(found)[:_LINES]]
    return said


def _summary(found: Differences) -> str:
    n = int(pc.sum(pc.equal(found.claims["decision"].cast("string"), "depends")).as_py() or 0)
    return (
        f"Repeated visits with drawn profiles: {found.n_visits:,} visits to {found.n_sites:,} sites, up to "
        f"{found.repeats} of a scenario, {len(found.properties)} properties, {found.m:,} hypotheses; {n:,} dependences "
        f"(any false one on a clean site: at most {_share(found.site_error)}; of all claimed: at most "
        f"{_share(found.fleet_rate)}). More repeats may show more on {found.open:,} sites."
    )


def _unchanged(found: Differences) -> list[dict[str, Any]]:
    """Flows that refusing does not change, the most frequent first."""
    rows = [
        r
        for r in found.refusals.to_pylist()
        if r["reading"] == "no change shown" and r["scenario"] in ("reject", "no_action", "gpc")
    ]
    return sorted(rows, key=lambda r: (-r["with_scenario"], r["p_smallest"], r["recipient"], r["type"]))


def _refusal(row: dict[str, Any]) -> str:
    where = SCENARIOS.get(row["scenario"], "Not known").lower()
    return (
        f"{one_line(row['recipient'], 60)}, {type_name(row['type'])}, {where}: {row['with_scenario']} of "
        f"{row['n_scenario']} visits, {row['with_accept']} of {row['n_accept']} after accepting"
    )


def _untested(found: Differences) -> list[tuple[str, int]]:
    whys = Counter(why for why in found.claims["why"].to_pylist() if why)
    return sorted(whys.items(), key=lambda item: (-item[1], item[0]))


def _smallest(found: Differences) -> float:
    return min(p.p_smallest for p in found.power)


def _share(value: float) -> str:
    return f"{value:.0%}" if value in (0, 1) or value >= 0.1 else f"{value:.1%}"


def differences_section(found: Differences | None) -> Html | None:
    """Return the section of the page; None where no visit tells its profile."""
    if found is None:
        return None
    claims = [row for row in found.claims.to_pylist() if row["decision"] == "depends"]
    refused = found.refusals.to_pylist()
    parts = [
        h("p", _summary(found)),
        _claims(claims),
        h("h3", "Does refusing change anything?"),
        _refusals(refused),
        h("h3", "What could have been shown"),
        _power(found),
        _not_testable(found),
    ]
    return section("Repeated visits", *parts, anchor="differences", note=_METHOD)


def _claims(rows: list[dict[str, Any]]) -> Html:
    if not rows:
        return h("p", "No field was shown to depend on a property of the profile.")
    heads = ["Recipient", "Site", "Scenario", "What it depends on", "Told as", "Fields", "Visits", "p, adjusted"]
    cells = [
        [
            h("bdi", one_line(row["recipient"], 60)),
            h("bdi", one_line(row["subject"], 60)),
            SCENARIOS.get(row["scenario"], "Not known"),
            row["property"].replace("_", " "),
            type_name(row["type"]),
            ", ".join(one_line(k, 40) for k in row["keys"] if k) or "no name",
            number(row["n_visits"]),
            f"{row['p']:.1e}",
        ]
        for row in sorted(rows, key=lambda r: (r["p"], r["recipient"], r["scenario"], r["property"]))[:_ROWS]
    ]
    return _grid(heads, cells, len(rows), "What recipients got depends on these properties")


def _refusals(rows: list[dict[str, Any]]) -> Html:
    if not rows:
        return h("p", "No site was visited both with acceptance and without, or nothing recognised was sent.")
    heads = ["Recipient", "Data", "Scenario", "Visits with it", "After accepting", "Difference (95%)", "p, adjusted",
             "Smallest p", "Reading"]  # fmt: skip
    order = sorted(rows, key=lambda r: (r["reading"] != "no change shown", -r["with_scenario"], r["recipient"]))
    cells = [
        [
            h("bdi", one_line(row["recipient"], 60)),
            type_name(row["type"]),
            SCENARIOS.get(row["scenario"], "Not known"),
            f"{row['with_scenario']} of {row['n_scenario']}",
            f"{row['with_accept']} of {row['n_accept']}",
            f"{row['difference']:+.0%} ({row['low']:+.0%} to {row['high']:+.0%})",
            f"{row['p_adjusted']:.1e}",
            f"{row['p_smallest']:.1e}",
            row["reading"],
        ]
        for row in order[:_ROWS]
    ]
    return _grid(heads, cells, len(rows), "How often recipients got data, by what was done with the banner")


def _power(found: Differences) -> Html:
    if not found.power:
        return h("p", "Nothing could be tested: no field changed from visit to visit and came back.")
    heads = ["Way of writing", "Visits that have it", "Power", "Smallest p, adjusted for the site"]
    cells = [[p.way, number(p.n_visits), _share(p.power), f"{p.p_smallest:.1e}"] for p in found.power]
    return _grid(heads, cells, len(cells), "Power at the site in the middle, and the smallest p-value in reach")


def _not_testable(found: Differences) -> Html:
    said = "; ".join(f"{why}: {number(n)}" for why, n in _untested(found)) or "none"
    return h("p", f"Recipients (of one site and scenario) of which nothing could be decided: {said}.", class_="note")


def _grid(heads: list[str], cells: list[list[Any]], n: int, caption: str) -> Html:
    grid = table([Column(head) for head in heads], cells, caption=caption)
    left = h("p", f"The first {_ROWS} of {number(n)} are listed.", class_="note") if n > _ROWS else None
    return h("div", grid, left)


def plain(found: Differences | None) -> dict[str, Any] | None:
    """Return the comparison for JSON: counts, power, claims and refusals."""
    if found is None:
        return None
    return {
        "n_sites": found.n_sites,
        "n_visits": found.n_visits,
        "repeats": found.repeats,
        "properties": list(found.properties),
        "hypotheses": found.m,
        "sites_open": found.open,
        "site_error": found.site_error,
        "fleet_rate": found.fleet_rate,
        "power": [
            {"way": p.way, "n_visits": p.n_visits, "power": p.power, "p_smallest": p.p_smallest} for p in found.power
        ],
        "not_testable": dict(_untested(found)),
        "notes": list(found.notes),
        "claims": [_without_run(r) for r in found.claims.to_pylist() if r["decision"] == "depends"],
        "refusals": [_without_run(r) for r in found.refusals.to_pylist()],
    }


def _without_run(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "run_id"}
