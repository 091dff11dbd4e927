"""The four pillars on the page: for each probe a plot of intervals, curves of series, and one table of all measures."""

from collections.abc import Callable, Sequence
from itertools import groupby

from consentinel.assure.mitigating import MARK
from consentinel.assure.reports._examples import examples_figure
from consentinel.assure.reports._words import PILLARS, about, chance, ends, figure, interval, series_of, tone
from consentinel.assure.results import Result, Row
from consentinel.assure.shelves import EXPLAIN, FAIR, PRIVATE, ROBUST
from consentinel.core.page import Cell, Column, Html, Tone, badge, curve, h, intervals, join, section, table
from consentinel.core.page import figure as framed

__all__ = ["pillar_section"]

SHELVES = {"fair": FAIR, "explain": EXPLAIN, "robust": ROBUST, "private": PRIVATE}
FOLDED = 12  # rows of a table that is shown unasked
PLOTS = 5  # of one probe that are shown unasked, the surest first
MOST = 10  # rows of one plot; the table has all
LEAST_OF_A_CURVE = 3
_LINES: tuple[Tone, ...] = ("info", "warn", "ok", "danger", "caution", "muted")
COLUMNS = (
    Column("Measure"), Column("About", wide=True), Column("Estimate", numeric=True), Column("Interval", numeric=True),
    Column("Units", numeric=True), Column("q", numeric=True), Column("Detectable", numeric=True),
    Column("Verdict", choose=True),
)  # fmt: skip


def pillar_section(result: Result, pillar: str) -> Html:
    """Return the section of PILLAR: what was measured, and in a sentence what was not."""
    title, note = PILLARS[pillar]
    rows = [row for row in result.rows if row["pillar"] == pillar]
    left = [probe for of, probe, _ in result.left if of == pillar]
    if not rows:
        said = (
            f"Nothing was measured: {', '.join(left)} could not be run, see below."
            if left
            else "Nothing was asked for."
        )
        return section(title, h("p", said, class_="note"), anchor=pillar, note=note)
    probes = [(str(probe), list(some)) for probe, some in groupby(rows, key=lambda row: row["probe"])]
    figures = [
        one for probe, some in probes if not probe.startswith(MARK) and (one := _probe(pillar, probe, some)) is not None
    ]
    if pillar == "explain" and (shown := examples_figure(result)) is not None:
        figures.insert(0, shown)
    grid = table(COLUMNS, [_cells(row) for row in rows], caption=f"{title}: every measure", search=len(rows) > 8)
    folded = h("details", h("summary", f"Every measure of this pillar ({len(rows)})"), grid, open=len(rows) <= FOLDED)
    return section(title, h("div", *figures, class_="charts"), folded, anchor=pillar, note=note)


def _probe(pillar: str, probe: str, rows: Sequence[Row]) -> Html | None:
    """Return the plots of one probe under its own sentence; None where it has no estimate."""
    known = [row for row in rows if row["value"] is not None]
    if not known:
        return None
    curves, rest = _curves(known)
    by_metric: dict[tuple[str, float | None], list[Row]] = {}
    for row in rest:
        by_metric.setdefault((str(row["metric"]), row["null"]), []).append(row)
    single: dict[float | None, list[Row]] = {}
    many: list[tuple[float, Html]] = []
    for (metric, null), some in by_metric.items():
        if len(some) == 1 and abs(some[0]["value"]) <= 1:
            single.setdefault(null, []).append(some[0])
        else:
            drawn = join(h("h4", _plain(metric)), _plot(some, f"{metric} of {probe}", null, about))
            many.append((_first_q(some), drawn))
    for null, some in single.items():
        many.append((_first_q(some), _plot(some, probe, null, lambda row: f"{_plain(row['metric'])} · {about(row)}")))
    ranked = [drawn for _, drawn in sorted(many, key=lambda one: one[0])]
    plots = [*curves, *ranked[:PLOTS]]
    if len(ranked) > PLOTS:
        plots.append(h("details", h("summary", f"{len(ranked) - PLOTS} more plots"), *ranked[PLOTS:]))
    sentence = SHELVES[pillar].summary(probe) if probe in SHELVES[pillar].names() else ""
    made = framed(_plain(probe).capitalize(), *plots, note=sentence or None)
    return Html(made.replace('class="figure"', 'class="figure full"', 1))


def _first_q(rows: Sequence[Row]) -> float:
    return min((row["q"] for row in rows if row["q"] is not None), default=2.0)


def _plot(rows: Sequence[Row], caption: str, null: float | None, label: Callable[[Row], str]) -> Html:
    ranked = sorted(rows, key=lambda row: (row["q"] is None, row["q"] or 0.0))
    chosen = {id(row) for row in ranked[:MOST]}
    shown = [row for row in rows if id(row) in chosen]
    drawn = [(label(row), ends(row), tone(row), f"{figure(row['value'])} ({interval(row)})") for row in shown]
    made = intervals(drawn, caption=caption, null=null)
    if len(rows) > len(shown):
        more = f"The {len(shown)} with the smallest q-value of {len(rows)}; the table below has all."
        return h("div", made, h("p", more, class_="note"))
    return made


def _curves(rows: Sequence[Row]) -> tuple[list[Html], list[Row]]:
    """Return a plot for each metric that runs along a series, and the rows that are on none."""
    lines: dict[tuple[str, str], dict[str, list[tuple[float, Row]]]] = {}
    for row in rows:
        found = series_of(row)
        if found is not None:
            rest, axis, place = found
            name = " against ".join(filter(None, (rest, str(row["against"] or ""))))
            lines.setdefault((str(row["metric"]), axis), {}).setdefault(name, []).append((place, row))
    made, taken = [], set()
    for (metric, axis), some in lines.items():
        long = {name: sorted(p, key=lambda one: one[0]) for name, p in some.items() if len(p) >= LEAST_OF_A_CURVE}
        if not long:
            continue
        drawn = [
            (name or _plain(metric), [(place, *ends(row)) for place, row in points], _LINES[at % len(_LINES)])
            for at, (name, points) in enumerate(long.items())
        ]
        taken |= {id(row) for points in long.values() for _, row in points}
        made += [
            h("h4", _plain(metric)),
            curve(drawn, caption=f"{metric} by {axis}, with intervals", across=_plain(axis)),
        ]
    return made, [row for row in rows if id(row) not in taken]


def _cells(row: Row) -> list[Cell]:
    known = row["value"] is not None
    said = [h("div", _plain(row["metric"]), class_="named"), h("div", _plain(row["probe"]), class_="soft")]
    whom = [h("div", about(row)), h("div", row["why"], class_="soft") if row["why"] else None]
    word = str(row["verdict"] or ("measured" if known else "not measured"))
    return [
        Cell(h("div", *said), sort=str(row["metric"]), label=str(row["metric"])),
        Cell(h("div", *whom), sort=about(row)),
        Cell(figure(row["value"]), sort=row["value"] if known else ""),
        Cell(interval(row) if known else "–", sort=row["low"] if known else ""),  # noqa: RUF001
        Cell(f"{row['n']:,}" if row["n"] is not None else "–", sort=row["n"] or 0),  # noqa: RUF001
        Cell(chance(row["q"]), sort="" if row["q"] is None else row["q"]),
        Cell(figure(row["detectable"]), sort="" if row["detectable"] is None else row["detectable"]),
        Cell(badge(word, tone(row)), sort=word, label=word),
    ]


def _plain(text: object) -> str:
    """Return the name TEXT with spaces in place of underscores."""
    return str(text).replace("_", " ")
