"""The five reproducible rows of a published fairness table, measured anew by the probes of the assure room.

A logistic regression on label-encoded columns, 70 of 100 rows to learn from, as the survey's notebook says.
Source of the published numbers: Le Quy, Roy, Iosifidis, Zhang and Ntoutsi 2022, experiments/Fair-metrics.ipynb.
"""

import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from _claim import ROOT, write
from consentinel.assure.measure import Measure, Plan
from consentinel.assure.shelves import FAIR
from consentinel.assure.subject import Subject

SHARED = Path(os.environ.get("CONSENTINEL_SHARED_DATA", ROOT.parent / "shared" / "data"))
FOLDER = SHARED / "models" / "fairness-tabular"
NAMES = ("fairness_published_rows",)
INPUTS = ()
COMPAS = ("age_cat", "race", "sex", "priors_count", "c_charge_degree", "score_text", "v_score_text", "two_year_recid")


@dataclass(frozen=True)
class Row:
    """A row of the published table: its file, attribute and columns (empty: all), four numbers, and the label that
    counts as yes (empty: the last in the order of the alphabet)."""

    file: str
    attribute: str
    columns: tuple[str, ...]
    accuracy: float
    odds: float
    parity: float
    abroca: float
    yes: str = ""


ROWS = (
    Row("bank_marketing", "marital", (), 0.8855, 0.0261, 0.0153, 0.0249),
    Row("law_school", "race", (), 0.9072, 0.5043, 0.1937, 0.0324),
    Row("compas_recid", "race", COMPAS, 0.6414, 0.6452, -0.3398, 0.0669),
    Row("compas_violent", "race", COMPAS, 0.8432, 0.2195, -0.0659, 0.0591),
    Row("student_por", "sex", (), 0.9282, 0.0490, -0.0682, 0.0285, "High"),
)


def measured(row: Row) -> dict[str, float]:
    """Return the numbers of ROW, as the probes measure them."""
    table = pq.read_table(FOLDER / f"{row.file}.parquet", columns=list(row.columns) or None)
    if row.columns:
        race = np.array(table["race"].to_pylist())
        table = table.filter(pa.array(np.isin(race, ("African-American", "Caucasian"))))
    encoded = [_encoded(table[name]) for name in table.column_names]
    names = table.column_names[:-1]
    x, y = np.stack(encoded[:-1], axis=1), encoded[-1].astype(int)
    if row.yes:
        y = (table[table.column_names[-1]].to_numpy() == row.yes).astype(int)
    x, test, y, true = train_test_split(x, y, test_size=0.3, random_state=42)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the solver does not converge, there as here
        model = LogisticRegression(random_state=0).fit(x, y)
    score, group = model.predict_proba(test)[:, 1], test[:, names.index(row.attribute)]
    protected = np.where(group == 0, "protected", "other")  # the first label in the order of the alphabet
    answers = pa.table({"score": score, "label": model.predict(test).astype(str)})
    who = pa.table({"unit": [str(at) for at in range(len(true))], row.attribute: protected})
    rows = pa.table({"label": true.astype(str)})
    subject = Subject("tabular", row.file, rows, answers, np.arange(len(true)), who, positive="1")
    found = [measure for name in ("group", "abroca") for measure in FAIR.take(name).probe(subject, Plan())]
    place = f"{row.attribute}=protected"
    rates = {(one.metric, one.slice): one for one in found}
    odds = [abs(value(rates, rate, f"{row.attribute}=other") - value(rates, rate, place)) for rate in (
        "true_positive_rate", "true_negative_rate")]  # fmt: skip
    parity = value(rates, "selection_rate", f"{row.attribute}=other") - value(rates, "selection_rate", place)
    area = next(one.estimate.value for one in found if one.metric == "abroca" and one.estimate is not None)
    return {"accuracy": value(rates, "accuracy", ""), "odds": sum(odds), "parity": parity, "abroca": area}


def value(rates: dict[tuple[str, str], Measure], metric: str, place: str) -> float:
    """Return the value of METRIC at PLACE."""
    estimate = rates[metric, place].estimate
    if estimate is None:
        raise SystemExit(f"{metric} of {place} could not be measured: {rates[metric, place].why}")
    return estimate.value


def _encoded(column: pa.ChunkedArray) -> np.ndarray:
    values = column.to_numpy()
    return np.unique(values.astype(str), return_inverse=True)[1] if values.dtype.kind in "OU" else values


def main() -> None:
    """Write the largest distance from the published numbers."""
    worst, n = 0.0, 0
    for row in ROWS:
        for name, got in measured(row).items():
            away = abs(got - getattr(row, name))
            print(f"{row.file} {name}: {got:.4f}, published {getattr(row, name):.4f}, {away:.4f} apart", flush=True)
            worst, n = max(worst, away), n + 1
    protocol = "five sets, four numbers each (accuracy, |TPR gap| + |TNR gap|, parity gap, ABROCA): largest distance"
    write("fairness_published_rows", value=worst, low=worst, high=worst, n=n, protocol=protocol)


if __name__ == "__main__":
    main()
