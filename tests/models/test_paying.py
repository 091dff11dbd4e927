"""What a ledger was granted is enough for a private training that asks for it, and for no more."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from consentinel import models, protect
from consentinel.core.errors import BudgetRefused

PLANS = (
    "private_logistic:categories=public,steps=5",
    "aggregate_logistic:categories=public,pairs=false",
    "label_private:method=projected,steps=5",
)


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    pytest.importorskip("opendp")
    at = np.arange(400)
    table = pa.table(
        {"a": [f"a{n % 4}" for n in at], "b": [f"b{n % 3}" for n in at], "label": (at % 4 > 1).astype(int)}
    )
    pq.write_table(table, tmp_path / "rows.parquet")
    return tmp_path / "rows.parquet"


def trained(rows: Path, text: str, granted: str) -> str:
    """Train the part and settings of TEXT on ROWS, paid from a new ledger that was GRANTED so much at 1e-6."""
    home, (part, _, settings) = rows.parent, text.partition(":")
    about = {"ledger": str(home / f"ledger {granted} {part}".replace("/", "-")), "dataset": "clicks"}
    protect.ledger("create", ledger=about["ledger"], out=home / "made")
    protect.ledger("grant", **about, unit="event", epsilon=granted, delta="1e-6", out=home / "granted")
    models.train(f"ads/{part}", rows, settings=f"delta=1e-6,{settings}", **about, epoch="all", principal="ads",
                 purpose="tests", out=home / "trained")  # fmt: skip
    return protect.ledger("show", ledger=about["ledger"], out=home / "shown").text


@pytest.mark.parametrize("text", PLANS)
@pytest.mark.parametrize("epsilon", ["2", "1/10"])
def test_a_plan_is_paid_by_what_was_granted_for_it(rows: Path, text: str, epsilon: str) -> None:
    assert "0 free" in trained(rows, f"{text},epsilon={epsilon}", epsilon)
    with pytest.raises(BudgetRefused):
        trained(rows, f"{text},epsilon={epsilon}", "19/10" if epsilon == "2" else "9/100")


def test_what_adds_to_other_questions_leaves_the_rest(rows: Path) -> None:
    told = trained(rows, "private_logistic:categories=public,steps=5,epsilon=1,accounting=filter", "2")
    assert "0 free" not in told


@pytest.mark.parametrize("text", ["private_logistic:method=objective,buckets=8", "label_private:method=response"])
def test_noise_that_is_not_gaussian_is_paid_by_its_price(rows: Path, text: str) -> None:
    assert "0 free" not in trained(rows, f"{text},epsilon=1", "10")
