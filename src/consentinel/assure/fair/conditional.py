"""Whether a group is refused more than it is accepted, among people who are alike in another column."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from consentinel.assure.fair._rates import CLASSIFIED, LEAST, Groups, Outcomes, grouped, interval, outcomes, totals
from consentinel.assure.measure import Measure, Plan
from consentinel.assure.subject import Subject
from consentinel.core import gaps
from consentinel.core.shares import by_group

KINDS = CLASSIFIED
NEEDS = ("labels", "groups")

LEVELS = 20  # values that a column may have to be conditioned on
COLUMNS = 5  # columns conditioned on, at most


def probe(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Yield conditional demographic disparity of each group, conditioned on other attributes and on columns.

    Source: Wachter, Mittelstadt and Russell 2021: share among the refused less share among the accepted, within each
    value of the column, weighted by how many have the value.
    """
    rows = outcomes(subject)
    if not rows.two_way:
        yield Measure("demographic_disparity", None, why="no label counts as yes: name one with --positive")
        return
    columns = _columns(subject)
    for name in subject.attributes():
        groups = grouped(name, subject.attribute(name))
        yield from _disparity(rows, groups, "", np.zeros(len(rows.unit), np.intp), plan)
        others = {column: values for column, values in columns.items() if column != name}
        for column, values in list(others.items())[:COLUMNS]:
            yield from _disparity(rows, groups, column, values, plan)


def _columns(subject: Subject) -> dict[str, np.ndarray]:
    """Return the columns that can be conditioned on, as the place of each labelled row's value."""
    known = np.asarray(subject.rows["label"].is_valid())
    found = {name: subject.attribute(name)[subject.unit][known] for name in subject.attributes()}
    for field in subject.rows.schema:
        plain = pa.types.is_string(field.type) or pa.types.is_integer(field.type) or pa.types.is_boolean(field.type)
        if field.name != "label" and plain and field.name not in found:
            found[field.name] = np.array(subject.rows[field.name].cast(pa.string()).fill_null("").to_pylist())[known]
    coded = {name: np.unique(values.astype(str), return_inverse=True) for name, values in found.items()}
    return {name: code for name, (levels, code) in coded.items() if 1 < len(levels) <= LEVELS}


def _disparity(rows: Outcomes, groups: Groups, column: str, value: np.ndarray, plan: Plan) -> Iterator[Measure]:
    """Yield the disparity of each group, conditioned on VALUE, shape (rows,), of COLUMN (empty: of none)."""
    name = "conditional_demographic_disparity" if column else "demographic_disparity"
    against = f"same {column}" if column else ""
    said, no = rows.said, ~rows.said
    strata = [
        at
        for at in range(int(value.max(initial=-1)) + 1)
        if min((said & (value == at)).sum(), (no & (value == at)).sum()) > 0
    ]
    inside = np.isin(value, strata)
    left = int((~inside).sum())
    why = f"{left:,} rows have a {column} with which all are accepted or all refused, and are left out" if left else ""
    for at, group in enumerate(groups.names):
        member = groups.code[rows.unit] == at
        units = len(np.unique(rows.unit[member & inside]))
        if units < LEAST or not strata:
            short = f"only {units} units of it can be compared, and {LEAST} are needed: collect more"
            yield Measure(name, None, groups.named(group), against, why=short)
            continue
        top, bottom, weights = [], [], []
        for stratum in strata:
            here = value == stratum
            top += [no & here & member, said & here & member]
            bottom += [no & here, said & here]
            share = here.sum() / inside.sum()
            weights += [share, -share]
        people = rows.people
        shares = by_group(totals(rows.unit, people, top), totals(rows.unit, people, bottom), np.full(people, -1), 0)
        found = gaps.signed(shares, weights, plan.level)
        yield Measure(
            name, interval(found, units, plan.level), groups.named(group), against, 0.0, float(found.p),
            float(found.detectable), "zero", why,
        )  # fmt: skip
