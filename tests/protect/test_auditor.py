"""`protect audit`: our own mechanisms stand, a function that promises too much does not, little evidence says so."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from consentinel.core.errors import ContractBroken, UsageError
from consentinel.protect.auditor import AUDITS, audited
from consentinel.protect.statistic import Bounds

NONE = Bounds(1, 1, None, None)
AMOUNTS = Bounds(2, 3, Fraction(-5), Fraction(10))
MINE = """
import numpy as np
RNG = np.random.default_rng(5)
def right(data, n):
    return round(float(np.clip(data, 0, 1).sum())) + RNG.geometric(1 - np.exp(-1), n) - RNG.geometric(1 - np.exp(-1), n)
def half(data, n):
    return round(float(np.clip(data, 0, 1).sum())) + RNG.geometric(1 - np.exp(-2), n) - RNG.geometric(1 - np.exp(-2), n)
def wrong(data):
    return 1
NUMBER = 3
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "mine_to_audit.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    return "mine_to_audit"


def ask(name: str, law: Any = "laplace", budget: str = "1", delta: float = 0.0, bounds: Bounds = NONE, n: int = 20_000):
    return audited(
        name, law=law, budget=Fraction(budget), delta=delta, bounds=bounds, n=n, level=0.9999, timing=100
    )  # fmt: skip


@pytest.mark.parametrize(("law", "budget"), [("laplace", "1"), ("gaussian", "1/8")])
@pytest.mark.parametrize(("name", "bounds"), [("count", NONE), ("sum", AMOUNTS), ("mean", AMOUNTS)])
def test_our_mechanisms_are_not_refuted(name: str, bounds: Bounds, law: str, budget: str) -> None:
    found = ask(name, law, budget, 1e-6, bounds, 5_000)
    assert found.verdict == "consistent", found.text()
    assert found.exit_code == 0
    assert found.best.lower_bound <= found.claim.amount


@pytest.mark.parametrize("name", ["discrete_laplace", "discrete_gaussian"])
def test_our_noise_shows_most_of_its_claim(name: str) -> None:
    found = ask(name, name.removeprefix("discrete_"), "1/2", 1e-6, n=100_000)
    assert found.verdict == "consistent", found.text()
    assert 0.9 < found.best.lower_bound / found.claim.amount <= 1


def test_the_choice_of_groups_to_name_uses_its_delta_up() -> None:
    found = ask("partitions", "laplace", "1", 0.02)
    assert found.verdict == "consistent", found.text()
    with pytest.raises(UsageError, match="give a delta"):
        ask("partitions", "laplace", "1")


def test_a_function_of_yours_is_audited(mine: str) -> None:
    assert ask(f"{mine}:right").exit_code == 0
    found = ask(f"{mine}:half")
    assert found.exit_code == 1
    assert "the claim is refuted: epsilon 1 is claimed, at least 1." in found.text()


def test_too_little_evidence_says_so(mine: str) -> None:
    found = ask(f"{mine}:right", budget="15", n=1000)
    assert (found.verdict, found.exit_code) == ("insufficient", 3)
    assert "not enough evidence" in found.text()


def test_the_table_has_a_row_for_each_test(mine: str) -> None:
    table = ask(f"{mine}:half").table()
    assert table.schema.equals(AUDITS)
    assert table["test"].to_pylist() == ["events", "histogram", "lattice", "timing"]
    assert set(table["claimed"].to_pylist()) == {1.0}
    assert "refuted" in table["verdict"].to_pylist()


def test_names_that_are_not_there_are_told(mine: str) -> None:
    for name, words in (
        ("median_of_means", "there is: count"),
        (f"{mine}:absent", "no function 'absent'"),
        ("no_such_module:f", "no function 'f'"),
        (f"{mine}:NUMBER", "not a function"),
    ):
        with pytest.raises(UsageError, match=words):
            ask(name)
    with pytest.raises(ContractBroken, match="take \\(data, n\\)"):
        ask(f"{mine}:wrong")
    with pytest.raises(UsageError, match="is in rho"):
        ask("discrete_gaussian", "laplace")
