"""The trade-off of settings: knobs, the front with its uncertainty, what is kept, and what goes on after a stop."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from consentinel.assure import sweeping, verbs
from consentinel.assure.measure import Measure, Plan
from consentinel.assure.sweeps import points
from consentinel.assure.sweeps.axes import axes, cost
from consentinel.assure.sweeps.front import covered, front, knee, undominated
from consentinel.assure.sweeps.knobs import Setting, settings
from consentinel.assure.sweeps.points import Point, together
from consentinel.assure.sweeps.told import compared, reasons
from consentinel.assure.sweeps.trained import Prepared, disturbed
from consentinel.core.errors import UsageError
from consentinel.core.rng import generator
from consentinel.core.stats import Interval
from tests.assure.made_files import put

AXES = ("utility", "gap", "privacy", "robustness")


# Knobs


def test_knobs_make_a_grid_for_each_trainer_that_has_them() -> None:
    found = settings("recommend/ease recommend/private_ease", "reg=5,50 epsilon=1 fairness=0,1", "recsys")
    names = [one.name for one in found]
    spaced = settings("ads/logistic ads/private_logistic:bounds=x:0:1 y:0:1", "epsilon=1", "tabular")
    assert [one.named for one in spaced] == ["ads/logistic", "ads/private_logistic:bounds=x:0:1 y:0:1,epsilon=1"]
    assert names[:2] == ["ease reg=5 fairness=0", "ease reg=5 fairness=1"]
    assert "private_ease reg=50 epsilon=1 fairness=1" in names
    assert len(found) == 8
    assert found[0].named == "recommend/ease:reg=5"
    assert [one.fairness for one in found[:2]] == [0.0, 1.0]


def test_a_private_part_learns_every_row_once_and_as_it_is() -> None:
    found = settings("ads/logistic ads/private_logistic", "fairness=0,1 noise=0,0.5", "tabular")
    private = [one for one in found if one.trainer == "ads/private_logistic"]
    assert len(found) == 5
    assert [(one.fairness, one.noise) for one in private] == [(0.0, 0.0)]


@pytest.mark.parametrize(
    ("trainers", "knobs", "said"),
    [
        ("recommend/ease", "wrong=1", "has the knob 'wrong'"),
        ("recommend/ease", "noise=1", "has the knob 'noise'"),
        ("recommend/ease", "reg", "name=value"),
        ("recommend/ease", "reg=1 reg=2", "each name once"),
        ("recommend/ease", "fairness=2", "fairness is a number from 0 to 1"),
        ("recommend/ease", "fairness=nan", "fairness is a number"),
        ("recommend/ease:reg=5", "reg=1,2", "or all set it"),
        ("recommend/ease recommend/ease:reg=5", "fairness=0", "the same name"),
        ("recommend/ease", "reg=" + ",".join(map(str, range(1, 50))), "more than 40"),
        ("", "reg=1", "name the part"),
    ],
)
def test_knobs_that_are_none_are_told(trainers: str, knobs: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        settings(trainers, knobs, "recsys")


def test_axes_can_be_others_and_wrong_ones_are_told() -> None:
    usual = axes("tabular", "", attribute="group", positive=True, shadows=0)
    assert [one.name for one in usual] == list(AXES)
    other = axes("tabular", "privacy=private/membership:rmia_auc", attribute="group", positive=True, shadows=8)
    assert (other[2].probe, other[2].metric) == ("private/membership", "rmia_auc")
    for word in ("speed=fair/group:x", "gap=fair/nothing:x", "gap"):
        with pytest.raises(UsageError, match="axes are name="):
            axes("tabular", word, attribute="group", positive=True, shadows=0)


# Costs and the front


def test_costs_run_from_the_ideal_to_the_worst() -> None:
    assert cost(np.array([1.0, 0.25]), "higher", None).tolist() == [0.0, 0.75]
    assert cost(np.array([-0.3, 0.3]), "zero", 0.0).tolist() == pytest.approx([0.3, 0.3])
    assert cost(np.array([0.4, 0.5, 0.75, 1.0]), "lower", 0.5).tolist() == [0.0, 0.0, 0.5, 1.0]


def test_what_the_front_covers_is_exact() -> None:
    rng = np.random.default_rng(3)
    some = rng.random((6, 4))
    thrown = rng.random((200_000, 4))
    share = (some[None] <= thrown[:, None]).all(axis=2).any(axis=1).mean()
    assert covered(some) == pytest.approx(share, abs=0.005)
    assert covered(np.array([[0.25, 0.5]])) == pytest.approx(0.75 * 0.5)
    assert covered(np.array([[0.0, 0.5], [0.5, 0.0], [0.6, 0.6]])) == pytest.approx(0.75)
    assert covered(np.zeros((1, 4))) == 1.0
    assert covered(np.ones((2, 4))) == covered(np.zeros((0, 4))) == 0.0


def test_the_front_is_what_nothing_beats() -> None:
    some = np.array([[0.1, 0.9], [0.5, 0.5], [0.9, 0.1], [0.6, 0.6], [0.5, 0.5]])
    assert undominated(some).tolist() == [True, True, True, False, True]  # equal ones beat nobody
    assert knee(some, np.zeros(2), undominated(some)) == 1
    far = np.array([[0.1, 0.9], [0.11, 0.1]])
    assert knee(far, np.zeros(2), undominated(far)) in (0, 1)
    assert knee(far, np.array([0.5, 0.0]), undominated(far)) == 1  # what may be noise does not decide


def test_chances_of_the_front_are_what_they_say() -> None:
    rng = np.random.default_rng(5)
    said, truly = [], []
    for _ in range(60):
        true = rng.random((6, 4)) * 0.3
        seen = true + rng.normal(0, 0.04, true.shape)
        drawn = seen + rng.normal(0, 0.04, (100, *true.shape))
        said.append(front(seen, drawn, np.full(4, 0.16), 0.95).chance)
        truly.append(undominated(true))
    chance, on = np.concatenate(said), np.concatenate(truly)
    for low, high in ((0.0, 0.4), (0.4, 0.8), (0.8, 1.01)):
        mine = (chance >= low) & (chance < high)
        assert on[mine].mean() == pytest.approx(chance[mine].mean(), abs=0.12)


# Seeds together


def made(value: float, arm: float = 0.02, better: Any = "higher", null: float | None = None) -> Measure:
    return Measure("m", Interval(value, value - arm, value + arm, 100, 0.95, "made"), better=better, null=null)


def test_seeds_add_what_trainings_vary_by_to_what_people_vary_by() -> None:
    setting = Setting("shelf/part")
    alone = together(setting, [[made(0.6)]], 0.95).found[0].estimate
    same = together(setting, [[made(0.6)]] * 3, 0.95).found[0].estimate
    apart = together(setting, [[made(0.58)], [made(0.6)], [made(0.62)]], 0.95).found[0].estimate
    assert alone is not None
    assert same is not None
    assert apart is not None
    assert (same.low, same.high) == pytest.approx((alone.low, alone.high))  # people are the same in all of them
    assert apart.value == pytest.approx(0.6)
    assert apart.high - apart.low > same.high - same.low
    lost = together(setting, [[made(0.6)], [Measure("m", None, why="no")]], 0.95).found[0]
    assert lost.estimate is not None
    assert "1 of 2 seeds could not be measured" in lost.why


def test_seeds_together_cover_the_truth() -> None:
    rng = np.random.default_rng(8)
    hits = []
    for _ in range(2000):
        people = rng.normal(0, 0.01)  # the same people for all trainings
        seen = 0.5 + people + rng.normal(0, 0.01, 3)
        found = together(Setting("a/b"), [[made(float(one), 1.96 * 0.01)] for one in seen], 0.95).found[0].estimate
        assert found is not None
        hits.append(found.low <= 0.5 <= found.high)
    assert 0.93 <= np.mean(hits) <= 0.985


# What is recommended


def swept(*values: tuple[float, float, float, float], arm: float = 0.005) -> Any:
    made_points = [
        Point(
            Setting("shelf/part", turned=(("reg", str(at)),)),
            (made(one[0], arm), made(one[1], arm, "lower", 0.0), made(one[2], arm, "lower", 0.5), made(one[3], arm)), 3,
        )
        for at, one in enumerate(values)
    ]  # fmt: skip
    return compared(made_points, AXES, Plan(draws=200), notes=[])


def test_the_knee_is_recommended_with_reasons_in_words() -> None:
    found = swept((0.80, 0.20, 0.70, 0.7), (0.79, 0.05, 0.56, 0.7), (0.60, 0.04, 0.55, 0.6), (0.5, 0.3, 0.8, 0.5))
    assert found.best is found.points[1]
    assert found.front.on.tolist() == [True, True, True, False]
    assert found.sure
    told = " ".join(reasons(found))
    assert "Recommended: part reg=1." in told
    assert "Against part reg=0, the best in utility" in told
    assert "it loses in utility 0.010" in told
    assert "gap 0.150" in told
    assert "m 0.560 instead of 0.700" in told


def test_what_is_not_decided_is_said() -> None:
    found = swept((0.80, 0.20, 0.6, 0.7), (0.79, 0.19, 0.6, 0.7), (0.78, 0.18, 0.6, 0.7), arm=0.1)
    assert not found.sure
    assert any("The evidence does not decide" in one for one in reasons(found))


def test_an_axis_that_nobody_has_does_not_count_and_a_setting_without_one_is_on_no_front() -> None:
    none = Measure("x", None, why="nothing to attack")
    point = Point(Setting("a/b"), (made(0.8), made(0.1, 0.01, "lower", 0.0), none, made(0.7)), 1)
    lacking = Point(Setting("a/c"), (made(0.9), none, none, made(0.7)), 1)
    found = compared([point, lacking], AXES, Plan(draws=100), notes=[])
    assert found.used == (0, 1, 3)
    assert found.among == (0,)
    assert found.place(1)["on_front"] is None
    assert any("privacy could not be measured" in one for one in found.notes)
    empty = compared([lacking], AXES[2:3] * 4, Plan(draws=100), notes=[])
    assert empty.front is None or empty.best is not None
    alone = compared([Point(Setting("a/b"), (none,) * 4, 1)], AXES, Plan(draws=100), notes=[])
    assert alone.front is None
    assert reasons(alone) == []


# Rows as they are prepared


def test_noise_is_of_the_size_that_was_asked_for() -> None:
    rng = np.random.default_rng(0)
    rows = pa.table({"x": rng.normal(5, 2, 4000), "n": np.arange(4000), "label": ["1"] * 4000})
    moved = disturbed(rows, "tabular", 0.5, 1)
    off = np.asarray(moved["x"]) - np.asarray(rows["x"])
    assert off.std() == pytest.approx(1.0, rel=0.05)
    assert moved["n"].equals(rows["n"])
    assert moved.schema.equals(rows.schema)
    pixels = pa.table({"image": pa.array([[0, 128, 255]] * 500, pa.list_(pa.uint8()))})
    shaken = np.asarray(disturbed(pixels, "vision", 1.0, 1)["image"].combine_chunks().flatten())
    assert shaken.dtype == np.uint8
    assert len(np.unique(shaken)) > 50
    texts = pa.table({"text": ["one two three four five six seven eight nine ten"] * 200})
    left = [len(text.split()) for text in disturbed(texts, "text", 0.2, 1)["text"].to_pylist()]
    assert np.mean(left) == pytest.approx(8, abs=0.3)
    with pytest.raises(UsageError, match="noise changes nothing"):
        disturbed(rows.select(["n", "label"]), "tabular", 0.5, 1)


class Counting:
    """A trainer that tells what it was given."""

    kind = "tabular"

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Any = ()) -> Any:
        """Return the rows."""
        return rows


def test_reweighing_makes_group_and_label_independent() -> None:
    rng = np.random.default_rng(2)
    group = np.where(rng.random(5000) < 0.5, "a", "b")
    label = (rng.random(5000) < np.where(group == "a", 0.8, 0.3)).astype(int)
    rows = pa.table({"group": group.tolist(), "label": label})

    def gap(power: float) -> float:
        got: Any = Prepared(Counting(), "tabular", "group", "1", power).train(rows, seed=1)
        y, g = np.asarray(got["label"]), np.asarray(got["group"].to_pylist())
        return float(y[g == "a"].mean() - y[g == "b"].mean())

    assert gap(0) == pytest.approx(0.5, abs=0.05)
    assert 0.1 < gap(0.5) < 0.4
    assert gap(1) == pytest.approx(0, abs=0.01)


# The verb


def people(n: int, seed: int) -> pa.Table:
    rng = generator(seed, "tests.sweep")
    group = np.where(rng.random(n) < 0.4, "b", "a")
    x = rng.normal(size=n)
    label = (1.5 * x + 0.9 * (group == "a") - 0.3 + rng.normal(size=n) > 0).astype(int)
    return pa.table({"x": x, "w": rng.normal(size=n) + (group == "a"), "group": group.tolist(), "label": label})


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return put(people(400, 1), tmp_path / "learned.parquet"), put(people(400, 2), tmp_path / "data.parquet")


def asked(files: tuple[Path, Path], out: Path, **more: Any) -> Any:
    wanted: dict[str, Any] = {"knobs": "fairness=0,1", "groups": "group", "seeds": 2, "draws": 100} | more
    part = wanted.pop("part", "ads/logistic")
    return verbs.sweep(part, files[1], kind="tabular", learned=files[0], out=out, **wanted)


def test_a_sweep_keeps_a_table_a_page_and_json(tmp_path: Path, files: tuple[Path, Path]) -> None:
    got = asked(files, tmp_path / "s")
    assert got.exit_code == 0
    rows = pq.read_table(got.tables["sweep"]).to_pylist()
    assert len(rows) == 8
    assert {row["axis"] for row in rows} == set(AXES)
    assert all(row["low"] <= row["value"] <= row["high"] for row in rows)
    gaps = {row["setting"]: row["value"] for row in rows if row["axis"] == "gap"}
    assert gaps["logistic fairness=1"] < gaps["logistic fairness=0"]
    said = json.loads(got.tables["json"].read_text())
    assert said["schema"] == "consentinel.sweep/1"
    assert said["recommended"] in gaps
    assert all(math.isfinite(one["axes"]["utility"]["cost"]) for one in said["points"])
    page = got.tables["html"].read_text()
    for words in (
        "Recommended: logistic",
        "Trade-offs",
        "Undominated",
        "Axis by axis",
        "<svg",
    ):
        assert words in page
    assert "Against" in got.text or "best of the front" in got.text


def test_a_stopped_sweep_goes_on_where_it_was(
    tmp_path: Path, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[str] = []
    real = points.made
    monkeypatch.setattr(sweeping, "asked_for", lambda *what: "the same")

    def counted(*given: Any) -> Any:
        if len(trained) == 2:
            raise KeyboardInterrupt
        trained.append(given[2])
        return real(*given)

    monkeypatch.setattr(points, "made", counted)
    got = asked(files, tmp_path / "s")
    assert got.exit_code == 130
    assert "stopped before 2 of 4 trainings" in (tmp_path / "s" / "run.json").read_text()
    trained.clear()
    trained.append("one of before")
    trained.append("another")
    monkeypatch.setattr(points, "made", lambda *given: (trained.append(given[2]), real(*given))[1])
    again = asked(files, tmp_path / "s")
    assert again.exit_code == 0
    assert len(trained) == 4
    wider = asked(files, tmp_path / "s", knobs="fairness=0,1,2")
    assert len(trained) == 6
    assert wider.exit_code == 0


def test_what_cannot_be_trained_is_told_and_the_rest_goes_on(tmp_path: Path, files: tuple[Path, Path]) -> None:
    got = asked(files, tmp_path / "s", part="ads/logistic ads/private_logistic", knobs="epsilon=1", seeds=1)
    assert got.exit_code == 0
    assert "private_logistic epsilon=1: could not be trained" in got.text
    assert "1 of 2 settings lack an axis" in got.text
    assert "one seed only" in got.text


def test_a_private_part_is_paid_for_and_bad_wishes_are_told(tmp_path: Path, files: tuple[Path, Path]) -> None:
    part = "ads/private_logistic:bounds=x:-4:4 w:-4:5"
    got = asked(files, tmp_path / "s", part=part, knobs="epsilon=1,8", seeds=1)
    rows = pq.read_table(got.tables["sweep"]).to_pylist()
    assert sum(row["value"] is not None for row in rows) == 8
    assert not json.loads((tmp_path / "s" / "run.json").read_text())["charges"]
    wrong: tuple[tuple[dict[str, Any], str], ...] = (
        ({"seeds": 0}, "seeds are at least 1"), ({"delta": "two"}, "delta"), ({"axes": "x"}, "no axis"),
    )  # fmt: skip
    for more, said in wrong:
        with pytest.raises(UsageError, match=said):
            asked(files, tmp_path / "t", **more)
