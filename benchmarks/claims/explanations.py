"""Explanations: how exactly they sum, how equal they are to shap's and captum's, and how much faster an answer falls
along them than in a random order."""

import gzip
import io
import lzma
import warnings
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks._audited import classified, place
from benchmarks._claim import write, write_interval
from consentinel.assure.explain import _integrated, _treeshap, gradients, linear_recommender, trees
from consentinel.assure.measure import Measure, Plan
from consentinel.assure.subject import Subject
from consentinel.core.rng import generator
from consentinel.models.rank import lambdarank
from consentinel.models.recommend import ease
from consentinel.models.text import tfidf_linear
from consentinel.models.vision import small_cnn

NAMES = (
    "explanations_additive",
    "explanations_equal",
    "explanations_faithful_recommender",
    "explanations_faithful_ranking",
    "explanations_faithful_vision",
    "explanations_faithful_text",
)
INPUTS = (
    "src/consentinel/assure/explain/linear_recommender.py",
    "src/consentinel/assure/explain/trees.py",
    "src/consentinel/assure/explain/gradients.py",
    "src/consentinel/assure/explain/_treeshap.py",
    "src/consentinel/assure/explain/_integrated.py",
    "src/consentinel/assure/explain/_curves.py",
)
PLAN = Plan(rows=500)
ORDER = "; 95% interval over"


def recommender() -> Subject:
    """Return EASE on MovieLens-100K: learned from folds 2 to 5, asked for everyone of fold 1."""
    log = pq.read_table(place("movielens-100k") / "ratings.parquet")
    fold = np.asarray(log["fold"])
    table = pa.table({"user": log["user"].cast(pa.string()), "item": log["item"].cast(pa.string())})
    model = ease.trainer(ease.SETTINGS()).train(table.filter(pa.array(fold != 1)), seed=0)
    held = table.filter(pa.array(fold == 1))
    who = held["user"].unique()
    queries = pa.table({"query": who, "k": pa.array([10] * len(who), pa.int32())})
    rows = pa.table({"query": held["user"], "item": held["item"], "label": np.ones(held.num_rows)})
    unit = np.asarray(pc.index_in(held["user"], who), np.intp)
    return Subject("recsys", "ease", rows, model.predict(queries), unit, pa.table({"unit": who}), queries=queries,
                   model=model)  # fmt: skip


def ranker() -> Subject:
    """Return LambdaRank on LightGBM's own example, asked for its test queries."""
    from scipy.sparse import csr_matrix

    kept = np.load(place("lambdarank-small") / "lambdarank.npz")
    tables = {}
    for part in ("train", "test"):
        shape = tuple(kept[f"{part}_shape"])
        x = csr_matrix((kept[f"{part}_data"], kept[f"{part}_indices"], kept[f"{part}_indptr"]), shape=shape).toarray()
        many = kept[f"{part}_group"].astype(int)
        query = np.repeat(np.arange(len(many)), many)
        lists = pa.ListArray.from_arrays(np.arange(0, x.size + 1, x.shape[1], np.int32), x.astype(np.float32).ravel())
        tables[part] = pa.table({
            "query": [f"q{at}" for at in query], "item": [f"d{at}" for at in range(len(x))], "features": lists,
            "label": kept[f"{part}_label"].astype(np.float32), "unit": query,
        })  # fmt: skip
    model = lambdarank.trainer(lambdarank.SETTINGS(trees=50, threads=1)).train(tables["train"], seed=0)
    rows = tables["test"].drop_columns("unit")
    names = pa.table({"unit": rows["query"].unique()})
    unit = np.asarray(tables["test"]["unit"])
    return Subject("ranking", "lambdarank", rows, model.predict(rows), unit, names, queries=names, model=model)


def pictures() -> Subject:
    """Return a small network on Fashion-MNIST: 6,000 pictures to learn from, 500 others asked for."""
    folder = place("fashion-mnist")
    x = np.load(io.BytesIO(lzma.decompress((folder / "train_images.npy.xz").read_bytes())))
    y = np.load(io.BytesIO(gzip.decompress((folder / "train_labels.npy.gz").read_bytes())))
    some = generator(0, "claims.explanations", "pictures").permutation(len(x))[:6500]
    size = pa.array([28] * 6500, pa.int32())
    flat = pa.ListArray.from_arrays(np.arange(0, 6500 * 784 + 1, 784, np.int32), x[some].ravel())
    rows = pa.table({"image": flat, "height": size, "width": size, "channels": pa.array([1] * 6500, pa.int32()),
                     "label": [str(at) for at in y[some]]})  # fmt: skip
    model = small_cnn.trainer(small_cnn.SETTINGS(epochs=4)).train(rows.slice(0, 6000), seed=0)
    return classified("vision", rows.slice(6000), model)


def texts() -> Subject:
    """Return logistic regression over hashed words on Davidson tweets: 5,000 to learn from, 500 others asked for."""
    table = pq.read_table(place("text-bias") / "davidson.parquet")
    some = generator(0, "claims.explanations", "texts").permutation(table.num_rows)[:5500]
    rows = pa.table({"text": table["tweet"].cast(pa.string()), "label": table["class"].cast(pa.string())})
    rows = rows.take(pa.array(some))
    settings = tfidf_linear.SETTINGS(words=1, characters=0, columns=14, penalty=1.0)
    return classified("text", rows.slice(5000), tfidf_linear.trainer(settings).train(rows.slice(0, 5000), seed=0))


def of(measures: list[Measure], metric: str) -> Measure:
    """Return METRIC of MEASURES; raises SystemExit where it was not measured."""
    found = next(one for one in measures if one.metric == metric)
    if found.estimate is None:
        raise SystemExit(f"{metric} was not measured: {found.why}")
    return found


def additive(lists: Subject, ranked: Subject) -> None:
    """Write the largest distance of a sum of contributions from the score, or the lead, that it explains."""
    worst, n = 0.0, 0
    for one in linear_recommender.explained(lists, Plan(rows=10_000)):
        worst, n = max(worst, one.error()), n + len(one.listed) * (len(one.listed) + 1) // 2
    rows, x, grown = trees.looked_into(ranked, Plan(rows=10_000))
    values, begin = _treeshap.contributions(grown, x)
    score = _treeshap.scores(grown, x)
    first, second = trees.pairs(ranked.unit[rows], score)
    leads = (values[first] - values[second]).sum(axis=1) - (score[first] - score[second])
    sums = values.sum(axis=1) + begin - score
    worst = max(worst, float(np.abs(leads).max()), float(np.abs(sums).max()))
    n += len(sums) + len(leads)
    protocol = (
        "EASE on MovieLens-100K (scores and leads of all pairs of each list of 10) and LambdaRank on LightGBM's "
        "example (scores and leads of pairs of a query): largest distance of a sum of contributions, float64"
    )
    write("explanations_additive", value=worst, low=worst, high=worst, n=n, protocol=protocol)


def equal(ranked: Subject, seen: Subject) -> None:
    """Write the largest distance from shap's TreeExplainer and captum's IntegratedGradients on the same inputs."""
    import shap
    import torch
    from captum.attr import IntegratedGradients

    warnings.simplefilter("ignore")
    rows, x, grown = trees.looked_into(ranked, PLAN)
    model: Any = ranked.model
    explainer = shap.TreeExplainer(model.forest.booster, feature_perturbation="tree_path_dependent")
    explainer.model.model_type = "internal"  # else shap hands the question back to LightGBM
    theirs = explainer.shap_values(x)
    values = _treeshap.contributions(grown, x)[0]
    worst, n = float(np.abs(values - theirs).max()), len(rows)
    net: Any = seen.model
    some = next(gradients.explained(seen, PLAN, steps=50))
    integrated = IntegratedGradients(lambda shown: net._net(shown.permute(0, 3, 1, 2) * 2 - 1)).attribute(
        torch.tensor(some.x), baselines=0.0, target=torch.tensor(some.target), n_steps=50, method="gausslegendre"
    )
    ours = _integrated.attributed(net, some.x, some.target, some.base, steps=50)
    worst, n = max(worst, float(np.abs(ours - integrated.detach().numpy()).max())), n + len(some.x)
    protocol = "TreeSHAP beside shap (LambdaRank), integrated gradients of 50 steps beside captum (CNN, float32)"
    write("explanations_equal", value=worst, low=worst, high=worst, n=n, protocol=protocol)


def main() -> None:
    """Write all."""
    lists, ranked, seen, read = recommender(), ranker(), pictures(), texts()
    additive(lists, ranked)
    equal(ranked, seen)
    for name, part, subject, what in (
        (
            "recommender",
            linear_recommender,
            lists,
            "EASE on MovieLens-100K, share of the way that the first item stays",
        ),
        ("ranking", trees, ranked, "LambdaRank on LightGBM's example, score in standard deviations"),
        ("vision", gradients, seen, "small CNN on Fashion-MNIST, probability of the class"),
        ("text", gradients, read, "words of Davidson tweets, logistic regression, probability of the class"),
    ):
        found = of(list(part.probe(subject, PLAN)), "deletion_auc_difference")
        assert found.estimate is not None
        print(name, found.estimate, found.p)
        protocol = f"{what}: area under the deletion curve in a random order less in that of the explanation"
        write_interval(f"explanations_faithful_{name}", found.estimate, f"{protocol}{ORDER} units")


if __name__ == "__main__":
    main()
