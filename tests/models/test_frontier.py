"""The frontier: private trainers between the ceiling and the floor, their picture, and what a probability is worth."""

import math
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from consentinel import models
from consentinel.core.errors import UsageError
from consentinel.core.rng import generator
from consentinel.models.frontiers.asked import DEFAULT, epsilons, named, ways
from consentinel.models.frontiers.curve import POINTS, Way, curve
from consentinel.models.frontiers.drawing import picture
from consentinel.models.frontiers.measured import MEASURED, sides
from consentinel.models.frontiers.value import bid_clicks, cut_off_profit
from tests.models.made_pictures import made
from tests.models.made_rows import interactions


def rows(n: int = 4000) -> pa.Table:
    """Rows of which one column says how likely label 1 is."""
    rng = generator(0, "tests.frontier")
    a, b = rng.integers(0, 5, n), rng.integers(0, 2, n)
    label = rng.random(n) < np.array([0.05, 0.1, 0.3, 0.6, 0.9])[a]
    return pa.table({"a": [f"a{v}" for v in a], "b": [f"b{v}" for v in b], "label": label.astype(int)})


def test_more_epsilon_comes_nearer_to_the_ceiling() -> None:
    pytest.importorskip("opendp")
    asked = ways("logistic aggregate_logistic", given="categories=public,buckets=4", delta="1e-6")
    found = curve(rows(), asked, epsilons("0.02 5"), seeds=2)
    assert found.schema == POINTS
    by = {(row["trainer"], row["epsilon"], row["measure"]): row for row in found.to_pylist()}
    assert len(by) == 4 * (1 + 1 + 2)
    for measure in ("explained_entropy", "auc", "cut_off_profit"):
        little, much = (by["aggregate_logistic", epsilon, measure] for epsilon in (0.02, 5.0))
        assert much["loss"] < 0.1 < little["loss"]
        assert by["base rate", None, measure]["loss"] == pytest.approx(1.0)
        assert by["logistic", None, measure]["loss"] == pytest.approx(0.0)
        assert much["low"] <= much["value"] <= much["high"]
    assert by["base rate", None, "auc"]["value"] == pytest.approx(0.5)


def test_recommenders_are_compared_with_a_random_order(tmp_path: Path) -> None:
    pytest.importorskip("opendp")
    pq.write_table(interactions(people=120), tmp_path / "log.parquet")
    done = models.frontier(
        tmp_path / "log.parquet", out=tmp_path / "out", epsilons="0.05 30", seeds=2, k=3,
        trainers="recommend/ease recommend/private_ease recommend/private_als:factors=4",
    )  # fmt: skip
    assert done.exit_code == 0
    found = pq.read_table(tmp_path / "out" / "frontier.parquet").to_pylist()
    by = {(row["trainer"], row["epsilon"], row["measure"]): row["value"] for row in found}
    assert len(by) == 2 * (1 + 1 + 4)
    for measure in ("ndcg", "recall"):
        floor, ceiling = by["random order", None, measure], by["ease", None, measure]
        for name in ("private_ease", "private_als:factors=4"):
            assert by[name, 30.0, measure] > max((floor + ceiling) / 2, by[name, 0.05, measure])
    drawn = ElementTree.parse(tmp_path / "out" / "frontier.svg").getroot()
    assert drawn.tag == "{http://www.w3.org/2000/svg}svg"
    said = [text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert {"ndcg", "recall", "ease (no privacy)", "random order (floor)", "private_ease", "0.05", "30"} <= set(said)


def test_a_random_order_is_what_its_expectation_says() -> None:
    both = sides("recommend", interactions(), 0.25, 3, 0, 0)
    expected = MEASURED["recommend"].trivial(both)
    seen = {(u, i) for u, i in zip(both.train["user"].to_pylist(), both.train["item"].to_pylist(), strict=True)}
    wanted = {(u, i) for u, i in zip(both.test["user"].to_pylist(), both.test["item"].to_pylist(), strict=True)}
    rng, people = generator(0, "tests.frontier"), sorted({user for user, _ in wanted})
    reached = []
    for _ in range(300):
        for user in people:
            left = [f"i{n}" for n in rng.permutation(24) if (user, f"i{n}") not in seen]
            many = sum((user, item) in wanted for item in left)
            best = sum(1 / math.log2(rank + 2) for rank in range(min(3, many)))
            got = sum(1 / math.log2(rank + 2) for rank, item in enumerate(left[:3]) if (user, item) in wanted)
            reached.append((got / best, sum((user, item) in wanted for item in left[:3]) / many))
    assert np.mean(reached, axis=0) == pytest.approx([expected["ndcg"], expected["recall"]], rel=0.05)


def test_rows_that_repeat_are_no_test() -> None:
    log = interactions(people=20)
    both = sides("recommend", pa.concat_tables([log, log]), 0.25, 3, 0, 0)
    assert both.train.num_rows + both.test.num_rows == log.num_rows
    assert both.items == 24


def test_pictures_are_compared_with_the_most_common_class() -> None:
    pytest.importorskip("opendp")
    pictures = made(300)
    public = MEASURED["vision"].public(pictures, 0.25)
    assert public == {"classes": "across|down|plain", "people": "225"}
    asked = ways("vision/scattering_linear vision/private_scattering:width=8,steps=20,rate=20", public=public)
    found = curve(pictures, asked, epsilons("30"), shelf="vision", seeds=2)
    by = {row["trainer"].partition(":")[0]: row["value"] for row in found.to_pylist()}
    assert by["most common class"] < 0.5 < by["private_scattering"]
    assert by["scattering_linear"] > 0.8


def test_what_is_told_goes_before_what_is_read_off_the_rows() -> None:
    way = ways("recommend/private_ease:catalogue=a|b", public={"catalogue": "x|y|z"})[0]
    assert way.made("1").settings.catalogue == "a|b"  # type: ignore[attr-defined]
    way = ways("recommend/private_ease", public={"catalogue": "x|y,z"})[0]
    assert way.made("1").settings.catalogue == "x|y,z"  # type: ignore[attr-defined]


def test_what_is_no_frontier_is_refused() -> None:
    with pytest.raises(UsageError, match="as ceiling"):
        curve(rows(100), ways("private_logistic"), ["1"], seeds=2)
    with pytest.raises(UsageError, match="two seeds"):
        curve(rows(100), ways("logistic"), ["1"], seeds=1)
    with pytest.raises(UsageError, match="cut-off rank"):
        curve(rows(100), ways("logistic"), ["1"], k=0)
    plain = ways("logistic")[0]
    with pytest.raises(UsageError, match="stands as private"):
        curve(rows(100), [plain, Way("other", plain.made)], ["1"], seeds=2)
    with pytest.raises(UsageError, match="named twice"):
        ways("logistic logistic")
    with pytest.raises(UsageError, match="no setting"):
        ways("logistic:clip=1")
    with pytest.raises(UsageError, match="parts of one shelf"):
        ways("ads/logistic recommend/ease")
    for text in ("text", "text/tfidf_linear"):
        with pytest.raises(UsageError, match="no private part"):
            ways(text)
    for text in ("", "1 1", "many"):
        with pytest.raises(UsageError):
            epsilons(text)


def test_a_shelf_alone_stands_for_its_usual_parts() -> None:
    assert named("") == named("ads") == named(DEFAULT["ads"]) == ("ads", DEFAULT["ads"].split())
    for shelf in MEASURED:
        roles = [way.role for way in ways(shelf)]
        assert named(shelf)[0] == shelf
        assert {"ceiling", "private"} == set(roles)


def test_the_picture_holds_values_and_cuts_off_what_lies_far_outside() -> None:
    numbers = [("no", "floor", None, 0.1), ("all", "ceiling", None, 0.9), ("x<y", "private", 1.0, 0.5),
               ("x<y", "private", 8.0, 0.8)]  # fmt: skip
    points = [
        {"trainer": name, "role": role, "epsilon": eps, "measure": "auc", "value": v, "low": v - 40, "high": v + 40}
        for name, role, eps, v in numbers
    ]
    drawn = ElementTree.fromstring(picture(pa.Table.from_pylist(points), "A & B"))
    place = "{http://www.w3.org/2000/svg}"
    (line,) = drawn.iter(f"{place}polyline")
    (x1, y1), (x2, y2) = (map(float, pair.split(",")) for pair in line.attrib["points"].split())
    assert x1 < x2
    assert y2 < y1  # more is higher
    ends = [float(one.attrib[name]) for one in drawn.iter(f"{place}line") for name in ("y1", "y2")]
    assert min(ends) >= 0
    assert max(ends) <= 350
    assert next(text.text for text in drawn.iter(f"{place}text")) == "A & B"


def test_profit_and_clicks_of_known_scores() -> None:
    label = np.tile([1.0, 0.0, 0.0, 0.0], 2500)
    assert cut_off_profit(label, label) == pytest.approx(1.0)
    assert cut_off_profit(label, np.zeros(10_000)) == 0.0
    assert cut_off_profit(label, np.ones(10_000)) == pytest.approx(0.0, abs=1e-9)
    assert cut_off_profit(label, 1 - label) < 0
    assert bid_clicks(label, label, seed=0) == pytest.approx(4 * (1 - 0.75**10), rel=0.03)
    assert bid_clicks(label, np.zeros(10_000), seed=0) == pytest.approx(1.0, abs=0.2)
    with pytest.raises(UsageError, match="same label"):
        cut_off_profit(np.ones(5), np.ones(5))
    with pytest.raises(UsageError, match="slates of 10"):
        bid_clicks(np.array([0.0, 1.0]), np.zeros(2), seed=0)
