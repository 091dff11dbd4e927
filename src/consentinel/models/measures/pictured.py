"""Look-alike pictures: are the nearest of the same label, beside the nearest by plain pixels and chance."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.core.columns import one
from consentinel.core.errors import BadInput, UsageError
from consentinel.core.extras import need
from consentinel.core.rng import generator
from consentinel.core.run import Run
from consentinel.core.stats import Floats
from consentinel.core.tables import check
from consentinel.models import reading
from consentinel.models.evaluation import ranking
from consentinel.models.evaluation.comparing import compared
from consentinel.models.evaluation.measuring import Figures
from consentinel.models.measures.sides import Asked, Measured, Sides, persons
from consentinel.models.rows import RANKED

__all__ = ["measured"]

Ints = NDArray[np.int64]
BLOCK = 256  # pictures whose distances to all others are held at once


@dataclass(frozen=True)
class _Search:
    """What is asked about and what is searched.

    Arguments: names of the pictures asked about (q,) and of those searched, items (n,); own (q,), the place of the
    same picture among items, -1 for none; wanted (q,) and label (n,), labels as codes, -1 for none.
    """

    names: pa.Array
    items: pa.Array
    own: Ints
    wanted: Ints
    label: Ints

    def alike(self) -> Floats:
        """Return how many other pictures have the label of each that is asked about; (q,)."""
        many = np.bincount(self.label[self.label >= 0], minlength=int(self.wanted.max()) + 1)[self.wanted]
        return (many - ((self.own >= 0) & (self.label[self.own] == self.wanted))).astype(np.float64)

    def places(self, ranked: pa.Table, k: int) -> Ints:
        """Return RANKED as places among items, best first, -1 where there are fewer; (q, k)."""
        query = np.asarray(pc.index_in(one(ranked["query"].cast(pa.string())), value_set=self.names), np.int64)
        rank = np.arange(len(query)) - np.searchsorted(query, query)
        made = np.full((len(self.names), k), -1)
        made[query, rank] = _positions(self.items, one(ranked["item"].cast(pa.string())))
        return made

    def figures(self, name: str, places: Ints) -> tuple[Figures, pa.Table]:
        """Return the figures of answers PLACES (q, k) for whom there is something to find, and their rows."""
        alike, k = self.alike(), places.shape[1]
        keep = alike > 0
        hits = (places >= 0) & (self.label[places] == self.wanted[:, None])
        rows = ranking.of_hits(self.names.filter(pa.array(keep)), hits[keep], alike[keep])
        return Figures(name, {f"{metric}@{k}": ranking.values(rows, metric) for metric in ranking.METRICS}), rows


def measured(run: Run, sides: Sides, asked: Asked) -> Measured:
    """Return how many of the K pictures that SIDES find for each held-out one have its label, and of all that have it.

    Raises UsageError without labels on both sides, and where all labels are the same.
    """
    learned, held = sides.learned, sides.held
    if learned is None:
        raise UsageError("say with --train which pictures the model searches: their labels say what is alike")
    if not asked.k:
        raise UsageError("say with --k how many pictures are looked at")
    search = _search(learned, held)
    nothing = int((search.alike() == 0).sum())
    if nothing == len(search.names):
        raise UsageError("no held-out picture has a label that another searched picture has; there is nothing to find")
    if nothing:
        run.note(f"{nothing} of {len(search.names)} held-out pictures have no label that can be found; left out")
    asking = reading.unlabelled(held, sides.shelf)
    asking = asking.append_column("k", pa.array(np.full(len(search.names), asked.k, np.int32)))
    if "item" in held.column_names:  # so that no picture finds itself
        asking = asking.append_column("query", search.names)
    answered = [search.places(check(model.predict(asking), RANKED, sides.name), asked.k) for model in sides.models]
    found = [search.figures(sides.name, places) for places in answered]
    k = min(asked.k, len(search.items))
    others = {"nearest pixels": _pixels(learned, held, search.own, k), "random order": _chance(search, k, asked.seed)}
    beside = [search.figures(name, _wide(places, asked.k))[0] for name, places in others.items()]
    people = persons(held, asked.person, search.alike() > 0)
    table = compared([figures for figures, _ in found], beside, asked.how(people), asked.metrics)
    return Measured(table, {"per_query": found[0][1]})


def _search(learned: pa.Table, held: pa.Table) -> _Search:
    items, names = _names(learned), _names(held)
    own = _positions(items, names) if "item" in held.column_names else np.full(len(names), -1)
    labels, wanted = (one(rows["label"].cast(pa.string())) for rows in (learned, held))
    known = pa.concat_arrays([labels, wanted]).drop_null().unique()
    if len(labels.drop_null().unique()) < 2:
        raise UsageError("the pictures that are searched have fewer than two labels, so any answer would do")
    nobody = len(known)  # the code of a picture without a label, which nothing is alike to
    asked = np.asarray(pc.fill_null(pc.index_in(wanted, value_set=known), nobody), np.int64)
    asked[np.asarray(pc.is_null(wanted))] = nobody
    searched = _positions(known, labels)
    searched[np.asarray(pc.is_null(labels))] = -1
    return _Search(names, items, own, asked, searched)


def _names(rows: pa.Table) -> pa.Array:
    """Return the names of the pictures ROWS, as `vision/nearest` gives them: `item`, else the row number."""
    if "item" not in rows.column_names:
        return pa.array([str(at) for at in range(rows.num_rows)])
    names = one(rows["item"].cast(pa.string()))
    if names.null_count or len(names.unique()) != len(names):
        raise BadInput("a picture has no name, or two have the same", where="item", todo="Give each a name of its own")
    return names


def _positions(items: pa.Array, wanted: pa.Array) -> Ints:
    """Return the place in ITEMS of each of WANTED (n,); -1 for none."""
    return np.asarray(pc.fill_null(pc.index_in(wanted, value_set=items), -1), np.int64)


def _wide(places: Ints, k: int) -> Ints:
    """Return PLACES with K columns, -1 in those that are new."""
    return np.pad(places, ((0, 0), (0, k - places.shape[1])), constant_values=-1)


def _pixels(learned: pa.Table, held: pa.Table, own: Ints, k: int) -> Ints:
    """Return the K pictures of LEARNED nearest to each of HELD in plain pixels, never itself; (q, k)."""
    searched, asked = (_flat(rows) for rows in (learned, held))
    index = need("faiss", extra="models").IndexFlatL2(searched.shape[1])
    index.add(searched)
    _, found = index.search(asked, min(k + 1, len(searched)))
    return _without(found, own, k)


def _chance(search: _Search, k: int, seed: int) -> Ints:
    """Return K pictures drawn at random for each that is asked about, never itself; (q, k)."""
    stream, n = generator(seed, "models.evaluate.random_order"), len(search.items)
    drawn = [stream.choice(n, min(k + 1, n), replace=False) for _ in range(len(search.names))]
    return _without(np.array(drawn), search.own, k)


def _without(found: Ints, own: Ints, k: int) -> Ints:
    """Return the first K of FOUND (q, m) but for OWN (q,); -1 where there are fewer."""
    kept = found != own[:, None]
    order = np.argsort(~kept, axis=1, kind="stable")
    made = np.where(np.take_along_axis(kept, order, axis=1), np.take_along_axis(found, order, axis=1), -1)
    return made[:, :k].astype(np.int64)


def _flat(rows: pa.Table) -> NDArray[np.float32]:
    flat = one(rows["image"]).flatten().to_numpy()
    return np.ascontiguousarray(flat.reshape(rows.num_rows, -1), np.float32)
