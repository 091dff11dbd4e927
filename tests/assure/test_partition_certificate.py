"""Certificates against poisoned rows: the theorem by trying every poisoning of tiny sets, fingerprints, the probe."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations, combinations_with_replacement, product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from consentinel.assure.measure import Measure, Plan
from consentinel.assure.robust import partition_certificate
from consentinel.assure.robust._elections import labelled
from consentinel.assure.robust._fingerprints import fingerprints
from consentinel.assure.robust._partitions import radius
from consentinel.assure.robust._poisoning import attacked_labels
from consentinel.assure.subject import Subject

PLAN = Plan(draws=200, rows=120)


@dataclass(frozen=True)
class Nearest:
    """Says of x what most of its nearest learned rows say, of equal numbers the first label in order of the letters."""

    x: np.ndarray
    label: np.ndarray
    random: Any = None
    kind: str = "tabular"

    def predict(self, rows: pa.Table, /) -> pa.Table:
        said = []
        for x in np.asarray(rows["x"]):
            near = np.abs(self.x - x)
            names, counts = np.unique(self.label[near == near.min()], return_counts=True)
            said.append(str(names[counts.argmax()]))
        score = np.ones(len(said))
        if self.random is not None:
            said = [str(one) for one in self.random.choice(["a", "b"], len(said))]
        return pa.table({"score": score, "label": said})

    def save(self, path: Path, /) -> Path:
        raise AssertionError


@dataclass(frozen=True)
class Trains:
    """Keeps the rows; refuses none at all, as trainers do."""

    random: Any = None
    kind: str = "tabular"

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> Nearest:
        if not rows.num_rows:
            raise ValueError("nothing to learn from")
        return Nearest(np.asarray(rows["x"]), np.array(rows["label"].to_pylist(), dtype=object), self.random)


def table(rows: Sequence[tuple[float, str]]) -> pa.Table:
    return pa.table({"x": pa.array([x for x, _ in rows], pa.float64()), "label": [label for _, label in rows]})


def classifier(learned: pa.Table, asked: pa.Table, trainer: Trains) -> Subject:
    units = pa.table({"unit": [f"row {at}" for at in range(asked.num_rows)]})
    model = trainer.train(learned, seed=0)
    return Subject("tabular", "made", asked, model.predict(asked), np.arange(asked.num_rows), units, learned=learned,
                   model=model, trainer=trainer)  # fmt: skip


def noisy(n: int = 1000, seed: int = 0, trainer: Trains | None = None) -> Subject:
    """Return a classifier of whether x is above 0, whose learned labels are wrong near it."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=2 * n).round(3)
    label = np.where(x + rng.normal(0, 0.3, 2 * n) > 0, "b", "a")
    made = pa.table({"x": x, "label": label.tolist()})
    return classifier(made.slice(0, n), made.slice(n), trainer or Trains())


def named(found: list[Measure], metric: str) -> list[Measure]:
    return [one for one in found if one.metric == metric]


# The theorem


def test_no_change_of_so_many_votes_changes_the_winner_and_one_more_can() -> None:
    labels, tight = ["b", "c", "d"], 0  # a and e are new: nobody gives them before
    for votes in combinations_with_replacement(range(3), 5):
        counts = np.array([np.bincount(votes, minlength=3)])
        winner, safe = (int(one[0]) for one in radius(counts))
        for poisoned in (1, 2, 3):
            wins = set()
            for taken in combinations(range(5), poisoned):
                for given in product("abcde", repeat=poisoned):
                    after = [labels[one] for one in votes]
                    for at, one in zip(taken, given, strict=True):
                        after[at] = one
                    wins.add(min("abcde", key=lambda one, a=after: (-a.count(one), one)))
            if safe >= poisoned:
                assert wins == {labels[winner]}
            elif safe == poisoned - 1:
                assert wins != {labels[winner]}  # the bound is exact
                tight += 1
    assert tight > 10


def test_every_poisoning_of_a_tiny_set_leaves_certified_answers() -> None:
    rng = np.random.default_rng(0)
    places = range(10)
    cells = [(float(x), label) for x in places for label in "ab"]
    asked = table([(float(x), "a") for x in places])
    certified = changed = 0
    for _ in range(3):
        rows = [(float(x), "a" if x < 7 or rng.random() < 0.2 else "b") for x in rng.permutation(places)]
        election = labelled(classifier(table(rows), asked, Trains()), asked, 5, 0)
        before, safe = answered(election), election.right()[1]
        single = [(one,) for one in (*range(len(rows)), *cells)]
        double = [(first[0], other[0]) for first, other in combinations_with_replacement(single, 2)]
        for ways in [*single, *(double[at] for at in rng.permutation(len(double))[:60])]:
            out = {one for one in ways if isinstance(one, int)}
            poisoned = [row for at, row in enumerate(rows) if at not in out]
            poisoned += [one for one in ways if not isinstance(one, int)]
            after = answered(election.poisoned(table(poisoned)))
            held = safe >= len(ways)
            certified += int(held.sum())
            changed += int((before != after).sum())
            assert (before == after)[held].all()
    assert certified > 100
    assert changed > 50


def answered(election: Any) -> np.ndarray:
    """Return whether the election says a, for each row asked."""
    return np.asarray(election.right()[0])


def test_a_flipped_label_is_one_poisoned_row() -> None:
    subject = noisy(60)
    election = labelled(subject, subject.rows.slice(0, 20), 5, 0)
    assert subject.learned is not None
    label = subject.learned["label"].to_pylist()
    label[7] = "b" if label[7] == "a" else "a"
    other = election.poisoned(subject.learned.set_column(1, "label", pa.array(label)))
    assert len(election.parts.changed(other.parts)) == 1


# Fingerprints


def test_fingerprints_depend_on_what_stands_in_a_row_alone() -> None:
    texts, lists = ["a", "", None, "a", "ab"], [[1.0, 2.0], [], None, [1.0, 2.0], [2.0, 1.0]]
    whole = pa.table({"t": texts, "l": pa.array(lists), "n": [0.0, -0.0, None, 0.0, 2.0]})
    found = fingerprints(whole, whole.column_names)
    assert found[0] == found[3]
    assert len(set(found.tolist())) == 4
    for at in range(5):
        assert fingerprints(whole.slice(at, 1), whole.column_names)[0] == found[at]
    coded = whole.set_column(0, "t", whole["t"].combine_chunks().dictionary_encode())
    assert (fingerprints(coded, coded.column_names) == found).all()
    chunked = pa.concat_tables([whole.slice(3), whole.slice(0, 3)])
    assert (fingerprints(chunked, chunked.column_names) == np.roll(found, 2)).all()
    nested = pa.table({"w": pa.array([["ab", "c"], ["a", "bc"], ["ab", "c"]]), "i": pa.array([1, 1, 1], pa.int32())})
    one, two, three = fingerprints(nested, ["w", "i"]).tolist()
    assert one == three != two


def test_fingerprints_of_blocks_are_those_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    rows = pa.table({"image": pa.array([rng.integers(0, 255, n).astype(np.uint8) for n in rng.integers(0, 30, 50)])})
    whole = fingerprints(rows, ["image"])
    monkeypatch.setattr("consentinel.assure.robust._fingerprints._BLOCK", 7)
    assert (fingerprints(rows, ["image"]) == whole).all()


# The probe


def test_certified_accuracy_falls_with_the_budget_and_is_never_above_what_poisoning_leaves() -> None:
    subject = noisy()
    found = list(partition_certificate.probe(subject, PLAN))
    shares = [one.estimate.value for one in named(found, "certified_accuracy") if one.estimate is not None]
    assert len(shares) == len(partition_certificate.BUDGETS)
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > shares[-1]
    assert shares[1] > 0.5
    of = {one.slice: one.estimate for one in named(found, "certified_accuracy")}
    for one in named(found, "poisoned_accuracy"):
        certified = of[one.slice]
        assert one.estimate is not None
        assert certified is not None
        assert certified.value <= one.estimate.value
    assert [one.slice for one in named(found, "accuracy")] == ["model=as given", "model=ensemble of 20 parts"]
    assert found == list(partition_certificate.probe(subject, PLAN))


def test_attacks_do_bite() -> None:
    subject = noisy(200, seed=2)
    election = labelled(subject, subject.rows, 10, 0)
    found = attacked_labels(election, 4, 9, 0)
    assert found.broken == 0
    assert found.right.sum() < election.right()[0].sum()


def test_too_few_rows_and_random_trainers_are_told() -> None:
    subject = noisy()
    assert subject.learned is not None
    (few,) = partition_certificate.probe(replace(subject, learned=subject.learned.slice(0, 50)), PLAN)
    assert few.estimate is None
    assert "at least 150 learned rows" in few.why
    found = list(partition_certificate.probe(noisy(trainer=Trains(np.random.default_rng(0))), PLAN))
    (unsure,) = named(found, "certified_accuracy")
    assert unsure.estimate is None
    assert "not deterministic" in unsure.why


def test_a_part_that_trains_no_model_does_not_vote() -> None:
    asked = table([(0.0, "a"), (5.0, "b")])
    election = labelled(classifier(table([(0.0, "a")] * 3 + [(5.0, "b")]), asked, Trains()), asked, 25, 0)
    assert sum(said is None for said in election.said) >= 23
    right, safe = election.right()
    assert right.tolist() == [True, False] or right.sum() == 1  # two parts vote, of equal votes the first label wins
    assert (safe == 0).all()
