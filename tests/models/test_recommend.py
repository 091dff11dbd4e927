"""What all recommenders on the shelf keep, part by part, and the encoding, matrix and ranking that they share."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentinel.core.errors import BadInput, ContractBroken, UsageError
from consentinel.core.modelfile import ModelFile, from_bytes, load, to_bytes
from consentinel.models.asked import settings, told
from consentinel.models.pieces.best import top
from consentinel.models.pieces.ids import encoded, from_file, positions, to_arrays
from consentinel.models.pieces.logs import log_of
from consentinel.models.rows import RANKED
from consentinel.models.shelves import RECOMMEND

PARTS = {
    "popularity": "", "item_knn": "neighbours=5", "ease": "reg=5", "ials": "factors=4,iterations=3",
    "slim": "l2=5,neighbours=6", "graph_filter": "rank=3",
    "two_stage": "retrievers=ease:reg=5+popularity,depth=5,trees=5,held=0.4",
}  # fmt: skip


def rows(seed: int = 0, people: int = 60, items: int = 15) -> pa.Table:
    """Two tastes: people with even numbers have items with even numbers, mostly, and so for odd ones."""
    rng = np.random.default_rng(seed)
    likes = np.where((np.arange(people)[:, None] + np.arange(items)) % 2, 0.05, 0.6)
    user, item = np.nonzero(rng.random((people, items)) < likes)
    return pa.table({"user": [f"u{u:03}" for u in user], "item": [f"i{i:02}" for i in item]})


def trained(name: str, table: pa.Table | None = None, text: str | None = None, seed: int = 1):
    part = RECOMMEND.take(name)
    asked = settings(part.SETTINGS, PARTS[name] if text is None else text, name)
    return part.trainer(asked).train(rows() if table is None else table, seed=seed)


def lists(ranked: pa.Table) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in ranked.to_pylist():
        found.setdefault(row["query"], []).append(row["item"])
    return found


@pytest.mark.parametrize("name", PARTS)
def test_answers_the_best_unseen_items_in_the_order_asked(name: str) -> None:
    model, table = trained(name), rows()
    queries = pa.table({"query": ["u007", "u002"], "k": pa.array([3, None], pa.int32())})
    ranked = model.predict(queries)
    assert (model.kind, ranked.schema) == ("recsys", RANKED)
    assert np.isfinite(np.asarray(ranked["score"])).all()
    found = lists(ranked)
    assert list(found) == ["u007", "u002"]
    assert len(found["u007"]) == 3
    seen = {"u007": set(), "u002": set()}
    for row in table.to_pylist():
        seen.get(row["user"], set()).add(row["item"])
    assert set(found["u002"]) == {f"i{i:02}" for i in range(15)} - seen["u002"]  # k 20: all there is
    for query in found:
        assert not seen[query] & set(found[query])
        score = [row["score"] for row in ranked.to_pylist() if row["query"] == query]
        assert score == sorted(score, reverse=True)


@pytest.mark.parametrize("name", [name for name in PARTS if name != "popularity"])
def test_learns_the_taste_of_known_people_and_of_strangers(name: str) -> None:
    model, seen = trained(name), {(row["user"], row["item"]) for row in rows().to_pylist()}
    people = [f"u{u:03}" for u in range(60)]
    own = {one: {f"i{i:02}" for i in range(15) if (int(one[1:]) + i) % 2 == 0} for one in people}
    asked = [one for one in people if len({item for item in own[one] if (one, item) not in seen}) >= 2]
    history = [None] * len(asked) + [["i01", "i03", "no such item", "i01"]]
    found = lists(model.predict(pa.table({"query": [*asked, "new"], "k": [2] * len(history), "history": history})))
    assert np.mean([item in own[one] for one in asked for item in found[one]]) > 0.9
    assert all(int(item[1:]) % 2 == 1 for item in found["new"])
    assert not {"i01", "i03"} & set(found["new"])


@pytest.mark.parametrize("name", PARTS)
def test_strangers_without_a_known_history_get_the_most_popular(name: str) -> None:
    model = trained(name)
    queries = pa.table({"query": ["a", "b", "c"], "history": [["no such item"], [], None]})
    found, popular = lists(model.predict(queries)), lists(trained("popularity").predict(queries))
    assert found == popular
    assert list(found) == ["a", "b", "c"]
    assert lists(model.predict(queries.select(["query"]))) == popular


@pytest.mark.parametrize("name", PARTS)
def test_equal_rows_in_any_order_and_seed_give_an_equal_file_that_reads_back(name: str, tmp_path: Path) -> None:
    table = rows()
    shuffled = table.take(np.random.default_rng(5).permutation(len(table)))
    one = trained(name).save(tmp_path / "one")
    two = trained(name, shuffled).save(tmp_path / "two")
    assert one.read_bytes() == two.read_bytes()
    queries = pa.table({"query": ["u001", "u002", "new"], "history": [None, None, ["i03"]]})
    file = load(one, kind=f"models.recommend.{name}")
    read = RECOMMEND.take(name).load(file)
    assert read.predict(queries).equals(trained(name).predict(queries))
    assert file.card == told(settings(RECOMMEND.take(name).SETTINGS, PARTS[name], name)) | {"seed": "1"}


@pytest.mark.parametrize("name", PARTS)
def test_files_of_others_and_lacking_arrays_are_refused(name: str, tmp_path: Path) -> None:
    file = load(trained(name).save(tmp_path / "m"), kind=f"models.recommend.{name}")
    part = RECOMMEND.take(name)
    for dropped in file.arrays:
        with pytest.raises(BadInput):
            part.load(ModelFile(file.kind, "1", "x", {k: v for k, v in file.arrays.items() if k != dropped}, file.card))
    with pytest.raises(BadInput, match=r"of kind 'other'"):
        part.load(ModelFile("other", "1", "x", file.arrays, file.card))


@pytest.mark.parametrize("name", PARTS)
def test_a_plain_trainer_takes_no_ticket(name: str) -> None:
    part = RECOMMEND.take(name)
    with pytest.raises(UsageError, match="takes no ticket"):
        part.trainer(settings(part.SETTINGS, "", name)).train(rows(), seed=1, tickets=[b"paid"])


def test_bad_rows_are_refused_with_what_and_where() -> None:
    table = rows()
    for wrong, error, words in [
        (table.drop_columns("item"), ContractBroken, "no column 'item'"),
        (table.slice(0, 0), BadInput, "there are no rows"),
        (pa.table({"user": ["a", None], "item": ["x", "y"]}), BadInput, "user: 1 of 2 rows have no user"),
        (pa.table({"user": [1], "item": ["x"]}), ContractBroken, "ids as texts"),
        (pa.table({"user": [""], "item": ["x"]}), BadInput, "an id is an empty text"),
        (pa.table({"user": ["a"], "item": ["x"], "weight": [float("nan")]}), BadInput, "1 of 1 weights"),
        (pa.table({"user": ["a"], "item": ["x"], "weight": [-1.0]}), BadInput, "above 0"),
        (pa.table({"user": ["a"], "item": ["x"], "weight": ["1"]}), ContractBroken, "should hold numbers"),
    ]:
        with pytest.raises(error, match=words):
            trained("popularity", wrong)


def test_bad_questions_are_refused() -> None:
    model = trained("popularity")
    for wrong, error, words in [
        (pa.table({"query": ["a", "a"]}), UsageError, "1 queries are asked twice"),
        (pa.table({"query": ["a"], "k": [0]}), UsageError, "at least 1"),
        (pa.table({"query": ["a"], "history": ["i01"]}), ContractBroken, "lists of ids"),
        (pa.table({"user": ["a"]}), ContractBroken, "no column 'query'"),
    ]:
        with pytest.raises(error, match=words):
            model.predict(wrong)


def test_items_stand_by_popularity_and_rows_of_a_pair_add_up() -> None:
    log = log_of(pa.table({"user": ["b", "a", "a", "b", "c"], "item": ["x", "y", "y", "y", "z"],
                           "weight": [1.0, 2.0, None, 1.0, 4.0]}))  # fmt: skip
    assert log.items.to_pylist() == ["y", "x", "z"]
    assert log.matrix.toarray().tolist() == [[3, 0, 0], [1, 1, 0], [0, 0, 4]]
    assert log.people().tolist() == [2, 1, 1]
    less = log.without(np.array([True, False, False, False]))
    assert less.matrix.toarray().tolist() == [[0, 0, 0], [1, 1, 0], [0, 0, 4]]
    assert log.seen().data.tolist() == [1, 1, 1, 1]
    assert log.matrix.data.tolist() == [3, 1, 1, 4]


@given(st.lists(st.text(min_size=1, max_size=3), min_size=1, max_size=30))
def test_ids_of_any_encoding_come_back(ids: list[str]) -> None:
    plain = pa.table({"user": pa.array(ids)})
    chunks = pa.chunked_array([pa.array(ids[:3]), pa.array(ids[3:], pa.string())])
    coded = pa.table({"user": chunks.dictionary_encode()})
    twice = pa.DictionaryArray.from_arrays(pa.array([*range(len(ids))], pa.int32()), pa.array(ids))
    for table in (plain, coded, pa.table({"user": twice})):
        found, place = encoded(table, "user")
        assert found.take(pa.array(place)).to_pylist() == ids
        assert found.to_pylist() == sorted(set(ids), key=str.encode)
    file = from_bytes(to_bytes(ModelFile("k", "1", "x", to_arrays("users", found))))
    assert from_file("users", file).equals(found)
    assert positions(found, pa.array([*ids, None, "none such"]))[-2:].tolist() == [-1, -1]


SCORES = st.lists(st.sampled_from([-np.inf, 0.0, 0.5, 1.0, 3.0]), min_size=6, max_size=6)


@given(st.lists(SCORES, min_size=1, max_size=4), st.integers(1, 8))
def test_top_is_a_stable_sort_without_what_is_hidden(scores: list[list[float]], k: int) -> None:
    rows, columns, values = top(np.array(scores, np.float32), k)
    for at, row in enumerate(scores):
        wanted = [c for c in sorted(range(6), key=lambda c: -row[c]) if row[c] > -np.inf][:k]
        assert columns[rows == at].tolist() == wanted
        assert values[rows == at].tolist() == [row[c] for c in wanted]


def test_scores_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(ContractBroken, match="not numbers"):
        top(np.array([[np.nan, 1]], np.float32), 1)
