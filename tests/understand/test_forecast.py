"""Forecasts of counts: no future is used, intervals hold what they say, changes are dated, spikes stand out."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from consentinel.core.errors import UsageError
from consentinel.understand import forecast
from consentinel.understand.forecasting.backtest import mixed, rolled, whole
from consentinel.understand.forecasting.changes import changes
from consentinel.understand.forecasting.conformal import banded, score, unscored
from consentinel.understand.forecasting.outliers import stand_out
from consentinel.understand.forecasting.series import Floats, Series, Step, counted
from consentinel.understand.shelves import FORECASTERS

START = np.datetime64("2015-01-05")


def made(counts: Floats, step: Step = "week") -> Series:
    """Return COUNTS as a series."""
    return Series("(all)", step, START, np.asarray(counts, np.float64))


def poisson(mean: float, n: int, seed: int = 0) -> Floats:
    """Return N counts around MEAN."""
    return np.random.default_rng(seed).poisson(mean, n).astype(np.float64)


def test_steps_are_counted_whole_and_by_segment() -> None:
    dates = np.array(["2026-01-05", "2026-01-11", "2026-01-12", "2026-01-19"], "datetime64[D]")
    codes = np.array([0, 1, 1, 1])
    series = list(counted(dates, codes, ["a", "b"], np.ones(4), "week", np.datetime64("2026-01-20")))
    assert [one.segment for one in series] == ["(all)", "b", "a"]
    assert series[0].counts.tolist() == [2, 1]  # the week from the 19th is cut
    assert str(series[0].day(2)) == "2026-01-19"
    months = next(iter(counted(dates, None, [], np.ones(4), "month", np.datetime64("2026-02-01"))))
    assert (months.counts.tolist(), str(months.start), str(months.day(1))) == ([4], "2026-01-01", "2026-02-01")
    with pytest.raises(UsageError, match="no whole month"):
        list(counted(dates, None, [], np.ones(4), "month", np.datetime64("2026-01-20")))


@pytest.mark.parametrize("name", [n for n in FORECASTERS.names() if not FORECASTERS.take(n).NEEDS])
@pytest.mark.parametrize("step", ["day", "week", "month"])
def test_forecasters_expect_finite_counts_and_see_no_future(name: str, step: Step) -> None:
    part, counts = FORECASTERS.take(name), poisson(6, 130)
    said = rolled(part, made(counts, step), 60, 3)
    assert said.shape == (71, 3)
    assert np.isfinite(said).all()
    assert (said >= 0).all()
    later = counts.copy()
    later[100:] += 50
    again = rolled(part, made(later, step), 60, 3)
    np.testing.assert_array_equal(said[:41], again[:41])
    assert part.expect(made(np.zeros(40), step), 2).tolist() == [0, 0]
    level = part.expect(made(np.full(160, 5.0), step), 4)
    np.testing.assert_allclose(level, 5.0, rtol=5e-3)


def test_a_season_is_learnt() -> None:
    weeks = np.arange(260)
    mean = 20 * (1 + 0.5 * np.sin(2 * np.pi * made(weeks).phase(260 + 26)))
    counts = np.random.default_rng(3).poisson(mean[:260]).astype(np.float64)
    part, flat = FORECASTERS.take("negative_binomial"), FORECASTERS.take("exponential_smoothing")
    off = [float(np.abs(one.expect(made(counts), 26) - mean[260:]).mean()) for one in (part, flat)]
    assert off[0] < 0.6 * off[1]


def test_the_mix_follows_the_better_one_and_knows_no_future() -> None:
    counts = poisson(10, 120)
    good, bad = np.full((71, 2), 10.0), np.full((71, 2), 20.0)
    mean, weights = mixed({"good": good, "bad": bad}, counts, 50)
    np.testing.assert_allclose(weights[:10], 0.5)
    assert weights[-1, 0] > 0.99
    changed = counts.copy()
    changed[100:] = 20
    _, other = mixed({"good": good, "bad": bad}, changed, 50)
    np.testing.assert_array_equal(weights[:51], other[:51])
    point = whole(mean, counts, 50)
    assert (point == np.rint(point)).all()


@pytest.mark.parametrize("level", [0.8, 0.9])
def test_intervals_cover_though_the_level_moves(level: float) -> None:
    mean = np.concatenate([np.full(300, 6.0), np.full(300, 14.0), np.linspace(14, 4, 300)])
    counts = np.random.default_rng(5).negative_binomial(8, 8 / (8 + mean)).astype(np.float64)
    said = rolled(FORECASTERS.take("moving_average"), made(counts), 52, 2)
    bands = banded(said, counts, 52, level)
    for ahead in (0, 1):
        known = ~np.isnan(bands.inside[:, ahead])
        assert known.sum() > 800
        assert abs(bands.inside[known, ahead].mean() - level) < 0.025
        assert bands.mid[known, ahead].mean() < bands.inside[known, ahead].mean()
    ends = bands.low[-1, 0], bands.high[-1, 0]
    assert all(end == np.rint(end) >= 0 for end in ends)
    np.testing.assert_allclose(unscored(score(counts, np.full(900, 3.0)), np.full(900, 3.0)), counts, atol=1e-9)


def test_a_change_is_dated_and_none_is_invented() -> None:
    rng = np.random.default_rng(11)
    counts = rng.negative_binomial(10, 10 / (10 + np.repeat([6.0, 15.0], [90, 70]))).astype(np.float64)
    found = changes(counts)
    assert [abs(change.at - 90) <= 4 for change in found] == [True]
    assert found[0].low <= 90 <= found[0].high
    assert found[0].before < 8 < 12 < found[0].after
    assert found[0].p <= 0.005
    calm = sum(bool(changes(rng.poisson(8, 150).astype(np.float64), seed=at)) for at in range(8))
    assert calm == 0
    linked = np.zeros(200)
    for at in range(1, 200):
        linked[at] = 0.6 * linked[at - 1] + rng.normal(0, 0.3)
    assert len(changes(rng.poisson(np.exp(2 + linked)).astype(np.float64))) <= 1
    assert changes(np.zeros(100)) == []
    assert changes(poisson(5, 10)) == []


def test_what_stands_out_is_named_and_little_else() -> None:
    counts = poisson(5, 300)
    counts[250] = 25
    p, adjusted = stand_out(counts, np.full(300, 5.0))
    assert np.flatnonzero(adjusted <= 0.05).tolist() == [250]
    assert np.isnan(p[:20]).all()


def rows(folder: Path) -> Path:
    """Write a table of dated rows in two segments and return it."""
    rng = np.random.default_rng(7)
    mean = np.repeat([5.0, 12.0], [60, 40])
    dates, kinds = [], []
    for week, count in enumerate(rng.poisson(mean)):
        dates += [START + 7 * week + int(day) for day in rng.integers(0, 7, count)]
        kinds += rng.choice(["lost", "sent"], count, p=[0.3, 0.7]).tolist()
    dates.append(np.datetime64("NaT"))
    kinds.append("lost")
    pq.write_table(
        pa.table({"opened": pa.array(np.array(dates, "datetime64[D]")), "kind": kinds}), folder / "rows.parquet"
    )
    return folder / "rows.parquet"


def test_the_verb_keeps_tables_a_page_and_a_posture(tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = forecast(rows(tmp_path), out=out, segment="kind", horizon=4, forecasters="moving_average,negative_binomial")
    assert done.exit_code == 0
    table = pq.read_table(done.tables["forecasts"])
    ahead = table.filter(pa.compute.greater(table["ahead"], 0))
    assert ahead.num_rows == 3 * 4
    assert ahead["count"].null_count == 12
    assert pq.read_table(done.tables["changes"]).filter(pa.compute.field("segment") == "(all)").num_rows == 1
    tried = pq.read_table(done.tables["backtests"])
    assert set(tried["forecaster"].to_pylist()) == {"moving_average", "negative_binomial", "mix"}
    assert done.text.startswith(("calm: ", "watch: ", "alarm: "))
    assert "rose around" in done.text
    page = (out / "forecast.html").read_text("utf-8")
    assert "<svg" in page
    assert "1 rows without a day" in page
    with pytest.raises(UsageError, match="no column 'day'"):
        forecast(tmp_path / "rows.parquet", out=out, date="day")
    with pytest.raises(UsageError, match="there is: "):
        forecast(tmp_path / "rows.parquet", out=out, forecasters="oracle")
    with pytest.raises(UsageError, match="needs 30"):
        forecast(tmp_path / "rows.parquet", out=out, step="month")
