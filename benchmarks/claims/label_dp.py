"""Label privacy on ads: which method ranks best at which epsilon, against the order of a published table, and on real
clicks how much better one noisy release is than noisy descent with projections."""

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks._claim import write, write_interval
from benchmarks._criteo_clicks import tuning
from consentinel.core.accounting import exact
from consentinel.core.rng import generator
from consentinel.core.stats import Interval
from consentinel.models.asked import settings
from consentinel.models.evaluation import scores
from consentinel.models.private import label_dp
from consentinel.models.private.rehearsal import Rehearsal, rehearsal
from consentinel.models.shelves import ADS

NAMES = ("label_dp_order", "label_dp_gap", "label_dp_sums_gain")
INPUTS = ("benchmarks/_criteo_clicks.py",)
EPSILONS = ("0.1", "0.5", "1", "2", "5")
# AUC on Criteo attribution, two examples a user: Ghazi et al. 2024 (LabelDP-Pro), table 7
PUBLISHED = {
    "flipped": (0.562, 0.652, 0.710, 0.761, 0.804),
    "rows": (0.686, 0.719, 0.724, 0.731, 0.741),
    "projected": (0.780, 0.787, 0.789, 0.791, 0.793),
}
WAYS = {
    "response": "label_private:method=response,delta=1e-6",
    "rows": "private_logistic:categories=public,steps=100,delta=1e-6",
    "projected": "label_private:method=projected,steps=40,delta=1e-6",
    "sums": "label_private:method=sums,delta=1e-6",
}
USERS, EACH, DRAWS = 20_000, 2, 3


def log(seed: int) -> pa.Table:
    """Return a made attribution log: USERS with EACH rows, seven columns of 8 to 2,000 values."""
    rng = generator(seed, "label dp", "log")
    n, odds, names = USERS * EACH, np.full(USERS * EACH, -2.4), {}
    for at, (size, strength) in enumerate(
        [(8, 0.5), (20, 0.6), (50, 0.6), (100, 0.6), (300, 0.7), (800, 0.7), (2000, 0.8)]
    ):
        often = 1.0 / np.arange(1, size + 1) ** 1.05
        value = rng.choice(size, n, p=often / often.sum())
        odds += generator(0, "label dp", f"effects {at}").normal(0, strength, size)[value]
        names[f"column{at}"] = pa.array([f"v{v}" for v in value])
    names["user"] = pa.array(np.repeat(np.arange(USERS), EACH).astype(str))
    return pa.table(names | {"label": pa.array((rng.random(n) < 1 / (1 + np.exp(-odds))).astype(np.int64))})


def predicted(pays: Rehearsal, way: str, train: pa.Table, test: pa.Table, more: str = "") -> np.ndarray:
    """Return the scores of TEST by WAY, trained on TRAIN."""
    name, _, text = way.partition(":")
    asked = ",".join(filter(None, (text, more)))
    trainer = ADS.take(name).trainer(settings(ADS.take(name).SETTINGS, asked, name))
    return np.asarray(pays.trained(trainer, train, seed=0).predict(test)["score"])


def flipped(train: pa.Table, epsilon: str) -> pa.Table:
    """Return TRAIN with labels that were flipped with EPSILON / EACH for each: the published way trains on these
    plainly, while method=response knows how often they lie."""
    label = np.asarray(train["label"], dtype=np.float64)
    answers, _ = label_dp.response(label, np.full(len(label), 0.5), exact(epsilon, "epsilon") / EACH)
    return train.drop_columns(["user", "label"]).append_column("label", pa.array(answers.astype(np.int64)))


def trained(way: str, epsilon: str, train: pa.Table, test: pa.Table, pays: Rehearsal) -> list[np.ndarray]:
    """Return the scores of TEST by WAY at EPSILON on the made log, for each draw of noise."""
    unit = f"epsilon={epsilon},unit=user" + (f",most={EACH}" if way != "rows" else f",clip={0.8 * EACH}")
    if way == "flipped":
        return [predicted(pays, "logistic:", flipped(train, epsilon), test) for _ in range(DRAWS)]
    return [predicted(pays, WAYS[way], train, test, unit) for _ in range(DRAWS)]


def gained(label: np.ndarray, first: list[np.ndarray], second: list[np.ndarray], user: Any = None) -> Interval:
    """Return the AUC of FIRST less that of SECOND: the mean over draws of noise of the value and of the ends."""
    each = [scores.difference("auc", label, a, b, user, draws=300) for a, b in zip(first, second, strict=True)]
    value, low, high = np.mean([(one.value, one.low, one.high) for one in each], axis=0)
    return replace(each[0], value=float(value), low=float(low), high=float(high))


def main() -> None:
    """Measure and write the numbers."""
    train, test = log(1), log(2)
    label, user = np.asarray(test["label"]), np.asarray(test["user"])
    found: dict[str, list[list[np.ndarray]]] = {way: [] for way in ("flipped", *WAYS)}
    table: dict[str, list[float]] = {way: [] for way in found}
    with rehearsal() as pays:
        free = predicted(pays, "logistic:", train.drop_columns(["user"]), test)
        for epsilon in EPSILONS:
            for way in found:
                found[way].append(trained(way, epsilon, train, test, pays))
                each = [scores.auc(label, score) for score in found[way][-1]]
                table[way].append(float(np.mean(each)))
                print(epsilon, way, " ".join(f"{auc:.4f}" for auc in each), flush=True)
        clicks, tested = tuning()
        y = np.asarray(tested["label"])
        real = {
            way: [predicted(pays, text, clicks, tested, "epsilon=1") for _ in range(DRAWS)]
            for way, text in WAYS.items()
        }
    told = "; ".join(f"{way} " + "/".join(f"{auc:.3f}" for auc in row) for way, row in table.items())
    told += f"; no privacy {scores.auc(label, free):.3f}; published: " + "; ".join(
        f"{way} " + "/".join(map(str, row)) for way, row in PUBLISHED.items()
    )
    same = [
        np.sign(PUBLISHED[a][at] - PUBLISHED[b][at]) == np.sign(table[a][at] - table[b][at])
        for a, b in combinations(PUBLISHED, 2)
        for at in range(len(EPSILONS))
    ]
    about = (
        f"a made log ({USERS} users with {EACH} rows each, seven columns, users protected, delta 1e-6), as the public "
        f"file of Criteo has no users; AUC at epsilon {', '.join(EPSILONS)}, mean of {DRAWS} draws of noise: {told}; "
        "flipped: plain logistic regression on flipped labels, as published methods train on them; response: the same "
        "labels, fitted by their likelihood; sums: one noisy release"
    )
    kept = int(np.sum(same))
    write(NAMES[0], value=kept, low=kept, high=kept, n=len(same),
          protocol=f"comparisons of two methods at one epsilon in the published order, of 15; {about}")  # fmt: skip
    gap = gained(label, found["projected"][2], found["flipped"][2], user)
    write_interval(
        NAMES[1], gap, f"AUC of projected descent less flipped labels at epsilon 1 (published 0.079); {about}"
    )
    gain = gained(y, real["sums"], real["projected"])
    seen = ", ".join(f"{way} {np.mean([scores.auc(y, score) for score in each]):.4f}" for way, each in real.items())
    write_interval(
        NAMES[2],
        gain,
        "Criteo small, one part predicted by the others, epsilon 1 for each row's label: AUC of one noisy release of "
        f"label sums less that of projected descent, paired, mean of {DRAWS} draws of noise; {seen}",
    )


if __name__ == "__main__":
    main()
