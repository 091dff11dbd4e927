"""plan, measure, ledger and audit from the command line: what they keep, what they spend, what they refuse."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from consentinel.cli.app import run
from consentinel.core.tables import RELEASES
from consentinel.protect.auditor import AUDITS
from consentinel.protect.planning import FORECASTS
from consentinel.protect.reach.encoding import encode
from consentinel.protect.reach.hashing import epoch_key
from consentinel.protect.reach.sketch import build
from tests.protect.made_shop import BY_AD, LIFT, PAYER, shop, spent

TABLES = ["--tables", "declared.toml"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shop(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def record(folder: Path, verb: str = "measure") -> Any:
    return json.loads((folder / "runs" / verb / "run.json").read_text("utf-8"))


def test_what_is_planned_is_measured_and_paid(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["protect", "plan", BY_AD, *TABLES, "--units", "300", "--epsilon", "1"]) == 0
    assert spent(here) == 0
    assert pq.read_schema(here / "runs/plan/forecast.parquet").equals(FORECASTS)
    plan = json.loads((here / "runs/plan/plan.json").read_text())
    assert run(["protect", "measure", BY_AD, *TABLES, "--plan", "runs/plan/plan.json", *PAYER]) == 0
    told = capsys.readouterr().out
    price = sum(part["micro_rho"] for part in plan["parts"])
    assert spent(here) == price
    assert f"Spent: {price} micro-rho in 2 charge(s)" in told
    answers = pq.read_table(here / "runs/measure/releases.parquet")
    assert answers.schema.equals(RELEASES)
    assert answers.num_rows == 12
    kept = record(here)
    assert [one["micro_rho"] for one in kept["charges"]] == [part["micro_rho"] for part in plan["parts"]]
    assert all(one["account"] == ["shop", "person", "2026"] for one in kept["charges"])
    assert set(answers["charge"].to_pylist()) == {one["charge"] for one in kept["charges"]}
    assert set(answers["run_id"].to_pylist()) == {kept["run_id"]}
    assert kept["asked"]["question"] == "SQL"
    lines = list(csv.DictReader((here / "runs/measure/answer.csv").read_text("utf-8").splitlines()))
    said = json.loads((here / "runs/measure/answer.json").read_text())
    assert [float(line["value"]) for line in lines] == answers["value"].to_pylist()
    assert [one["value"] for one in said["answers"]] == answers["value"].to_pylist()
    assert said["question"] == plan["digest"]


def test_answers_are_near_the_truth(here: Path) -> None:
    assert run(["protect", "measure", BY_AD, *TABLES, "--epsilon", "2.5", *PAYER]) == 0
    rows = pq.read_table(here / "runs/measure/releases.parquet").to_pylist()
    touches = pq.read_table(here / "touches.parquet")
    for row in rows:
        assert row["low"] - 1e-9 <= row["value"] <= row["high"] + 1e-9
        if row["name"] == "n":
            ad = json.loads(row["group"])["ad_id"]
            true = touches.filter(pa.compute.equal(touches["ad_id"], ad)).num_rows  # bounding leaves some out
            assert 0.6 * true - 60 < row["value"] < true + 60


@pytest.mark.parametrize(
    ("wrong", "code", "says"),
    [
        (["--epsilon=nan"], 2, "'nan' is not a positive number"),
        (["--epsilon=inf"], 2, "'inf' is not a positive number"),
        (["--epsilon=-1"], 2, "'-1' is not a positive number"),
        (["--epsilon=0"], 2, "zero, negative and vanishing"),
        (["--epsilon=1e-320"], 2, "zero, negative and vanishing"),
        (["--epsilon=1e-9"], 2, "less than one micro-rho"),
        (["--rho=1e-6"], 2, "nothing is left for"),
        ([], 2, "either --rho or --epsilon"),
        (["--rho=1", "--epsilon=1"], 2, "either --rho or --epsilon"),
        (["--epsilon=1", "--delta=0"], 2, "delta"),
        (["--epsilon=1", "--delta=1"], 2, "delta is below 1"),
        (["--epsilon=1", "--level=1"], 2, "a level is in"),
        (["--epsilon=1", "--shares=clickz=2"], 2, "did you mean 'clicks'?"),
        (["--epsilon=1", "--shares=n=0"], 2, "shares of n"),
        (["--rho=1", "--law=laplace"], 2, "paid in epsilon"),
        (["--epsilon=1", "--ledger=none"], 5, "there is no such ledger"),
        (["--epsilon=1", "--epoch=2027"], 4, "nothing was granted to shop / person / 2027"),
        (["--epsilon=1", "--dataset=sh op"], 2, "dataset is a name"),
        (["--epsilon=1", "--purpose= "], 2, "purpose"),
        (["--epsilon=9"], 4, "do not fit"),
        (["--epsilon=1", "--groups=-1"], 2, "groups is a whole number"),
    ],
)
def test_what_is_wrong_is_refused_before_anything_is_charged(
    here: Path, capsys: pytest.CaptureFixture[str], wrong: list[str], code: int, says: str
) -> None:
    assert run(["protect", "measure", BY_AD, *TABLES, *PAYER, *wrong]) == code
    assert says in capsys.readouterr().err
    assert spent(here) == 0
    assert record(here)["charges"] == []


@pytest.mark.parametrize(
    ("wrong", "right", "says"),
    [
        ('unit = "id"', 'unit = "who"', "unit names column 'who'"),
        ("low = 0", "low = nan", "not a finite number"),
        ("high = 1", "high = inf", "not a finite number"),
        ("low = 0", "low = 2", "low < high"),
        ("rows = 3", "rows = -3", "whole number"),
        ("ad_id", "ad", "'ad_id'"),
    ],
)
def test_a_wrong_declaration_is_refused_before_anything_is_charged(
    here: Path, capsys: pytest.CaptureFixture[str], wrong: str, right: str, says: str
) -> None:
    file = here / "declared.toml"
    assert wrong in file.read_text()
    file.write_text(file.read_text().replace(wrong, right))
    assert run(["protect", "measure", BY_AD, *TABLES, "--epsilon", "1", *PAYER]) in (2, 5)
    assert says in capsys.readouterr().err
    assert spent(here) == 0


@pytest.mark.parametrize("question", [BY_AD, "lift.toml"])
def test_a_table_that_changed_since_the_plan_is_refused(
    here: Path, capsys: pytest.CaptureFixture[str], question: str
) -> None:
    tables = TABLES if question == BY_AD else []
    assert run(["protect", "plan", question, *tables, "--units", "300", "--epsilon", "1"]) == 0
    for name in ("touches", "publisher"):
        table = pq.read_table(here / f"{name}.parquet")
        pq.write_table(table.slice(1), here / f"{name}.parquet")
    assert run(["protect", "measure", question, *tables, "--plan", "runs/plan/plan.json", *PAYER]) == 5
    assert "is not the one that was planned for. Plan again; nothing was spent" in capsys.readouterr().err
    assert spent(here) == 0


def test_a_plan_binds_the_question_the_budget_and_the_noise(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = here / "runs/plan/plan.json"
    assert run(["protect", "plan", BY_AD, *TABLES, "--units", "300", "--epsilon", "1"]) == 0
    with_plan = [*TABLES, "--plan", str(file), *PAYER]
    assert run(["protect", "measure", BY_AD.replace("avg", "sum"), *with_plan]) == 2
    assert "not the one that was planned" in capsys.readouterr().err
    assert run(["protect", "measure", BY_AD, *with_plan, "--epsilon", "1"]) == 2
    assert "leave out --rho" in capsys.readouterr().err
    assert run(["protect", "measure", BY_AD, *with_plan, "--law", "laplace"]) == 2
    assert "leave out --rho" in capsys.readouterr().err
    changed = json.loads(file.read_text())
    changed["parts"][0]["params"]["sigma_rows"] = "1"
    file.write_text(json.dumps(changed))
    assert run(["protect", "measure", BY_AD, *with_plan]) == 2
    assert "the plan was changed" in capsys.readouterr().err
    file.write_text("{}")
    assert run(["protect", "measure", BY_AD, *with_plan]) == 5
    assert "is no plan" in capsys.readouterr().err
    assert spent(here) == 0


def test_what_fails_after_the_charge_stays_spent_and_says_so(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from consentinel.core.errors import BadInput
    from consentinel.protect import sql_question

    def broken(*_: Any, **__: Any) -> None:
        raise BadInput("the disk is full", where="touches.parquet")

    monkeypatch.setattr(sql_question, "statistics", broken)
    assert run(["protect", "measure", BY_AD, *TABLES, "--epsilon", "1", *PAYER]) == 5
    assert "the disk is full. Mind that the budget was spent" in capsys.readouterr().err
    assert spent(here) > 0
    assert sum(one["micro_rho"] for one in record(here)["charges"]) == spent(here)
    assert not (here / "runs/measure/releases.parquet").exists()


def test_groups_that_are_not_public_are_found_at_a_price(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ask = ["SELECT ad_id, count(*) AS n FROM touches GROUP BY ad_id", "--tables", "found.toml"]
    assert run(["protect", "plan", *ask, "--units", "300", "--epsilon", "2"]) == 0
    assert "are not named" in capsys.readouterr().out
    assert run(["protect", "measure", *ask, "--plan", "runs/plan/plan.json", *PAYER]) == 0
    assert "5e-07 of it for naming groups" in capsys.readouterr().out
    rows = pq.read_table(here / "runs/measure/releases.parquet").to_pylist()
    assert {row["name"] for row in rows} == {"units", "n"}
    assert {row["mechanism"] for row in rows} == {"partitions", "count"}
    assert run(["protect", "measure", *ask, "--epsilon", "1", "--law", "laplace", *PAYER]) == 2
    assert "declare the values of the keys" in capsys.readouterr().err


def test_groups_are_not_named_at_a_larger_delta_than_that_of_the_account(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ask = ["SELECT ad_id, count(*) AS n FROM touches GROUP BY ad_id", "--tables", "found.toml", "--epsilon", "0.1"]
    assert run(["protect", "measure", *ask, *PAYER, "--delta", "0.5"]) == 4
    assert "give a --delta of at most 2e-06" in capsys.readouterr().err
    assert spent(here) == 0
    assert run(["protect", "measure", *ask, *PAYER, "--delta", "2e-6"]) == 0
    assert [one["name"] for one in record(here)["read"]] == ["found.toml"]


def test_nothing_is_named_where_all_groups_are_small(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ask = ["SELECT ad_id, count(*) AS n FROM touches GROUP BY ad_id", "--tables", "found.toml", "--epsilon", "0.05"]
    assert run(["protect", "measure", *ask, *PAYER]) == 0
    assert "No group has enough units to be named" in capsys.readouterr().out


def test_other_aggregates_and_a_pure_law(here: Path) -> None:
    ask = "SELECT median(is_click) AS m, histogram(is_click, 2) AS h, count(DISTINCT id) AS people FROM touches"
    assert run(["protect", "measure", ask, *TABLES, "--epsilon", "1", "--law", "laplace", *PAYER]) == 0
    kinds = pq.read_table(here / "runs/measure/releases.parquet")["mechanism"].to_pylist()
    assert kinds == ["quantiles", "histogram", "histogram", "count"]
    top = "SELECT approx_top_k(ad_id, 2) AS n FROM touches"
    assert run(["protect", "measure", top, *TABLES, "--epsilon", "0.3", *PAYER]) == 0
    values = pq.read_table(here / "runs/measure/releases.parquet")["value"].to_pylist()
    assert values == sorted(values, reverse=True)
    assert len(values) == 2


def test_lift_is_planned_for_a_wanted_width_and_measured(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    guess = ["--units", "1200", "--rate", "0.05", "--spread", "0.25"]
    assert run(["protect", "plan", "lift.toml", "--wanted", "0.05", *guess]) == 0
    assert "the smallest budget: rho" in capsys.readouterr().out
    forecast = pq.read_table(here / "runs/plan/forecast.parquet").to_pylist()
    assert forecast[2]["half_width"] <= 0.05 < forecast[2]["half_width"] * 1.01
    assert [row["detectable"] for row in forecast] == sorted((row["detectable"] for row in forecast), reverse=True)
    assert run(["protect", "measure", "lift.toml", "--plan", "runs/plan/plan.json", *PAYER]) == 0
    rows = {row["name"]: row for row in pq.read_table(here / "runs/measure/releases.parquet").to_pylist()}
    assert set(rows) == {"lift difference", "lift relative", "lift increment"}
    half = (rows["lift difference"]["high"] - rows["lift difference"]["low"]) / 2
    assert 0.02 < half < 0.1
    assert run(["protect", "plan", "lift.toml", "--wanted", "0.00001", *guess]) == 2
    assert "no budget makes 'lift' that precise" in capsys.readouterr().err


def test_columns_are_checked_and_mapped_before_anything_is_charged(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = pq.read_table(here / "publisher.parquet")
    names = ["arm" if name == "test_flag" else name for name in table.column_names]
    pq.write_table(table.rename_columns(names), here / "publisher.parquet")
    for verb in (["plan", "lift.toml", "--units", "1000"], ["measure", "lift.toml", *PAYER]):
        assert run(["protect", *verb, "--epsilon", "1"]) == 5
        assert "publisher.parquet: has no column test_flag. Name it in the column map" in capsys.readouterr().err
    (here / "lift.toml").write_text(LIFT + '[columns.publisher]\ntest_flag = "arm"\n')
    assert run(["protect", "plan", "lift.toml", "--units", "1000", "--epsilon", "1"]) == 0
    assert spent(here) == 0
    assert run(["protect", "measure", "lift.toml", "--epsilon", "1", *PAYER]) == 0
    rows = table.slice(0, 50).set_column(2, "test_flag", pa.array([2] * 50))
    pq.write_table(rows, here / "publisher.parquet")
    (here / "lift.toml").write_text(LIFT)
    before = spent(here)
    assert run(["protect", "measure", "lift.toml", "--epsilon", "0.1", *PAYER]) == 5
    assert "test_flag is neither 0 nor 1 in 50 rows" in capsys.readouterr().err
    assert spent(here) == before


def test_an_extra_that_is_missing_is_told_before_the_charge(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from consentinel.core.errors import MissingExtra
    from consentinel.protect import answering

    def missing(module: str, *, extra: str) -> None:
        raise MissingExtra(f"this needs '{module}': pip install 'consentinel[{extra}]'")

    monkeypatch.setattr(answering, "need", missing)
    assert run(["protect", "measure", "lift.toml", "--epsilon", "1", *PAYER]) == 2
    assert "pip install 'consentinel[protect]'" in capsys.readouterr().err
    assert spent(here) == 0


def test_attribution_and_reach_are_measured(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tables = 'publisher = "touches.parquet"\npartner = "conversions.parquet"\n'
    (here / "ads.toml").write_text(f'measure = "attribution"\n{tables}rule = "last_touch_28d"\nads = [1, 2, 9]\n')
    assert run(["protect", "measure", "ads.toml", "--epsilon", "1", *PAYER]) == 0
    rows = pq.read_table(here / "runs/measure/releases.parquet").to_pylist()
    assert [json.loads(row["group"])["ad"] for row in rows] == [1, 2, 9]
    key = epoch_key(b"k" * 32, "2026")
    ids = pq.read_table(here / "touches.parquet")["id"]
    for at, source in enumerate(("news", "video")):
        (here / f"{source}.sketch").write_bytes(encode(build(ids[at::2], key, source=source)))
    files = "sketches = ['news.sketch', 'video.sketch']\n[unions]\nall = []\nnews = ['news']\n"
    (here / "reach.toml").write_text(f"measure = 'reach'\nepoch = '2026'\n{files}")
    assert run(["protect", "plan", "reach.toml", "--units", "2000", "--epsilon", "1"]) == 0
    assert run(["protect", "measure", "reach.toml", "--plan", "runs/plan/plan.json", *PAYER]) == 0
    rows = pq.read_table(here / "runs/measure/releases.parquet").to_pylist()
    reached = {json.loads(row["group"])["union"]: row for row in rows if row["name"] == "reach 1+"}
    true = len(ids.unique())
    assert abs(reached["all"]["value"] / true - 1) < 0.1
    assert reached["news"]["value"] < reached["all"]["value"]
    before = spent(here)
    assert run(["protect", "measure", "reach.toml", "--epsilon", "0.1", *PAYER, "--epoch", "2027"]) == 2
    assert "give --epoch 2026" in capsys.readouterr().err
    assert run(["protect", "measure", "ads.toml", "--epsilon", "0.1", "--law", "laplace", *PAYER]) == 2
    assert "leave out --law" in capsys.readouterr().err
    assert spent(here) == before


def test_an_experiment_is_planned_before_its_tables_are_there(here: Path) -> None:
    (here / "later.toml").write_text(LIFT.replace("publisher =", "# ").replace("partner =", "# "))
    assert run(["protect", "plan", "later.toml", "--units", "1e5", "--epsilon", "1", "--rate", "0.05"]) == 0
    assert "planned without files" in record(here, "plan")["notes"][0]
    assert run(["protect", "measure", "later.toml", "--plan", "runs/plan/plan.json", *PAYER]) == 2
    assert spent(here) == 0


def test_an_epoch_pays_for_its_own_data_only(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = pq.read_table(here / "touches.parquet")
    years = pa.array((["2025", "2026"] * table.num_rows)[: table.num_rows])
    pq.write_table(table.append_column("year", years), here / "touches.parquet")
    file = here / "declared.toml"
    file.write_text(file.read_text().replace("rows = 3", 'rows = 3\nepoch = "year"') + 'year = { type = "text" }\n')
    ask = ["protect", "measure", "SELECT count(*) AS n FROM touches", *TABLES, "--epsilon", "1", *PAYER]
    assert run(ask) == 2
    assert "add WHERE year = '2026'" in capsys.readouterr().err
    ask[2] += " WHERE year IN ('2025', '2026')"
    assert run(ask) == 2
    assert spent(here) == 0
    ask[2] = "SELECT count(*) AS n FROM touches WHERE year = '2026'"
    assert run(ask) == 0


def test_the_ledger_shows_explains_and_verifies(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["protect", "measure", "lift.toml", "--epsilon", "1", *PAYER]) == 0
    at = ["--ledger", "ledger"]
    assert run(["protect", "ledger", "show", *at]) == 0
    assert "for 'test' by ads, lift" in capsys.readouterr().out
    assert pq.read_table(here / "runs/ledger/used.parquet").to_pylist()[0]["mechanism"] == "lift"
    account = ["--dataset", "shop", "--epoch", "2026", "--principal", "ads", "--purpose", "test"]
    assert run(["protect", "ledger", "explain", *at, *account, "--rho", "1"]) == 4
    assert "The largest question that still fits" in capsys.readouterr().out
    assert run(["protect", "ledger", "verify", *at]) == 0
    assert run(["protect", "ledger", "show", *at, "--dataset", "shop"]) == 2
    assert run(["protect", "ledger", "grant", *at]) == 2
    assert run(["protect", "ledger", "show", "--ledger", "none"]) == 5
    assert "protect ledger create" in capsys.readouterr().err


def test_audits_end_in_what_they_show(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    quick = ["--n", "5000", "--timing", "0"]
    assert run(["protect", "audit", "count", "--epsilon", "1", *quick]) == 0
    assert pq.read_schema(here / "runs/audit/audits.parquet").equals(AUDITS)
    random = np.random.default_rng(1)
    np.save(here / "one.npy", random.normal(0, 1, 5000))
    np.save(here / "two.npy", random.normal(3, 1, 5000))
    pair = ["--outputs", "one.npy", "--outputs", "two.npy"]
    assert run(["protect", "audit", *pair, "--epsilon", "0.5", "--delta", "1e-6"]) == 1
    included = random.random(2000) < 0.5
    scores = included * 5 + random.normal(0, 1, 2000)
    lines = "\n".join(f"{score},{int(bit)}" for score, bit in zip(scores, included, strict=True))
    (here / "canaries.csv").write_text("score,included\n" + lines)
    assert run(["protect", "audit", "--canaries", "canaries.csv", "--epsilon", "0.5", "--delta", "0"]) == 1
    for wrong in (["count"], ["count", "--epsilon", "1", "--rho", "1"], [*pair, "count", "--epsilon", "1"]):
        assert run(["protect", "audit", *wrong]) == 2
    (here / "bad.npy").write_bytes(b"x")
    assert run(["protect", "audit", "--outputs", "one.npy", "--outputs", "bad.npy", "--epsilon", "1"]) == 5
    assert run(["protect", "audit", "--canaries", "declared.toml", "--epsilon", "1"]) == 5
    capsys.readouterr()


def test_questions_come_from_files_too(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "by_ad.sql").write_text(BY_AD)
    assert run(["protect", "plan", "by_ad.sql", *TABLES, "--units", "300", "--rho", "1/100"]) == 0
    assert record(here, "plan")["asked"]["question"] == "by_ad.sql"
    for wrong, code in ((["none.sql", *TABLES], 5), (["lift.toml", *TABLES], 2), ([BY_AD], 2), (["none.toml"], 5)):
        assert run(["protect", "plan", *wrong, "--units", "300", "--rho", "1/100"]) == code
    assert run(["protect", "plan", BY_AD, *TABLES, "--units", "300", "--rho", "1", "--wanted", "1"]) == 2
    assert "leave out --rho" in capsys.readouterr().err
