"""Subjects of the fairness claims: MovieLens-100K by fold with EASE, HateCheck with a text model, experts, Adult."""

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from consentinel.assure.answering import AskedTrainer, Meaning, wrapped
from consentinel.assure.subject import Subject
from consentinel.core.columns import one
from consentinel.core.meeting import trainer

__all__ = ["ROOT", "adult", "experts", "hatecheck", "movielens", "shared"]

ROOT = Path(__file__).resolve().parent.parent
EASE = "recommend/ease:reg=300"  # the setting that the data's page names, not chosen here
TEXT = "text/tfidf_linear:balanced=true"
LOGISTIC = "ads/logistic"
K = 10


def shared(folder: str, name: str) -> pa.Table:
    """Return a table of the shared model data; raises SystemExit where there is none."""
    root = Path(os.environ.get("CONSENTINEL_SHARED_DATA", ROOT.parent / "shared" / "data")) / "models" / folder
    if not (root / f"{name}.parquet").is_file():
        raise SystemExit(f"no {folder}: set CONSENTINEL_SHARED_DATA to the folder that has it under models/")
    return pq.read_table(root / f"{name}.parquet")


def movielens(fold: int) -> Subject:
    """Return EASE on the official FOLD: learns from the others, every test rating is relevant."""
    ratings, users = shared("movielens-100k", "ratings"), shared("movielens-100k", "users")
    user, item = (pc.cast(ratings[name], pa.string()) for name in ("user", "item"))
    test = pc.equal(ratings["fold"], fold)
    log = pa.table({"user": user, "item": item, "time": pa.nulls(len(user), pa.int64()),
                    "weight": pa.array(np.ones(len(user), np.float32))}).filter(pc.invert(test))  # fmt: skip
    rows = pa.table({"query": user, "item": item, "label": pa.array(np.ones(len(user)))}).filter(test)
    asked = one(rows["query"]).unique()
    queries = pa.table({"query": asked, "k": pa.array([K] * len(asked), pa.int32()),
                        "history": pa.nulls(len(asked), pa.list_(pa.string()))})  # fmt: skip
    unit = np.asarray(pc.index_in(one(rows["query"]), asked), np.intp)
    place = pc.index_in(asked, one(pc.cast(users["user"], pa.string())))
    groups = pa.table({"unit": asked, "gender": one(users["gender"]).cast(pa.string()).take(place)})
    items = shared("movielens-100k", "items")
    first = pc.list_element(pc.split_pattern(one(items["genres"]).cast(pa.string()), " "), 0)
    attributes = pa.table({"item": one(items["item"]).cast(pa.string()), "genre": first})
    made = trainer(EASE)
    model = wrapped(made.train(log, seed=0), "recsys", Meaning())
    return Subject("recsys", "EASE", rows, model.predict(queries), unit, groups, queries=queries, items=attributes,
                   learned=log, model=model, trainer=AskedTrainer(made, "recsys", Meaning()), k=K)  # fmt: skip


def hatecheck() -> Subject:
    """Return a linear text model that learned hate from Davidson's tweets, on the cases of HateCheck with a target.

    Hateful is the class of hate; offensive and neither are not, as the authors of HateCheck read the same tweets.
    """
    tweets, cases = shared("text-bias", "davidson"), shared("text-bias", "hatecheck")
    label = np.where(np.asarray(tweets["class"]) == 0, "hateful", "non-hateful")
    learned = pa.table({"text": one(tweets["tweet"]).cast(pa.string()), "label": label.tolist()})
    named = pc.and_(pc.is_valid(cases["target_ident"]), pc.not_equal(cases["target_ident"], ""))
    cases = cases.filter(named)
    rows = pa.table(
        {"text": one(cases["test_case"]).cast(pa.string()), "label": one(cases["label_gold"]).cast(pa.string())}
    )
    meaning = Meaning("hateful", "non-hateful", 0)
    made = trainer(TEXT)
    model = wrapped(made.train(learned, seed=0), "text", meaning)
    groups = pa.table({"unit": [str(at) for at in range(rows.num_rows)],
                       "target": one(cases["target_ident"]).cast(pa.string())})  # fmt: skip
    return Subject("text", "TF-IDF", rows, model.predict(rows), np.arange(rows.num_rows), groups, learned=learned,
                   model=model, trainer=AskedTrainer(made, "text", meaning), positive="hateful")  # fmt: skip


def adult() -> Subject:
    """Return a logistic regression on Adult: learns from a random two thirds, tested on the others."""
    table = shared("fairness-tabular", "adult_train")
    names = [name for name in table.column_names if name not in ("income", "fnlwgt", "education")]
    yes = np.array([">50K" in str(text) for text in table["income"].to_pylist()])
    columns = {name: _plain(table[name]) for name in names}
    rows = pa.table(columns | {"label": pa.array(yes.astype(np.int64))})
    test = np.random.default_rng(7).random(rows.num_rows) < 1 / 3
    learned, rows = rows.filter(pa.array(~test)), rows.filter(pa.array(test))
    rows = rows.set_column(rows.column_names.index("label"), "label", rows["label"].cast(pa.string()))
    meaning = Meaning("1", "0")
    made = trainer(LOGISTIC)
    model = wrapped(made.train(learned, seed=0), "tabular", meaning)
    groups = pa.table({"unit": [str(at) for at in range(rows.num_rows)], "sex": one(rows["sex"]).cast(pa.string())})
    return Subject("tabular", "logistic", rows, model.predict(rows), np.arange(rows.num_rows), groups, learned=learned,
                   model=model, trainer=AskedTrainer(made, "tabular", meaning), positive="1")  # fmt: skip


def experts(score: np.ndarray | None = None) -> Subject:
    """Return the rankings of the W3C experts of the six test parts: in the order given, or by SCORE (rows,)."""
    table = shared("fair-ranking", "trec_w3c_experts_gender")
    table = table.filter(pc.equal(table["split"], "test"))
    query = np.asarray(table["query"]).astype(str)
    item = np.array([f"{q}-{at}" for at, q in enumerate(query)])
    value = -np.arange(len(query), dtype=np.float64) if score is None else score
    order = np.lexsort((-value, np.unique(query, return_inverse=True)[1]))
    rows = pa.table({"query": query.tolist(), "item": item.tolist(), "label": table["relevance"]})
    answers = pa.table({"query": query[order].tolist(), "item": item[order].tolist(), "score": value[order]})
    names, unit = np.unique(query, return_inverse=True)
    groups = pa.table({"unit": names.tolist()})
    queries = pa.table({"query": names.tolist(), "k": pa.array([K] * len(names), pa.int32())})
    gender = np.where(np.asarray(table["protected"]) > 0, "women", "men")
    items = pa.table({"item": item.tolist(), "gender": gender.tolist()})
    return Subject("ranking", "experts", rows, answers, unit.astype(np.intp), groups, queries=queries, items=items, k=K)


def _plain(column: pa.ChunkedArray) -> pa.Array:
    made = one(column)
    return made.cast(pa.string()) if pa.types.is_large_string(made.type) else made
