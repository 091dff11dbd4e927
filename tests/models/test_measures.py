"""Effects, segments, look-alike pictures and links are measured from files, beside simple baselines."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from consentinel.core.errors import BadInput, UsageError
from consentinel.models import files, verbs
from consentinel.models.evaluation import effects, ranking, splits
from tests.models.made_graphs import graph
from tests.models.made_pictures import made as pictures
from tests.models.made_rows import interactions, made


def kept(tmp_path: Path, table: pa.Table, name: str = "rows.parquet") -> Path:
    return files.write(table, tmp_path / name)


def metrics(outcome: Any) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["model"], row["metric"]): row for row in pq.read_table(outcome.tables["metrics"]).to_pylist()}


# Effects


def experiment(n: int = 2400, treatment: str = "treatment") -> pa.Table:
    """A treatment that helps those of group b, while those of group a have the outcome anyway."""
    rng = np.random.default_rng(0)
    group, treated = rng.integers(0, 3, n), rng.integers(0, 2, n)
    label = rng.random(n) < np.array([0.6, 0.2, 0.6])[group] + np.array([0.0, 0.3, 0.0])[group] * treated
    return pa.table(
        {
            "group": pa.array(list("abc")).take(pa.array(group)),
            treatment: treated,
            "label": label.astype(np.int64),
            "who": [f"p{at // 2}" for at in range(n)],
        }
    )


def test_effects_beside_the_likeliest_first_and_everyone_alike(tmp_path: Path) -> None:
    rows, asked = kept(tmp_path, experiment(treatment="mailed")), "treatment=mailed,categorical=group"
    got = verbs.evaluate(
        "ads/uplift", rows, out=tmp_path / "e", split="random", share=0.5, settings=asked, person="who"
    )
    table = metrics(got)
    ours, likely, alike = (table[who, "qini"] for who in ("ads/uplift", "likeliest first", "everyone alike"))
    assert ours["low"] > 0.01
    assert ours["n"] == 600  # people, of two rows each
    assert likely["value"] < 0
    assert (alike["value"], alike["low"], alike["high"]) == (0, 0, 0)
    assert table["ads/uplift - likeliest first", "qini"]["low"] > 0
    assert table["ads/uplift", "uplift_30%"]["value"] == pytest.approx(0.3, abs=0.06)
    assert table["everyone alike", "uplift_10%"]["value"] == pytest.approx(0.1, abs=0.04)
    line = pq.read_table(got.tables["uplift_curve"]).to_pylist()
    assert [row["share"] for row in line] == pytest.approx(np.arange(1, 11) / 10)
    assert line[-1]["gain"] == pytest.approx(table["everyone alike", "uplift_30%"]["value"])
    assert all(row["low"] <= row["gain"] <= row["high"] for row in line)
    assert "only where chance decided on 'mailed'" in got.text
    model = verbs.train("ads/uplift", rows, out=tmp_path / "t", settings=asked, split="random").tables
    alone = verbs.evaluate(str(model["model"]), model["held_out"], out=tmp_path / "m", metrics="qini")
    assert {metric for _, metric in metrics(alone)} == {"qini"}
    assert "where --train names what was learned from" in alone.text
    several = metrics(
        verbs.evaluate("ads/uplift", rows, out=tmp_path / "s", split="random", settings=asked, seeds=2, metrics="qini")
    )
    assert several["ads/uplift", "qini"]["n"] == 2


def test_effects_need_a_treatment_and_both_sides_of_it(tmp_path: Path) -> None:
    rows = experiment(400)
    model = verbs.train("ads/uplift", kept(tmp_path, rows), out=tmp_path / "t").tables["model"]
    with pytest.raises(UsageError, match="ads/uplift: no column 'treatment'"):
        verbs.evaluate(str(model), kept(tmp_path, rows.drop_columns(["treatment"]), "n.parquet"), out=tmp_path / "e")
    treated = rows.filter(pc.equal(rows["treatment"], 1))
    with pytest.raises(UsageError, match="all rows have the same treatment"):
        verbs.evaluate(str(model), kept(tmp_path, treated, "a.parquet"), out=tmp_path / "e")


def test_effects_by_hand() -> None:
    treated, label = np.array([1, 0] * 4), np.array([1, 0, 1, 0, 0, 0, 0, 0])
    trial = effects.Trial(treated, label)
    good, wrong = np.arange(8)[::-1] // 2, np.arange(8) // 2
    assert effects.point("uplift_30%", good, trial) == pytest.approx(1)
    assert effects.point("uplift_30%", wrong, trial) == pytest.approx(0)
    assert effects.point("uplift_30%", np.zeros(8), trial) == pytest.approx(0.5)
    assert effects.point("qini", np.zeros(8), trial) == 0
    assert effects.point("qini", good, trial) > 0 > effects.point("qini", wrong, trial)
    gap = effects.difference("qini", good, wrong, trial, seed=0, draws=100)
    assert gap.value == pytest.approx(effects.point("qini", good, trial) - effects.point("qini", wrong, trial))
    with pytest.raises(UsageError, match="no metric 'auc'; there is: qini"):
        effects.point("auc", good, trial)
    with pytest.raises(UsageError, match="label is 0 or 1 in every row, and both are there"):
        effects.Trial(treated, np.zeros(8))


# Segments


def test_segments_beside_the_largest_for_all(tmp_path: Path) -> None:
    rows = kept(tmp_path, interactions(people=60), "log.inter")
    asked = "segments=2,resamples=4,width=4"
    got = verbs.evaluate("users/segments", rows, out=tmp_path / "e", split="random", share=0.5, settings=asked)
    table = metrics(got)
    assert table["users/segments", "same_segment"]["value"] > 0.9
    assert table["the largest for all", "same_segment"]["value"] == pytest.approx(0.5, abs=0.1)
    assert table["users/segments - the largest for all", "same_segment"]["low"] > 0
    stable = table["users/segments", "stability"]
    assert stable["n"] == 4
    assert 0.9 < stable["value"] <= 1
    sizes = pq.read_table(got.tables["segments"]).to_pylist()
    assert [row["segment"] for row in sizes] == ["segment 1", "segment 2"]
    assert sum(row["people"] for row in sizes) == 60
    made = verbs.train("users/segments", rows, out=tmp_path / "t", settings=asked, split="last").tables
    with pytest.raises(UsageError, match="say with --train"):
        verbs.evaluate(str(made["model"]), made["held_out"], out=tmp_path / "m")
    strangers = interactions(people=3).set_column(0, "user", pa.array(["x"] * 24))
    with pytest.raises(UsageError, match="nobody in the held-out rows was learned from"):
        verbs.evaluate(str(made["model"]), kept(tmp_path, strangers), train=rows, out=tmp_path / "m")


# Pictures


def test_pictures_beside_plain_pixels_and_chance(tmp_path: Path) -> None:
    rows = kept(tmp_path, pictures(60))
    got = metrics(verbs.evaluate("vision/nearest", rows, out=tmp_path / "e", split="random", k=4, settings="width=8"))
    assert got["vision/nearest", "precision@4"]["value"] > 0.9
    assert got["random order", "precision@4"]["value"] < 0.6
    assert got["vision/nearest - random order", "precision@4"]["low"] > 0
    assert ("vision/nearest - nearest pixels", "recall@4") in got


def test_a_picture_is_not_found_by_itself_and_needs_a_label(tmp_path: Path) -> None:
    table = pictures(30).append_column("item", pa.array([f"i{at}" for at in range(30)]))
    rows = kept(tmp_path, table)
    model = str(verbs.train("vision/nearest", rows, out=tmp_path / "t", settings="width=8").tables["model"])
    every = metrics(verbs.evaluate(model, rows, train=rows, out=tmp_path / "e", k=29))
    for who in ("vision/nearest", "nearest pixels", "random order"):
        assert every[who, "recall@29"]["value"] == 1  # all others are found, and the picture itself is not among them
        assert every[who, "precision@29"]["value"] == pytest.approx(9 / 29)
    label = pa.array(
        ["new" if at == 0 else None if at == 1 else word for at, word in enumerate(table["label"].to_pylist())]
    )
    at = table.schema.get_field_index("label")
    odd = kept(tmp_path, table.set_column(at, "label", label), "odd.parquet")
    told = verbs.evaluate(model, odd, train=rows, out=tmp_path / "f", k=3)
    assert "2 of 30 held-out pictures have no label that can be found" in told.text
    alike = kept(tmp_path, table.set_column(at, "label", pa.array(["one"] * 30)), "alike.parquet")
    for wrong, learned, words in [
        (rows, None, "say with --train which pictures"),
        (rows, alike, "fewer than two labels"),
        (alike, rows, "there is nothing to find"),
    ]:
        with pytest.raises(UsageError, match=words):
            verbs.evaluate(model, wrong, train=learned, out=tmp_path / "g")
    with pytest.raises(UsageError, match="say with --k"):
        verbs.evaluate(model, rows, train=rows, out=tmp_path / "g", k=0)
    twice = kept(tmp_path, pa.concat_tables([table, table]), "twice.parquet")
    with pytest.raises(BadInput, match="two have the same"):
        verbs.evaluate(model, twice, train=rows, out=tmp_path / "g")


def test_figures_from_hits_are_those_from_pairs() -> None:
    rng = np.random.default_rng(3)
    items, relevant = 12, rng.integers(1, 6, 9)
    order = np.stack([rng.permutation(items) for _ in range(9)])
    truth = [{"query": f"q{at}", "item": f"i{one}"} for at in range(9) for one in range(relevant[at])]
    ranked = [{"query": f"q{at}", "item": f"i{one}"} for at in range(9) for one in order[at]]
    for k in (3, items):
        pairs = ranking.per_query(pa.Table.from_pylist(ranked), pa.Table.from_pylist(truth), k)
        hits = order[:, :k] < relevant[:, None]
        found = ranking.of_hits(pa.array([f"q{at}" for at in range(9)]), hits, relevant.astype(float))
        for metric in ranking.METRICS:
            np.testing.assert_allclose(found[metric], pairs[metric], err_msg=metric)


# Links


def test_links_are_held_out_at_both_ends() -> None:
    rows = graph(30)
    learned, held = splits.split(rows, "random", "links", share=0.3, seed=1)
    assert learned.schema.equals(rows.schema)
    assert held["node"].equals(rows["node"])

    def pairs(table: pa.Table) -> set[tuple[int, int]]:
        return {(at, to) for at, ends in enumerate(table["neighbours"].to_pylist()) for to in ends}

    kept_, hidden = pairs(learned), pairs(held)
    assert kept_ | hidden == pairs(rows)
    assert not kept_ & hidden
    assert {(to, at) for at, to in hidden} == hidden
    assert len(hidden) == 2 * round(0.3 * len(pairs(rows)) / 2)
    with pytest.raises(UsageError, match="links cannot be split by 'last'; there is: random"):
        splits.split(rows, "last", "links")


@pytest.mark.parametrize("name", ["links", "page_rank", "popularity", "common_neighbours"])
def test_link_rankers_beside_the_most_linked_and_common_neighbours(name: str, tmp_path: Path) -> None:
    rows = kept(tmp_path, graph(60))
    got = metrics(verbs.evaluate(f"graph/{name}", rows, out=tmp_path / "e", split="random", k=10))
    beside = {"popularity", "common_neighbours"} - {name}
    assert {who for who, _ in got} == {f"graph/{name}", *beside, *(f"graph/{name} - {one}" for one in beside)}
    ours = got[f"graph/{name}", "recall@10"]
    assert ours["low"] <= ours["value"] <= ours["high"]
    made_ = verbs.train(f"graph/{name}", rows, out=tmp_path / "t", split="random").tables
    same = metrics(
        verbs.evaluate(str(made_["model"]), made_["held_out"], train=made_["training"], out=tmp_path / "m", k=10)
    )
    assert same == got
    asked = pq.read_table(verbs.predict(made_["model"], rows, out=tmp_path / "p", k=3).tables["predictions"])
    assert asked["query"].cast(pa.string()).unique().equals(pq.read_table(rows)["node"].combine_chunks())


def test_links_that_were_learned_from_are_no_news(tmp_path: Path) -> None:
    rows = kept(tmp_path, graph(40))
    made_ = verbs.train("graph/common_neighbours", rows, out=tmp_path / "t", split="random").tables
    model, training = str(made_["model"]), made_["training"]
    part = verbs.evaluate(model, made_["held_out"], train=training, out=tmp_path / "a")
    whole = verbs.evaluate(model, rows, train=training, out=tmp_path / "b")
    assert metrics(part) == metrics(whole)
    assert "held-out links were learned from and are left out" in whole.text
    with pytest.raises(UsageError, match="no held-out link is left"):
        verbs.evaluate(model, training, train=training, out=tmp_path / "c")
    with pytest.raises(UsageError, match="say with --train which links"):
        verbs.evaluate(model, rows, out=tmp_path / "c")
    table = pq.read_table(rows)
    strange = table.set_column(0, "node", pa.array([f"other {at}" for at in range(40)]))
    told = verbs.evaluate(model, kept(tmp_path, strange, "o.parquet"), train=training, out=tmp_path / "d")
    assert "40 of 40 nodes were not learned from" in told.text
    at = table.schema.get_field_index("neighbours")
    far = table.set_column(at, table.schema.field(at), pa.array([[99]] * 40, table.schema.field(at).type))
    with pytest.raises(BadInput, match="40 neighbours are no row of the 40"):
        verbs.evaluate(model, kept(tmp_path, far, "f.parquet"), train=training, out=tmp_path / "d")


def test_what_has_no_meaning_is_refused(tmp_path: Path) -> None:
    rows = kept(tmp_path, made("graph")[0].learn)
    with pytest.raises(UsageError, match="sampled candidates are for recommenders"):
        verbs.evaluate("graph/links", rows, out=tmp_path / "e", split="random", sampled=5)
