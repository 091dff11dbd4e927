"""The pages of an experiment: what came out, what it rests on, and of a plan what it can see."""

from collections.abc import Sequence

from consentinel.core.page import (
    Cell,
    Column,
    Html,
    Tone,
    badge,
    curve,
    figure,
    h,
    intervals,
    number,
    page,
    section,
    table,
    tiles,
)
from consentinel.core.text import one_line
from consentinel.understand.experimenting.planning import Plan
from consentinel.understand.experimenting.reading import Metric
from consentinel.understand.experimenting.trial import Check, Effect
from consentinel.understand.rounding import ends, rounded

__all__ = ["plan_page", "reading_page", "said_of", "said_of_plan"]


def said_of(metric: Metric, level: float) -> str:
    """Return what came out for one outcome, in one sentence of computed numbers."""
    effect = metric.reading.effects[0]
    failed = [one.what for one in metric.reading.checks if one.holds is False]
    side = {"undecided": "not told apart from"}.get(effect.side(level), effect.side(level))
    means = ""
    if effect.control == effect.control and effect.treated == effect.treated:
        means = ", {1} treated against {0} in control".format(*_means(effect))
    said = f"{metric.outcome}: {effect.name} {_ends(effect)}{means}; {side} {effect.null:g} at {level:.0%} "
    said += f"(p = {effect.p:.2g}" + (
        "" if metric.adjusted == effect.p else f", over all outcomes {metric.adjusted:.2g}"
    )
    return said + ")" + (f"; in doubt: {'; '.join(failed)}" if failed else "") + "."


def said_of_plan(found: Plan, level: float) -> str:
    """Return the plan in one sentence."""
    clusters = f" in {found.clusters:,} clusters" if found.clusters else ""
    return (f"{found.units:,} units{clusters} in each arm, {2 * found.units:,} in all, find an effect of "
            f"{found.effect:g} with a chance of {found.power:.0%}, at a level of {level:.0%}.")  # fmt: skip


def reading_page(
    metrics: Sequence[Metric], sizes: dict[str, tuple[int, int]], *, method: str, level: float, notes: Sequence[str]
) -> str:
    """Return the page of METRICS, read by METHOD (a sentence)."""
    failed = sum(one.holds is False for metric in metrics for one in metric.reading.checks)
    told = [metric for metric in metrics if metric.reading.effects[0].side(level) != "undecided"]
    lost = any(metric.reading.checks[0].holds is False for metric in metrics)
    verdict = "The arms do not have the planned sizes: find out why before reading anything." if lost else (
        " ".join(said_of(metric, level) for metric in metrics[:3]))  # fmt: skip
    first = sizes[metrics[0].outcome]
    shown: list[tuple[str, str, Tone | None]] = [
        (number(first[0]), "rows of control", None),
        (number(first[1]), "rows of treated", None),
        (f"{len(told)} of {len(metrics)}", "outcomes told apart", "info"),
        (str(failed), "checks that fail" if failed != 1 else "check that fails", "caution" if failed else "ok"),
    ]
    head = h("header", h("p", "Consentinel · experiment", class_="kicker"), h("h1", "Experiment"),
             h("p", verdict, class_="verdict danger" if lost else "verdict"), h("p", method, class_="meta"),
             tiles(shown))  # fmt: skip
    return page(
        "Experiment", head,
        section("Effects", _effects(metrics, level), h("div", *(_drawn(metric, level) for metric in metrics),
                class_="charts"), anchor="effects",
                note=f"Treated against control, with {level:.0%} intervals. The first line of each is the answer; "
                     "others are kept beside it."),
        section("What it rests on", _checks(metrics), anchor="checks"),
        h("footer", h("ul", *(h("li", note) for note in notes), class_="plain") if notes else None,
          h("p", "p over all outcomes is adjusted for the false discovery rate (Benjamini and Hochberg).")),
    )  # fmt: skip


def _drawn(metric: Metric, level: float) -> Html:
    rows = [
        (one_line(one.name, 50), (one.value, one.low, one.high), _tone(one, level), _ends(one))
        for one in metric.reading.effects
        if one.low == one.low
    ]
    null = metric.reading.effects[0].null
    return figure(one_line(metric.outcome, 60), intervals(rows, caption=f"Effects on {metric.outcome}", null=null))


def _effects(metrics: Sequence[Metric], level: float) -> Html:
    head = [Column("outcome"), Column("effect", wide=True), Column("control", numeric=True),
            Column("treated", numeric=True), Column("value", numeric=True), Column("p", numeric=True),
            Column("p over all", numeric=True), Column("method")]  # fmt: skip
    rows = [
        (one_line(metric.outcome, 60), one.name, _cell(one.control, _means(one)[0]),
         _cell(one.treated, _means(one)[1]), Cell(_ends(one), one.value), _cell(one.p),
         _cell(metric.adjusted) if at == 0 else Cell(""), one.method)
        for metric in metrics
        for at, one in enumerate(metric.reading.effects)
    ]  # fmt: skip
    return table(head, rows, caption=f"Effects with {level:.0%} intervals", search=False)


def _checks(metrics: Sequence[Metric]) -> Html:
    head = [Column("outcome", choose=True), Column("check"), Column("holds", choose=True), Column("seen", wide=True)]
    rows = [(one_line(metric.outcome, 60), one.what, _mark(one), one.said)
            for metric in metrics for one in metric.reading.checks]  # fmt: skip
    return table(head, rows, caption="Checks", search=False)


def _mark(one: Check) -> Cell:
    word, tone = {True: ("holds", "ok"), False: ("fails", "danger"), None: ("told", "muted")}[one.holds]
    return Cell(badge(word, tone), word, word)  # type: ignore[arg-type]


def plan_page(found: Plan, *, level: float) -> str:
    """Return the page of the plan FOUND."""
    points = [(units / 1000, power, power, power) for units, power in found.around]
    shown: list[tuple[str, str, Tone | None]] = [
        (number(found.units), "units in each arm", "info"),
        (f"{found.effect:g}", "effect to find", None),
        (f"{found.power:.0%}", "chance to find it", None),
    ]
    if found.clusters:
        shown += [(number(found.clusters), "clusters in each arm", None),
                  (f"{found.design:.2f}", "times as many units as without clusters", None)]  # fmt: skip
    head = h("header", h("p", "Consentinel · experiment", class_="kicker"), h("h1", "Plan"),
             h("p", said_of_plan(found, level), class_="verdict"), tiles(shown))  # fmt: skip
    rows = [(float(units), Cell(f"{power:.1%}", power)) for units, power in found.around]
    return page(
        "Plan of an experiment", head,
        section("What other sizes find", h("div",
            figure("Chance to find the effect", curve(
                [("power", points, "info")], caption="Chance to find the effect by thousands of units in each arm",
                across="thousands of units in each arm")),
            figure("Around the plan", table(
                [Column("units in each arm", numeric=True), Column("chance to find the effect", numeric=True)], rows,
                caption="Sizes of an arm", search=False)), class_="charts"), anchor="sizes"),
    )  # fmt: skip


def _tone(one: Effect, level: float) -> Tone:
    tones: dict[str, Tone] = {"above": "ok", "below": "warn"}
    return tones.get(one.side(level), "muted")


def _ends(one: Effect) -> str:
    return f"{one.value:.3g}" if one.low != one.low else ends(one.value, one.low, one.high)


def _means(one: Effect) -> tuple[str, str]:
    """Return the levels of control and treated, to the digits that tell their difference."""
    width = abs(one.treated - one.control) or abs(one.control) / 10
    return rounded(one.control, width), rounded(one.treated, width)


def _cell(value: float, said: str = "") -> Cell:
    return Cell("", 0.0) if value != value else Cell(said or f"{value:.2g}", value)
