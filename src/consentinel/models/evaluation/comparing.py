"""Figures of a model and of simple baselines side by side: metrics and paired differences, each with its interval."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.core.stats import Interval, mean_interval
from consentinel.models.evaluation import intervals, scores
from consentinel.models.evaluation.measuring import Figures
from consentinel.models.evaluation.sampled import PREFIX

__all__ = ["METRICS", "How", "chosen", "compared", "text", "told"]

METRICS = pa.schema(
    [
        ("model", pa.string()), ("metric", pa.string()), ("value", pa.float64()), ("low", pa.float64()),
        ("high", pa.float64()), ("n", pa.int64()), ("level", pa.float64()), ("method", pa.string()),
    ]
)  # fmt: skip
People = NDArray[np.generic]


@dataclass(frozen=True)
class How:
    """How intervals are made: whose a row is (n,), where a person has several; the seed of draws; the level."""

    people: People | None
    seed: int
    level: float


def compared(model: Sequence[Figures], baselines: Sequence[Figures], how: How, wanted: str = "all") -> pa.Table:
    """Return as METRICS what MODEL came to, what each of BASELINES did, and the paired differences between them.

    MODEL has the figures of each training seed; with several, intervals are over people and seeds together, or over
    the seeds alone where a metric is no mean over people. WANTED names metrics, without "@k".
    """
    rows = [told(name, metric, found) for name, metric, found in _found(model, baselines, how, wanted)]
    return pa.Table.from_pylist(rows, METRICS)


def chosen(names: Sequence[str], wanted: str) -> list[str]:
    """Return those of NAMES (metrics) that WANTED ("all", or names separated by commas) asks for."""
    short = {name.partition("@")[0].removeprefix(PREFIX): name for name in names}
    asked = [word.strip() for word in wanted.split(",") if word.strip()]
    for word in asked:
        if word != "all" and word not in short and word not in names:
            raise UsageError(f"no metric '{word[:40]}' here; there is: {', '.join(short)}")
    return [name for plain, name in short.items() if "all" in asked or plain in asked or name in asked]


def text(table: pa.Table) -> str:
    """Return METRICS rows as lines for the terminal."""
    rows = table.to_pylist()
    wide = max((len(row["model"]) for row in rows), default=0)
    long = max((len(row["metric"]) for row in rows), default=0)
    return "\n".join(
        f"{row['model']:{wide}}  {row['metric']:{long}}  {row['value']:.4f}  [{row['low']:.4f}, {row['high']:.4f}]"
        for row in rows
    )


def _found(
    model: Sequence[Figures], baselines: Sequence[Figures], how: How, wanted: str
) -> Iterator[tuple[str, str, Interval]]:
    metrics = chosen([*model[0].means, *model[0].whole], wanted)
    for seeds in ([model[0]] if len(model) == 1 else model, *([one] for one in baselines)):
        for metric in metrics:
            yield seeds[0].name, metric, _one(seeds, metric, how)
    for other in baselines:
        for metric in metrics:
            yield f"{model[0].name} - {other.name}", metric, _gap(model, other, metric, how)


def _one(seeds: Sequence[Figures], metric: str, how: How) -> Interval:
    if metric in seeds[0].means:
        values = np.stack([one.means[metric] for one in seeds])
        if len(seeds) > 1:
            return intervals.over_seeds(values, how.people, level=how.level)
        if np.isin(values, (0.0, 1.0)).all():
            return intervals.share(values[0], how.people, level=how.level)
        return intervals.mean(values[0], how.people, how.seed, level=how.level)
    name = _whole(metric)
    if len(seeds) > 1:
        return mean_interval([getattr(scores, name)(one.label, one.p) for one in seeds], how.level)
    return scores.interval(name, seeds[0].label, seeds[0].p, how.people, seed=how.seed, level=how.level)


def _gap(seeds: Sequence[Figures], other: Figures, metric: str, how: How) -> Interval:
    if metric in other.means:
        values = np.stack([one.means[metric] - other.means[metric] for one in seeds])
        if len(seeds) > 1:
            return intervals.over_seeds(values, how.people, level=how.level)
        return intervals.mean(values[0], how.people, how.seed, level=how.level)
    name = _whole(metric)
    if len(seeds) > 1:
        theirs = getattr(scores, name)(other.label, other.p)
        return mean_interval([getattr(scores, name)(one.label, one.p) - theirs for one in seeds], how.level)
    return scores.difference(
        name, seeds[0].label, seeds[0].p, other.p, how.people, second_label=other.label, seed=how.seed, level=how.level
    )


def _whole(metric: str) -> scores.Metric:
    if metric not in scores.METRICS:
        raise UsageError(f"no metric '{metric[:40]}'; there is: {', '.join(scores.METRICS)}")
    return cast(scores.Metric, metric)


def told(model: str, metric: str, found: Interval) -> dict[str, object]:
    """Return as a row of METRICS what METRIC of MODEL came to."""
    return {
        "model": model, "metric": metric,
        "value": found.value, "low": found.low, "high": found.high, "n": found.n, "level": found.level,
        "method": found.method,
    }  # fmt: skip
