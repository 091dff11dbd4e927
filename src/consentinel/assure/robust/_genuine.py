"""Genuine people of a recommender: what they did, what a model trained anew shows them, and how good that is."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.assure import per_unit
from consentinel.assure.people import texts
from consentinel.assure.subject import Subject, checked
from consentinel.core.columns import one
from consentinel.core.errors import ContractBroken, UsageError
from consentinel.core.rng import generator
from consentinel.core.stats import Floats

__all__ = ["FEWEST", "Bits", "Floats", "Genuine", "Ints", "genuine"]

PEOPLE = 2000  # who is asked, at most
FEWEST = 20  # people and items that there must be
Ints = NDArray[np.int64]
Bits = NDArray[np.bool_]


@dataclass(frozen=True)
class Genuine:
    """People who are asked, and everything that was learned.

    Arguments: subject, cut down to those who are asked; log, the learned rows with ids as texts; users and items, their
    ids; user and item, places of each row of the log (n,); person, who of the asked each of `users` is, -1 for none.
    """

    subject: Subject
    log: pa.Table
    users: pa.Array
    items: pa.Array
    user: Ints
    item: Ints
    person: Ints

    def popularity(self) -> Ints:
        """Return how many learned rows each item has; shape (items,)."""
        return np.bincount(self.item, minlength=len(self.items))

    def had(self, items: Ints) -> Bits:
        """Return which of ITEMS each person asked did before, by the log or their own history; (people, items)."""
        found = np.zeros((self.subject.groups.num_rows, len(items)), bool)
        column = np.full(len(self.items), -1)
        column[items] = np.arange(len(items))
        who, what = self.own()
        what = np.append(column, -1)[what]
        found[who[what >= 0], what[what >= 0]] = True
        return found

    def own(self) -> tuple[Ints, Ints]:
        """Return person and item of everything that people who are asked did; items that nobody learned are -1."""
        inside = self.person[self.user] >= 0
        who, what = self.person[self.user][inside], self.item[inside]
        queries = self.subject.queries
        assert queries is not None
        if "history" in queries.column_names and queries["history"].null_count < queries.num_rows:
            lists = one(queries["history"])
            more = np.asarray(pc.list_parent_indices(lists), np.int64)
            who = np.concatenate([who, more])
            what = np.concatenate([what, self.places(pc.list_flatten(lists))])
        return who, what

    def places(self, column: pa.Array) -> Ints:
        """Return the place in `items` of each of COLUMN, -1 for others."""
        return np.asarray(pc.fill_null(pc.index_in(texts(column), self.items), -1), np.int64)

    def train(self, log: pa.Table, seed: int) -> Any:
        """Return a model of LOG."""
        assert self.subject.trainer is not None
        return self.subject.trainer.train(log, seed=seed)

    def answers(self, model: Any, queries: pa.Table | None = None) -> pa.Table:
        """Return what MODEL shows to the people asked (by QUERIES in place of theirs), as it should be.

        Raises ContractBroken where it shows nothing.
        """
        asked = self.subject.queries if queries is None else queries
        assert asked is not None
        given = checked(model.predict(asked), asked, "recsys", "a model trained anew")
        given = pa.table(
            {"query": texts(given["query"]), "item": texts(given["item"]), "score": one(given["score"])}
        ).filter(pc.is_in(texts(given["query"]), value_set=texts(asked["query"])))
        if not given.num_rows:
            raise ContractBroken("a model trained anew answers nobody")
        return given

    def deeper(self, deep: int) -> pa.Table:
        """Return who is asked, for the first DEEP items of the list."""
        queries = self.subject.queries
        assert queries is not None
        many = pa.array(np.full(queries.num_rows, deep, np.int32))
        if "k" not in queries.column_names:
            return queries.append_column("k", many)
        return queries.set_column(queries.column_names.index("k"), "k", many)

    def shown(self, answers: pa.Table, items: Ints, k: int) -> Bits:
        """Return which of ITEMS stand within the first K of ANSWERS to each person; (people, items)."""
        assert self.subject.queries is not None
        who = np.asarray(pc.index_in(one(answers["query"]), texts(self.subject.queries["query"])), np.int64)
        order = np.argsort(who, kind="stable")
        rank = np.empty(len(who), np.int64)
        rank[order] = np.arange(len(who)) - np.searchsorted(who[order], who[order])
        column = np.full(len(self.items) + 1, -1)
        column[items] = np.arange(len(items))
        what = column[self.places(one(answers["item"]))]
        top = (rank < k) & (what >= 0)
        found = np.zeros((self.subject.groups.num_rows, len(items)), bool)
        found[who[top], what[top]] = True
        return found

    def ndcg(self, answers: pa.Table) -> Floats:
        """Return nDCG at k of each person asked; NaN where nothing is right; shape (people,)."""
        found = per_unit.values(self.subject.answered(answers))
        assert found is not None
        return np.asarray(one(found[f"ndcg@{self.subject.k}"]).to_numpy(zero_copy_only=False), np.float64)

    def new_rows(self, names: pa.Array, items: Ints, more: dict[str, Any]) -> pa.Table:
        """Return rows in which NAMES (n,) did ITEMS (n,), with MORE columns; what is not given is null."""
        columns: dict[str, Any] = {"user": names, "item": self.items.take(pa.array(items))} | more
        for field in self.log.schema:
            columns.setdefault(field.name, pa.nulls(len(items), field.type))
        return pa.table({name: columns[name] for name in self.log.column_names}, schema=self.log.schema)

    def free_name(self, name: str) -> str:
        """Return NAME, longer where someone's own name begins so."""
        while pc.any(pc.starts_with(self.users, name)).as_py():
            name += "'"
        return name


def genuine(subject: Subject, seed: int, most: int = PEOPLE) -> Genuine:
    """Return at most MOST people of SUBJECT, drawn at random, and what was learned; raises UsageError."""
    assert subject.learned is not None
    if subject.queries is None:
        raise UsageError("a recommender needs its queries: who asked, one row for each")
    learned = subject.learned
    log = pa.table({n: texts(learned[n]) if n in ("user", "item") else one(learned[n]) for n in learned.column_names})
    users, items = (one(log[name]).dictionary_encode() for name in ("user", "item"))
    if len(users.dictionary) < FEWEST or len(items.dictionary) < FEWEST:
        raise UsageError(
            f"needs at least {FEWEST} people and {FEWEST} items; the learned rows have {len(users.dictionary)} and "
            f"{len(items.dictionary)}"
        )
    subject = _fewer(subject, most, seed)
    assert subject.queries is not None
    person = np.asarray(pc.fill_null(pc.index_in(users.dictionary, texts(subject.queries["query"])), -1), np.int64)
    return Genuine(
        subject, log, users.dictionary, items.dictionary, np.asarray(users.indices, np.int64),
        np.asarray(items.indices, np.int64), person,
    )  # fmt: skip


def _fewer(subject: Subject, most: int, seed: int) -> Subject:
    count = subject.groups.num_rows
    if count <= most:
        return subject
    chosen = np.sort(generator(seed, "assure.robust.people").permutation(count)[:most])
    place = np.full(count, -1)
    place[chosen] = np.arange(most)
    keep = place[subject.unit] >= 0
    at = pa.array(chosen)
    assert subject.queries is not None
    return replace(
        subject, rows=subject.rows.filter(pa.array(keep)), unit=place[subject.unit][keep].astype(np.intp),
        groups=subject.groups.take(at), queries=subject.queries.take(at),
    )  # fmt: skip
