"""The section on mitigation: each number before and after, and what the change comes to."""

from consentinel.assure.mitigating import MARK
from consentinel.assure.reports._words import about, chance, ends, figure, interval, tone
from consentinel.assure.results import Result, Row
from consentinel.core.page import Html, Tone, h, intervals, section
from consentinel.core.page import figure as framed

__all__ = ["mitigation_section"]

NOTE = (
    "What was done to the answers, and gap and utility before and after it, of the same people. Rules were chosen on "
    "one half of them and are measured on the other, so that no gap looks closed because it was fitted."
)


def mitigation_section(result: Result) -> Html | None:
    """Return what mitigation came to; None where none was asked for."""
    rows = [row for row in result.rows if str(row["probe"] or "").startswith(MARK)]
    if not rows:
        return None
    parts = list(dict.fromkeys(str(row["probe"]) for row in rows))
    made = [_part(part, [row for row in rows if row["probe"] == part]) for part in parts]
    return section("Mitigation", h("div", *made, class_="charts"), anchor="mitigation", note=NOTE)


def _part(part: str, rows: list[Row]) -> Html:
    name = part.removeprefix(MARK).replace("_", " ")
    known = [row for row in rows if row["value"] is not None]
    title = f"{name.capitalize()} over {about(rows[0])}" if known else name.capitalize()
    told = dict.fromkeys(str(row["why"]) for row in rows if row["why"])
    plots, said = [], []
    for metric in dict.fromkeys(_metric(row) for row in known):
        by = {str(row["metric"]).removeprefix(f"{metric}_"): row for row in known if _metric(row) == metric}
        drawn: list[tuple[str, tuple[float, float, float], Tone, str]] = [
            (way, ends(row), "muted" if way == "before" else "info", f"{figure(row['value'])} ({interval(row)})")
            for way in ("before", "after")
            if (row := by.get(way)) is not None
        ]
        plots += [h("h4", metric.replace("_", " ")), intervals(drawn, caption=f"{metric} before and after")]
        if "change" in by:
            said.append(h("li", _sentence(metric, by["change"])))
    text = [h("p", f"{one[:1].upper()}{one[1:]}.", class_="note") for one in told]
    made = framed(title, *text, *plots, h("ul", *said, class_="plain") if said else Html(""))
    return Html(made.replace('class="figure"', 'class="figure full"', 1))


def _metric(row: Row) -> str:
    return str(row["metric"]).removesuffix("_before").removesuffix("_after").removesuffix("_change")


def _sentence(metric: str, row: Row) -> str:
    name = metric.replace("_", " ")
    shown = row["verdict"] in ("effect", "pass", "fail") and row["q"] is not None
    word = {"ok": "better", "warn": "worse"}.get(tone(row), "other") if shown else "not shown to change"
    return f"{name}: {word}, change {figure(row['value'])} ({interval(row)}), q {chance(row['q'])}"
