"""From a ticket and exact statistics to RELEASES rows: paid noise only, and nothing exact comes through."""

import json
from dataclasses import replace
from fractions import Fraction as F
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from consentinel.core.errors import BadInput, BudgetRefused, ContractBroken, NotSupported, UsageError
from consentinel.core.tables import RELEASES
from consentinel.protect.estimates import MECHANISMS
from consentinel.protect.mechanisms import partitions
from consentinel.protect.releasing import name_groups, release
from consentinel.protect.statistic import Bounds
from tests.protect.made_statistics import QUESTION, exact, paid, silent

BOUNDS = Bounds(1, 1, F(0), F(10))
TABLE = [(u, u % 3, float(u % 11)) for u in range(330)]
GROUPS = pa.table({"arm": ["a", "b", "ü"], "day": [1, 2, 3]})


def statistics(mechanism: str, bounds: Bounds = BOUNDS, **options: Any) -> dict[str, Any]:
    part: Any = MECHANISMS.take(mechanism)
    return exact(TABLE, part.needs(bounds, F(1), **options), bounds, 3)


def test_without_noise_the_mean_is_the_plain_one() -> None:
    ticket = paid("mean", BOUNDS, F(1))
    table = release("mean", ticket, statistics("mean"), BOUNDS, question=QUESTION, groups=GROUPS, draw=silent)
    plain = [np.mean([x for _, g, x in TABLE if g == at]) for at in range(3)]
    assert table.schema.equals(RELEASES)
    assert table["value"].to_numpy() == pytest.approx(plain, rel=1e-12)
    assert (table["low"].to_numpy() < plain).all()
    assert (table["high"].to_numpy() > plain).all()
    assert [json.loads(key) for key in table["group"].to_pylist()] == GROUPS.to_pylist()
    assert table["charge"].to_pylist() == ["entry-1"] * 3


def test_noise_is_drawn_with_the_scales_of_the_ticket() -> None:
    ticket = paid("sum", BOUNDS, F(1, 3))
    asked = []

    def listening(kind: str, scale: F, n: int) -> Any:
        asked.append((kind, scale, n))
        return np.full(n, 7)

    release("sum", ticket, statistics("sum"), BOUNDS, question=QUESTION, groups=GROUPS, draw=listening)
    assert asked == [
        ("discrete_gaussian", ticket.param("sigma_sum"), 3),
        ("discrete_gaussian", ticket.param("sigma_inside"), 3),
    ]
    pure = paid("sum", BOUNDS, F(1, 3), law="laplace")
    asked.clear()
    release("sum", pure, statistics("sum"), BOUNDS, question=QUESTION, groups=GROUPS, draw=listening)
    assert [kind for kind, _, _ in asked] == ["discrete_laplace"] * 2


def test_real_noise_changes_every_value() -> None:
    table = release("sum", paid("sum", BOUNDS, F(1)), statistics("sum"), BOUNDS, question=QUESTION, groups=GROUPS)
    plain = [sum(x for _, g, x in TABLE if g == at) for at in range(3)]
    values = table["value"].to_numpy()
    assert (values != plain).all()
    assert np.abs(values - plain).max() < 200


def test_labelled_values_get_a_row_each() -> None:
    ticket = paid("quantiles", BOUNDS, F(1))
    table = release(
        "quantiles",
        ticket,
        statistics("quantiles"),
        BOUNDS,
        question=QUESTION,
        groups=GROUPS,
        name="age",
        answer={"at": (0.25, 0.5)},
        assumes=["idealized-numerics"],
        draw=silent,
    )
    assert table["name"].to_pylist() == ["age q0.25", "age q0.5"] * 3
    assert table["assumes"].to_pylist() == [["idealized-numerics"]] * 6


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"mechanism": "sum"}, BudgetRefused),
        ({"question": "b" * 64}, BudgetRefused),
        ({"params": (("rho", F(1)),)}, UsageError),
        (
            {"params": tuple((n, v / 2 if n == "sigma_sum" else v) for n, v in paid("mean", BOUNDS, F(1)).params)},
            BudgetRefused,
        ),
        (
            {"params": tuple((n, v / 10 if n == "rho" else v) for n, v in paid("mean", BOUNDS, F(1)).params)},
            BudgetRefused,
        ),
        ({"shares": 2}, NotSupported),
    ],
)
def test_a_ticket_that_does_not_pay_for_it_draws_nothing(change: dict[str, Any], error: type[Exception]) -> None:
    ticket = replace(paid("mean", BOUNDS, F(1)), **change)

    def never(kind: str, scale: F, n: int) -> Any:
        raise AssertionError("noise was drawn")

    with pytest.raises(error):
        release("mean", ticket, statistics("mean"), BOUNDS, question=QUESTION, groups=GROUPS, draw=never)


def test_statistics_that_are_not_as_needed_are_refused() -> None:
    ticket, good = paid("mean", BOUNDS, F(1)), statistics("mean")
    for wrong, error in (
        ({"sum": good["sum"].astype(float)}, ContractBroken),
        ({"sum": good["sum"][:2]}, ContractBroken),
        ({"sum": good["sum"] + 2**62}, BadInput),
    ):
        with pytest.raises(error):
            release("mean", ticket, good | wrong, BOUNDS, question=QUESTION, groups=GROUPS, draw=silent)
    del good["rows"]
    with pytest.raises(ContractBroken, match="rows"):
        release("mean", ticket, good, BOUNDS, question=QUESTION, groups=GROUPS, draw=silent)
    with pytest.raises(UsageError, match="level"):
        release("mean", ticket, good, BOUNDS, question=QUESTION, groups=GROUPS, level=1.0, draw=silent)


def test_groups_are_named_only_above_the_threshold() -> None:
    bounds = Bounds(2, 1, None, None)
    ticket = paid("partitions", bounds, F(1, 2), extra={"delta": F(1, 10**6)})
    least = partitions.threshold(ticket.param("sigma_units"), bounds, F(1, 10**6))
    units = np.array([1, least - 1, least, least + 40])
    groups = pa.table({"city": ["A", "B", "C", "D"]})
    table, keep = name_groups(ticket, {"units": units}, bounds, groups, question=QUESTION, draw=silent)
    assert keep.tolist() == [False, False, True, True]
    assert table["value"].to_pylist() == [least, least + 40]
    assert table["group"].to_pylist() == ['{"city":"C"}', '{"city":"D"}']
    with pytest.raises(BadInput, match="without units"):
        name_groups(ticket, {"units": units - 1}, bounds, groups, question=QUESTION, draw=silent)
    with pytest.raises(BudgetRefused, match="delta"):
        name_groups(paid("partitions", bounds, F(1)), {"units": units}, bounds, groups, question=QUESTION)
