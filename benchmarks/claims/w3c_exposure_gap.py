"""TREC W3C experts: the exposure gap between men and women as the audit measures it, in the order given and by ListNet.

The plain ListNet learns on each of the six training parts from gender and five features, by L-BFGS to the end.
Published: Zehlike and Castillo 2020, sheets of the DELTR experiments (.049 in the order given, .062 at gamma 0).
"""

import numpy as np
import pyarrow.compute as pc
from scipy.optimize import minimize

from benchmarks._claim import write_interval
from benchmarks._gap_sets import experts, shared
from consentinel.assure.measure import Measure, Plan
from consentinel.assure.shelves import FAIR
from consentinel.core.stats import Interval

NAMES = ("w3c_exposure_gap", "w3c_exposure_gap_away", "w3c_listnet_gap", "w3c_listnet_gap_away")
INPUTS = ("benchmarks/_gap_sets.py",)
PUBLISHED = {"w3c_exposure_gap": 0.049, "w3c_listnet_gap": 0.062}
FEATURES = ("protected", "f0", "f1", "f2", "f3", "f4")


def listnet() -> np.ndarray:
    """Return the scores of the test rows, each by the ListNet of its fold, in their order."""
    table = shared("fair-ranking", "trec_w3c_experts_gender")
    test = table.filter(pc.equal(table["split"], "test"))
    score = np.zeros(test.num_rows)
    for fold in np.unique(np.asarray(table["fold"])):
        rows = table.filter(pc.and_(pc.equal(table["split"], "train"), pc.equal(table["fold"], fold)))
        x = np.stack([np.asarray(rows[name], np.float64) for name in FEATURES], axis=1)
        query = np.unique(np.asarray(rows["query"]), return_inverse=True)[1]
        wanted = soft(np.asarray(rows["relevance"], np.float64), query)

        def loss(w: np.ndarray, x=x, query=query, wanted=wanted) -> tuple[float, np.ndarray]:
            said = soft(x @ w, query)
            return -float(wanted @ np.log(said)), x.T @ (said - wanted)

        w = minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 2000}).x
        print(f"fold {fold}: {np.round(w, 3)}", flush=True)
        mine = np.asarray(pc.equal(test["fold"], fold))
        score[mine] = np.stack([np.asarray(test[name], np.float64) for name in FEATURES], axis=1)[mine] @ w
    return score


def soft(score: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Return the chance of each row to be the first of its query."""
    top = np.full(query.max() + 1, -np.inf)
    np.maximum.at(top, query, score)
    p = np.exp(score - top[query])
    return p / np.bincount(query, p)[query]


def gap(score: np.ndarray | None) -> Measure:
    """Return the exposure gap of women against men, lists ordered by SCORE."""
    found = {(one.metric, one.slice): one for one in FAIR.take("ranking_exposure").probe(experts(score), Plan())}
    return found["exposure_gap", "gender=women"]


def main() -> None:
    """Measure and write both gaps."""
    for name, score in (("w3c_exposure_gap", None), ("w3c_listnet_gap", listnet())):
        measure = gap(score)
        if measure.estimate is None:
            raise SystemExit(f"{name}: {measure.why}")
        print(name, measure.estimate, "p", measure.p)
        order = "in the order given" if score is None else "by a plain ListNet trained on each of six folds"
        protocol = (
            f"60 queries of 12,190 candidates, women against men, {order}: mean over queries of mean 1/ln(1 + rank), "
            f"queries as clusters; published {PUBLISHED[name]}"
        )
        write_interval(name, measure.estimate, protocol)
        away = abs(measure.estimate.value - PUBLISHED[name])
        exact = Interval(away, away, away, measure.estimate.n, 0.95, "")
        write_interval(f"{name}_away", exact, f"distance from the published {PUBLISHED[name]}, {order}")


if __name__ == "__main__":
    main()
