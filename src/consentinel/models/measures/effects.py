"""Effects of a treatment: Qini and uplift on rows treated at random, beside the likeliest first and everyone alike."""

from dataclasses import fields

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core.run import Run
from consentinel.core.stats import Interval, mean_interval
from consentinel.models import kept, reading
from consentinel.models.evaluation.comparing import METRICS, chosen, told
from consentinel.models.evaluation.effects import METRICS as EFFECTS
from consentinel.models.evaluation.effects import Trial, curve, difference, interval, point
from consentinel.models.evaluation.measuring import answers
from consentinel.models.measures.sides import Asked, Measured, Sides, persons
from consentinel.models.pieces.classes import labels

__all__ = ["measured"]

OUTCOME = "ads/logistic"  # whoever is likeliest to have the outcome first: what is done without a model of effects
Floats = NDArray[np.float64]


def measured(run: Run, sides: Sides, asked: Asked) -> Measured:
    """Return how well SIDES order people by what a treatment does to them; keeps the curve of the first training.

    Raises UsageError for rows without the treatment or the label.
    """
    held, treatment = sides.held, sides.settings.get("treatment", "treatment")
    treated = labels(held, sides.name, column=treatment)
    trial = Trial(treated, labels(held, sides.name), persons(held, asked.person))
    run.note(
        f"an effect is measured right only where chance decided on '{treatment}'; here {treated.mean():.1%} had it"
    )
    asking = reading.unlabelled(held, sides.shelf).drop_columns([treatment])
    scores = [answers(model, asking).p for model in sides.models]
    others = {"everyone alike": np.zeros(held.num_rows)}
    if sides.learned is None:
        run.note("the likeliest first stands beside where --train names what was learned from")
    else:
        others["likeliest first"] = _likeliest(sides, asking, treatment, asked.seed)
    names = chosen(list(EFFECTS), asked.metrics)
    rows = [told(sides.name, name, _one(name, scores, trial, asked)) for name in names]
    rows += [told(who, name, _one(name, [score], trial, asked)) for who, score in others.items() for name in names]
    for who, score in others.items():
        rows += [told(f"{sides.name} - {who}", name, _gap(name, scores, score, trial, asked)) for name in names]
    line = curve(scores[0], trial, seed=asked.seed, level=asked.level)
    return Measured(pa.Table.from_pylist(rows, METRICS), {"uplift_curve": line})


def _one(metric: str, scores: list[Floats], trial: Trial, asked: Asked) -> Interval:
    if len(scores) > 1:
        return mean_interval([point(metric, score, trial) for score in scores], asked.level)
    return interval(metric, scores[0], trial, seed=asked.seed, level=asked.level)


def _gap(metric: str, scores: list[Floats], other: Floats, trial: Trial, asked: Asked) -> Interval:
    if len(scores) > 1:
        theirs = point(metric, other, trial)
        return mean_interval([point(metric, score, trial) - theirs for score in scores], asked.level)
    return difference(metric, scores[0], other, trial, seed=asked.seed, level=asked.level)


def _likeliest(sides: Sides, asking: pa.Table, treatment: str, seed: int) -> Floats:
    """Return the probability of the outcome of the rows ASKING, learned without a look at the TREATMENT."""
    _, _, part = kept.part(OUTCOME)
    there = {one.name for one in fields(part.SETTINGS)}
    same = ",".join(
        f"{name}={text}" for name, text in sides.settings.items() if name in there & {"categorical", "numeric"}
    )
    _, trainer, _ = kept.trainer(OUTCOME, same)
    assert sides.learned is not None
    return answers(trainer.train(sides.learned.drop_columns([treatment]), seed=seed), asking).p
