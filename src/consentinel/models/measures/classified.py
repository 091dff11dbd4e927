"""Classifiers: the label and the probability of each row, beside the base rate."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.core.columns import one
from consentinel.core.errors import UsageError
from consentinel.core.run import Run
from consentinel.models import reading
from consentinel.models.evaluation.comparing import compared
from consentinel.models.evaluation.measuring import answers, constant, row_figures
from consentinel.models.measures.sides import Asked, Measured, Sides, persons

__all__ = ["measured"]


def measured(run: Run, sides: Sides, asked: Asked) -> Measured:
    """Return how often and how surely SIDES say the right label. Raises UsageError; ContractBroken."""
    held, kind = sides.held, sides.models[0].kind
    if "label" not in held.column_names:
        raise UsageError(f"the rows have no label to measure against; there is: {', '.join(held.column_names)}")
    truth = one(_whole_numbers(held["label"]).cast(pa.string()))
    rows = reading.unlabelled(held, sides.shelf)
    found = [row_figures(sides.name, kind, truth, answers(model, rows)) for model in sides.models]
    learned = None if sides.learned is None else one(_whole_numbers(sides.learned["label"]).cast(pa.string()))
    if learned is None:
        run.note("the baseline says the base rate of these rows, which no constant beats; --train would name another")
    beside = row_figures("base rate", kind, truth, constant(truth, learned))
    people = persons(held, asked.person, np.asarray(pc.is_valid(truth)))
    return Measured(compared(found, [replace(beside, whole=found[0].whole)], asked.how(people), asked.metrics))


def _whole_numbers(label: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return labels that are true and false, or 0.0 and 1.0, as whole numbers."""
    if pa.types.is_boolean(label.type) or pa.types.is_floating(label.type):
        return label.cast(pa.int64())
    return label
