"""Lift and attribution as private questions: planned for nothing, released for exactly what was paid."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from consentinel.core.errors import BadInput, BudgetRefused, NotSupported, UsageError
from consentinel.core.ledger import Ticket
from consentinel.core.tables import RELEASES
from consentinel.protect.ad_measurements import AskedAttribution, AskedLift, open_tables, plan, question, release
from consentinel.protect.attribution.private import credit_bounds
from consentinel.protect.estimates import Facts
from consentinel.protect.lift.counting import count
from consentinel.protect.simulator import Campaign, simulate
from consentinel.protect.statistic import Bounds

STUDY = simulate(Campaign(people=20_000, base=0.3, added=0.15, clicks=0.3), 6)
BINARY = Bounds(groups=1, rows=1, low=Fraction(0), high=Fraction(1))
RHO = Fraction(1, 2)


def lift_files(folder: Path) -> tuple[Path, Path]:
    pq.write_table(STUDY.lift_publisher, folder / "publisher.parquet")
    pq.write_table(STUDY.lift_partner, folder / "partner.parquet")
    return folder / "publisher.parquet", folder / "partner.parquet"


def attribution_files(folder: Path) -> tuple[Path, Path]:
    pa_csv.write_csv(STUDY.touches, folder / "touches.csv")
    pa_csv.write_csv(STUDY.conversions, folder / "conversions.csv")
    return folder / "touches.csv", folder / "conversions.csv"


def paid(asked: Any, digests: dict[str, str], **changes: Any) -> Ticket:
    params = {name: Fraction(text) for name, text in plan(asked, RHO, Facts(5000)).params}
    ticket = Ticket("book", "entry-1", asked.kind, cast(Any, params), question(asked, digests).digest, 2**60)
    return replace(ticket, **changes)


def test_lift_is_released_with_what_the_ticket_says(tmp_path: Path) -> None:
    connection, digests = open_tables("lift", *lift_files(tmp_path))
    asked = AskedLift("converters", BINARY)
    arms = count(connection).everyone
    exact = arms.test.converters / arms.test.people - arms.control.converters / arms.control.people
    rows = release(connection, asked, digests, paid(asked, digests), run_id="r1")
    assert rows.schema == RELEASES
    found = {row["name"]: row for row in rows.to_pylist()}
    assert set(found) == {"lift difference", "lift relative", "lift increment"}
    difference = found["lift difference"]
    assert difference["low"] < exact < difference["high"]
    assert difference["value"] == pytest.approx(exact, abs=0.003)
    assert difference["group"] == "{}"
    assert (difference["charge"], difference["run_id"]) == ("entry-1", "r1")
    told = plan(asked, RHO, Facts(arms.test.people, mean=arms.test.converters / arms.test.people)).half_width
    assert (difference["high"] - difference["low"]) / 2 == pytest.approx(told, rel=0.1)


def test_cohorts_and_values(tmp_path: Path) -> None:
    connection, digests = open_tables("lift", *lift_files(tmp_path))
    bounds = Bounds(groups=1, rows=1, low=Fraction(0), high=Fraction(10_000), most=Fraction(60_000))
    asked = AskedLift("value", bounds, cohorts=(0, 2, 9))
    rows = release(connection, asked, digests, paid(asked, digests)).to_pylist()
    groups = [row["group"] for row in rows if row["name"] == "lift difference"]
    assert groups == ['{"cohort":0}', '{"cohort":2}', '{"cohort":9}']
    empty = rows[-3]
    assert -10_000 <= empty["low"] <= empty["high"] <= 10_000
    assert empty["high"] - empty["low"] > 5_000, "nobody is in cohort 9, only noise: nearly anything may be"


def test_attribution_per_ad(tmp_path: Path) -> None:
    connection, digests = open_tables("attribution", *attribution_files(tmp_path))
    asked = AskedAttribution("last_touch_28d", credit_bounds(2), (1, 2, 3, 4, 5, 6, 99), way="linear")
    rows = release(connection, asked, digests, paid(asked, digests)).to_pylist()
    exact = dict(connection.execute("SELECT ad, sum(credit) / 1e6 FROM credits GROUP BY ad").fetchall())
    assert [row["group"] for row in rows][-1] == '{"ad":99}'
    errors = np.array([row["value"] - exact.get(ad, 0.0) for ad, row in zip(asked.ads, rows, strict=True)])
    sigma = 2.24  # of the sum: two conversions at four fifths of rho 1/2
    assert 0 < np.abs(errors).max() < 6 * sigma
    assert all(row["low"] <= row["value"] <= row["high"] for row in rows)
    worth = AskedAttribution("last_touch_28d", credit_bounds(2, Fraction(20_000)), (1, 2), of="value")
    assert len(release(connection, worth, digests, paid(worth, digests))) == 2


def test_a_ticket_of_anything_else_is_refused(tmp_path: Path) -> None:
    publisher, partner = lift_files(tmp_path)
    connection, digests = open_tables("lift", publisher, partner)
    asked = AskedLift("converters", BINARY)
    good = paid(asked, digests)
    with pytest.raises(BudgetRefused, match="one question only"):
        release(connection, AskedLift("converters", BINARY, cap=1), digests, good)
    with pytest.raises(BudgetRefused, match="one question only"):
        release(connection, asked, digests, replace(good, mechanism="mean"))
    finer = cast(Any, {"rho": RHO, "sigma_bins": Fraction(1, 2)})
    with pytest.raises(BudgetRefused, match="noise that small"):
        release(connection, asked, digests, replace(good, params=finer))
    with pytest.raises(NotSupported, match="spend rho"):
        release(connection, asked, digests, replace(good, params=cast(Any, {"epsilon": RHO})))
    pq.write_table(STUDY.lift_partner.slice(1), partner)
    connection, changed = open_tables("lift", publisher, partner)
    assert changed["publisher"] == digests["publisher"]
    with pytest.raises(BudgetRefused, match="one question only"):
        release(connection, asked, changed, good)


def test_what_cannot_be_asked_is_refused_before_a_charge(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no rule"):
        AskedAttribution("first_view_9d", credit_bounds(1), (1,))
    with pytest.raises(UsageError, match="no way"):
        AskedAttribution("last_touch_1d", credit_bounds(1), (1,), way="data_driven")
    with pytest.raises(UsageError, match="credit_bounds"):
        plan(AskedAttribution("last_touch_1d", Bounds(2, 1, Fraction(0), Fraction(1)), (1,)), RHO, Facts(10))
    with pytest.raises(UsageError, match="exact positive fraction"):
        plan(AskedLift("converters", BINARY), Fraction(0), Facts(10))
    with pytest.raises(BadInput, match="no such file"):
        open_tables("lift", tmp_path / "none.csv", tmp_path / "none.csv")
    with pytest.raises(UsageError, match="lift and attribution"):
        open_tables(cast(Any, "reach"), tmp_path / "a", tmp_path / "b")


def test_column_maps_are_part_of_the_question(tmp_path: Path) -> None:
    publisher, partner = lift_files(tmp_path)
    renamed = STUDY.lift_publisher.append_column("other", pa.array(1 - np.asarray(STUDY.lift_publisher["test_flag"])))
    pq.write_table(renamed, publisher)
    one = open_tables("lift", publisher, partner)[1]
    other = open_tables("lift", publisher, partner, {"publisher": {"test_flag": "other"}})[1]
    assert one["publisher"] != other["publisher"]
    assert one["partner"] == other["partner"]
