"""How right a judge of claims is, and how often it dares to say: units, figures, and the risk-coverage curve.

A unit is one (site, recipient, data type, state of consent). What the labels know and no claim speaks of counts as
judged "no"; a claim that the labels do not have counts as one that is not there. Undecidable labels are left out.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core.page import Html, h, page, section, tiles
from consentinel.core.resample import cluster_bootstrap, cluster_totals, ratio
from consentinel.core.run import Run
from consentinel.core.stats import Interval
from consentinel.detect.judges._claim_features import NOT_THERE
from consentinel.detect.judges._claim_training import right

__all__ = ["UNITS", "at_coverage", "curve", "figures", "keep", "spoken", "units"]

UNITS = pa.schema(
    [
        *((name, pa.string()) for name in ("subject", "recipient", "type", "consent_state", "component", "family")),
        ("kind", pa.string()),
        ("truth", pa.string()),
        ("planted", pa.bool_()),
        ("seen", pa.bool_()),
        ("label", pa.string()),
        ("p", pa.float64()),
        ("confidence", pa.float64()),
        ("undecided", pa.bool_()),
        ("right", pa.bool_()),
        ("why", pa.string()),
    ]
)
CURVE = pa.schema([(name, pa.float64()) for name in ("coverage", "accuracy", "low", "high", "threshold")])
_POINTS = 40
_SAID = {  # what the page calls a figure
    "accuracy_all": "right, every claim decided",
    "accuracy_90": "right among the 90% it is surest of",
    "coverage": "decided by its own threshold",
    "accuracy": "right among those decided",
    "false_positives": "called a violation, of those that are none",
    "recall": "violations that it calls one",
    "precision": "of its violations that are one",
    "precision_rare": "the same where 1% are violations",
    "accuracy_families": "right among decided, mean over families",
}
_RARE = 0.01  # the prevalence that precision is re-weighted to


def units(table: pa.Table, asked: NDArray[np.bool_], said: pa.Table) -> pa.Table:
    """Return UNITS: the rows of LABELLED that count, with the verdict of each.

    SAID is the ANSWER about the rows ASKED, in their order. A row that was seen and not asked about does not count.
    """
    at = np.where(asked, np.cumsum(asked) - 1, 0)
    empty = not said.num_rows
    whole = {name: np.full(len(asked), None) if empty else np.array(said[name].to_pylist(), object)[at] for name in
             ("label", "p", "undecided", "why")}  # fmt: skip
    seen = table["seen"].to_numpy(zero_copy_only=False)
    truth = np.array(table["truth"].to_pylist(), object)
    label = np.where(asked, whole["label"], NOT_THERE)
    undecided = asked & (whole["undecided"] == True)  # noqa: E712  of objects
    p = np.where(asked, whole["p"], 0.0).astype(np.float64)
    allowed = np.array(table["outcome"].to_pylist(), object) == "allowed"
    counts = ~np.isin(truth, ("undecidable", "unlabelled")) & (asked | ~seen)
    counts &= (truth != "absent") | (label != NOT_THERE) | undecided
    columns = {name: table[name] for name in UNITS.names if name in table.column_names} | {
        "label": pa.array(label, pa.string()),
        "p": pa.array(p),
        "confidence": pa.array(np.where(allowed | ~asked, 1.0, np.maximum(p, 1 - p))),
        "undecided": pa.array(undecided.astype(bool)),
        "right": pa.array(right(truth, label).astype(bool)),
        "why": pa.array(np.where(asked, whole["why"], "no claim speaks of it"), pa.string()),
    }
    return pa.table([columns[f.name] for f in UNITS], schema=UNITS).filter(pa.array(counts))


def at_coverage(found: pa.Table, coverage: float) -> NDArray[np.bool_]:
    """Return which UNITS are decided when at least that share is: those the judge is surest of, ties whole."""
    sure = found["confidence"].to_numpy()
    if not len(sure):
        return np.zeros(0, bool)
    return np.asarray(sure >= np.sort(sure)[::-1][max(0, int(np.ceil(coverage * len(sure))) - 1)])


def figures(found: pa.Table, *, seed: int, draws: int = 2000) -> dict[str, Interval]:
    """Return the figures of UNITS with intervals that draw whole components.

    accuracy_all: every unit decided. coverage, accuracy, false_positives (of what is no violation), precision (of
    what is called one) and precision_rare (at a prevalence of 1%): as the judge decides. accuracy_90: the 90% of units
    that it is surest of. accuracy_families: mean over code families.
    """
    good = found["right"].to_numpy(zero_copy_only=False)
    decided = ~found["undecided"].to_numpy(zero_copy_only=False)
    truth, label = (np.array(found[name].to_pylist(), object) for name in ("truth", "label"))
    cluster = np.array(found["component"].to_pylist(), object).astype(str)
    family = np.array(found["family"].to_pylist(), object)
    bad, called = truth == "yes", label == "potential violation"

    def share(top: NDArray[Any], base: NDArray[Any]) -> Interval:
        return _interval(np.column_stack([top & base, base]), cluster, ratio, seed, draws)

    return {
        "accuracy_all": share(good, np.ones(len(good), bool)),
        "accuracy_90": share(good, at_coverage(found, 0.9)),
        "coverage": share(decided, np.ones(len(good), bool)),
        "accuracy": share(good, decided),
        "false_positives": share(called, decided & ~bad),
        "recall": share(called & decided, bad),
        "precision": share(bad, decided & called),
        "precision_rare": _interval(
            np.column_stack([decided & called & bad, decided & bad, decided & called & ~bad, decided & ~bad]),
            cluster, _rare, seed, draws,
        ),
        "accuracy_families": _macro(good & decided, decided, family, seed, draws),
    }  # fmt: skip


def _interval(rows: NDArray[Any], cluster: NDArray[Any], statistic: Any, seed: int, draws: int) -> Interval:
    totals = cluster_totals(rows.astype(np.float64), cluster) if len(rows) else np.zeros((0, rows.shape[1]))
    totals = totals[totals.any(axis=1)]
    if not len(totals) or not totals[:, 1].any():
        return Interval(float("nan"), 0.0, 1.0, 0, 0.95, "none")
    n = int(rows[:, 1].sum())
    value = float(statistic(totals, np.ones((1, len(totals))))[0])
    if len(totals) < 2:
        return Interval(value, 0.0, 1.0, n, 0.95, "one cluster")
    if value in (0.0, 1.0):  # nothing varies: exact by clusters
        width = 0.025 ** (1 / len(totals))
        low, high = (width, 1.0) if value == 1.0 else (0.0, 1 - width)
        return Interval(value, low, high, n, 0.95, "exact by clusters")
    found = cluster_bootstrap(totals, np.arange(len(totals)), statistic, seed=seed, draws=draws)
    return Interval(found.value, max(0.0, found.low), min(1.0, found.high), n, 0.95, found.method)


def _rare(rows: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Precision if 1 in 100 units were a violation, from the shares called among violations and among others."""
    hit, bad, false, fine = (weights @ rows).T
    with np.errstate(invalid="ignore", divide="ignore"):
        recall, alarm = hit / bad, false / fine
        return np.asarray(_RARE * recall / (_RARE * recall + (1 - _RARE) * alarm))


def _macro(good: NDArray[Any], base: NDArray[Any], family: NDArray[Any], seed: int, draws: int) -> Interval:
    totals = cluster_totals(np.column_stack([good, base]).astype(np.float64), family.astype(str))
    shares = totals[totals[:, 1] > 0]
    return _interval(np.column_stack([shares[:, 0] / shares[:, 1], np.ones(len(shares))]), np.arange(len(shares)),
                     ratio, seed, draws)  # fmt: skip


def curve(found: pa.Table, *, seed: int, draws: int = 500) -> pa.Table:
    """Return CURVE: accuracy of what is decided against the share decided, at up to 40 thresholds of the confidence."""
    sure = found["confidence"].to_numpy()
    good = found["right"].to_numpy(zero_copy_only=False)
    cluster = np.array(found["component"].to_pylist(), object).astype(str)
    distinct = np.unique(sure)[::-1]
    cuts = distinct[np.unique(np.linspace(0, len(distinct) - 1, _POINTS).astype(int))] if len(distinct) else distinct
    rows = []
    for cut in cuts.tolist():
        base = sure >= cut
        got = _interval(np.column_stack([good & base, base]), cluster, ratio, seed, draws)
        rows.append((base.mean(), got.value, got.low, got.high, cut))
    columns = list(zip(*rows, strict=True)) or [[]] * len(CURVE)
    return pa.table([pa.array(c, pa.float64()) for c in columns], schema=CURVE)


def spoken(found: Mapping[str, Interval]) -> str:
    """Return the figures as lines of text."""
    return "\n".join(f"  {name}: {i.value:.4f} ({i.low:.4f} to {i.high:.4f}) of {i.n:,}" for name, i in found.items())


def keep(run: Run, found: pa.Table, name: str, title: str, *, seed: int = 20) -> dict[str, Path]:
    """Keep UNITS, the curve and a page with both under NAME; return the files."""
    drawn, told = curve(found, seed=seed), figures(found, seed=seed)
    kept = {f"{name}_units": run.keep(f"{name}_units", found), f"{name}_curve": run.keep(f"{name}_curve", drawn)}
    file = run.out / f"{name}.html"
    file.write_text(_page(title, told, drawn), "utf-8")
    return kept | {name: run.kept(file)}


def _page(title: str, told: Mapping[str, Interval], drawn: pa.Table) -> str:
    figure = tiles(
        (f"{i.value:.4f}", f"{_SAID.get(name, name)} ({i.low:.4f} to {i.high:.4f})", None) for name, i in told.items()
    )
    note = (
        "Accuracy of what is decided against the share decided; the band is a 95% interval that draws whole components."
    )
    return page(title, h("h1", title), figure, section("Risk and coverage", _drawing(drawn), anchor="curve", note=note))


def _drawing(drawn: pa.Table) -> Html:
    """The curve as SVG: coverage to the right, accuracy upwards, both from the lowest that occurs to 1."""
    x, y, low, high = (drawn[name].to_numpy() for name in ("coverage", "accuracy", "low", "high"))
    left, bottom = (float(np.floor(20 * v.min()) / 20) if len(v) else 0.0 for v in (x, low))
    left, bottom = min(left, 0.95), min(bottom, 0.95)

    def at(xs: NDArray[Any], ys: NDArray[Any]) -> str:
        return " ".join(
            f"{60 + 700 * (a - left) / (1 - left):.1f},{330 - 310 * (b - bottom) / (1 - bottom):.1f}"
            for a, b in zip(xs.tolist(), ys.tolist(), strict=True)
        )

    band = at(np.concatenate([x, x[::-1]]), np.concatenate([low, high[::-1]]))
    ticks = [h("text", f"{v:.3f}", x=4, y=334 - 310 * (v - bottom) / (1 - bottom), font_size=12, fill="currentColor")
             for v in np.linspace(bottom, 1, 5).tolist()]  # fmt: skip
    ticks += [h("text", f"{v:.2f}", x=45 + 700 * (v - left) / (1 - left), y=352, font_size=12, fill="currentColor")
              for v in np.linspace(left, 1, 5).tolist()]  # fmt: skip
    body = [
        h("polygon", points=band, fill="currentColor", fill_opacity=0.15),
        h("polyline", points=at(x, y), fill="none", stroke="currentColor", stroke_width=2),
        h("text", "right", x=4, y=12, font_size=12, fill="currentColor"),
        h("text", "share decided", x=690, y=318, font_size=12, fill="currentColor"),
        *ticks,
    ]
    said = f"accuracy {y[-1]:.4f} at full coverage" if len(y) else "nothing to draw"
    return h("svg", *body, viewBox="0 0 800 360", role="img", aria_label=said, width="100%")
