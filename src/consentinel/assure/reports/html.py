"""One HTML page for people: what stands out, four pillars with intervals, what was not run; opens offline."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from consentinel.assure.reports._mitigation import mitigation_section
from consentinel.assure.reports._pillars import pillar_section
from consentinel.assure.reports._words import (
    OF_SOME,
    PILLARS,
    READING,
    TONES,
    Q,
    about,
    ends,
    figure,
    interval,
    method_words,
    surest,
    tone,
)
from consentinel.assure.results import Result, Row
from consentinel.core.page import Cell, Column, Html, Tone, badge, h, intervals, number, page, section, table, tiles
from consentinel.core.page import figure as framed
from consentinel.core.run import atomic
from consentinel.core.text import one_line

__all__ = ["write"]

MOST = 12


def write(result: Result, out: Path) -> Path:
    """Write report.html into OUT."""
    with atomic(out / "report.html") as beside:
        beside.write_text(_page(result), "utf-8")
    return out / "report.html"


def _page(result: Result) -> str:
    return page(
        f"Model audit: {one_line(result.facts.model, 80)}",
        _header(result),
        *([_gate(result)] if result.gate else []),
        _stands_out(result),
        mitigation_section(result),
        *(pillar_section(result, pillar) for pillar in PILLARS),
        _left(result),
        _notes(result),
        h("footer", _reading(result), _made(result)),
    )


def _header(result: Result) -> Html:
    facts, rows = result.facts, result.rows
    known = sum(row["value"] is not None for row in rows)
    shown = sum(row["q"] is not None and row["q"] <= 1 - facts.level for row in rows)
    verdict, colour = _verdict(result, shown)
    people = f", {number(facts.units)} who ask or are asked about" if facts.units != facts.rows else ""
    said = [
        f"{facts.kind} model, came in as {facts.way}" if facts.kind else "",
        f"measured on {one_line(facts.data, 60)}: {number(facts.rows)} rows{people}" if facts.data else "",
        f"groups by {', '.join(facts.attributes)}" if facts.attributes else "",
        f"positive label {one_line(facts.positive, 30)}" if facts.positive else "",
        f"cut-off rank {facts.k}" if facts.kind in ("recsys", "ranking") else "",
        f"{100 * facts.level:g}% intervals",
        datetime.fromtimestamp(facts.started, UTC).strftime("%Y-%m-%d %H:%M UTC") if facts.started else "",
    ]
    figures: list[tuple[str, str, Tone | None]] = [
        (number(known), "measures with an interval", "info"),
        (number(shown), f"effects shown (q ≤ {round(1 - facts.level, 6):g})", "caution" if shown else "ok"),
        (number(len(rows) - known), "could not be measured", None),
        (number(len(result.left)), "probes not run", None),
    ]
    for word in ("fail", "insufficient evidence", "pass") if result.gate else ():
        count = sum(row["verdict"] == word for row in result.gate)
        figures.append((number(count), f"gate: {word}", TONES[word] if count else None))
    return h(
        "header",
        h("p", "Consentinel · model audit", class_="kicker"),
        h("h1", h("bdi", one_line(facts.model, 120) or "model")),
        h("p", verdict, class_=f"verdict {colour}"),
        h("p", " · ".join(word for word in said if word), class_="meta"),
        tiles(figures),
    )


def _verdict(result: Result, shown: int) -> tuple[str, str]:
    if result.gate:
        verdicts = {str(row["verdict"]) for row in result.gate}
        word = next(word for word in ("fail", "insufficient evidence", "pass") if word in verdicts)
        told = {
            "fail": "at least one bound is broken by a whole interval.",
            "insufficient evidence": "no bound is surely broken, but some could not be shown to be kept.",
            "pass": "every bound is kept by a whole interval.",
        }[word]
        return f"Policy {result.policy}: {word}. {told.capitalize()}", {"fail": "danger", "pass": "ok"}.get(
            word, "caution"
        )
    tested = sum(row["q"] is not None for row in result.rows)
    said = f"{number(shown)} of {number(tested)} tested measures show an effect."
    return f"{said} No policy was applied, so nothing is judged.", "muted"


def _gate(result: Result) -> Html:
    order = {"fail": 0, "insufficient evidence": 1, "pass": 2}
    columns = (
        Column("Verdict", choose=True), Column("Rule", wide=True), Column("Measure"), Column("Estimate", numeric=True),
        Column("Interval", numeric=True), Column("Wanted"),
    )  # fmt: skip
    rows = [
        [
            Cell(badge(word := str(row["verdict"]), TONES[word]), sort=order[word], label=word),
            Cell(h("div", h("div", row["rule"]), h("div", row["reason"], class_="soft") if row["reason"] else None,
                   h("div", row["why"], class_="soft"))),
            Cell(h("div", h("div", str(row["metric"]).replace("_", " ")), h("div", about(row), class_="soft"))),
            Cell(figure(row["value"]), sort="" if row["value"] is None else row["value"]),
            Cell("–" if row["value"] is None else interval(row)),  # noqa: RUF001
            Cell(row["bound"]),
        ]
        for row in sorted(result.gate, key=lambda row: order[str(row["verdict"])])
    ]  # fmt: skip
    note = (
        "A bound fails where the whole interval lies beyond it, and is kept where the whole interval keeps it. In "
        "between the evidence does not suffice. Unless the policy says otherwise, failures are corrected for how many "
        "measures it looks at."
    )
    grid = table(columns, rows, caption="Rules and what the audit says of them", search=len(rows) > 8)
    return section("Gate", grid, anchor="gate", note=note)


def _stands_out(result: Result) -> Html:
    alpha = round(1 - result.facts.level, 6)
    shown = surest(result.rows, alpha)
    note = f"Measures that differ from their value without effect, the surest first. {Q}"
    if not shown:
        tested = sum(row["q"] is not None for row in result.rows)
        said = "No measure was tested against a value without effect." if not tested else (
            f"None of the {number(tested)} tested measures shows an effect. The smallest detectable gaps in the tables "
            "say what would have been seen.")  # fmt: skip
        return section("What stands out", h("p", said, class_="note"), anchor="shown", note=note)
    note += " Of a series only the surest point is shown."
    by_null: dict[float, list[Row]] = {}
    for row in shown[:MOST]:
        by_null.setdefault(row["null"], []).append(row)
    plots = [_shown(some, null) for null, some in by_null.items()]
    more = [h("p", f"And {number(len(shown) - MOST)} more in the tables.", class_="note")] if len(shown) > MOST else []
    return section("What stands out", framed("Effects shown", *plots), *more, anchor="shown", note=note)


def _shown(rows: Sequence[Row], null: float) -> Html:
    drawn = [
        (
            f"{str(row['metric']).replace('_', ' ')} · {about(row)}",
            ends(row),
            tone(row),
            f"{figure(row['value'])} ({interval(row)})",
        )
        for row in rows
    ]
    return intervals(drawn, caption=f"Effects against {null:g}", null=null)


def _left(result: Result) -> Html:
    facts = result.facts
    note = f"The model came in as {facts.way}: {facts.allows}." if facts.way else None
    if not result.left:
        return section("What was not run", h("p", "Every probe for this kind of model was run.", class_="note"),
                       anchor="left", note=note)  # fmt: skip
    rows = [[PILLARS[pillar][0], probe.replace("_", " "), needs] for pillar, probe, needs in result.left]
    columns = (Column("Pillar", choose=True), Column("Probe"), Column("What it needs", wide=True))
    grid = table(columns, rows, caption="Probes that this audit could not run", search=False)
    return section("What was not run", grid, anchor="left", note=note)


def _notes(result: Result) -> Html:
    if not result.notes:
        return section("About the data", h("p", "Nothing was left out.", class_="note"), anchor="data")
    listed = h("ul", *(h("li", note) for note in result.notes), class_="plain")
    return section("About the data", listed, anchor="data", note="What was left out or looks wrong; the rest went on.")


def _reading(result: Result) -> Html:
    level = result.facts.level
    told = {name: text.format(level=100 * level, alpha=round(1 - level, 6)) for name, text in READING.items()}
    told |= {name: text for name, (fits, text) in OF_SOME.items() if any(fits(row) for row in result.rows)}
    words = [item for name, text in told.items() for item in (h("dt", name), h("dd", text))]
    methods = sorted({method_words(str(row["method"])) for row in result.rows if row["method"]})
    assumed = [
        f"Methods of the intervals: {'; '.join(methods)}." if methods else "",
        "Units are taken to be drawn independently from those that the model will meet; an audit of past data says "
        "nothing about people who are not like them.",
        "An attack that failed here shows no safety: only what is called certified holds against every such attack.",
    ]
    return section("How to read this page", h("dl", *words, class_="defs"),
                   h("ul", *(h("li", text) for text in assumed if text), class_="plain"), anchor="reading")  # fmt: skip


def _made(result: Result) -> Html:
    facts = result.facts
    said = (
        f"Made by Consentinel {one_line(facts.version, 40)} in {number(round(facts.seconds, 1))} s, seed {facts.seed}, "
    )
    return h("p", said + f"{number(facts.draws)} draws of a bootstrap.", class_="meta")
