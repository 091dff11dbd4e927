"""The page and the JSON of a sweep: what is recommended and why, pictures of the trade-offs, and every setting."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from math import isfinite, isnan
from pathlib import Path

from consentinel.assure.sweeps.drawing import scatter
from consentinel.assure.sweeps.told import Sweep, figure, reasons
from consentinel.core.page import Cell, Column, Html, Tone, badge, h, intervals, number, page, section, table, tiles
from consentinel.core.page import figure as framed
from consentinel.core.run import Run, atomic

__all__ = ["SCHEMA", "written"]

SCHEMA = "consentinel.sweep/1"
SAYS = {
    "utility": "How good the answers are.",
    "gap": "How much worse some groups of people are off than others.",
    "privacy": "How well an attacker tells what was learned from; an AUC of 0.5 is guessing.",
    "robustness": "How good the answers stay when the inputs are disturbed.",
}


def written(found: Sweep, run: Run, data: str) -> dict[str, Path]:
    """Write sweep.json and sweep.html into the folder of RUN and return them by name."""
    files = {"json": (run.out / "sweep.json", _json(found)), "html": (run.out / "sweep.html", _page(found, run, data))}
    for path, said in files.values():
        with atomic(path) as beside:
            beside.write_text(said, "utf-8")
    return {name: path for name, (path, _) in files.items()}


def _json(found: Sweep) -> str:
    points = [
        {"setting": one.setting.name, "trainer": one.setting.named, "fairness": one.setting.fairness,
         "noise": one.setting.noise, "seeds": one.seeds, "axes": {
             axis: asdict(measure) | {"cost": found.cost(at, axis)}
             for axis, measure in zip(found.axes, one.found, strict=True)
         }} | found.place(at)
        for at, one in enumerate(found.points)
    ]  # fmt: skip
    best = found.best
    said = {
        "schema": SCHEMA, "level": found.level, "axes": list(found.axes), "points": points,
        "hypervolume": None if found.front is None else asdict(found.front.volume),
        "recommended": None if best is None else best.setting.name, "reasons": reasons(found),
        "notes": list(found.notes),
    }  # fmt: skip
    return json.dumps(_finite(said), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _finite(said: object) -> object:
    """Return SAID with infinite numbers as text, which JSON cannot hold."""
    if isinstance(said, dict):
        return {name: _finite(value) for name, value in said.items()}
    if isinstance(said, list):
        return [_finite(value) for value in said]
    if isinstance(said, float) and not isfinite(said):
        return None if isnan(said) else "inf" if said > 0 else "-inf"
    return said


def _page(found: Sweep, run: Run, data: str) -> str:
    best = found.best
    verdict = "No front could be drawn." if best is None else f"Recommended: {best.setting.name}"
    verdict += "" if found.sure or best is None else ", but the evidence does not decide"
    said = [
        f"measured on {data}", f"{len(found.points)} settings, {max(one.seeds for one in found.points)} seeds",
        f"{100 * found.level:g}% intervals",
        datetime.fromtimestamp(run.started, UTC).strftime("%Y-%m-%d %H:%M UTC"),
    ]  # fmt: skip
    return page(
        "Trade-offs of a model",
        h(
            "header", h("p", "Consentinel · trade-offs", class_="kicker"),
            h("h1", ", ".join(dict.fromkeys(one.setting.trainer for one in found.points))),
            h("p", verdict, class_=f"verdict {'ok' if found.sure else 'muted' if best is None else 'caution'}"),
            h("p", " · ".join(said), class_="meta"), tiles(_figures(found)),
        ),
        section("Why", h("ul", *(h("li", one) for one in reasons(found) or found.notes), class_="plain"), anchor="why"),
        _trades(found), _axes(found), _settings(found),
        section("What to know", h("ul", *(h("li", one) for one in (*found.notes, *READING)), class_="plain"),
                anchor="notes"),
    )  # fmt: skip


READING = (
    "Intervals hold what the measured people and the trainings vary by. All settings are tested on the same people, "
    "so differences between settings are surer than two intervals beside one another look.",
    "A setting is on the front when no other one is at least as good on every axis and better on one. Undominated is "
    "the chance of that, from draws of what the estimates may truly be.",
    "The share of the box that the front covers is its hypervolume: costs run from 0, the ideal, to 1, the worst "
    "(a guess of one half counts 0 for an AUC), so it can be compared between sweeps with the same axes.",
    "Settings were chosen by looking at these rows. Audit the chosen one on rows that no sweep has seen.",
)


def _figures(found: Sweep) -> list[tuple[str, str, Tone | None]]:
    made: list[tuple[str, str, Tone | None]] = [(number(len(found.points)), "settings", "info")]
    if found.front is not None:
        made.append((number(int(found.front.on.sum())), "on the front", "ok"))
        sure = int((found.front.chance >= found.level).sum())
        made.append((number(sure), f"of them undominated in {found.level:.0%} of draws", "ok" if sure else "caution"))
        volume = found.front.volume
        said = f"of the box is covered ({volume.low:.3f} to {volume.high:.3f})"
        made.append((f"{volume.value:.3f}", said, None))
    return made


def _tone(found: Sweep, at: int) -> Tone:
    place = found.place(at)
    return "ok" if place["knee"] else "info" if place["on_front"] else "muted"


def _trades(found: Sweep) -> Html:
    note = "Numbers are those of the table. Green: recommended; blue: on the front; grey: beaten. Far ends are cut off."
    pairs = [(found.used[0], one) for one in found.used[1:]]
    pictures = []
    for across, up in pairs:
        drawn = []
        for at, one in enumerate(found.points):
            x, y = one.found[across].estimate, one.found[up].estimate
            if x is not None and y is not None:
                ends = ((x.value, x.low, x.high), (y.value, y.low, y.high))
                drawn.append((str(at + 1), *ends, _tone(found, at), one.setting.name))
        a, b = found.axes[across], found.axes[up]
        names = [_called(found, axis) for axis in (across, up)]
        pictures.append(framed(f"{a.capitalize()} and {b}", scatter(drawn, across=names[0], up=names[1])))
    return section("Trade-offs", h("div", *pictures, class_="charts"), anchor="trades", note=note)


def _called(found: Sweep, at: int) -> str:
    measure = next(one.found[at] for one in found.points if one.found[at].estimate is not None)
    way = "higher is better" if measure.better == "higher" else "lower is better"
    return f"{measure.metric.replace('_', ' ')} ({way})"


def _axes(found: Sweep) -> Html:
    made = []
    for at in found.used:
        rows = [
            (f"{place + 1} · {one.setting.name}", (e.value, e.low, e.high), _tone(found, place),
             f"{figure(e.value)} ({figure(e.low)} to {figure(e.high)})")
            for place, one in enumerate(found.points) if (e := one.found[at].estimate) is not None
        ]  # fmt: skip
        name = found.axes[at]
        measure = next(one.found[at] for one in found.points if one.found[at].estimate is not None)
        note = f"{SAYS[name]} Measured by {_called(found, at)}{f': {measure.why}' if measure.why else ''}."
        drawn = framed(name.capitalize(), intervals(rows, caption=name, null=measure.null), note=note)
        made.append(Html(drawn.replace('class="figure"', 'class="figure full"', 1)))
    return section("Axis by axis", h("div", *made, class_="charts"), anchor="axes")


def _settings(found: Sweep) -> Html:
    columns = [Column("No.", numeric=True), Column("Setting", wide=True)]
    columns += [Column(axis.capitalize(), numeric=True) for axis in found.axes]
    columns += [Column("Undominated", numeric=True), Column("Recommended in", numeric=True), Column("", choose=True)]
    rows = []
    for at, one in enumerate(found.points):
        place = found.place(at)
        word = "recommended" if place["knee"] else "front" if place["on_front"] else "beaten"
        word = "not compared" if place["on_front"] is None else word
        cells: list[Cell] = [Cell(str(at + 1), sort=at), Cell(one.setting.name)]
        for measure in one.found:
            e = measure.estimate
            if e is None:
                cells.append(Cell(h("span", "–", title=measure.why)))  # noqa: RUF001
            else:
                ends = h("div", f"{figure(e.low)} to {figure(e.high)}", class_="soft")
                cells.append(Cell(h("div", h("div", figure(e.value)), ends), sort=e.value))
        for name in ("undominated", "knee_chance"):
            value = place[name]
            shown = f"{value:.0%}" if isinstance(value, float) else "–"  # noqa: RUF001
            cells.append(Cell(shown, sort=value if isinstance(value, float) else ""))
        cells.append(Cell(badge(word, _tone(found, at)), sort=word, label=word))
        rows.append(cells)
    grid = table(columns, rows, caption="Every setting, with intervals", search=len(rows) > 8)
    return section("Every setting", grid, anchor="settings")
