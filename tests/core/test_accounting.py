import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentinel.core import accounting
from consentinel.core.errors import UsageError

positive = st.fractions(Fraction(1, 10**9), 10**9)
budgets = st.integers(1, 10**12)
deltas = st.builds(Fraction, st.just(1), st.integers(2, 10**30))


@pytest.mark.parametrize(
    ("text", "value"),
    [("1/4", Fraction(1, 4)), ("0.25", Fraction(1, 4)), ("25e-2", Fraction(1, 4)), ("1E+3", Fraction(1000)),
     ("10", Fraction(10)), (3, Fraction(3)), (Fraction(2, 6), Fraction(1, 3)), ("6/4", Fraction(3, 2))],
)  # fmt: skip
def test_exact_numbers(text: str | int | Fraction, value: Fraction) -> None:
    assert accounting.exact(text) == value


@pytest.mark.parametrize(
    "bad",
    [
        "nan",
        "NaN",
        "inf",
        "-inf",
        "Infinity",
        "-1",
        "-1/4",
        "0",
        "0.0",
        "0/5",
        "1/0",
        "1e-320",
        "1e320",
        "1e-9999999999",
        "1e999999999",
        "1_000",
        " 1",
        "1 ",
        "+1",
        "",
        "1/2/3",
        "1.5/2",
        "0x10",
        "٣",
        ".5",
        "1.",
        "1" * 81,
        "1e-19",
        0,
        -1,
        True,
        0.25,
        math.nan,
        math.inf,
        None,
        b"1",
        Fraction(-1, 2),
        Fraction(1, 10**19),
        Fraction(1, 3**200),
        f"1.{'3' * 79}",
    ],
)
def test_what_is_no_exact_positive_number_is_refused(bad: object) -> None:
    with pytest.raises(UsageError, match="epsilon"):
        accounting.exact(bad, "epsilon")  # type: ignore[arg-type]


@given(positive)
def test_written_numbers_read_back(value: Fraction) -> None:
    assert accounting.exact(accounting.written(value)) == value


def test_the_largest_accepted_fraction_reads_back() -> None:
    value = Fraction(2**256 - 1, 2**255 + 1)
    assert accounting.exact(accounting.written(value)) == value


def test_prices_by_hand() -> None:
    assert accounting.gaussian_rho(Fraction(1), Fraction(10)) == Fraction(1, 200)
    assert accounting.pure_rho(Fraction(1, 2)) == Fraction(1, 8)
    assert accounting.laplace_rho(Fraction(3), Fraction(6)) == Fraction(1, 8)
    assert accounting.micro_rho(Fraction(1, 8)) == 125_000
    assert accounting.micro_rho(Fraction(1, 3)) == 333_334
    assert accounting.micro_rho(Fraction(1, 10**15)) == 1


@given(positive, positive)
def test_rounding_is_never_below_and_less_than_one_above(sensitivity: Fraction, sigma: Fraction) -> None:
    rho = accounting.gaussian_rho(sensitivity, sigma)
    micro = accounting.micro_rho(rho)
    assert 0 <= micro - rho * accounting.MICRO < 1


@pytest.mark.parametrize("bad", [Fraction(0), Fraction(-1), 0.5, 1, math.nan, None])
def test_prices_take_exact_positive_fractions_only(bad: object) -> None:
    for call in (
        lambda: accounting.gaussian_rho(bad, Fraction(1)),  # type: ignore[arg-type]
        lambda: accounting.gaussian_rho(Fraction(1), bad),  # type: ignore[arg-type]
        lambda: accounting.laplace_rho(Fraction(1), bad),  # type: ignore[arg-type]
        lambda: accounting.pure_rho(bad),  # type: ignore[arg-type]
        lambda: accounting.micro_rho(bad),  # type: ignore[arg-type]
    ):
        with pytest.raises(UsageError):
            call()


@given(budgets, deltas)
def test_epsilon_is_at_most_the_simple_bound_and_holds_at_its_order(micro: int, delta: Fraction) -> None:
    got = accounting.epsilon(micro, delta)
    rho, bits = micro / accounting.MICRO, math.log(delta.denominator)
    assert 0 <= got <= (rho + 2 * math.sqrt(rho * bits)) * (1 + 1e-8)


@given(budgets, budgets, deltas)
def test_epsilon_grows_with_the_budget(one: int, two: int, delta: Fraction) -> None:
    low, high = sorted((one, two))
    assert accounting.epsilon(low, delta) <= accounting.epsilon(high, delta) * (1 + 1e-8)


def test_epsilon_at_the_edges() -> None:
    assert accounting.epsilon(0, Fraction(1, 2)) == 0.0
    assert math.isfinite(accounting.epsilon(1, Fraction(1, 10**400)))
    assert math.isfinite(accounting.epsilon(10**18, 1 - Fraction(1, 10**30)))
    for micro, delta in ((-1, Fraction(1, 2)), (1, Fraction(0)), (1, Fraction(1)), (1, Fraction(-1, 2)), (1, 0.5)):
        with pytest.raises(UsageError):
            accounting.epsilon(micro, delta)  # type: ignore[arg-type]
