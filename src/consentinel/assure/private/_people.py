"""People and interactions of a recommender whose membership is asked, and the logs of its shadow models."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.assure.people import texts
from consentinel.assure.private._asked import Cells
from consentinel.assure.private._attacks import coins
from consentinel.assure.private._times import times
from consentinel.assure.subject import Subject
from consentinel.core.columns import one
from consentinel.core.errors import UsageError
from consentinel.core.rng import generator

__all__ = ["Asked", "asked"]

_MOST = 30  # interactions of a person on either side
_FEWEST = 4  # of a person whose history is asked for
Ints = NDArray[np.int64]
Bits = NDArray[np.bool_]


@dataclass(frozen=True)
class Asked:
    """What is asked of a recommender.

    Arguments: cells of the queries; of each cell (n,): unit, the place of its person in `groups`; alone, whether its
    own interaction may be in or out (else its whole person is); member, whether the model under audit learned it; row,
    its place in `log`; log, learned rows and those that only shadow models learn; held, which of them are learned by
    coin (rows,), by the coin `coin` (rows,).
    """

    cells: Cells
    unit: Ints
    alone: Bits
    member: Bits
    row: Ints
    log: pa.Table
    held: Bits
    coin: Ints

    def inside(self, shadows: int, seed: int) -> Bits:
        """Return which rows of the log each of SHADOWS learns, shape (shadows, rows)."""
        drawn = coins(shadows, int(self.coin.max()) + 1, seed, "people")
        return np.asarray(~self.held | drawn[:, self.coin])


def asked(subject: Subject, most: int, seed: int) -> Asked:
    """Return what is asked of at most MOST people of SUBJECT: of one half of them about single interactions, of the
    other, and of everybody whom the model never learned of, about the whole history.

    A single interaction is one of the learned ones, or one of the data that is not among them, as many of either; the
    rest of the history is shown. Of a whole history one half is shown, and the other half asked for.
    Raises UsageError where nobody has enough of both.
    """
    log, member = _log(subject, seed)
    people, person = _coded(log["user"])
    items, item = _coded(log["item"])
    unit = np.asarray(pc.fill_null(pc.index_in(people, one(subject.groups["unit"]).cast(pa.string())), -1), np.int64)
    random = generator(seed, "assure.private.people")
    known = np.bincount(item[member], minlength=len(items)) > 0
    usable = known[item]  # an item that nobody learned of cannot be scored
    learned = np.bincount(person[member & usable], minlength=len(people))
    others = np.bincount(person[~member & usable], minlength=len(people))
    met, strange = (learned >= _FEWEST) & (unit >= 0), (learned == 0) & (others >= _FEWEST) & (unit >= 0)
    order = random.permutation(np.flatnonzero(met))[:most]
    single = np.zeros(len(people), bool)
    single[order[: len(order) // 2]] = True
    single &= others > 0
    whole = np.zeros(len(people), bool)
    whole[order[len(order) // 2 :]] = True
    whole[random.permutation(np.flatnonzero(strange))[:most]] = True
    if not single.any() and not whole.any():
        raise UsageError(f"nobody of the data has at least {_FEWEST} items that the model learned of")
    # at random within a person: the first ones are asked for, the others shown
    shuffled = random.permutation(len(person))
    order = shuffled[np.lexsort((member[shuffled], person[shuffled]))]
    place = np.empty(len(order), np.int64)
    side = person * 2 + member
    place[order] = np.arange(len(order)) - np.searchsorted(side[order], side[order])
    count = np.minimum(np.minimum(others, learned // 2), _MOST)
    alone = single[person] & usable & (place < count[person])
    total = np.where(strange, others, learned)
    mine = whole[person] & usable & (member | strange[person])
    halved = mine & (place < np.minimum(total // 2, _MOST)[person])
    wanted = np.flatnonzero(alone | halved)
    shown = np.flatnonzero((single[person] & member & ~alone & usable) | (mine & ~halved))
    query = np.cumsum(single | whole) - 1
    cells = Cells(
        items, int((single | whole).sum()), (query[person[shown]], item[shown]), (query[person[wanted]], item[wanted]),
        people,
    )  # fmt: skip
    held = alone | whole[person]
    coin = np.where(alone, len(people) + np.cumsum(alone), person)
    keep = member | held
    row = (np.cumsum(keep) - 1)[wanted]
    return Asked(cells, unit[person[wanted]], alone[wanted], member[wanted], row, log.filter(pa.array(keep)),
                 held[keep], np.where(held, coin, 0)[keep])  # fmt: skip


def _log(subject: Subject, seed: int) -> tuple[pa.Table, Bits]:
    """Return the learned rows, once each, then those of the data that are not among them, and which are learned."""
    assert subject.learned is not None
    assert subject.queries is not None
    learned, rows = subject.learned, subject.rows
    liked = rows.filter(pc.greater(one(rows["label"]).cast(pa.float64()), 0)) if "label" in rows.column_names else rows
    user, item = [texts(liked["query"])], [texts(liked["item"])]
    if "history" in subject.queries.column_names and subject.queries["history"].null_count < subject.queries.num_rows:
        lists = one(subject.queries["history"])
        user.append(texts(subject.queries["query"]).take(pc.list_parent_indices(lists)))
        item.append(texts(pc.list_flatten(lists)))
    more: dict[str, Any] = {"user": pa.concat_arrays(user), "item": pa.concat_arrays(item)}
    n = len(more["user"])
    own_time = one(liked["time"]) if "time" in liked.column_names else None
    more |= times(learned, n, own_time, seed)
    for field in learned.schema:
        if field.name not in more:
            more[field.name] = pa.nulls(n, field.type)
    own = {name: texts(learned[name]) if name in ("user", "item") else one(learned[name]) for name in more}
    table = pa.concat_tables([pa.table(own), pa.table(more)])
    member = np.arange(table.num_rows) < learned.num_rows
    (_, person), (things, item_at) = _coded(table["user"]), _coded(table["item"])
    first = np.zeros(len(member), bool)
    first[np.unique(person * len(things) + item_at, return_index=True)[1]] = True
    return table.filter(pa.array(first)), member[first]


def _coded(column: pa.ChunkedArray) -> tuple[pa.Array, Ints]:
    coded = one(column).dictionary_encode()
    return coded.dictionary, np.asarray(coded.indices, np.int64)
