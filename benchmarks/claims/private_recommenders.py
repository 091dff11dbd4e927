"""Recommenders under person-level differential privacy on the five official folds of MovieLens-100K.

What is protected is a person with all ratings. The better private part, and the settings of the ceiling, are chosen on
a fifth of each person's history in the training part of the fold; the defaults of the private parts were set on that
part of fold 1. The catalogue is the public list of films. Arguments: the folds, else all.
"""

import sys
from itertools import product

import numpy as np
import pyarrow as pa

from benchmarks._claim import write_interval
from benchmarks._recommending import Candidate, Task, held, measured, shared, task, tuned
from consentinel.core.resample import cluster_bootstrap, cluster_totals, ratio
from consentinel.models.asked import settings
from consentinel.models.evaluation import intervals, ranking
from consentinel.models.private.rehearsal import Rehearsal, rehearsal
from consentinel.models.recommend import ease, ials, popularity, private_als, private_ease

NAMES = ("private_recommender_kept", "private_recommender_over_floor", "private_recommender_over_popularity")
INPUTS = (
    "src/consentinel/models/recommend/_private.py",
    "src/consentinel/models/recommend/private_ease.py",
    "src/consentinel/models/recommend/private_als.py",
    "src/consentinel/models/private/exact.py",
    "benchmarks/_recommending.py",
)
K, SEED, EPSILON, DELTA, EPSILONS = 10, 0, "8", "1e-6", ("1", "4", "8", "16")
PARTS = {"private_ease": private_ease, "private_als": private_als}
Values = "np.ndarray[tuple[int], np.dtype[np.float64]]"


def plain() -> list[Candidate]:
    """Return what the ceiling is chosen from."""
    found = [Candidate("ease", ease.fit, ease.SETTINGS(reg=reg)) for reg in (100.0, 200.0, 400.0, 800.0)]
    for reg, alpha in product((10.0, 50.0), (1.0, 5.0)):
        found.append(Candidate("ials", ials.fit, ials.SETTINGS(factors=32, reg=reg, alpha=alpha)))
    return found


def private(name: str, epsilon: str, at: Task, films: str, pays: Rehearsal) -> pa.Table:
    """Return the metrics of each person of AT under the part NAME at EPSILON."""
    part = PARTS[name]
    chosen = settings(part.SETTINGS, f"epsilon={epsilon},delta={DELTA},catalogue={films}", name)
    model = pays.trained(part.trainer(chosen), at.rows, seed=SEED, delta=DELTA)
    people = at.truth["query"].unique()
    ranked = model.predict(pa.table({"query": people, "k": pa.array(np.full(len(people), at.k, np.int32))}))
    return ranking.per_query(ranked, at.truth, at.k)


def chance(found: pa.Table, at: Task, films: int) -> Values:
    """Return the nDCG that a random order of what a person has not had would have in expectation, for each in FOUND."""
    people = found["query"].cast(pa.string()).to_pylist()
    wanted, had = (dict(zip(*(side.to_pylist() for side in table[name].cast(pa.string()).combine_chunks()
                                .value_counts().flatten()), strict=True))
                   for table, name in ((at.truth, "query"), (at.rows, "user")))  # fmt: skip
    gain = np.cumsum(1 / np.log2(np.arange(2, at.k + 2)))
    return np.array(
        [wanted[one] / (films - had.get(one, 0)) * gain[-1] / gain[min(at.k, wanted[one]) - 1] for one in people]
    )


def main() -> None:
    """Measure and write the numbers of the folds in the arguments, or of all."""
    table = shared("movielens-100k", "ratings.parquet")
    user, item, fold = (np.asarray(table[name]).astype(np.int64) for name in ("user", "item", "fold"))
    number = len(shared("movielens-100k", "items.parquet"))
    films = "|".join(str(one) for one in range(1, number + 1))
    folds = [int(one) for one in sys.argv[1:]] or [1, 2, 3, 4, 5]
    found: dict[str, list[Values]] = {}
    people, picked = [], []
    with rehearsal() as pays:
        for one in folds:
            at = task(user, item, fold == one, K)
            mine, what = user[fold != one], item[fold != one]
            inner = task(mine, what, held(mine, 0.2, SEED, "ml100k", "validation"), K)
            reached = {name: private(name, EPSILON, inner, films, pays)["ndcg"] for name in PARTS}
            better = max(PARTS, key=lambda name: float(np.mean(reached[name])))
            best = tuned(plain(), inner, "ndcg", SEED)
            ceiling = max(best.values(), key=lambda one: one[0])[1]
            picked.append((better, ceiling.who))
            rows = {"ceiling": measured(ceiling, at, SEED)}
            rows["popularity"] = measured(Candidate("popularity", popularity.fit, popularity.SETTINGS()), at, SEED)
            for who in ("ease", "ials"):
                rows[who] = measured(best[who][1], at, SEED)
            for name, epsilon in product(PARTS, EPSILONS):
                rows[f"{name} {epsilon}"] = private(name, epsilon, at, films, pays)
            rows["ours"] = rows[f"{better} {EPSILON}"]
            for who, table in rows.items():
                found.setdefault(who, []).append(ranking.values(table, "ndcg"))
            found.setdefault("chance", []).append(chance(rows["ours"], at, number))
            people.append(np.asarray(rows["ours"]["query"].cast(pa.string())))
            print(one, picked[-1], {who: round(float(np.mean(v[-1])), 4) for who, v in found.items()}, flush=True)
    values, person = {who: np.concatenate(v) for who, v in found.items()}, np.concatenate(people)
    for who, one in values.items():
        print(f"  {who}: {intervals.mean(one, person, SEED)}")
    told = "; ".join(f"{who} {one.mean():.4f}" for who, one in values.items())
    protocol = (
        f"MovieLens-100K, nDCG@10, every test item relevant, all unseen films ranked, official folds {folds}; a person "
        f"with all ratings is protected (one more or less; the catalogue is public): "
        f"epsilon {EPSILON}, delta {DELTA}, one training and one draw of noise a fold; "
        f"private part and ceiling chosen on a fifth of each person's training history: "
        f"{', '.join(f'{a} and {b}' for a, b in picked)}; bootstrap over people; {told}"
    )
    totals = cluster_totals(np.column_stack([values["ours"], values["ceiling"]]), person)
    kept = cluster_bootstrap(totals, np.arange(len(totals)), ratio, seed=SEED)
    write_interval("private_recommender_kept", kept, f"{protocol}. Private over not private")
    floors = {"floor": ("chance", "a random order, in expectation"), "popularity": ("popularity", "plain popularity")}
    for name, (other, said) in floors.items():
        gap = intervals.difference(values["ours"], values[other], person, SEED)
        write_interval(f"private_recommender_over_{name}", gap, f"{protocol}. Private less {said}, paired")
        print(f"ours - {other}: {gap}")
    print(f"kept: {kept}")


if __name__ == "__main__":
    main()
