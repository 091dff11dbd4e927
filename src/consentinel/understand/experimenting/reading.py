"""Rows of a table as a trial, the checks that every experiment is put to, and its readings."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from consentinel.core.errors import UsageError
from consentinel.core.extras import need
from consentinel.core.run import Run
from consentinel.core.stats import benjamini_hochberg
from consentinel.understand.experimenting.trial import Check, Floats, Reading, Trial
from consentinel.understand.given import labels, numbers

__all__ = ["SUSPECT", "Asked", "Metric", "adjusted", "asked_of", "assigned", "trials"]

SUSPECT = 0.0005  # p below which arms are not of the sizes that were planned (Fabijan et al. 2019)


@dataclass(frozen=True)
class Asked:
    """The columns of an experiment: outcomes, arm and its two values, and those that some methods need."""

    outcomes: tuple[str, ...]
    arm: str
    control: str
    treated: str
    before: str
    denominator: str
    cluster: str
    after: str
    adjust: tuple[str, ...]


@dataclass(frozen=True)
class Metric:
    """One outcome: what was read, and the p of its answer adjusted over all outcomes."""

    outcome: str
    reading: Reading
    adjusted: float


def asked_of(*, outcome: str, adjust: str, **columns: str) -> Asked:
    """Return the columns as the verb names them; OUTCOME and ADJUST are names separated by commas."""
    outcomes, covariates = (
        tuple(name.strip() for name in text.split(",") if name.strip()) for text in (outcome, adjust)
    )
    return Asked(outcomes=outcomes, adjust=covariates, **columns)


def trials(run: Run, table: pa.Table, asked: Asked) -> dict[str, Trial]:
    """Return the trial of each outcome; rows of other arms and with nulls are left out, which notes tell."""
    code, names = labels(table, asked.arm, "arm")
    control, treated = _two(asked, list(names))
    inside = np.isin(code, (names.index(control), names.index(treated)))
    others = len(code) - int(inside.sum())
    if others:
        run.note(f"{others:,} rows of other arms are left out")
    arm = code == names.index(treated)
    columns = {name: numbers(table, name, what) for what, name in (
        ("before", asked.before), ("denominator", asked.denominator), ("after", asked.after)) if name}  # fmt: skip
    adjust = [numbers(table, name, "adjust") for name in asked.adjust]
    cluster = labels(table, asked.cluster, "cluster")[0] if asked.cluster else None
    found = {}
    for name in asked.outcomes:
        outcome = numbers(table, name, "outcome")
        fine = inside & np.isfinite(outcome)
        for values in (*columns.values(), *adjust):
            fine &= np.isfinite(values)
        missing = int(inside.sum() - fine.sum())
        if missing:
            share = [float((fine & side).sum() / max(1, (inside & side).sum())) for side in (~arm, arm)]
            run.note(f"{missing:,} rows without a number for {name} are left out; kept are {share[0]:.1%} of control "
                     f"and {share[1]:.1%} of treated")  # fmt: skip
        if not (fine & arm).any() or not (fine & ~arm).any():
            raise UsageError(f"'{name}' has no numbers in one of the arms")
        after = columns[asked.after][fine] if asked.after else None
        if after is not None and not np.isin(after, (0.0, 1.0)).all():
            raise UsageError(f"'{asked.after}' should be 0 before the start and 1 after it")
        found[name] = Trial(
            outcome[fine], arm[fine], columns[asked.before][fine] if asked.before else None,
            columns[asked.denominator][fine] if asked.denominator else None,
            None if cluster is None else np.unique(cluster[fine], return_inverse=True)[1].astype(np.int64),
            None if after is None else after == 1.0,
            np.stack([values[fine] for values in adjust], axis=1) if adjust else None,
        )  # fmt: skip
    return found


def _two(asked: Asked, names: list[str]) -> tuple[str, str]:
    if asked.control not in names:
        raise UsageError(f"no arm '{asked.control[:40]}' in '{asked.arm}'; there is: {', '.join(names[:10])}")
    rest = [name for name in names if name not in (asked.control, "(none)")]
    treated = asked.treated or (rest[0] if len(rest) == 1 else "")
    if treated not in names or treated == asked.control:
        raise UsageError(f"name the treated arm with --treated; there is: {', '.join(rest[:10]) or 'none'}")
    return asked.control, treated


def assigned(trial: Trial, share: float) -> Check:
    """Return the check that arms have the sizes that were planned: SHARE of units treated (sample ratio mismatch).

    Units are clusters where each lies in one arm, else rows; the test is exact (binomial).
    """
    if not 0 < share < 1:
        raise UsageError(f"the planned share of treated units is in (0, 1), got {share}")
    units: Floats = trial.treated.astype(np.float64)
    if trial.cluster is not None:
        mean = np.bincount(trial.cluster, units) / np.bincount(trial.cluster)
        if np.isin(mean, (0.0, 1.0)).all():
            units = mean
        else:
            return Check("arms of the planned sizes", None, "clusters lie in both arms: sizes were not tested")
    treated = int(units.sum())
    p = float(need("scipy.stats", extra="learn").binomtest(treated, len(units), share).pvalue)
    said = f"{treated:,} of {len(units):,} units treated, {share:.1%} planned; p = {p:.2g}"
    return Check("arms of the planned sizes", p >= SUSPECT, said)


def adjusted(readings: dict[str, Reading]) -> list[Metric]:
    """Return READINGS with the p of their answers adjusted for the false discovery rate (Benjamini, Hochberg 1995)."""
    p = benjamini_hochberg([reading.effects[0].p for reading in readings.values()])
    return [Metric(name, reading, float(value)) for (name, reading), value in zip(readings.items(), p, strict=True)]
