"""A made-up shop for the tests of the verbs: tables on disk, declarations, a ledger with a budget."""

from pathlib import Path

import pyarrow.parquet as pq

from consentinel.cli.app import run
from consentinel.protect.simulator import Campaign, simulate

__all__ = ["BY_AD", "LIFT", "PAYER", "shop", "spent"]

DECLARED = """
[private.touches]
files = ["touches.parquet"]
unit = "id"
groups = 2
rows = 3
[private.touches.columns]
id = {}
ad_id = { values = [1, 2, 3, 4, 5, 6] }
is_click = { low = 0, high = 1 }
"""
LIFT = """
measure = "lift"
publisher = "publisher.parquet"
partner = "partner.parquet"
outcome = "conversions"
high = "4"
"""
BY_AD = "SELECT ad_id, count(*) AS n, avg(is_click) AS clicks FROM touches GROUP BY ad_id"
PAYER = ["--ledger", "ledger", "--dataset", "shop", "--epoch", "2026", "--principal", "ads", "--purpose", "test"]


def shop(folder: Path, *, epsilon: str = "3", people: int = 3000) -> None:
    """Write the tables of a shop, questions about it and a ledger that grants EPSILON to its data of 2026 to FOLDER."""
    study = simulate(Campaign(people=people), 1)
    tables = {"publisher": study.lift_publisher, "partner": study.lift_partner, "touches": study.touches}
    for name, table in {**tables, "conversions": study.conversions}.items():
        pq.write_table(table, folder / f"{name}.parquet")
    (folder / "declared.toml").write_text(DECLARED)
    (folder / "found.toml").write_text(DECLARED.replace("values = [1, 2, 3, 4, 5, 6]", ""))
    (folder / "lift.toml").write_text(LIFT)
    ledger = str(folder / "ledger")
    logs = ["--out", str(folder / "runs" / "ledger")]
    assert run(["protect", "ledger", "create", "--ledger", ledger, *logs]) == 0
    account = ["--dataset", "shop", "--epoch", "2026", "--epsilon", epsilon]
    assert run(["protect", "ledger", "grant", "--ledger", ledger, *account, *logs]) == 0


def spent(folder: Path) -> int:
    """Return how many micro-rho the ledger in FOLDER says are spent."""
    from consentinel.core.ledger_opening import opened

    with opened(str(folder / "ledger")) as book:
        return sum(budget.spent for budget in book.accounts().values())
