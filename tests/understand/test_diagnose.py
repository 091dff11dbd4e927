"""What moved: the right slice is named, the smallest that explains it all, and nothing where nothing moved."""

from itertools import product
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from consentinel.core.errors import UsageError
from consentinel.understand import diagnose
from consentinel.understand.diagnosing.explain import Moved, contributions, explained
from consentinel.understand.diagnosing.scan import Windows, scanned
from consentinel.understand.diagnosing.slices import Rows, members, sliced

BEFORE, AFTER = 28, 14
WINDOWS = Windows(np.arange(BEFORE + AFTER) >= BEFORE, np.ones(BEFORE + AFTER), np.zeros(BEFORE + AFTER, np.int64))
FACTORS = dict[tuple[str, ...], float]


def made(moves: FACTORS, seed: int = 0, totals: bool = False, mean: float = 20.0) -> Rows:
    """Return daily counts of 3 SDKs in 4 countries; the cells that hold all of a key's values move by its factor."""
    rng = np.random.default_rng(seed)
    sdks, countries = ["ads", "chat", "map"], ["AT", "BE", "CH", "DE"]
    cells = list(product(range(3), range(4)))
    days = BEFORE + AFTER
    at = np.tile(np.arange(days), len(cells))
    rate = np.full((len(cells), days), mean)
    for cell, (sdk, country) in enumerate(cells):
        for key, factor in moves.items():
            if set(key) <= {sdks[sdk], countries[country]}:
                rate[cell, BEFORE:] *= factor
    counts = rng.poisson(rate).astype(np.float64).ravel()
    codes = {
        "sdk": np.repeat([sdk for sdk, _ in cells], days),
        "country": np.repeat([country for _, country in cells], days),
    }
    of = rng.poisson(200, counts.shape).astype(np.float64) if totals else None
    return Rows(at, counts, of, days, codes, {"sdk": sdks, "country": countries})


def moved(rows: Rows, **asked: float) -> Moved:
    """Return what moved in ROWS."""
    return explained(rows, WINDOWS, depth=2, alarm=0.02, level=0.95, draws=199, seed=0)


@pytest.mark.parametrize(
    ("moves", "named"),
    [
        ({("ads",): 1.6}, [(("sdk", "ads"),)]),
        ({("DE",): 0.5}, [(("country", "DE"),)]),
        ({("chat", "CH"): 2.2}, [(("sdk", "chat"), ("country", "CH"))]),
        ({(): 1.3}, [()]),
        ({("ads",): 2.0, ("DE",): 0.4}, [(("sdk", "ads"),), (("country", "DE"),)]),
    ],
)
@pytest.mark.parametrize("totals", [False, True])
def test_the_slice_that_moved_is_named(moves: FACTORS, named: list[object], totals: bool) -> None:
    found = moved(made(moves, totals=totals))
    assert [cause.slice.of for cause in found.causes][: len(named)] == named
    first = found.causes[0]
    assert first.p <= 0.01
    if len(moves) == 1:
        assert len(found.causes) == 1
        assert first.factor.low <= next(iter(moves.values())) <= first.factor.high
        assert 0.6 <= first.share.value <= 1.5
        assert first.share.low <= first.share.value <= first.share.high


def test_nothing_is_named_where_nothing_moved() -> None:
    assert sum(bool(moved(made({}, seed)).causes) for seed in range(15)) <= 1


def test_a_common_noise_of_days_is_no_shift() -> None:
    rows = made({}, 4)
    noisy = np.random.default_rng(9).gamma(8, 1 / 8, rows.steps)
    shaken = Rows(rows.at, np.rint(rows.counts * noisy[rows.at]), None, rows.steps, rows.codes, rows.names)
    assert not moved(shaken).causes


def test_equal_rows_are_one_slice_and_small_ones_none() -> None:
    rows = made({})
    same = Rows(rows.at, rows.counts, None, rows.steps, {**rows.codes, "app": rows.codes["sdk"]},
                {**rows.names, "app": ["x", "y", "z"]})  # fmt: skip
    found = sliced(same, 2)
    merged = {str(one): [str(other) for other in also] for one, also in zip(found.slices, found.same, strict=True)}
    assert "app = x" in merged["sdk = ads"]
    assert len(found.slices) == 1 + 3 + 4 + 12
    few = Rows(rows.at, rows.counts * (rows.codes["sdk"] > 0) * 1.0, None, rows.steps, rows.codes, rows.names)
    assert sliced(few, 1).left == 1
    inside = members(rows, found.slices[1])
    assert inside.sum() == 4 * rows.steps


def test_the_scan_is_the_binomial_likelihood_ratio() -> None:
    rows = made({("ads",): 1.5}, mean=200.0)
    slices = sliced(rows, 1)
    scan = scanned(slices, WINDOWS, draws=99, seed=0)
    at = [str(one) for one in slices.slices].index("sdk = ads")
    before, after = slices.counts[at, :BEFORE].sum(), slices.counts[at, BEFORE:].sum()
    share = AFTER / (BEFORE + AFTER)
    likelihood = pytest.importorskip("scipy.stats").binom.logpmf
    total = before + after
    ratio = likelihood(after, total, after / total) - likelihood(after, total, share)
    price = np.log(7)
    assert scan.scores[at] + price <= ratio * (1 + 1e-9)
    assert scan.scores[at] + price > 0.6 * ratio
    assert scan.p == 0.01
    parts = dict(contributions(rows, WINDOWS, level=0.95, seed=0))
    assert parts["sdk"][0].slice.of == (("sdk", "ads"),)
    assert sum(cause.added.value for cause in parts["country"]) == pytest.approx(
        sum(cause.added.value for cause in parts["sdk"])
    )


def test_the_verb_keeps_causes_and_a_page(tmp_path: Path) -> None:
    rows = made({("map", "BE"): 2.5})
    days = np.datetime64("2026-03-02") + rows.at
    table = pa.table({
        "opened": pa.array(days), "n": rows.counts.astype(np.int64),
        **{name: np.array(rows.names[name])[codes] for name, codes in rows.codes.items()},
    })  # fmt: skip
    pq.write_table(table, tmp_path / "rows.parquet")
    out = tmp_path / "out"
    asked = {"weight": "n", "at": "2026-03-30", "out": out, "draws": 199}
    done = diagnose(tmp_path / "rows.parquet", dimensions="sdk,country", **asked)
    assert "sdk = map & country = BE moved" in done.text
    causes = pq.read_table(done.tables["causes"])
    assert causes["rank"].to_pylist()[:2] == [0, 1]
    assert causes["slice"].to_pylist()[1] == "sdk = map & country = BE"
    assert causes.num_rows == 2 + 3 + 4
    assert "<svg" in (out / "diagnosis.html").read_text("utf-8")
    unnamed = diagnose(tmp_path / "rows.parquet", dimensions="sdk", weight="n", out=out, draws=99)
    assert any("--at was not named" in note for note in unnamed.run.notes)
    with pytest.raises(UsageError, match="no column 'version'"):
        diagnose(tmp_path / "rows.parquet", dimensions="version", out=out)
    with pytest.raises(UsageError, match="not inside the table"):
        diagnose(tmp_path / "rows.parquet", dimensions="sdk", at="2020-01-01", out=out)
    with pytest.raises(UsageError, match="draws at least"):
        diagnose(tmp_path / "rows.parquet", dimensions="sdk", draws=10, out=out)
