"""A model as an audit asks it: it never sees the label, its score is that of the positive label, bad rows are told."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.assure.subject import RANKED_KINDS
from consentinel.core.columns import one
from consentinel.core.errors import ConsentinelError, ContractBroken
from consentinel.core.model_contracts import (
    Bounded,
    Differentiable,
    LinearRecommender,
    Model,
    Trainer,
    TreeEnsemble,
)

__all__ = ["Asked", "AskedTrainer", "Meaning", "answers", "labels", "said", "wrapped"]

MOST = 256  # times that a model which raises is asked again for fewer rows


@dataclass(frozen=True)
class Meaning:
    """What a classifier's score is about: the positive label already, the label that it gives, or one probability."""

    positive: str = ""
    others: str = ""  # the other label, where there are two
    column: int | None = None  # of the probabilities
    of_label: bool = False

    def applied(self, answers: pa.Table) -> pa.Table:
        """Return ANSWERS with text labels and, where there is a positive label, its score."""
        names = answers.column_names
        score = np.asarray(one(answers["score"]).cast(pa.float64()), dtype=np.float64) if "score" in names else None
        if score is None:
            return answers
        if "label" not in names:
            if not self.positive or not self.others:
                raise ContractBroken("it answers scores without labels; say which label they are of with --positive")
            label = pa.array(np.where(score >= 0.5, self.positive, self.others), pa.string())
            return answers.append_column("label", label)
        label = labels(answers["label"])
        answers = answers.set_column(names.index("label"), "label", label)
        if not self.positive:
            return answers
        if self.column is not None and "probabilities" in names:
            table = np.asarray(one(answers["probabilities"]).flatten().cast(pa.float64())).reshape(len(score), -1)
            score = table[:, self.column] if self.column < table.shape[1] else score
        elif self.of_label:
            score = np.where(np.asarray(pc.equal(label, self.positive)), score, 1 - score)
        return answers.set_column(names.index("score"), "score", pa.array(score))


def said(answers: pa.Table, positive: str, known: Sequence[str], classes: Sequence[str]) -> Meaning:
    """Return what the score of ANSWERS means; KNOWN are the labels of the data, CLASSES those of the model, or none.

    Scores below one half where another label is given can only be of the positive label.
    """
    if not positive:
        return Meaning()
    others = [label for label in known if label != positive]
    rest = others[0] if len(others) == 1 else ""
    if "label" not in answers.column_names:
        return Meaning(positive, rest)
    label = np.asarray(labels(answers["label"]).to_pylist(), dtype=object)
    score = np.asarray(one(answers["score"]).cast(pa.float64()), dtype=np.float64)
    if "probabilities" in answers.column_names:
        if positive in classes:
            return Meaning(positive, rest, list(classes).index(positive))
        lists = one(answers["probabilities"])
        table = np.asarray(lists.flatten().cast(pa.float64())).reshape(len(lists), -1)
        best = table.argmax(axis=1)[label == positive]
        if len(best):
            return Meaning(positive, rest, int(np.bincount(best).argmax()))
    other = score[(label != positive) & np.isfinite(score)]
    return Meaning(positive, rest, None, bool(len(other) and np.median(other) > 0.5))


def labels(column: Any) -> pa.Array:
    """Return labels as text: whole numbers without a point, truth values as 1 and 0, null where there is none."""
    plain = one(column)
    if pa.types.is_dictionary(plain.type):
        plain = plain.cast(plain.type.value_type)
    if pa.types.is_boolean(plain.type):
        plain = plain.cast(pa.int8())
    if pa.types.is_floating(plain.type):
        numbers = np.asarray(plain.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
        plain = pc.if_else(pa.array(np.isfinite(numbers)), plain, None)
        if (numbers[np.isfinite(numbers)] % 1 == 0).all():
            plain = plain.cast(pa.int64())
    return plain.cast(pa.string())


@dataclass(frozen=True)
class Asked:
    """A model behind its door: labels are taken away before it is asked, answers get one meaning."""

    asked: Any  # a Model, and what else it lets itself be asked
    kind: str
    meaning: Meaning = Meaning()
    candidates: pa.Table | None = None  # rankings of given candidates: query, item, features

    def predict(self, rows: pa.Table, /) -> pa.Table:
        """Return what the model says of ROWS."""
        if self.kind in RANKED_KINDS:
            if self.candidates is not None and "item" not in rows.column_names:
                mine = pc.is_in(one(self.candidates["query"]), value_set=one(rows["query"]).cast(pa.string()))
                rows = self.candidates.filter(mine)
            return self.asked.predict(_unlabelled(rows, self.kind))
        return self.meaning.applied(self.raw(rows))

    def raw(self, rows: pa.Table) -> pa.Table:
        """Return what the model itself says of ROWS, which are no queries."""
        return self.asked.predict(_unlabelled(rows, self.kind))

    def save(self, path: Path, /) -> Path:
        """Write the model to PATH and return it."""
        return self.asked.save(path)


class AskedTrees(Asked):
    """A model of trees behind its door."""

    def features(self, rows: pa.Table, /) -> NDArray[np.float64]:
        """Return the features of ROWS as its trees see them."""
        return self.asked.features(_unlabelled(rows, self.kind))

    def trees(self) -> Any:
        """Return its trees."""
        return self.asked.trees()


class AskedInputs(Asked):
    """A model that computes from numbers, behind its door."""

    def inputs(self, rows: pa.Table, /) -> NDArray[np.float32]:
        """Return what it computes from."""
        return self.asked.inputs(_unlabelled(rows, self.kind))

    def classes(self) -> Sequence[str]:
        """Return the names of its classes."""
        return [str(label) for label in self.asked.classes()]


class AskedGradient(AskedInputs):
    """A model with a gradient behind its door."""

    def scores(self, inputs: NDArray[np.float32], /) -> NDArray[np.float32]:
        """Return the logits of INPUTS."""
        return self.asked.scores(inputs)

    def gradient(self, inputs: NDArray[np.float32], target: NDArray[np.int64], /) -> NDArray[np.float32]:
        """Return the gradient of the score of TARGET by INPUTS."""
        return self.asked.gradient(inputs, target)


class AskedBounds(AskedInputs):
    """A model with bounds of its scores behind its door."""

    def bounds(
        self, low: NDArray[np.float32], high: NDArray[np.float32], /
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return what no score is below and none above for inputs from LOW to HIGH."""
        return self.asked.bounds(low, high)


class AskedWeights(Asked):
    """A linear recommender behind its door."""

    @property
    def items(self) -> Sequence[str]:
        """The items that it knows."""
        return self.asked.items

    def weights(self) -> Any:
        """Return the weights (items, items)."""
        return self.asked.weights()

    def history(self, query: str, /) -> NDArray[np.int64]:
        """Return which items QUERY did."""
        return self.asked.history(query)


DOORS: tuple[tuple[type, type[Asked]], ...] = (
    (TreeEnsemble, AskedTrees),
    (Differentiable, AskedGradient),
    (Bounded, AskedBounds),
    (LinearRecommender, AskedWeights),
)


def wrapped(model: Model, kind: str, meaning: Meaning, candidates: pa.Table | None = None) -> Asked:
    """Return MODEL behind its door; whatever it lets itself be looked into by stays, several ways together too."""
    doors = tuple(door for promise, door in DOORS if isinstance(model, promise))
    return _door(doors)(model, kind, meaning, candidates)


@cache
def _door(doors: tuple[type[Asked], ...]) -> type[Asked]:
    """Return the one class that has what all DOORS have: isinstance then finds each promise."""
    if len(doors) < 2:
        return doors[0] if doors else Asked
    return type("And".join(door.__name__ for door in doors), doors, {"__doc__": "A model behind several doors."})


@dataclass(frozen=True)
class AskedTrainer:
    """A trainer whose models stand behind the same door."""

    trainer: Trainer
    kind: str
    meaning: Meaning
    candidates: pa.Table | None = None

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> Model:
        """Return a model of ROWS."""
        made = self.trainer.train(rows, seed=seed, tickets=tickets)
        return wrapped(made, self.kind, self.meaning, self.candidates)


def answers(model: Asked, rows: pa.Table, notes: list[str]) -> tuple[pa.Table, NDArray[np.bool_]]:
    """Return the answers of a classifier for ROWS that have one, and which have; the others are told in NOTES.

    Where the model raises, ROWS are halved until those that it cannot take are alone, or it was asked often enough; a
    graph is one piece.
    Raises ContractBroken where it answers nothing at all.
    """
    whole = model.kind == "graph"
    pieces, kinds = [], set()
    todo, asked = [(0, rows.num_rows)], 0
    while todo:
        start, size = todo.pop()
        asked += 1
        try:
            got = model.raw(rows.slice(start, size))
            if got.num_rows != size or "score" not in got.column_names:
                raise ContractBroken(f"it answers {size:,} rows with {got.num_rows:,}, or without the column score")
            pieces.append((start, got))
        except Exception as why:
            kinds.add(str(why) if isinstance(why, ConsentinelError) else f"the model raised {type(why).__name__}")
            if size > 1 and asked < MOST and not whole:
                todo += [(start + size // 2, size - size // 2), (start, size // 2)]
    pieces.sort(key=lambda piece: piece[0])
    if not pieces:
        raise ContractBroken(f"the model answers no row: {'; '.join(sorted(kinds))}")
    there = np.zeros(rows.num_rows, bool)
    for start, got in pieces:
        there[start : start + got.num_rows] = True
    made = pa.concat_tables([got for _, got in pieces], promote_options="default")
    lost = int((~there).sum())
    if lost:
        notes.append(f"{lost:,} of {rows.num_rows:,} rows are left out: {'; '.join(sorted(kinds))}")
    finite = np.isfinite(np.asarray(one(made["score"]).cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64))
    if not finite.all():
        if whole or not finite.any():
            raise ContractBroken(f"{int((~finite).sum()):,} of {len(finite):,} rows got no finite score (NaN or none)")
        notes.append(f"{int((~finite).sum()):,} of {rows.num_rows:,} rows are left out: no finite score (NaN or none)")
        made = made.filter(pa.array(finite))
        there[np.flatnonzero(there)[~finite]] = False
    return made, there


def _unlabelled(rows: pa.Table, kind: str) -> pa.Table:
    at = rows.schema.get_field_index("label")
    if at < 0:
        return rows
    if kind in ("text", "vision", "graph"):  # their shape has a column for it
        return rows.set_column(at, rows.schema.field(at), pa.nulls(rows.num_rows, rows.schema.field(at).type))
    return rows.remove_column(at)
