"""The charts of the page: severity, scenario, data type, time and who received what."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from consentinel.core.finding_words import type_name
from consentinel.core.page import Html, Tone, bars, figure, h, matrix, number, section, stacked, strip
from consentinel.core.text import one_line
from consentinel.detect.reports._result import OUTCOMES, SEVERITIES, Result
from consentinel.detect.reports._words import OUTCOME_TONES, SCENARIOS, SEVERITY_TONES

__all__ = ["charts_section"]

_RECIPIENTS, _TYPES = 12, 9  # rows and columns of the heat map, and rows of the other charts
_POINTS = 40  # earliest points drawn for one recipient
_SERIES: list[tuple[str, Tone]] = [(name, OUTCOME_TONES[name]) for name in OUTCOMES]
Row = dict[str, Any]


def charts_section(result: Result, findings: pa.Table) -> Html | None:
    """Return the section with the charts of FINDINGS; nothing when there is nothing to draw."""
    if not findings.num_rows:
        return None
    names = ["outcome", "severity", "type", "recipient", "scenario", "n", "first", "evidence_ids"]
    rows: list[Row] = findings.select(names).to_pylist()
    bad = [row for row in rows if row["outcome"] == "potential violation"]
    grave = Counter(row["severity"] for row in bad)
    by_type = _outcomes(rows, _what)
    order = [*SCENARIOS.values(), "Other"]
    by_scenario = _outcomes(rows, lambda row: SCENARIOS.get(row["scenario"] or "unknown", "Other"))
    by_scenario.sort(key=lambda item: order.index(item[0]))
    parts = [
        figure(
            "Potential violations by severity",
            bars([(s, grave[s]) for s in SEVERITIES], caption="By severity", tones=SEVERITY_TONES),
            note="Findings, each a group of equal flows.",
        ),
        figure(
            "Outcomes by scenario",
            stacked(by_scenario, _SERIES, caption="Findings by scenario and outcome"),
            note="Findings. Compare what a visitor who rejects gets with one who accepts.",
        ),
        figure(
            "Outcomes by data type",
            stacked(by_type[:_RECIPIENTS], _SERIES, caption="Findings by data type and outcome"),
            note="Findings." + _left_out(len(by_type), _RECIPIENTS, "types"),
        ),
        _timeline(result, rows),
        _heat(bad, "potential violations only") if bad else _heat(rows, "all flows"),
    ]
    return section("At a glance", h("div", *parts, class_="charts"), anchor="glance")


def _whom(row: Row) -> str:
    return one_line(row["recipient"] or "not known", 63)


def _what(row: Row) -> str:
    return type_name(row["type"])


def _left_out(n: int, kept: int, what: str) -> str:
    return f" Left out: {number(n - kept)} {what} with less." if n > kept else ""


def _outcomes(rows: list[Row], of: Callable[[Row], str]) -> list[tuple[str, Counter[str]]]:
    groups: dict[str, Counter[str]] = {}
    for row in rows:
        outcome = row["outcome"] if row["outcome"] in OUTCOMES else "no signal"
        groups.setdefault(of(row), Counter())[outcome] += 1
    return sorted(groups.items(), key=lambda item: (-item[1][OUTCOMES[0]], -item[1].total(), item[0]))


def _heat(rows: list[Row], what: str) -> Html:
    times: Counter[tuple[str, str]] = Counter()
    whom: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    for row in rows:
        recipient, kind, n = _whom(row), _what(row), row["n"] or 1
        times[recipient, kind] += n
        whom[recipient] += n
        kinds[kind] += n
    note = f"Times seen, {what}; a stronger shade is more."
    note += _left_out(len(whom), _RECIPIENTS, "recipients") + _left_out(len(kinds), _TYPES, "types")
    grid = matrix(
        _most(whom)[:_RECIPIENTS], _most(kinds)[:_TYPES], times, caption=f"Recipients by data type: times seen, {what}"
    )
    return h("div", h("h3", "Who received what"), h("p", note, class_="note"), grid, class_="figure full")


def _most(count: Counter[str]) -> list[str]:
    return sorted(count, key=lambda name: (-count[name], name))


def _timeline(result: Result, rows: list[Row]) -> Html | None:
    """Return when each recipient was first seen after the start of its visit, against the moment of a choice."""
    started = dict(_columns(result.visits, "visit_id", "started"))
    visit_of = dict(_columns(result.evidence, "evidence_id", "visit_id"))
    chosen = _choices(result, started)
    points: dict[str, list[tuple[float, Tone, str]]] = {}
    marks: dict[str, set[float]] = {}
    for row in rows:
        visits = {visit_of.get(key) for key in row["evidence_ids"] or []}
        begun = [(started[v], v) for v in visits if started.get(v) is not None]
        # The first time of a grouped claim belongs to the last of its visits that had begun by then.
        begun = [(start, v) for start, v in begun if row["first"] is not None and start <= row["first"]]
        if row["outcome"] == "allowed" or not begun:
            continue
        start, visit = max(begun)
        after, outcome = (row["first"] - start) / 1e6, row["outcome"] if row["outcome"] in OUTCOMES else "no signal"
        told = f"{_what(row)}, {outcome}, {after:.1f} s"
        points.setdefault(_whom(row), []).append((after, OUTCOME_TONES[outcome], told))
        marks.setdefault(_whom(row), set()).update([chosen[visit]] if visit in chosen else [])
    if not points:
        return None
    lines = sorted(points, key=lambda whom: (min(points[whom])[0], whom))
    note = "Seconds after the start of the visit; a dot is a finding, a dashed line a recorded choice."
    left = len(lines) - _RECIPIENTS
    note += f" Left out: {number(left)} recipients that came later." if left > 0 else ""
    grid = strip(
        [(whom, sorted(points[whom])[:_POINTS], sorted(marks[whom])) for whom in lines[:_RECIPIENTS]],
        caption="First seen after the start of the visit, by recipient",
        unit="seconds",
        mark="choice",
    )
    return figure("When it was first seen", grid, note=note)


def _choices(result: Result, started: dict[Any, int | None]) -> dict[str, float]:
    """Return for each visit the seconds until a choice was first recorded; what held from the start is no choice."""
    found: dict[str, float] = {}
    for visit, state, at in _columns(result.consent, "visit_id", "state", "valid_from"):
        start = started.get(visit)
        if state in ("granted", "denied", "partial") and at is not None and start is not None and at > start:
            after = round((at - start) / 1e6, 1)
            found[visit] = min(found.get(visit, after), after)
    return found


def _columns(table: pa.Table, *names: str) -> list[tuple[Any, ...]]:
    return list(zip(*(table.column(name).to_pylist() for name in names), strict=True))
