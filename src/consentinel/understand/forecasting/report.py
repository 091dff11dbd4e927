"""The page of a forecast: the posture, pictures of each segment, changes, what stands out, and the back-test."""

import itertools
from collections.abc import Sequence

import numpy as np

from consentinel.core.page import Cell, Column, Html, Tone, badge, figure, h, number, page, section, table, tiles
from consentinel.core.text import one_line
from consentinel.understand.forecasting.answer import Found
from consentinel.understand.forecasting.posture import Posture
from consentinel.understand.forecasting.series import WHOLE
from consentinel.understand.timeline import Picture, timeline

__all__ = ["written"]

TONES: dict[str, Tone] = {"calm": "ok", "watch": "caution", "alarm": "danger"}
SHOWN = 156  # steps of the past in a picture


def written(founds: Sequence[Found], stand: Posture, notes: Sequence[str]) -> str:
    """Return the page of FOUNDS, the first of which is all rows."""
    whole = founds[0]
    step = whole.series.step
    tone: str = {"calm": "ok", "alarm": "danger"}.get(stand.verdict, "")
    head = h(
        "header",
        h("p", "Consentinel · forecast", class_="kicker"),
        h("h1", f"{step.capitalize()}ly counts" if step != "day" else "Daily counts"),
        h("p", badge(stand.verdict, TONES[stand.verdict]), " ", stand.sentence, class_=f"verdict {tone}".strip()),
        h("p", f"{number(len(whole.series))} {step}s from {whole.series.day(0)}; each step was forecast from those "
               f"before it only, from {whole.series.day(whole.first)} on.", class_="meta"),
        tiles(_tiles(whole)),
    )  # fmt: skip
    return page(
        f"Forecast by {step}",
        head,
        section("Over time", h("div", *(_drawn(one) for one in founds), class_="charts"), anchor="time",
                note="Dots are counts, red ones stand out. The band is what was expected one step ahead, and at its "
                     "end the forecast. Green lines are levels, dashed lines the changes between them."),
        section("Next", _next(founds), anchor="next"),
        section("Changes of level", _changes(founds), anchor="changes",
                note="The chance of any change being reported in a segment without one is held at 0.5%."),
        section("What stands out", _out(founds), anchor="out",
                note=f"Of the steps listed for a segment, a share of at most {whole.rate:.0%} is expected to be "
                     "chance (Benjamini and Hochberg)."),
        section("Back-test", _tested(founds), anchor="backtest",
                note="Error is the mean absolute error one step ahead: of the answer, a mix whose weights follow what "
                     "did well before, and of the forecaster that did best alone (backtests.parquet has all). A count "
                     "on an end of its interval is inside; 'half at the ends' counts it half, as an interval that "
                     "draws lots there would."),
        h("footer", h("ul", *(h("li", note) for note in notes), class_="plain") if notes else None,
          h("p", "Counts of what was reported, not of what happened: late and missing reports look like a fall.")),
    )  # fmt: skip


def _tiles(one: Found) -> list[tuple[str, str, Tone | None]]:
    last, out = one.series.counts[-1], int((one.adjusted <= one.rate).sum())
    share = "too few steps" if np.isnan(one.covered) else f"{one.covered:.1%}"
    return [
        (number(float(last)), f"in the last {one.series.step}", None),
        (number(float(one.point[-1, 0])), f"expected next {one.series.step}", "info"),
        (f"{_count(one.bands.low[-1, 0])} to {_count(one.bands.high[-1, 0])}", f"{one.level:.0%} interval", "info"),
        (share, f"of past {one.series.step}s inside their interval", "ok"),
        (number(len(one.changes)), "changes of level", None),
        (number(out), f"{one.series.step}s that stand out" if out != 1 else f"{one.series.step} that stands out", None),
    ]


def _drawn(one: Found) -> Html:
    series, horizon = one.series, one.mean.shape[1]
    begin = max(0, len(series) - SHOWN)
    steps = range(begin, len(series) + horizon)
    low, high = [], []
    for at in steps:
        past = at < len(series)
        row, column = (at - one.first, 0) if past else (len(one.mean) - 1, at - len(series))
        low.append(float(one.bands.low[row, column]) if row >= 0 else np.nan)
        high.append(float(one.bands.high[row, column]) if row >= 0 else np.nan)
    cuts = [0, *(change.at for change in one.changes), len(series)]
    levels = [
        (series.day(max(a, begin)), series.day(b), float(series.counts[a:b].mean()))
        for a, b in itertools.pairwise(cuts)
        if b > begin
    ]
    marks = [(series.day(c.at), f"{series.day(c.at)}: {c.before:.1f} to {c.after:.1f}")
             for c in one.changes if c.at > begin]  # fmt: skip
    out = {int(at) + one.first - begin for at in np.flatnonzero(one.adjusted <= one.rate)}
    name = _name(one, 50)
    shown = Picture(
        [series.day(at) for at in steps],
        [float(series.counts[at]) if at < len(series) else np.nan for at in steps],
        low, high, levels, marks, sorted(at for at in out if at >= 0),
    )  # fmt: skip
    return figure(name, timeline(shown, caption=f"Counts of {name} with what was expected"))


def _next(founds: Sequence[Found]) -> Html:
    whole = founds[0]
    head = [Column(f"{whole.series.step} from"), *(Column(_name(one, 30), numeric=True) for one in founds)]
    rows = [
        (str(whole.series.day(len(whole.series) + at)), *(_ahead(one, at) for one in founds))
        for at in range(whole.mean.shape[1])
    ]  # fmt: skip
    caption = f"Counts expected, with {whole.level:.0%} intervals of whole numbers"
    return table(head, rows, caption=caption, search=False)


def _ahead(one: Found, at: int) -> Cell:
    low, high, value = one.bands.low[-1, at], one.bands.high[-1, at], float(one.point[-1, at])
    return Cell(f"{number(value)} ({_count(low)} to {_count(high)})", value)


def _name(one: Found, most: int = 60) -> str:
    return "all" if one.series.segment == WHOLE else one_line(one.series.segment, most)


def _changes(founds: Sequence[Found]) -> Html:
    head = [Column("segment", wide=True), Column("from"), Column("between"), Column("before", numeric=True),
            Column("after", numeric=True), Column("p", numeric=True)]  # fmt: skip
    rows = [
        (_name(one), str(one.series.day(c.at)),
         f"{one.series.day(c.low)} and {one.series.day(c.high)}", Cell(f"{c.before:,.1f}", c.before),
         Cell(f"{c.after:,.1f}", c.after), Cell(f"{c.p:.3f}", c.p))
        for one in founds
        for c in one.changes
    ]  # fmt: skip
    return table(head, rows, caption="Level: the mean a step", search=False)


def _out(founds: Sequence[Found]) -> Html:
    head = [Column("segment", wide=True), Column("from"), Column("count", numeric=True),
            Column("expected", numeric=True), Column("adjusted p", numeric=True)]  # fmt: skip
    rows = [
        (_name(one), str(one.series.day(one.first + at)),
         float(one.series.counts[one.first + at]), Cell(f"{one.mean[at, 0]:.1f}", float(one.mean[at, 0])),
         Cell(f"{one.adjusted[at]:.2g}", float(one.adjusted[at])))
        for one in founds
        for at in np.flatnonzero(one.adjusted <= one.rate)[::-1]
    ]  # fmt: skip
    return table(head, rows, caption="Steps that stand out, the latest first", search=False)


def _tested(founds: Sequence[Found]) -> Html:
    head = [Column("segment", wide=True), Column("error", numeric=True), Column("of the best alone", numeric=True),
            Column("which is"), Column("leans most on"), Column("inside", numeric=True),
            Column("half at the ends", numeric=True)]  # fmt: skip
    rows: list[Sequence[Cell | str]] = []
    for one in founds:
        known = ~np.isnan(one.bands.mid[:, 0])
        mid = float(one.bands.mid[known, 0].mean()) if known.any() else np.nan
        best, most = min(one.names, key=one.missed), int(np.argmax(one.weights[-1]))
        rows.append((
            _name(one), _cell(one.missed(), "{:.2f}"), _cell(one.missed(best), "{:.2f}"), _worded(best),
            f"{_worded(one.names[most])} ({one.weights[-1, most]:.0%})", _cell(one.covered, "{:.1%}"),
            _cell(mid, "{:.1%}"),
        ))  # fmt: skip
    return table(head, rows, caption="All past steps", search=False)


def _worded(name: str) -> str:
    return name.replace("_", " ")


def _cell(value: float, form: str) -> Cell:
    return Cell(form.format(value), value) if np.isfinite(value) else Cell("–")  # noqa: RUF001


def _count(value: float) -> str:
    return number(float(value)) if np.isfinite(value) else "?"
