"""The page of a diagnosis: the verdict in one sentence, its causes, and what each dimension adds to the change."""

from collections.abc import Sequence
from math import isfinite

import numpy as np

from consentinel.core.page import (
    Cell,
    Column,
    Html,
    Tone,
    badge,
    figure,
    h,
    intervals,
    number,
    page,
    section,
    table,
    tiles,
)
from consentinel.core.stats import Interval
from consentinel.core.text import one_line
from consentinel.understand.diagnosing.explain import Cause, Moved
from consentinel.understand.diagnosing.slices import Slice, members
from consentinel.understand.diagnosing.windows import Compared
from consentinel.understand.rounding import between, ends, rounded
from consentinel.understand.timeline import Picture, timeline

__all__ = ["sentence", "written"]

SHOWN = 12  # values of a dimension in a picture


def sentence(found: Compared, moved: Moved, alarm: float) -> str:
    """Return what moved in one sentence of computed numbers; a cause is named where p is at most ALARM."""
    whole = moved.whole
    change = f"From {found.change} on there were {_rate(whole.after)} a {found.per} instead of {_rate(whole.before)}"
    if not moved.causes:
        return (f"{change}, a factor of {_ends(whole.factor)}; no cause is named, as chance alone moves some slice as "
                f"much (p = {moved.p:.2g} over {number(moved.slices)}, above {alarm:g}).")  # fmt: skip
    first = moved.causes[0]
    what = "everything moved together" if not first.slice.of else f"{one_line(str(first.slice), 120)} moved"
    said = f"{change}; {what}, by a factor of {_ends(first.factor)}"
    if first.slice.of and isfinite(first.share.value) and _told(whole.added):
        said += f", which is {first.share.value:.0%} of the change" + (
            " (others fell)" if whole.added.value > 0 and first.share.value > 1 else ""
        )
    more = len(moved.causes) - 1
    return said + (f"; {more} more {'cause' if more == 1 else 'causes'}" if more else "") + f" (p = {first.p:.2g})."


def written(
    found: Compared, moved: Moved, parts: Sequence[tuple[str, Sequence[Cause]]], *, level: float, alarm: float,
    notes: Sequence[str],
) -> str:  # fmt: skip
    """Return the page of what MOVED, with PARTS: what each value of each dimension adds."""
    verdict: Tone = "caution" if moved.causes else "ok"
    word = "moved" if moved.causes else "no cause named"
    head = h(
        "header",
        h("p", "Consentinel · diagnosis", class_="kicker"),
        h("h1", "What moved"),
        h("p", badge(word, verdict), " ", sentence(found, moved, alarm),
          class_="verdict" if moved.causes else "verdict ok"),
        h("p", f"Compared: {found.begin} to {found.change - 1}, and {found.change} to {found.end - 1}, by "
               f"{found.step}; {number(moved.slices)} slices.", class_="meta"),
        tiles(_tiles(found, moved)),
    )  # fmt: skip
    return page(
        "What moved",
        head,
        section("Over time", h("div", *_pictures(found, moved), class_="charts"), anchor="time",
                note="Each dot is the count of a step; the dashed line is the first step after the change."),
        section("Causes", _causes(moved) if moved.causes else h("p", "None."), anchor="causes",
                note=f"Slices are searched together: the chance to name any when nothing moved is {alarm:g} at most. "
                     f"A later cause is what is left when those before are taken out. Intervals are at {level:.0%}."),
        section("What each value adds", h("div", *(_added(found, *part) for part in parts), class_="charts"),
                anchor="added", note="A value that shares rows with the cause moves with it. These intervals are each "
                                     "for itself: with many values some miss zero by chance."),
        h("footer", h("ul", *(h("li", note) for note in notes), class_="plain") if notes else None,
          h("p", "A slice that moved tells where to look, not why: something else may have changed there the same "
                 "day.")),
    )  # fmt: skip


def _tiles(found: Compared, moved: Moved) -> list[tuple[str, str, Tone | None]]:
    whole, factor = moved.whole, moved.whole.factor
    return [
        (_rate(whole.before), f"a {found.per} before", None),
        (_rate(whole.after), f"a {found.per} after", None),
        (rounded(factor.value, factor.high - factor.low), f"times as many, {between(factor.low, factor.high)}", "info"),
        (str(len(moved.causes)), "causes" if len(moved.causes) != 1 else "cause", "caution" if moved.causes else "ok"),
        (f"{moved.p:.2g}", "p of the best slice, over all", None),
    ]


def _pictures(found: Compared, moved: Moved) -> list[Html]:
    days = _days(found)
    drawn = []
    for one in [Slice(()), *(cause.slice for cause in moved.causes if cause.slice.of)][:4]:
        mine = members(found.rows, one)
        counts = np.bincount(found.rows.at[mine], found.rows.counts[mine], found.rows.steps)
        empty = [np.nan] * len(days)
        name = one_line(str(one), 60)
        shown = Picture(days, counts.tolist(), empty, empty, (), [(found.change, "change")])
        drawn.append(figure(name, timeline(shown, caption=f"Counts of {name}")))
    return drawn


def _days(found: Compared) -> list[np.datetime64]:
    if found.step == "month":
        first = found.begin.astype("datetime64[M]")
        return [(first + at).astype("datetime64[D]") for at in range(found.rows.steps)]
    return [found.begin + at * (7 if found.step == "week" else 1) for at in range(found.rows.steps)]


def _causes(moved: Moved) -> Html:
    head = [Column("rank", numeric=True), Column("slice", wide=True), Column("before", numeric=True),
            Column("after", numeric=True), Column("factor", numeric=True), Column("share of the change", numeric=True),
            Column("p", numeric=True), Column("not told apart from", wide=True)]  # fmt: skip
    rows = [
        (at, one_line(str(one.slice), 120), Cell(_rate(one.before), one.before), Cell(_rate(one.after), one.after),
         Cell(_ends(one.factor), one.factor.value),
         Cell(f"{one.share.value:.0%}" if _told(moved.whole.added) else "–", one.share.value),  # noqa: RUF001
         Cell(f"{one.p:.2g}", one.p), _others(one))
        for at, one in enumerate(moved.causes, 1)
    ]  # fmt: skip
    return table(head, rows, caption="Slices that moved", search=False)


def _others(one: Cause) -> str:
    return "; ".join(one_line(str(other), 60) for other in [*one.same, *one.also]) or "nothing"


def _added(found: Compared, name: str, causes: Sequence[Cause]) -> Html:
    rows = [
        (one_line(one.slice.of[0][1], 40), (one.added.value, one.added.low, one.added.high),
         _tone(one.added), ends(one.added.value, one.added.low, one.added.high, sign=True))
        for one in causes[:SHOWN]
    ]  # fmt: skip
    note = f"Change a {found.per} that comes from each value"
    note += f"; the {SHOWN} largest of {len(causes)}" if len(causes) > SHOWN else ""
    return figure(one_line(name, 40), intervals(rows, caption=f"What each {name} adds", null=0.0), note=note)


def _tone(one: Interval) -> Tone:
    return "warn" if one.low > 0 else "info" if one.high < 0 else "muted"


def _told(one: Interval) -> bool:
    """Tell whether the whole moved, so that shares of it mean something."""
    return one.low > 0 or one.high < 0


def _ends(one: Interval) -> str:
    return ends(one.value, one.low, one.high)


def _rate(value: float) -> str:
    return f"{value:,.1f}" if value >= 1 else f"{value:.2g}"
