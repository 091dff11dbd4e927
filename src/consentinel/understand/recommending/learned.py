"""What past cases say: for each mitigation, the calibrated probability that it is done about a case like this one.

Two views are averaged: a logistic regression on the words and fields of the case, and the votes of the most similar
past cases. Newer cases count more (half a weight every HALF_LIFE days). The average is calibrated once for all
mitigations on the newest fifth of the past (Platt 1999), which neither view has seen. Every probability can say which
past cases and which words it comes from.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import BadInput
from consentinel.core.extras import need
from consentinel.core.stats import sigmoid

__all__ = ["Known", "Learned", "Said", "learned"]

Floats = NDArray[np.float64]
# Chosen on 2017 and 2018 of the HHS narratives, trained on the years before.
HALF_LIFE, NEIGHBOURS, PENALTY, OF_FIELDS = 1460.0, 25, 3.0, 0.5
FEWEST = 3  # cases with and without a mitigation, before a regression is fitted for it
CALIBRATED = 200  # cases, before a fifth of them is spared to calibrate
_BLOCK = 512


@dataclass(frozen=True)
class Known:
    """Past cases: their texts and fields, days (0 where unknown), and for each mitigation whether it was done.

    `did` and `weight` have shape (cases, mitigations); a weight of 0 says that nothing is known.
    """

    ids: Sequence[str]
    texts: Sequence[str]
    fields: Sequence[Sequence[str]]
    days: Floats
    did: Floats
    weight: Floats

    def some(self, at: NDArray[Any]) -> "Known":
        """Return the cases AT these places."""
        rows = [int(i) for i in at]
        return Known([self.ids[i] for i in rows], [self.texts[i] for i in rows], [self.fields[i] for i in rows],
                     self.days[at], self.did[at], self.weight[at])  # fmt: skip


@dataclass(frozen=True)
class Said:
    """Probabilities (cases, mitigations), and places and similarities of the nearest past cases."""

    p: Floats
    near: NDArray[np.int64]
    similar: Floats


@dataclass(frozen=True)
class Learned:
    """What was learned from past cases."""

    known: Known
    weight: Floats  # of each past case and mitigation, newer ones more
    base: Floats  # share of past cases, by mitigation
    slope: float
    offset: float
    calibrated: bool
    _words: Any
    _fields: Any
    _past: Any  # words of past cases, rows of length 1
    _coefficients: Floats  # (mitigations, words and fields)
    _intercepts: Floats  # NaN where there is no regression

    def says(self, texts: Sequence[str], fields: Sequence[Sequence[str]], ids: Sequence[str] = ()) -> Said:
        """Return what past cases say of those with TEXTS and FIELDS; one that is among IDS says nothing of itself."""
        raw, near, similar = self.raw(texts, fields, ids)
        return Said(sigmoid(self.slope * _logit(raw) + self.offset), near, similar)

    def raw(
        self, texts: Sequence[str], fields: Sequence[Sequence[str]], ids: Sequence[str] = ()
    ) -> tuple[Floats, NDArray[np.int64], Floats]:
        """Return the average of both views before it is calibrated, and places and similarities of past cases."""
        words = self._words.transform(texts)
        x = _beside(words, self._fields.transform([dict.fromkeys(one, 1.0) for one in fields]))
        regressed = sigmoid(np.asarray(x @ self._coefficients.T) + self._intercepts)
        regressed = np.where(np.isnan(regressed), self.base, regressed)
        votes, near, similar = np.empty_like(regressed), [], []
        places = {one: at for at, one in enumerate(self.known.ids)}
        for start in range(0, len(texts), _BLOCK):
            alike = np.asarray((words[start : start + _BLOCK] @ self._past.T).todense(), np.float64)
            for row, one in enumerate(ids[start : start + _BLOCK]):
                if one in places:
                    alike[row, places[one]] = -1.0
            at = np.argsort(-alike, axis=1, kind="stable")[:, :NEIGHBOURS]
            close = np.clip(np.take_along_axis(alike, at, 1), 0, None)
            pull = close[:, :, None] * self.weight[at]
            votes[start : start + _BLOCK] = ((pull * self.known.did[at]).sum(1) + 0.02 * self.base) / (
                pull.sum(1) + 0.02
            )
            near.append(at)
            similar.append(close)
        return (regressed + votes) / 2, np.concatenate(near), np.concatenate(similar)

    def words(self, text: str, fields: Sequence[str], mitigation: int, most: int = 4) -> list[tuple[str, float]]:
        """Return the words and fields that speak most for the MITIGATION here, with what each adds to its log-odds.

        Words without a meaning of their own and the kind of the case count in the probability, but are no reasons.
        """
        stop = need("sklearn.feature_extraction.text", extra="learn").ENGLISH_STOP_WORDS
        x = _beside(self._words.transform([text]), self._fields.transform([dict.fromkeys(fields, 1.0)])).tocsr()
        names = [*self._words.get_feature_names_out(), *self._fields.get_feature_names_out()]
        adds = zip(x.indices, x.data * self._coefficients[mitigation, x.indices], strict=True)
        told = [(str(names[at]), float(add)) for at, add in adds if add > 0]
        reasons = [one for one in told if not one[0].startswith("kind=") and not stop & set(one[0].split())]
        return sorted(reasons, key=lambda one: -one[1])[:most]


def learned(known: Known) -> Learned:
    """Return what the past cases KNOWN say. Raises BadInput where there is none, MissingExtra without scikit-learn."""
    if not len(known.ids) or not known.weight.any():
        raise BadInput("no past case says what was done", where="history", todo="Ingest some with what was done")
    order = np.argsort(known.days, kind="stable")
    held = len(order) // 5
    slope, offset, calibrated = 1.0, 0.0, False
    if len(order) >= CALIBRATED:
        older, newer = known.some(order[:-held]), known.some(order[-held:])
        raw, _, _ = _fitted(older).raw(newer.texts, newer.fields)
        slope, offset = _platt(raw, newer.did, newer.weight)
        calibrated = True
    return _fitted(known, slope, offset, calibrated)


def _fitted(known: Known, slope: float = 1.0, offset: float = 0.0, calibrated: bool = False) -> Learned:
    counting = need("sklearn.feature_extraction", extra="learn")
    linear = need("sklearn.linear_model", extra="learn")
    words = counting.text.TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2 if len(known.ids) > 50 else 1,
                                          token_pattern=r"\b[a-z][a-z\-]+\b")  # fmt: skip
    if any(any(c.isalpha() for c in one) for one in known.texts):
        try:
            past = words.fit_transform(known.texts)
        except ValueError:  # no word is left
            past = words.set_params(min_df=1).fit_transform(["nothing", *known.texts])[1:]
    else:
        past = words.set_params(min_df=1).fit_transform(["nothing", *known.texts])[1:]
    said = counting.DictVectorizer()
    x = _beside(past, said.fit_transform([dict.fromkeys(one, 1.0) for one in known.fields])).tocsr()
    age = known.days.max() - known.days
    weight = known.weight * 0.5 ** (age / HALF_LIFE)[:, None]
    base = ((weight * known.did).sum(0) + 0.05) / (weight.sum(0) + 1.0)
    coefficients, intercepts = np.zeros((known.did.shape[1], x.shape[1])), np.full(known.did.shape[1], np.nan)
    for at in range(known.did.shape[1]):
        rows = np.flatnonzero(weight[:, at] > 0)
        y = known.did[rows, at]
        if min(y.sum(), len(y) - y.sum()) < FEWEST:
            continue
        one = linear.LogisticRegression(C=PENALTY, solver="liblinear", random_state=0)
        one.fit(x[rows], y > 0.5, sample_weight=weight[rows, at])
        coefficients[at], intercepts[at] = one.coef_[0], one.intercept_[0]
    return Learned(known, weight, base, slope, offset, calibrated, words, said, past, coefficients, intercepts)


def _beside(words: Any, fields: Any) -> Any:
    return need("scipy.sparse", extra="learn").hstack([words, OF_FIELDS * fields], format="csr")


def _platt(raw: Floats, did: Floats, weight: Floats) -> tuple[float, float]:
    """Return slope and offset of the logit of RAW that fit best; a slope below 0.1 is none."""
    linear = need("sklearn.linear_model", extra="learn")
    fine = weight > 0
    y = did[fine] > 0.5
    if y.all() or not y.any():
        return 1.0, 0.0
    fit = linear.LogisticRegression(C=1e6).fit(_logit(raw[fine])[:, None], y)
    return max(float(fit.coef_[0, 0]), 0.1), float(fit.intercept_[0])


def _logit(p: Floats) -> Floats:
    inside = np.clip(p, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(inside / (1 - inside)), np.float64)
