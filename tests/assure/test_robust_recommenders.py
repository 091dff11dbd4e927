"""Invented people, thinner histories and certificates of recommenders, on made ones whose truth is known."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from consentinel.assure.measure import Measure, Plan
from consentinel.assure.robust import partition_certificate, shilling, thinned_histories
from consentinel.assure.robust._genuine import genuine
from consentinel.assure.robust._partitions import ranked_radius
from consentinel.assure.robust._per_person import first_shown, people_mean, shift
from consentinel.assure.robust._poisoning import attacked_lists
from consentinel.assure.robust._profiles import ATTACKS
from consentinel.assure.subject import Subject
from consentinel.core.errors import UsageError

PLAN = Plan(draws=200, rows=60)


@dataclass(frozen=True)
class Shown:
    """Scores an item by how often it stands beside the items of a history; FIXED: always in the order of names."""

    items: list[str]
    beside: np.ndarray
    histories: dict[str, list[int]]
    fixed: bool
    kind: str = "recsys"

    def predict(self, rows: pa.Table, /) -> pa.Table:
        lines, place = [], {name: at for at, name in enumerate(self.items)}
        told = rows["history"].to_pylist() if "history" in rows.column_names else [None] * rows.num_rows
        for query, deep, history in zip(rows["query"].to_pylist(), rows["k"].to_pylist(), told, strict=True):
            seen = self.histories.get(query, [place[item] for item in history or [] if item in place])
            score = -np.arange(len(self.items), dtype=float) if self.fixed else self.beside[seen].sum(axis=0)
            score[seen] = -np.inf
            best = [at for at in np.argsort(-score, kind="stable")[:deep] if np.isfinite(score[at])]
            lines += [{"query": query, "item": self.items[at], "score": float(score[at])} for at in best]
        return pa.Table.from_pylist(lines, pa.schema([("query", "string"), ("item", "string"), ("score", "float64")]))

    def save(self, path: Path, /) -> Path:
        raise AssertionError


@dataclass(frozen=True)
class Trains:
    """Counts what stands beside what, among PEOPLE alone where they are given; RANDOM: never twice the same."""

    people: frozenset[str] = frozenset()
    fixed: bool = False
    random: Any = None
    kind: str = "recsys"

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> Shown:
        pairs = list(zip(rows["user"].to_pylist(), rows["item"].to_pylist(), strict=True))
        items = sorted({item for _, item in pairs})
        place = {item: at for at, item in enumerate(items)}
        histories: dict[str, list[int]] = {}
        for user, item in pairs:
            histories.setdefault(user, []).append(place[item])
        did = np.zeros((len(histories), len(items)))
        for at, (user, seen) in enumerate(histories.items()):
            if not self.people or user in self.people:
                did[at, seen] = 1.0
        beside = did.T @ did
        beside = beside / np.maximum(np.sqrt(np.outer(did.sum(axis=0), did.sum(axis=0))), 1.0)  # cosine
        np.fill_diagonal(beside, 0.0)
        if self.random is not None:
            beside += self.random.random(beside.shape)
        return Shown(items, beside, histories, self.fixed)


def recommender(trainer: Trains, people: int = 160, items: int = 60, seed: int = 0) -> Subject:
    """Return a recommender of two tastes: each person likes one half of the items."""
    rng = np.random.default_rng(seed)
    names = [f"i{at:02d}" for at in range(items)]
    taste = rng.integers(0, 2, people)
    chance = np.where((np.arange(items) % 2)[None, :] == taste[:, None], 0.4, 0.05) * np.linspace(1.2, 0.4, items)
    did = rng.random((people, items)) < chance
    did[np.arange(people), rng.integers(0, 10, people)] = True
    held = did & (rng.random(did.shape) < 0.3)
    held[~(did & ~held).any(axis=1)] = False
    who, what = np.nonzero(did & ~held)
    log = pa.table({"user": [f"p{at}" for at in who], "item": [names[at] for at in what], "time": np.arange(len(who)),
                    "weight": pa.array(np.ones(len(who), np.float32))})  # fmt: skip
    asked = [f"p{at}" for at in range(people)]
    queries = pa.table({"query": asked, "k": pa.array([10] * people, pa.int32()),
                        "history": pa.nulls(people, pa.list_(pa.string()))})  # fmt: skip
    person, thing = np.nonzero(held)
    rows = pa.table({"query": [asked[at] for at in person], "item": [names[at] for at in thing],
                     "label": pa.array(np.ones(len(person)))})  # fmt: skip
    model = trainer.train(log, seed=0)
    return Subject("recsys", "made", rows, model.predict(queries), person.astype(np.intp), pa.table({"unit": asked}),
                   queries=queries, learned=log, model=model, trainer=trainer)  # fmt: skip


def value(found: list[Measure], metric: str, slice: str) -> float:
    one = next(one for one in found if one.metric == metric and one.slice == slice)
    assert one.estimate is not None, one.why
    assert one.estimate.low <= one.estimate.value <= one.estimate.high
    return one.estimate.value


# Invented people


def test_who_learns_from_no_stranger_is_not_moved() -> None:
    subject = recommender(Trains(frozenset(f"p{at}" for at in range(160))))
    found = list(shilling.probe(subject, PLAN))
    moved = [one for one in found if one.metric.startswith("hit_ratio_shift@")]
    assert len(moved) >= 2 * 4 * 2
    for one in moved:
        assert one.estimate is not None
        assert one.estimate.value == 0
        assert one.estimate.low < 0 < one.estimate.high  # nobody of so few moved: not nobody at all
        assert one.p == 1
    assert all(one.estimate is None for one in found if one.metric.startswith("smallest_budget_shown"))


def test_a_recommender_that_counts_is_moved_and_most_by_the_optimised_attack() -> None:
    subject = recommender(Trains())
    found = list(shilling.probe(subject, PLAN))
    budget = max(one.slice.rpartition("=")[2] for one in found if "budget=" in one.slice)
    by = {attack: value(found, "hit_ratio_shift@10", f"attack={attack}, budget={budget}") for attack in ATTACKS}
    assert by["optimised"] > 0.02
    assert by["optimised"] >= max(by["random"], by["average"])
    shown = next(one for one in found if (one.metric, one.slice) == ("smallest_budget_shown@10", "attack=optimised"))
    assert shown.estimate is not None, shown.why
    assert shown.estimate.low == 0
    assert found == list(shilling.probe(subject, PLAN))


def test_profiles_are_real_histories_without_their_target() -> None:
    subject = recommender(Trains())
    people = genuine(subject, 0)
    targets = np.array([50, 55, 59])
    for attack in ATTACKS.values():
        items, weights = attack(people, targets, 4, 12, 0)
        assert items.shape == weights.shape
        assert items.shape[:2] == (3, 4)
        assert not np.isin(items, targets).any()
        assert all(len(set(one)) == len(one) for one in items.reshape(12, -1).tolist())
        log = shilling._invented(people, targets, (items, weights), 2, 0)
        assert log.schema == people.log.schema
        assert log.num_rows == 6 * (items.shape[2] + 1)
        assert not set(log["user"].to_pylist()) & set(people.users.to_pylist())
        assert log["time"].null_count == log["weight"].null_count == 0


def test_too_few_people_are_refused_with_a_reason() -> None:
    subject = recommender(Trains())
    assert subject.learned is not None
    with pytest.raises(UsageError, match="at least 20 people"):
        list(shilling.probe(replace(subject, learned=subject.learned.slice(0, 40)), PLAN))


# Thinner and noisier histories


def test_what_was_dropped_is_not_counted_as_shown() -> None:
    subject = recommender(Trains(fixed=True))
    for one in thinned_histories.probe(subject, PLAN):
        if one.slice.startswith("dropped"):
            assert one.estimate is not None
            assert one.estimate.value == pytest.approx(0, abs=1e-12)


def test_thin_histories_cost_quality() -> None:
    found = list(thinned_histories.probe(recommender(Trains()), PLAN))
    assert value(found, "ndcg@10", "histories=whole") > 0.3
    assert value(found, "ndcg@10_shift", "dropped=50%") < value(found, "ndcg@10_shift", "dropped=10%") < 0.02


# Intervals of few


@pytest.mark.parametrize("rate", [0.002, 0.02, 0.2])
def test_intervals_cover_where_few_people_move(rate: float) -> None:
    rng = np.random.default_rng(3)
    plan, runs, hits = Plan(draws=200), 150, 0
    for _ in range(runs):
        one = shift("shift", (rng.random(300) < rate) * rng.choice([0.5, 1.0], 300), "", plan, better="lower").estimate
        assert one is not None
        hits += one.low <= 0.75 * rate <= one.high
    assert hits >= 0.9 * runs


def test_means_of_few_are_bounded_and_the_first_shown_size_is_corrected() -> None:
    none = people_mean(np.zeros(50), Plan())
    assert (none.value, none.low) == (0, 0)
    assert none.high == pytest.approx(1 - 0.025 ** (1 / 50))
    still, moved = (shift("s", np.full(50, at), "", Plan(), better="lower") for at in (0.0, 0.3))
    found = first_shown("least", [0.01, 0.02, 0.03], [still, moved, moved], "", 1, Plan(), "")
    assert found.estimate is not None
    assert (found.estimate.value, found.estimate.low) == (0.02, 0)
    assert first_shown("least", [0.01], [moved], "", -1, Plan(), "").estimate is None


# Certificates


@pytest.mark.parametrize("k", [1, 2])
def test_no_change_of_so_many_lists_breaks_a_ranked_certificate(k: int) -> None:
    items = 4  # the last one is new: nobody names it before
    lists = [frozenset(one) for one in combinations(range(items - 1), k)]
    every = [frozenset(one) for one in combinations(range(items), k)]
    tight = 0
    for ballots in product(lists, repeat=4):
        counts = np.array([[sum(item in one for one in ballots) for item in range(items - 1)]])
        safe = ranked_radius(counts, k)[0]
        for poisoned in (1, 2):
            outs = set()
            for which in combinations(range(4), poisoned):
                for new in product(every, repeat=poisoned):
                    after = list(ballots)
                    for at, one in zip(which, new, strict=True):
                        after[at] = one
                    votes = [sum(item in one for one in after) for item in range(items)]
                    for new_first in (False, True):  # where the new item's name stands
                        names = [*range(items - 1), -1 if new_first else items]
                        order = sorted(range(items), key=lambda at, v=votes, n=names: (-v[at], n[at]))
                        top = {at for at in order[:k] if votes[at]}
                        outs |= {at for at in range(items - 1) if at not in top}
            for item in range(items - 1):
                if safe[item] >= poisoned:
                    assert item not in outs, (ballots, item, poisoned)
                    tight += 1
    assert tight  # something was certified


def test_certified_lists_survive_invented_people() -> None:
    subject = recommender(Trains())
    plan = replace(PLAN, rows=160)
    found = list(partition_certificate.probe(subject, plan))
    recall = [value(found, "certified_recall@10", f"poisoned people={budget}") for budget in (0, 1, 2, 5, 10)]
    assert recall[0] > recall[1] > 0
    assert recall == sorted(recall, reverse=True)
    for budget in partition_certificate.ATTACKED:
        certified = value(found, "certified_recall@10", f"poisoned people={budget}")
        assert certified <= value(found, "poisoned_recall@10", f"poisoned people={budget}")
    election = partition_certificate.election_of(subject, plan)
    assert isinstance(election, partition_certificate.Listed)
    attack = attacked_lists(election, 3, 6, 1)
    assert attack.broken == 0
    assert attack.right.sum() < (election.right()[2] >= 0).sum()  # the attack does take items away


def test_a_trainer_that_is_never_twice_the_same_certifies_nothing() -> None:
    subject = recommender(Trains(random=np.random.default_rng(0)))
    found = list(partition_certificate.probe(subject, PLAN))
    one = next(one for one in found if one.metric == "certified_recall@10")
    assert one.estimate is None
    assert "not deterministic" in one.why


def test_orders_of_rows_do_not_matter() -> None:
    subject = recommender(Trains())
    assert subject.learned is not None
    shuffled = subject.learned.take(pa.array(np.random.default_rng(0).permutation(subject.learned.num_rows)))
    one, other = (
        partition_certificate.election_of(replace(subject, learned=log), PLAN) for log in (subject.learned, shuffled)
    )
    assert isinstance(one, partition_certificate.Listed)
    assert isinstance(other, partition_certificate.Listed)
    assert (one.right()[2] == other.right()[2]).all()
