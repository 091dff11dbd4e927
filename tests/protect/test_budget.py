"""What people are told about their budgets."""

from fractions import Fraction
from pathlib import Path

import pytest

from consentinel.core.accounting import epsilon
from consentinel.core.errors import BadInput, BudgetRefused, UsageError
from consentinel.core.ledger import Charge
from consentinel.core.ledger_opening import now, opened
from consentinel.protect.budget import (
    BUDGETS,
    PRINCIPALS,
    USED,
    adopt,
    create,
    explain,
    grant,
    largest_total,
    show,
    verify,
)

DELTA = Fraction(1, 10**6)


@pytest.fixture
def where(tmp_path: Path) -> str:
    """A ledger with epsilon 2 on a week of exposures, half of it a quota of ads, of which a part is spent."""
    where = str(tmp_path / "ledger.sqlite")
    create(where)
    grant(where, "exposures", epoch="2026-W47", epsilon="2", quotas="ads=1/2", reserves="safety=0.1")
    with opened(where) as book:
        params = (("rho", Fraction(1, 100)),)
        charge = Charge("gaussian", params, "person", "daily reach", "ads", "exposures", "2026-W47", 10_000)
        book.spend(charge, question="ab" * 32, not_after=now() + 10**9)
    return where


def test_a_total_given_as_epsilon_stands_for_no_more() -> None:
    for text in ("2", "1/10", "8", "0.01"):
        wanted = Fraction(text)
        total = largest_total(wanted, DELTA)
        assert epsilon(total, DELTA) <= wanted < epsilon(total + 1, DELTA)
    with pytest.raises(UsageError, match="less than one micro-rho"):
        largest_total(Fraction(1, 10**6), DELTA)


def test_show(where: str) -> None:
    told = show(where)
    total = largest_total(Fraction(2), DELTA)
    assert told.text.startswith("ledger.sqlite: 1 account(s)\nexposures / person / 2026-W47: epsilon ")
    assert f"10000 of {total} micro-rho" in told.text
    assert f"ads: 10000 of its quota of {total // 2}" in told.text
    assert f"kept for 'safety': {total // 10}" in told.text
    assert "for 'daily reach' by ads, gaussian: 10000" in told.text
    assert [told.tables[name].schema for name in ("budgets", "principals", "used")] == [BUDGETS, PRINCIPALS, USED]
    row = told.tables["budgets"].to_pylist()[0]
    assert row["free"] == total - row["spent"] - row["promised"]
    assert row["epsilon_total"] <= 2
    assert told.tables["used"].to_pylist()[0]["charges"] == 1


def test_explain(where: str) -> None:
    more = {"principal": "lift", "purpose": "lift", "epoch": "2026-W47"}
    told = explain(where, "exposures", rho="1", **more)
    assert told.exit_code == 4
    assert "1000000 micro-rho do not fit" in told.text
    assert "When it frees" in told.text
    assert explain(where, "exposures", epsilon="0.01", **more).exit_code == 0
    assert verify(where).text == "ledger.sqlite: 3 entries hold"
    for wrong in (
        {},
        {"rho": "1", "epsilon": "1"},
        {"rho": "nan"},
        {"epsilon": "0"},
        {"epsilon": "1e-320"},
        {"rho": "-1"},
    ):
        with pytest.raises(UsageError):
            explain(where, "exposures", **wrong, **more)
    with pytest.raises(BudgetRefused, match="nothing was granted"):
        explain(where, "conversions", rho="1", **more)


def test_grants(where: str) -> None:
    again = grant(where, "exposures", epoch="2026-W47", quotas="ads=1/4,lift=0.25")
    assert again.tables["principals"].column("principal").to_pylist() == ["ads", "lift"]
    with pytest.raises(UsageError, match="never raised"):
        grant(where, "exposures", epoch="2026-W47", epsilon="3")
    wrongs = (
        {"quotas": "ads"}, {"quotas": "ads=1,ads=1"}, {"quotas": "=1"}, {"quotas": "ads=2"}, {"reserves": "x=nan"},
        {"epsilon": "1", "rho": "1"}, {"epsilon": "1e-320"}, {"epsilon": "0"}, {"epoch": "all"}, {"delta": "0.5"},
    )  # fmt: skip
    for wrong in wrongs:
        with pytest.raises(UsageError):
            grant(where, "exposures", **{"epoch": "2026-W47", **wrong})
    assert "(0 of 250000 micro-rho" in grant(where, "conversions", rho="0.2500009").text
    assert verify(where).text == "ledger.sqlite: 5 entries hold"


def test_make_and_take_over(tmp_path: Path) -> None:
    where = str(tmp_path / "l")
    assert "Without a second witness" in create(where).text
    with pytest.raises(UsageError, match="is there already"):
        create(where)
    (tmp_path / "l").rename(tmp_path / "m")
    for end in (".key", ".witness"):
        (tmp_path / f"l{end}").rename(tmp_path / f"m{end}")
    assert adopt(str(tmp_path / "m")).text == "m: taken over with 2 entries"
    (tmp_path / "m.witness").unlink()
    with pytest.raises(BadInput, match="is missing"):
        verify(str(tmp_path / "m"))
    assert adopt(str(tmp_path / "m"), forfeit=True).text.endswith("every ticket is void")
    assert verify(str(tmp_path / "m")).text == "m: 3 entries hold"
