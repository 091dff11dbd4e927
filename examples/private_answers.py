"""Plan a private question, grant a budget, pay for the answer, and see what is left; on data made here."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq

from consentinel import protect
from consentinel.protect.simulator import Campaign, simulate

QUESTION = """
measure = "lift"
publisher = "publisher.parquet"
partner = "partner.parquet"
outcome = "conversions"
high = "4"
"""


@dataclass(frozen=True)
class Answered:
    """The expected and the real half width of the lift, the lift with its true value, and what the ledger says."""

    expected: float
    value: float
    low: float
    high: float
    truth: float
    ledger: str


def main(people: int = 40_000) -> Answered:
    """Ask what an ad brought, privately, at epsilon 1 of a granted 3."""
    study = simulate(Campaign(people=people), 1)
    with TemporaryDirectory() as folder:
        home = Path(folder)
        pq.write_table(study.lift_publisher, home / "publisher.parquet")
        pq.write_table(study.lift_partner, home / "partner.parquet")
        question, ledger = home / "lift.toml", str(home / "ledger")
        question.write_text(QUESTION, "utf-8")

        planned = protect.plan(str(question), units=people / 3, epsilon="1", rate=0.07, spread=0.3, out=home / "plan")
        expected = pq.read_table(planned.tables["forecast"]).to_pylist()[2]["half_width"]

        protect.ledger("create", ledger=ledger, out=home / "made")
        protect.ledger("grant", ledger=ledger, dataset="campaign", epsilon="3", out=home / "granted")
        measured = protect.measure(
            str(question), plan=planned.tables["plan"], ledger=ledger, dataset="campaign", epoch="all",
            principal="ads", purpose="what the ad brought", out=home / "measured",
        )  # fmt: skip
        row = pq.read_table(measured.tables["releases"]).to_pylist()[0]
        told = protect.ledger("show", ledger=ledger, out=home / "shown").text
    return Answered(expected, row["value"], row["low"], row["high"], study.true_difference, told)


if __name__ == "__main__":
    found = main()
    print(f"planned   +-{found.expected:.4f} conversions per person")
    print(
        f"measured  {found.value:.4f}  95% interval {found.low:.4f} to {found.high:.4f}; the truth is {found.truth:.4f}"
    )
    print(found.ledger)
