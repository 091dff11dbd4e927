"""How far two samples of rows are apart: what each row is like, column by column, and all columns at once."""

import math
import re
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.assure.robust._scored import Floats, Places
from consentinel.core.columns import one
from consentinel.core.errors import UsageError
from consentinel.core.extras import need
from consentinel.core.rng import generator
from consentinel.core.stats import Interval, tail

__all__ = ["TIMES", "Apart", "Told", "apart", "auc", "kolmogorov", "likeness", "psi", "variation"]

MOST = 20  # columns that are compared, and the features of a row that are
WIDE = 50  # values of a text column beyond which it names things
TIMES = ("time", "timestamp", "date", "datetime", "day", "year")
NOT_SHIFTED = ("label", "id", "unit", *TIMES)  # later rows have later times: that is no news
_WORD = re.compile(r"\w+")
Texts = NDArray[Any]


@dataclass(frozen=True)
class Told:
    """A column of both samples: numbers, or texts."""

    name: str
    learned: NDArray[Any]
    rows: NDArray[Any]
    number: bool


def likeness(learned: pa.Table, rows: pa.Table, kind: str) -> list[Told]:
    """Return what each row of LEARNED and of ROWS is like, in columns that both have; raises UsageError for none.

    Recommenders: how often an item and a person come in LEARNED. Texts: words, letters a word, capitals, and the share
    of words that LEARNED does not have in another text. Pictures: brightness, contrast and edges. Graphs: links and
    features of a node. Rankings: features; of many, how many are not 0, their mean and spread.
    """
    if kind == "recsys":
        made = [_counts(name, learned, rows, ours, theirs) for name, ours, theirs in
                (("item popularity", "item", "item"), ("history length", "query", "user"))]  # fmt: skip
        return made
    if kind == "tabular":
        both = [n for n in rows.column_names if n in learned.column_names and n not in NOT_SHIFTED]
        found = [told for name in both if (told := _column(name, learned, rows)) is not None]
        if not found:
            raise UsageError("the learned rows and the data have no column of inputs in common")
        return found[:MOST]
    of = {"text": _texts, "vision": _pictures, "graph": _nodes, "ranking": _features}[kind]
    first, second = of(learned), of(rows)
    names = [name for name in second if name in first]
    if not names:
        raise UsageError("the learned rows and the data have nothing in common that could be compared")
    found = [Told(name, first[name], second[name], True) for name in names[:MOST]]
    return [*found, _unknown(learned, rows)] if kind == "text" else found


# What rows are like


def _column(name: str, learned: pa.Table, rows: pa.Table) -> Told | None:
    first, second = one(learned[name]), one(rows[name])
    if all(pa.types.is_integer(c.type) or pa.types.is_floating(c.type) for c in (first, second)):
        numbers = [np.asarray(c.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64) for c in (first, second)]
        return Told(name, numbers[0], numbers[1], True)
    if pa.types.is_nested(first.type) or pa.types.is_nested(second.type):
        return None
    texts = [
        np.asarray(pc.fill_null(c.cast(pa.string()), "(missing)").to_pylist(), dtype=object) for c in (first, second)
    ]
    return Told(name, texts[0], texts[1], False) if len(set(texts[0])) <= WIDE else None


def _counts(name: str, learned: pa.Table, rows: pa.Table, ours: str, theirs: str) -> Told:
    """Return how often what LEARNED and ROWS name comes in LEARNED, each without itself, as logarithms."""
    texts = one(learned[theirs]).cast(pa.string()).dictionary_encode()
    many = np.bincount(np.asarray(texts.indices), minlength=len(texts.dictionary)).astype(np.float64)
    place = pc.fill_null(pc.index_in(one(rows[ours]).cast(pa.string()), texts.dictionary), -1)
    at = np.asarray(place, np.int64)
    known = np.where(at >= 0, many[np.maximum(at, 0)], 0.0)
    return Told(name, np.log1p(many[np.asarray(texts.indices)] - 1), np.log1p(known), True)


def _texts(table: pa.Table) -> dict[str, Floats]:
    words = [_WORD.findall(text or "") for text in table["text"].to_pylist()]
    count = np.array([len(some) for some in words], np.float64)
    letters = np.array([sum(map(len, some)) for some in words], np.float64)
    capitals = np.array([sum(word[0].isupper() for word in some) for some in words], np.float64)
    least = np.maximum(count, 1)
    return {"words": np.log1p(count), "letters a word": letters / least, "capitals": capitals / least}


def _unknown(learned: pa.Table, rows: pa.Table) -> Told:
    """Return the share of words that stand in no learned text, or in the learned text itself alone."""
    both = [[[w.lower() for w in _WORD.findall(text or "")] for text in t["text"].to_pylist()] for t in (learned, rows)]
    seen: dict[str, int] = {}
    for words in both[0]:
        for word in set(words):
            seen[word] = seen.get(word, 0) + 1
    found = [np.array([sum(seen.get(w, 0) < least for w in words) / max(1, len(words)) for words in some])
             for some, least in zip(both, (2, 1), strict=True)]  # fmt: skip
    return Told("unknown words", found[0], found[1], True)


def _pictures(table: pa.Table) -> dict[str, Floats]:
    found: dict[str, list[float]] = {"brightness": [], "contrast": [], "edges": []}
    whole = one(table["image"])
    ends = np.asarray(whole.offsets) if hasattr(whole, "offsets") else None
    sides = [table[name].to_pylist() for name in ("height", "width", "channels")]
    for at, (height, width, channels) in enumerate(zip(*sides, strict=True)):
        pixels = whole.values[int(ends[at]) : int(ends[at + 1])] if ends is not None else whole[at].values
        made = np.asarray(pixels, np.float64).reshape(height, width, channels) / 255
        found["brightness"].append(float(made.mean()))
        found["contrast"].append(float(made.std()))
        found["edges"].append(float(np.abs(np.diff(made, axis=1)).mean() + np.abs(np.diff(made, axis=0)).mean()))
    return {name: np.array(values) for name, values in found.items()}


def _nodes(table: pa.Table) -> dict[str, Floats]:
    links = np.asarray(pc.fill_null(pc.list_value_length(one(table["neighbours"])), 0), np.float64)
    return {"links": np.log1p(links)} | _features(table)


def _features(table: pa.Table) -> dict[str, Floats]:
    if "features" not in table.column_names:
        return {}
    lists = one(table["features"])
    length = np.asarray(pc.fill_null(pc.list_value_length(lists), 0), np.int64)
    if not len(length) or (length != length[0]).any() or not length[0]:
        return {}
    made = np.asarray(lists.flatten().cast(pa.float64()).to_numpy(zero_copy_only=False)).reshape(len(length), -1)
    if made.shape[1] > MOST:
        return {"features that are not 0": (made != 0).mean(axis=1), "mean feature": made.mean(axis=1),
                "spread of features": made.std(axis=1)}  # fmt: skip
    return {f"feature {at + 1}": made[:, at] for at in range(made.shape[1])}


# One column


def kolmogorov(first: Floats, second: Floats, level: float) -> tuple[Interval, float]:
    """Return the largest distance of two distribution functions, and the p-value that there is none.

    The interval adds what each may be off (Massart 1990, with the level shared), so that it covers at least LEVEL.
    """
    one_, two = first[np.isfinite(first)], second[np.isfinite(second)]
    test = need("scipy.stats", extra="learn").ks_2samp(one_, two, method="asymp")
    off = sum(math.sqrt(math.log(4 / (2 * tail(level))) / (2 * len(some))) for some in (one_, two))
    value = float(test.statistic)
    low, high = max(0.0, value - off), min(1.0, value + off)
    return Interval(value, low, high, len(two), level, "Dvoretzky-Kiefer-Wolfowitz"), float(test.pvalue)


def variation(first: Texts, second: Texts, level: float) -> tuple[Interval, float]:
    """Return half the sum of the distances of the shares of each value, and the p-value that all are equal.

    The interval adds what each sample may be off (Bretagnolle and Huber 1979, with the level shared).
    """
    names, code = np.unique(np.concatenate([first, second]).astype(str), return_inverse=True)
    counts = [np.bincount(part, minlength=len(names)) for part in (code[: len(first)], code[len(first) :])]
    shares = [some / some.sum() for some in counts]
    value = float(np.abs(shares[0] - shares[1]).sum() / 2)
    alpha = tail(level)  # half of the error for each sample
    off = sum(math.sqrt((len(names) * math.log(2) - math.log(alpha)) / (2 * len(some))) for some in (first, second))
    p = 1.0
    if len(names) > 1:
        p = float(need("scipy.stats", extra="learn").chi2_contingency(np.stack(counts), correction=False).pvalue)
    low, high = max(0.0, value - off), min(1.0, value + off)
    return Interval(value, low, high, len(second), level, "Bretagnolle-Huber-Carol"), p


def psi(told: Told) -> float:
    """Return the population stability index over tenths of the learned numbers, or over values, half a row added to
    each. Source: Siddiqi 2006, chapter 7."""
    if told.number:
        finite = told.learned[np.isfinite(told.learned)]
        edges = np.unique(np.quantile(finite, np.linspace(0.1, 0.9, 9)))
        codes = [np.searchsorted(edges, some[np.isfinite(some)], side="left") for some in (told.learned, told.rows)]
        size = len(edges) + 1
    else:
        names = np.unique(np.concatenate([told.learned, told.rows]).astype(str))
        codes = [np.searchsorted(names, some.astype(str)) for some in (told.learned, told.rows)]
        size = len(names)
    shares = [(np.bincount(code, minlength=size) + 0.5) / (len(code) + size / 2) for code in codes]
    return float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())


# All columns


@dataclass(frozen=True)
class Apart:
    """A logistic regression that tells learned rows from others.

    Arguments: learned and rows, the odds of being learned that the fit of one half gives the other half of each side;
    held (m,), which of the other rows are of that half; weights (m,), the odds of all other rows by the fit of all;
    x (n + m, d), errors (n + m,), c * (truth - p), and hessian (d, d) of the fit of all.
    """

    learned: Floats
    rows: Floats
    held: NDArray[np.bool_]
    weights: Floats
    x: Floats
    errors: Floats
    hessian: Floats

    def through(self, pull: Floats) -> tuple[Floats, Floats]:
        """Return what each learned and each other row adds, through the fit, to a sum of PULL (m,) times weights."""
        slope = (pull * self.weights) @ self.x[-len(self.weights) :]
        added = (self.x @ np.linalg.solve(self.hessian, slope)) * self.errors
        return added[: -len(self.weights)], added[-len(self.weights) :]


def apart(columns: list[Told], seed: int) -> Apart:
    """Return how well the rows of COLUMNS are told apart; odds are those of samples of equal size.

    A logistic regression over standardised numbers with their squares, and values of texts.
    Source: Bickel, Brückner and Scheffer 2009.
    """
    linear: Any = need("sklearn.linear_model", extra="learn")
    n = len(columns[0].learned)
    x = np.stack([part for told in columns for part in _inputs(told)], axis=1)
    y = np.arange(len(x)) < n
    rng = generator(seed, "assure.robust.shift")
    held = np.concatenate([rng.permutation(count) % 2 == 0 for count in (n, len(x) - n)])

    def odds(fit: NDArray[np.bool_], of: NDArray[np.bool_]) -> Floats:
        model = linear.LogisticRegression(C=1.0, max_iter=500, class_weight="balanced").fit(x[fit], y[fit])
        return np.asarray(np.exp(np.clip(model.decision_function(x[of]), -10, 10)))

    other = odds(~held, held)
    whole = odds(held | ~held, held | ~held)
    p = whole / (1 + whole)
    count = np.where(y, len(x) / (2 * n), len(x) / (2 * (len(x) - n)))
    with_one = np.column_stack([x, np.ones(len(x))])
    pull = np.append(np.ones(x.shape[1]), 1e-9)  # of the penalty, which leaves the offset alone
    hessian = (with_one * (count * p * (1 - p))[:, None]).T @ with_one + np.diag(pull)
    return Apart(other[y[held]], other[~y[held]], held[n:], whole[n:], with_one, count * (y - p), hessian)


def _inputs(told: Told) -> list[Floats]:
    both = np.concatenate([told.learned, told.rows])
    if not told.number:
        return [(both == name).astype(np.float64) for name in sorted(set(map(str, told.learned)))]
    value = np.asarray(both, np.float64)
    there = np.isfinite(value)
    value = np.where(there, value, np.median(value[there]) if there.any() else 0.0)
    spread = value.std()
    value = np.clip((value - value.mean()) / (spread if spread > 0 else 1.0), -5, 5)
    return [value, value**2] if there.all() else [value, value**2, (~there).astype(np.float64)]


def auc(yes: Floats, no: Floats, unit: Places, level: float) -> tuple[Interval, float, float]:
    """Return how often a learned row (YES) has higher odds than another (NO, of UNIT), p against more than 1/2,
    and the smallest distance from that which so many show with 80% power.

    A classifier that is right less than half of the time has found nothing.
    Source: DeLong, DeLong and Clarke-Pearson 1988 (placements), with units as clusters; interval on the logit.
    """
    rank: Any = need("scipy.stats", extra="learn").rankdata
    n, m = len(yes), len(no)
    both = rank(np.concatenate([yes, no]))
    above = (both[:n] - rank(yes)) / m  # share of the others below each learned row
    below = 1 - (both[n:] - rank(no)) / n
    value = float(above.mean())
    code = np.unique(unit, return_inverse=True)[1]
    off = np.bincount(code, below - value) / m
    clusters = len(off)
    variance = float(above.var(ddof=1)) / n + float((off**2).sum()) * clusters / max(1, clusters - 1)
    error, normal = math.sqrt(variance), NormalDist()
    z = normal.inv_cdf(1 - tail(level))
    if not 0 < value < 1 or error == 0:  # told apart without an error: the rule of three
        few = 3 / min(n, clusters)
        return Interval(value, max(0.0, value - few), min(1.0, value + few), clusters, level, "DeLong"), 0.0, few
    logit, reach = math.log(value / (1 - value)), z * error / (value * (1 - value))
    low, high = (1 / (1 + math.exp(-(logit + way * reach))) for way in (-1, 1))
    p = math.erfc((value - 0.5) / error / math.sqrt(2)) / 2
    return Interval(value, low, high, clusters, level, "DeLong, clustered, logit"), p, (z + normal.inv_cdf(0.8)) * error
