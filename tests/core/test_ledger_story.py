"""What a refusal tells."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentinel.core.accounting import MICRO, exact, gaussian_rho, laplace_rho, micro_rho, pure_rho
from consentinel.core.ledger import Charge
from consentinel.core.ledger_filter import granted, paid, room
from consentinel.core.ledger_story import Story, Used, by_principal, fit, frees, share
from tests.core.made_ledger import ACCOUNT, DELTA, charge

fractions = st.fractions(Fraction(1, 10**4), 10**4)


@given(fractions, st.integers(1, 10**9))
def test_the_largest_question_fits_and_is_nearly_the_largest(sigma: Fraction, most: int) -> None:
    asked = charge(micro_rho(gaussian_rho(Fraction(1), sigma)), params={"sensitivity": "1", "sigma": sigma})
    found = dict(fit(asked, most).params)
    assert found["sensitivity"] == "1"
    smallest = exact(found["sigma"])
    assert micro_rho(gaussian_rho(Fraction(1), smallest)) <= most
    assert gaussian_rho(Fraction(1), smallest * Fraction(997, 1000)) * MICRO > most - 2 - most * Fraction(
        1, asked.micro_rho
    )


@given(fractions, st.integers(1, 10**9))
def test_epsilons_scales_and_rho_are_rounded_to_the_side_that_fits(number: Fraction, most: int) -> None:
    asked = charge(micro_rho(pure_rho(number)), params={"epsilon": number})
    assert micro_rho(pure_rho(exact(dict(fit(asked, most).params)["epsilon"]))) <= most
    asked = charge(micro_rho(laplace_rho(Fraction(1), number)), params={"scale": number})
    assert micro_rho(laplace_rho(Fraction(1), exact(dict(fit(asked, most).params)["scale"]))) <= most
    asked = charge(micro_rho(number), params={"rho": number})
    assert micro_rho(exact(dict(fit(asked, most).params)["rho"])) <= most


@given(st.integers(1, 10**18))
def test_the_general_figures_fit(most: int) -> None:
    found = fit(charge(), most)
    assert micro_rho(pure_rho(exact(found.epsilon))) <= most
    assert micro_rho(gaussian_rho(Fraction(1), exact(found.sigma))) <= most


def test_figures_that_can_be_done_by_hand() -> None:
    assert fit(charge(), 0).params == ()
    four = fit(charge(4_000_000, params={"sigma_sum": "2", "epsilon": "1", "rho": "4", "rows": "3"}), 1_000_000)
    assert dict(four.params) == {"sigma_sum": "4", "epsilon": "0.5", "rho": "1", "rows": "3"}
    assert (four.epsilon, four.sigma) == ("1.414", "0.7072")
    assert fit(charge(), 50_000_000 * 10**6).epsilon == "10000"


def test_when_it_frees() -> None:
    told = frees(ACCOUNT, {})
    assert "never for data of 2026-W47; it ends 2026-11-23 00:00 UTC" in told
    assert "belong to 2026-W48 (nothing is granted to it yet)" in told
    after = {ACCOUNT._replace(epoch="2026-W48"): paid(granted(None, 10, DELTA, {}, {}), "ads", "x", 3)}
    assert "2026-W48 (7 micro-rho are left there)" in frees(ACCOUNT, after)
    assert "never; the epoch 'all' has no end" in frees(ACCOUNT._replace(epoch="all"), {})


@pytest.mark.parametrize(("part", "text"), [(0, "0.0 %"), (1, "33.3 %"), (2, "66.6 %"), (3, "100.0 %")])
def test_shares(part: int, text: str) -> None:
    assert share(part, 3) == text
    assert share(0, 0) == "100.0 %"


def test_the_whole_story() -> None:
    budget = paid(paid(granted(None, 100, DELTA, {"lift": 30}, {}), "ads", "reach", 50), "lift", "lift", 10)
    asked: Charge = charge(40)
    used = by_principal(
        budget.principals, [Used("lift", "lift", "laplace", 1, 10, 4), Used("ads", "reach", "g", 1, 49, 3)]
    )
    story = Story(asked, budget, room(budget, "ads", "reach"), used, frees(ACCOUNT, {}), fit(asked, 20))
    assert not story.fits
    lines = story.text.split("\n")
    assert lines[0] == (
        "exposures / person / 2026-W47: 40 micro-rho do not fit, 20 are left for ads; "
        "the total has 40 left, but 20 of it are promised to others."
    )
    assert lines[1].startswith("Granted: 100 micro-rho (epsilon 0.0")
    assert lines[2] == (
        "Used by, the largest first: ads 50 (50.0 %) in all; entry 3 g 'reach' 49 (49.0 %); lift 10 (10.0 %) in all; "
        "entry 4 laplace 'lift' 10 (10.0 %)."
    )
    assert "rho 0.00002, sigma 4.243" in lines[4]
    smaller = Story(charge(20), budget, story.room, (), "", fit(charge(20), 20))
    assert smaller.fits
    assert len(smaller.text.split("\n")) == 2
    full = Story(charge(31, "lift"), budget, room(budget, "lift", "reach"), (), "x", fit(asked, 0))
    assert "the quota of lift has 20 left (the total: 40)" in full.text
    assert full.text.endswith("The largest question that still fits: none.")
