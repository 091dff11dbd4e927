import json
import math
from dataclasses import FrozenInstanceError, replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentinel.core.accounting import gaussian_rho, micro_rho
from consentinel.core.errors import BadInput, BudgetRefused, UsageError
from consentinel.core.ledger import Charge, Ticket

KEY = bytes(range(32))
NOW = 1_800_000_000_000_000
CHARGE = Charge(
    mechanism="gaussian",
    params={"sigma": "7/2", "sensitivity": "1"},  # type: ignore[arg-type]
    unit="person",
    purpose="daily reach, by region",
    principal="reach-team",
    dataset="exposures",
    epoch="2026-W47",
    micro_rho=micro_rho(gaussian_rho(Fraction(1), Fraction(7, 2))),
)
TICKET = Ticket("ledger-1", CHARGE.digest, "gaussian", CHARGE.params, "ab" * 32, NOW + 60_000_000)

names = st.text("AZaz09_.:-", min_size=1, max_size=20).map(lambda text: text.lstrip(".:-") or "a")
params = st.dictionaries(names, st.fractions(Fraction(1, 10**18), 10**18), min_size=1, max_size=5)
purposes = st.text(min_size=1, max_size=80).filter(lambda text: bool(text.strip()) and text.isprintable())
charges = st.builds(Charge, names, params, names, purposes, names, names, names, st.integers(1, 10**18))
tickets = st.builds(
    Ticket, names, names, names, params, st.from_regex(r"\A[0-9a-f]{64}\Z"), st.integers(NOW, 2**63 - 1)
)


def test_params_are_exact_sorted_and_frozen() -> None:
    assert CHARGE.params == (("sensitivity", Fraction(1)), ("sigma", Fraction(7, 2)))
    assert TICKET.param("sigma") == Fraction(7, 2)
    with pytest.raises(BudgetRefused, match="sensitivity, sigma"):
        TICKET.param("epsilon")
    with pytest.raises(FrozenInstanceError):
        CHARGE.micro_rho = 1  # type: ignore[misc]


def test_the_encoding_is_pinned() -> None:
    assert json.loads(CHARGE.to_bytes())["params"] == {"sensitivity": "1", "sigma": "7/2"}
    assert CHARGE.to_bytes() == (
        b'{"dataset":"exposures","epoch":"2026-W47","mechanism":"gaussian","micro_rho":40817,'
        b'"params":{"sensitivity":"1","sigma":"7/2"},"principal":"reach-team","purpose":"daily reach, by region",'
        b'"unit":"person"}'
    )


@given(charges)
def test_charges_read_back(charge: Charge) -> None:
    assert Charge.from_bytes(charge.to_bytes()) == charge


@given(tickets, st.binary(min_size=32, max_size=64))
def test_tickets_read_back(ticket: Ticket, key: bytes) -> None:
    assert Ticket.from_bytes(ticket.to_bytes(key), key, now=NOW) == ticket


@given(tickets, tickets)
def test_different_tickets_have_different_bytes(one: Ticket, two: Ticket) -> None:
    assert (one == two) == (one.to_bytes(KEY) == two.to_bytes(KEY))


def test_every_changed_byte_is_refused() -> None:
    data = TICKET.to_bytes(KEY)
    for at in range(len(data)):
        for bit in (1, 128):
            changed = data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]
            with pytest.raises((BudgetRefused, BadInput)):
                Ticket.from_bytes(changed, KEY, now=NOW)


@given(st.integers(0, 600), st.binary(max_size=3))
def test_cut_or_longer_tickets_are_refused(length: int, more: bytes) -> None:
    data = TICKET.to_bytes(KEY)
    other = data[:length] + more
    if other != data:
        with pytest.raises((BudgetRefused, BadInput)):
            Ticket.from_bytes(other, KEY, now=NOW)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_no_ticket_and_no_charge(data: bytes) -> None:
    with pytest.raises(BadInput):
        Charge.from_bytes(data)
    with pytest.raises((BudgetRefused, BadInput)):
        Ticket.from_bytes(b"CTK1" + data, KEY, now=NOW)


def test_another_key_and_a_short_key_are_refused() -> None:
    with pytest.raises(BudgetRefused, match="signature"):
        Ticket.from_bytes(TICKET.to_bytes(KEY), bytes(32), now=NOW)
    with pytest.raises(UsageError, match="32"):
        TICKET.to_bytes(b"short")


def test_expiry() -> None:
    data = TICKET.to_bytes(KEY)
    assert Ticket.from_bytes(data, KEY, now=TICKET.not_after) == TICKET
    with pytest.raises(BudgetRefused, match="expired"):
        Ticket.from_bytes(data, KEY, now=TICKET.not_after + 1)


@pytest.mark.parametrize(
    "other",
    [
        lambda text: text.replace('"7/2"', '"14/4"'),
        lambda text: text.replace('"7/2"', '"3.5"'),
        lambda text: text.replace('"7/2"', '"nan"'),
        lambda text: text.replace('"7/2"', "3.5"),
        lambda text: text.replace(",", ", "),
        lambda text: text.replace('"unit"', '"extra":1,"unit"'),
        lambda text: text.replace('"unit":"person"', '"unit":"person","unit":"person"'),
        lambda text: text.replace("40817", "40817.0"),
        lambda text: text.replace("40817", "NaN"),
        lambda text: text.replace("40817", "9" * 5000),
        lambda text: text.replace('"unit":"person"', '"unit":["person"]'),
        lambda text: "[" * 100_000,
        lambda text: "null",
    ],
)
def test_a_charge_has_one_encoding(other: object) -> None:
    text = other(CHARGE.to_bytes().decode())  # type: ignore[operator]
    with pytest.raises(BadInput, match="one encoding"):
        Charge.from_bytes(text.encode())


@pytest.mark.parametrize("bad", ["nan", "inf", "-1", "0", "1e-320", 0.5, math.nan, None])
def test_parameters_that_are_no_exact_positive_number_are_refused(bad: object) -> None:
    with pytest.raises(UsageError, match="sigma"):
        replace(CHARGE, params={"sigma": bad})  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="sigma"):
        replace(TICKET, params={"sigma": bad})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {"micro_rho": 0},
        {"micro_rho": -1},
        {"micro_rho": 1.0},
        {"micro_rho": True},
        {"micro_rho": 10**19},
        {"unit": ""},
        {"unit": "a b"},
        {"dataset": "../x"},
        {"principal": ""},
        {"principal": "a b"},
        {"purpose": " "},
        {"purpose": "a\nb"},
        {"purpose": "a" * 501},
        {"params": {}},
        {"params": (("a", "1"), ("a", "2"))},
        {"params": {"a b": "1"}},
        {"epoch": 3},
        {"mechanism": "x" * 101},
    ],
)
def test_bad_charges_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        replace(CHARGE, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [{"question": "ab"}, {"question": "AB" * 32}, {"question": None}, {"not_after": -1}, {"not_after": 2**63},
     {"not_after": 1.5}, {"share": 0}, {"share": 2}, {"shares": 0}, {"shares": 10_001}, {"enough": 2}, {"enough": 0}],
)  # fmt: skip
def test_bad_tickets_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        replace(TICKET, **change)  # type: ignore[arg-type]


@given(st.integers(1, 60), st.data())
def test_shares_together_carry_enough_noise_whoever_drops_out(n: int, data: st.DataObject) -> None:
    survivors = data.draw(st.integers(1, n))
    colluding = data.draw(st.integers(0, survivors - 1))
    shares = TICKET.split(n, survivors, colluding)
    assert [ticket.share for ticket in shares] == list(range(1, n + 1))
    assert {ticket.shares for ticket in shares} == {n}
    assert len({ticket.to_bytes(KEY) for ticket in shares}) == n
    honest = sum((ticket.noise_part for ticket in shares[: survivors - colluding]), Fraction(0))
    assert honest == 1
    assert all(ticket.params == TICKET.params and ticket.charge == TICKET.charge for ticket in shares)


@pytest.mark.parametrize(
    ("n", "survivors", "colluding"),
    [(0, 1, 0), (3, 0, 0), (3, 4, 0), (3, 2, 2), (3, 2, -1), (10_001, 1, 0), (3.0, 2, 0), (3, True, 0)],
)
def test_bad_splits_are_refused(n: int, survivors: int, colluding: int) -> None:
    with pytest.raises(UsageError):
        TICKET.split(n, survivors, colluding)


def test_a_share_is_not_split_again() -> None:
    with pytest.raises(BudgetRefused, match="share 1 of 3"):
        TICKET.split(3, 2, 0)[0].split(2, 1, 0)
