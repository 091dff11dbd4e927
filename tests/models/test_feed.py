"""The feed: luck is the published generator and replays, the truth is what was made, variants rank as they say."""

from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.core.errors import BadInput, ContractBroken, UsageError
from consentinel.models import asked
from consentinel.models.feed import luck
from consentinel.models.feed.logged import LOG, Log, interactions, logged, table
from consentinel.models.feed.luck import Stream
from consentinel.models.feed.replay import expected, play, shown
from consentinel.models.feed.variants import Variant, _shared, built_in, exploring, of_model
from consentinel.models.feed.world import Feed, World
from consentinel.models.rows import INTERACTIONS, RANKED
from consentinel.models.shelves import RECOMMEND

WORLD = World(Feed(items=60, topics=5, sessions=3, slots=4, logged=20), seed=3)
TRAIN = logged(WORLD, np.arange(10_000, 10_600))
BUILT = ("popularity", "clicks", "satisfaction", "fair")


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((2**32 - 1,) * 4, (2**32 - 1,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_luck_is_philox_as_published(
    counter: tuple[int, ...], key: tuple[int, int], words: tuple[int, int, int, int]
) -> None:
    assert tuple(int(word) for word in luck.philox(counter, key)) == words


def test_luck_is_uniform_and_its_streams_are_unrelated() -> None:
    n = 40_000
    one, two = luck.uniforms(WORLD.key, Stream.CLICK, np.arange(n), 2, 1)
    other, _ = luck.uniforms(WORLD.key, Stream.RETURN, np.arange(n), 2, 1)
    later, _ = luck.uniforms(WORLD.key, Stream.CLICK, np.arange(n), 3, 1)
    for numbers in (one, two, other, later):
        steps = np.abs(np.sort(numbers) - (np.arange(n) + 0.5) / n).max()
        assert steps < 2.2 / np.sqrt(n), "Kolmogorov-Smirnov: a chance below 1 in 10,000"
        assert 0 < numbers.min() < numbers.max() < 1
    table_ = np.corrcoef([one, two, other, later])
    assert np.abs(table_ - np.eye(4)).max() < 4.5 / np.sqrt(n)
    first, second = luck.normals(WORLD.key, Stream.TASTE, np.arange(n))
    assert abs(first.mean()) < 0.03
    assert abs(second.std() - 1) < 0.02
    with pytest.raises(UsageError, match="counted from 0"):
        luck.uniforms(WORLD.key, 0, np.array([-1]))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 2**31), min_size=1, max_size=8, unique=True), st.integers(0, 2**31))
def test_nobodys_luck_depends_on_who_else_is_there(people: list[int], other: int) -> None:
    world = World(Feed(items=12, topics=3, sessions=1, slots=2, logged=4), seed=1)
    whole = logged(world, np.array([*people, other]))
    alone = logged(world, np.array(people))
    np.testing.assert_array_equal(whole.items[:-1], alone.items)
    np.testing.assert_array_equal(whole.clicked[:-1], alone.clicked)
    np.testing.assert_array_equal(whole.crowd.taste[:-1], alone.crowd.taste)


def test_bait_is_clicked_and_not_worth_it_and_groups_like_other_things() -> None:
    crowd = WORLD.crowd(np.arange(3000))
    every = np.tile(np.arange(60), (3000, 1))
    worth, click = WORLD.worth(crowd, every), WORLD.tempting(crowd, every)
    assert (np.abs(worth) < 1).all()
    bait = WORLD.bait > 0
    assert click[:, bait].mean() > 1.3 * click[:, ~bait].mean()
    assert worth[:, bait].mean() < -0.3 < -0.1 < worth[:, ~bait].mean()
    assert abs(crowd.sensitive.mean() - 0.2) < 0.03
    gap = crowd.taste[crowd.sensitive].mean(axis=0) - crowd.taste[~crowd.sensitive].mean(axis=0)
    assert (gap[:3] < -0.7).all()
    assert (gap[3:] > 0.7).all()


def test_the_log_holds_what_a_feed_knows() -> None:
    log = logged(WORLD, np.arange(400))
    rows = table(log)
    assert rows.schema == LOG
    assert rows.num_rows == 400 * 20
    assert rows["satisfaction"].null_count == (~log.clicked).sum()
    assert all(len(set(row)) == 20 for row in log.items.tolist())
    looks = np.bincount(log.items.ravel(), minlength=60)
    assert looks[~WORLD.small].mean() > 1.5 * looks[WORLD.small].mean()
    clicks, worthy = interactions(log), interactions(log, satisfied=True)
    assert clicks.schema == worthy.schema == INTERACTIONS
    assert clicks.num_rows == log.clicked.sum()
    assert worthy.num_rows == (log.clicked & (log.satisfaction > 0)).sum()
    assert min(worthy["weight"].to_pylist()) > 0


def test_equal_arguments_play_the_same_and_another_variant_leaves_the_luck_alone() -> None:
    history = logged(WORLD, np.arange(500))
    items = shown(WORLD, built_in("clicks", WORLD, TRAIN), history)
    again, once = play(WORLD, history.crowd, items.copy()), play(WORLD, history.crowd, items)
    for name in ("satisfaction", "clicks", "sessions", "exposure"):
        np.testing.assert_array_equal(getattr(again, name), getattr(once, name))
    other = items.copy()
    other[:, 0, 0], other[:, 0, 1] = items[:, 0, 1], items[:, 0, 0]
    changed = play(WORLD, history.crowd, other)
    same = (changed.satisfaction == once.satisfaction).mean()
    assert 0.2 < same < 1, "most people do the same where only two places were exchanged"


def test_the_expectation_is_that_of_all_luck() -> None:
    small = World(Feed(items=12, topics=3, sessions=2, slots=2, logged=3), seed=2)
    crowd = small.crowd(np.arange(2))
    items = np.array([[[0, 1], [2, 3]], [[4, -1], [6, 7]]])
    for person in range(2):
        one = replace(
            crowd, numbers=crowd.numbers[[person]], sensitive=crowd.sensitive[[person]], taste=crowd.taste[[person]]
        )
        stays, total = 1.0, 0.0
        for of in items[person]:
            real = np.maximum(of, 0)[None]
            p = np.where(of < 0, 0, small.tempting(one, real)[0] * small.seen_at)
            w = np.where(of < 0, 0, small.worth(one, real)[0])
            ways = [(np.prod(np.where(way, p, 1 - p)), (w * way).sum()) for way in product((0, 1), repeat=2)]
            total += stays * sum(chance * got for chance, got in ways)
            stays *= sum(chance * float(small.returning(np.array(got))) for chance, got in ways)
        assert expected(small, crowd, items)[person] == pytest.approx(total)


def test_what_happens_is_what_was_expected_on_average() -> None:
    history = logged(WORLD, np.arange(5000))
    items = shown(WORLD, built_in("satisfaction", WORLD, TRAIN), history)
    off = play(WORLD, history.crowd, items).satisfaction - expected(WORLD, history.crowd, items)
    assert abs(off.mean()) < 4 * off.std() / np.sqrt(len(off))


def test_variants_are_what_they_are_called() -> None:
    history = logged(WORLD, np.arange(3000))
    played, truth = {}, {}
    for name in BUILT:
        items = shown(WORLD, built_in(name, WORLD, TRAIN), history)
        clicked_before = [set(i[c]) for i, c in zip(history.items, history.clicked, strict=True)]
        flat = items.reshape(len(items), -1)
        assert not any(set(row) & before for row, before in zip(flat.tolist(), clicked_before, strict=True))
        played[name], truth[name] = play(WORLD, history.crowd, items), expected(WORLD, history.crowd, items).mean()
    assert truth["satisfaction"] > truth["clicks"] + 0.5
    assert played["clicks"].clicks.mean() > played["popularity"].clicks.mean()
    first = built_in("fair", WORLD, TRAIN).rank(history, 12)
    needed = np.floor(WORLD.small.mean() * np.arange(1, 13) + 1e-9)
    assert (np.cumsum(WORLD.small[first], axis=1) >= needed).all()


def test_a_fair_order_changes_as_little_as_needed() -> None:
    order = np.array([[0, 1, 2, 3, 4, 5], [3, 4, 0, 1, -1, -1]])
    small = np.array([False, False, False, True, True, True])
    assert _shared(order, small, 0.5, 4).tolist() == [[0, 3, 1, 4], [3, 4, 0, 1]]
    assert _shared(order[1:], small, 0.5, 6).tolist() == [[3, 4, 0, 1, -1, -1]]


def test_exploring_moves_items_and_has_luck_of_its_own() -> None:
    history = logged(WORLD, np.arange(300))
    plain = built_in("clicks", WORLD, TRAIN)
    one, two = (exploring(plain, WORLD, places=3, stream=at).rank(history, 12) for at in (0, 1))
    assert (one != two).any()
    assert all(len(set(row)) == 12 for row in one.tolist())
    little = exploring(plain, WORLD, places=1e-6, stream=0).rank(history, 12)
    np.testing.assert_array_equal(little, plain.rank(history, 12))


@pytest.mark.parametrize("known", [True, False], ids=["people of the training", "strangers with a past"])
def test_any_recommender_of_the_shelf_is_a_variant(known: bool) -> None:
    part = RECOMMEND.take("ease")
    model = part.trainer(asked.settings(part.SETTINGS, "reg=50", "ease")).train(interactions(TRAIN), seed=0)
    history = TRAIN if known else logged(WORLD, np.arange(200))
    items = shown(WORLD, of_model("ease", model, epsilon=2.0), history)
    assert items.shape == (len(history.items), 3, 4)
    before = [set(i[c]) for i, c in zip(history.items, history.clicked, strict=True)]
    assert not any(set(row.ravel()) & seen for row, seen in zip(items, before, strict=True))
    assert of_model("ease", model).epsilon == np.inf


@dataclass(frozen=True)
class Fixed:
    """A model that answers with rows that it was made with."""

    rows: list[tuple[str, str]]
    kind: str = "recsys"

    def predict(self, rows: pa.Table, /) -> pa.Table:
        made = [{"query": query, "item": item, "score": 1.0} for query, item in self.rows]
        return pa.Table.from_pylist(made, RANKED)

    def save(self, path: Path, /) -> Path:
        return path


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([("p0000000007", "i000001")], "not of this feed"),
        ([("p0000000000", "film")], "not of this feed"),
        ([("p0000000000", "i000061")], "that there is not"),
        ([("p0000000000", "i000001")] * 2, "twice"),
        ([("p0000000000", "i000001")] * 13, "more than the 12"),
        ([("p0000000000", "i000001")], "nothing to show to 1"),
    ],
)
def test_a_model_that_does_not_rank_this_feed_is_refused(rows: list[tuple[str, str]], why: str) -> None:
    with pytest.raises(ContractBroken, match=why):
        shown(WORLD, of_model("odd", Fixed(rows)), logged(WORLD, np.arange(2)))


def test_empty_places_satisfy_nobody() -> None:
    history = logged(WORLD, np.arange(2))
    model = Fixed([("p0000000000", "i000001"), ("p0000000001", "i000002")])
    items = shown(WORLD, of_model("short", model), history)
    assert (items[:, 0, 1:] == -1).all()
    assert (play(WORLD, history.crowd, items).clicks <= 1).all()


def test_what_makes_no_feed_is_refused() -> None:
    for wrong in ({"topics": 1}, {"slots": 0}, {"logged": 230}, {"sensitive": 0.0}, {"bait": float("nan")}):
        with pytest.raises(UsageError):
            Feed(**wrong)
    with pytest.raises(UsageError, match="at least one person"):
        logged(WORLD, np.arange(0))
    with pytest.raises(UsageError, match="no built-in variant"):
        built_in("best", WORLD, TRAIN)  # type: ignore[arg-type]
    silent = Log(TRAIN.crowd, TRAIN.items, np.zeros_like(TRAIN.clicked), TRAIN.satisfaction)
    with pytest.raises(UsageError, match="nobody clicked"):
        built_in("clicks", WORLD, silent)
    with pytest.raises(UsageError, match="ranked by a recommender"):
        of_model("text", Fixed([], kind="text"))
    for epsilon in (-1.0, float("nan")):
        with pytest.raises(UsageError, match="epsilon"):
            Variant("x", lambda history, k: history.items, epsilon)
    with pytest.raises((UsageError, BadInput)):
        exploring(built_in("clicks", WORLD, TRAIN), WORLD, places=0, stream=0)
