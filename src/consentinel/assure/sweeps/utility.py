"""Utility of a model in one number: accuracy, or nDCG at k of rankings, over units."""

import numpy as np
import pyarrow.compute as pc

from consentinel.assure import per_unit
from consentinel.assure.measure import Measure
from consentinel.assure.subject import RANKED_KINDS, Subject
from consentinel.core import gaps
from consentinel.core.shares import by_group
from consentinel.core.stats import Interval

__all__ = ["utility"]


def utility(subject: Subject, level: float, suffix: str = "", why: str = "") -> Measure:
    """Return the mean over units of accuracy or nDCG@k, its name with SUFFIX; without a value where nothing is true."""
    metric = f"ndcg@{subject.k}" if subject.kind in RANKED_KINDS else "accuracy"
    found = per_unit.values(subject)
    if found is None:
        return Measure(metric + suffix, None, why="the data have no labels")
    values = np.asarray(pc.drop_null(found[metric].combine_chunks()), np.float64)[:, None]
    if len(values) < 2:
        return Measure(metric + suffix, None, why="fewer than two units have something true")
    shares = by_group(values, np.ones_like(values), np.full(len(values), -1), 0)
    mean = gaps.signed(shares, [1.0], level)
    estimate = Interval(*(float(x) for x in (mean.value, mean.low, mean.high)), len(values), level, "clustered shares")
    return Measure(metric + suffix, estimate, better="higher", why=why)
