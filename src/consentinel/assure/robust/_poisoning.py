"""Poisoning of elections: rows flipped, deleted, inserted or invented people, to see that no certificate breaks."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.assure.people import texts
from consentinel.assure.robust._elections import Labelled, Listed
from consentinel.assure.robust._partitions import parted
from consentinel.core.columns import one
from consentinel.core.rng import generator

__all__ = ["Broken", "attacked_labels", "attacked_lists"]

Ints = NDArray[np.int64]
Bits = NDArray[np.bool_]
_NAMES = 200  # names that are tried for each invented person, to reach a part of choice


@dataclass(frozen=True)
class Broken:
    """What stayed right under every attack that was tried (n,), and how many certificates broke, which must be none."""

    right: Bits
    broken: int


def attacked_labels(election: Labelled, budget: int, tries: int, seed: int) -> Broken:
    """Return which rows still get their label after each of TRIES ways to change BUDGET learned rows.

    In turn: labels of learned rows flipped, rows asked for inserted with a wrong label, and rows deleted; each change
    in another part, those first that vote for the label of the row that is nearest to losing it.
    """
    right, safe = election.right()
    kept, broken = right.copy(), 0
    for at in range(tries):
        random = generator(seed, "assure.robust.poisoning", f"{budget}", f"{at}")
        rows = _changed_rows(election, budget, at % 3, right, safe, random)
        after, _ = election.poisoned(rows).right()
        broken += int((right & (safe >= budget) & ~after).sum())
        kept &= after
    return Broken(kept, broken)


def attacked_lists(election: Listed, budget: int, tries: int, seed: int) -> Broken:
    """Return which right items still stand in the lists after each of TRIES ways to invent BUDGET people, each in
    another part, who do what the person does whose right item is near to losing its place, and the rivals of it."""
    who, row, safe = election.right()
    kept, broken = safe >= 0, 0
    for at in range(tries):
        random = generator(seed, "assure.robust.inventing", f"{budget}", f"{at}")
        near = np.flatnonzero(safe >= budget - at)  # just within the certificate, and just beyond
        near = near if len(near) else np.arange(len(safe))
        aim = int(near[np.argsort(safe[near] + random.random(len(near)))[0]])
        after = election.poisoned(_invented(election, budget, int(who[aim]), int(row[aim]), random)).right()[2]
        broken += int(((safe >= budget) & (after < 0)).sum())
        kept &= after >= 0
    return Broken(kept, broken)


def _changed_rows(
    election: Labelled, budget: int, how: int, right: Bits, safe: Ints, random: np.random.Generator
) -> pa.Table:
    rows, part = election.parts.rows, election.parts.part
    truth = election.truth()
    near = np.flatnonzero(right & (safe >= 0))
    aim = int(near[np.argsort(safe[near] + random.random(len(near)))[0]]) if len(near) else 0
    for_it = [at for at, one_ in enumerate(election.said) if one_ is not None and one_[aim] == truth[aim]]
    wanted = [*random.permutation(for_it), *random.permutation(election.parts.count)]
    wanted = [at for at in dict.fromkeys(int(at) for at in wanted) if (part == at).any()][:budget]
    if how == 1:
        return _inserted(election, budget, random)
    places = np.array([random.choice(np.flatnonzero(part == at)) for at in wanted], np.int64)
    if how == 2:
        return rows.take(pa.array(np.setdiff1d(np.arange(rows.num_rows), places)))
    field = rows.schema.get_field_index("label")
    label = one(rows["label"])
    other = _other(label, places, random)
    mask = np.zeros(rows.num_rows, bool)
    mask[places] = True
    order = np.argsort(places)
    flipped = pc.replace_with_mask(_plain(label), pa.array(mask), other.take(pa.array(order)))
    return rows.set_column(field, rows.schema.field(field).name, flipped)


def _inserted(election: Labelled, budget: int, random: np.random.Generator) -> pa.Table:
    rows = election.parts.rows
    names = [name for name in rows.column_names if name in election.asked.column_names]
    if len(names) < rows.num_columns:  # the data lack a column that was learned: copies of learned rows instead
        source = rows
    else:
        source = election.asked.select(rows.column_names)
        source = pa.table({name: _plain(one(source[name])).cast(_plain(one(rows[name])).type) for name in names})
    places = random.choice(source.num_rows, min(budget, source.num_rows), replace=False)
    chosen = source.take(pa.array(places))
    wrong = _other(pa.concat_arrays([_plain(one(chosen["label"])), _plain(one(rows["label"]))]),
                   np.arange(len(places)), random)  # fmt: skip
    chosen = chosen.set_column(chosen.column_names.index("label"), "label", wrong)
    both = [pa.table({name: _plain(one(table[name])) for name in rows.column_names}) for table in (rows, chosen)]
    return pa.concat_tables(both, promote_options="permissive")


def _invented(election: Listed, budget: int, person: int, row: int, random: np.random.Generator) -> pa.Table:
    """Return the log with BUDGET people more, who do what PERSON did and what stands against the item of ROW."""
    people = election.people
    name = people.free_name("invented")
    tried = pa.table({"user": [f"{name} {at}" for at in range(_NAMES * budget)]})
    part = parted(tried, ["user"], election.parts.count).part
    chosen = random.permutation(np.unique(part, return_index=True)[1])[:budget]
    if len(chosen) < budget:  # more people than parts
        chosen = np.concatenate([chosen, np.setdiff1d(np.arange(len(part)), chosen)[: budget - len(chosen)]])
    own_who, own_what = people.own()
    items, votes = election.votes()
    rivals = people.places(items.take(pa.array(np.argsort(-votes[person], kind="stable")[: 2 * people.subject.k])))
    target = people.places(one(people.subject.rows["item"]).slice(row, 1))
    same = np.setdiff1d(np.concatenate([own_what[own_who == person], rivals]), [-1, *target])
    names = texts(tried["user"]).take(pa.array(np.repeat(chosen, len(same))))
    more = {column: one(people.log[column]).take(pa.array(random.integers(0, people.log.num_rows, len(names))))
            for column in people.log.column_names if column not in ("user", "item")}  # fmt: skip
    return pa.concat_tables([people.log, people.new_rows(names, np.tile(same, budget), more)])


def _other(label: pa.Array, places: Ints, random: np.random.Generator) -> pa.Array:
    """Return for the labels at PLACES of LABEL another one each, at random."""
    plain = _plain(label)
    names = plain.drop_null().unique()
    own = np.asarray(pc.fill_null(pc.index_in(plain.take(pa.array(places)), names), -1))
    step = random.integers(1, max(2, len(names)), len(places))
    return names.take(pa.array((own + step) % len(names)))


def _plain(column: pa.Array) -> pa.Array:
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
