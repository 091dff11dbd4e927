"""Who else will watch a film, from half of those who did: what people watched against who they are, MovieLens-1M.

An audience is the people of one film. All rows of the chosen films, of training and of test part, are taken out of what
is learnt from, so no model sees the films, as a campaign is not seen before it runs. Half of an audience is the seed;
the other half is to be found among everyone but the seed. Settings were chosen on other films than those tested, and
films that were tested while the parts were written are left among the rows.
"""

import os
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks._claim import ROOT, write_interval
from consentinel.core.rng import generator
from consentinel.models.evaluation import intervals
from consentinel.models.users import demographics, look_alike

NAMES = ("look_alike_difference", "look_alike_over_activity")
TUNED, USED, TESTED, SMALLEST, LARGEST, SHARE, SEED = 40, 120, 120, 100, 1000, 0.1, 0
Ints = NDArray[np.int64]


def read() -> tuple[Ints, Ints, pa.Table]:
    """Return person and film of each row, and people's attributes as INTERACTIONS."""
    shared = Path(os.environ.get("CONSENTINEL_SHARED_DATA", ROOT.parent / "shared" / "data"))
    folder = shared / "models" / "movielens-1m-implicit"
    if not folder.is_dir():
        raise SystemExit(
            "no movielens-1m-implicit: set CONSENTINEL_SHARED_DATA to the folder that has it under models/"
        )
    log, people = pq.read_table(folder / "receraser.parquet"), pq.read_table(folder / "users.parquet")
    age, gender, work, area = (
        np.asarray(people[name].cast(pa.string())).astype(str) for name in ("age", "gender", "occupation", "zip")
    )
    area = np.array([code[:1] for code in area])
    kinds = {"age": age, "gender": gender, "occupation": work, "area": area, "age and gender": age + gender,
             "occupation and gender": work + gender}  # fmt: skip
    who = np.tile(np.asarray(people["user"], np.int64), len(kinds))
    values = np.concatenate([np.char.add(f"{kind}=", value) for kind, value in kinds.items()])
    attributes = pa.table({"user": _ids(who), "item": pa.array(values)})
    return np.asarray(log["user"], np.int64), np.asarray(log["item"], np.int64), attributes


def recalled(ranked: pa.Table, hidden: list[Ints]) -> NDArray[np.float64]:
    """Return which share of each audience's HIDDEN people is in the first SHARE of everyone but its seed."""
    film = np.asarray(ranked["query"].combine_chunks().indices)
    person = np.asarray(ranked["item"].cast(pa.string()).cast(pa.int64()))
    orders = np.split(person, np.flatnonzero(np.diff(film)) + 1)
    return np.array([_recall(order, them) for order, them in zip(orders, hidden, strict=True)])


def main() -> None:
    """Measure and write the numbers."""
    user, film, attributes = read()
    rng, people = generator(SEED, "look-alike"), len(np.unique(user))
    counts = np.bincount(film)
    able = np.flatnonzero((counts >= SMALLEST) & (counts <= LARGEST))
    drawn = rng.permutation(able)
    tuned, tested = drawn[:TUNED].tolist(), drawn[TUNED + USED :][:TESTED].tolist()
    chosen = np.array(tuned + tested)
    left = ~np.isin(film, chosen)
    watched = pa.table({"user": _ids(user[left]), "item": _ids(film[left])})
    active = np.bincount(user[left], minlength=int(user.max()) + 1)
    seeds: dict[int, Ints] = {}
    hidden: dict[int, Ints] = {}
    for one in chosen.tolist():
        audience = rng.permutation(np.unique(user[film == one]))
        seeds[one], hidden[one] = np.array_split(audience, 2)

    def reached(part: Any, settings: Any, rows: pa.Table, films: list[int]) -> NDArray[np.float64]:
        model = part.trainer(settings).train(rows, seed=SEED)
        asked = {"query": _ids(np.array(films)), "k": pa.array(np.full(len(films), people, np.int32)),
                 "history": pa.array([seeds[one].astype(str).tolist() for one in films])}  # fmt: skip
        return recalled(model.predict(pa.table(asked)), [hidden[one] for one in films])

    mine = [
        look_alike.SETTINGS(width=width, penalty=penalty) for width, penalty in product((64, 128, 256), (0.01, 0.1))
    ]
    theirs = [demographics.SETTINGS(penalty=penalty) for penalty in (0.001, 0.01, 0.1)]
    ours = max(mine, key=lambda one: reached(look_alike, one, watched, tuned).mean())
    floor = max(theirs, key=lambda one: reached(demographics, one, attributes, tuned).mean())
    found = reached(look_alike, ours, watched, tested)
    by_who = reached(demographics, floor, attributes, tested)
    by_much = np.array([_most_active(active, seeds[one], hidden[one]) for one in tested])
    rows = {"what they did": found, "demographics": by_who, "most active first": by_much}
    told = "; ".join(f"{name} {intervals.mean(values).value:.4f}" for name, values in rows.items())
    print(told, ours, floor)
    for name, other in zip(NAMES, (by_who, by_much), strict=True):
        gap = intervals.difference(found, other)
        print(name, gap)
        write_interval(
            name,
            gap,
            f"MovieLens-1M, {TESTED} films of {SMALLEST} to {LARGEST} people whose rows no model saw, none of them "
            "looked at in development; half of a film's people are the seed; recall of the rest in the first "
            f"{SHARE:.0%} of everyone but the seed; bootstrap over films, settings chosen on {TUNED} other films "
            f"({ours}; {floor}); mean recall: {told}",
        )


def _recall(order: Ints, hidden: Ints) -> float:
    return float(np.isin(hidden, order[: int(SHARE * len(order))]).mean())


def _most_active(active: Ints, seeds: Ints, hidden: Ints) -> float:
    order = np.argsort(-active, kind="stable")
    return _recall(order[~np.isin(order, seeds)], hidden)


def _ids(codes: Ints) -> pa.Array:
    return pa.array(codes).cast(pa.string())


if __name__ == "__main__":
    main()
