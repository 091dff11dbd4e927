"""Spans of text, such as the data that a policy says it collects: learnt token by token, twice.

A linear machine says for each token and each kind whether it is inside a span, from the words around it and all words
before and after it in its sentence. A second one sees also what the first, trained without the text, says of the
tokens around: stacked sequential learning (Cohen and Carvalho 2005). Runs of tokens above a threshold are spans; how
often such a span is right is learnt from spans of held-out texts, by their mean and least margin and their length.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel import __version__
from consentinel.core import modelfile
from consentinel.core.errors import BadInput
from consentinel.core.extras import need
from consentinel.core.modelfile import ModelFile
from consentinel.core.rng import generator
from consentinel.core.stats import sigmoid
from consentinel.understand.classifying.calibration import weighed_odds
from consentinel.understand.classifying.tokens import COLUMNS, Tokens, runs

__all__ = ["KIND", "Marker", "Spans", "load", "trained"]

KIND = "understand.marker"
SEEN = 3  # tokens to each side whose first margins are features
FOLDS, PENALTY = 6, 0.1
CUTS = np.linspace(-0.9, 0.4, 27)
BLOCK = 1_000_000  # characters of texts that are marked at once
_AGAIN = "Train the model again"
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Spans:
    """Spans, one a row: text, first character, character behind the last, kind, and the chance that it is right."""

    text: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    kind: NDArray[np.int64]
    p: Floats

    def right(self, true: "Spans") -> Mask:
        """Return which of the spans are among TRUE, with the same text, ends and kind."""
        wanted = set(true.listed())
        return np.array([one in wanted for one in self.listed()], bool)

    def listed(self) -> list[tuple[int, int, int, int]]:
        """Return text, start, end and kind of each span."""
        return list(zip(*(each.tolist() for each in (self.text, self.start, self.end, self.kind)), strict=True))

    def of(self, rows: NDArray[Any]) -> "Spans":
        """Return the spans ROWS."""
        return Spans(self.text[rows], self.start[rows], self.end[rows], self.kind[rows], self.p[rows])


@dataclass(frozen=True)
class Marker:
    """Two machines (weights and offsets of each kind), thresholds of tokens, and the weights of a span's log-odds."""

    kinds: Sequence[str]
    arrays: Mapping[str, NDArray[np.float32]]
    threshold: Floats
    odds: Floats  # of mean margin, least margin, log of the number of tokens, and 1

    def spans(self, texts: Sequence[str]) -> Spans:
        """Return the spans of TEXTS."""
        block = np.cumsum([len(text) for text in texts]) // BLOCK
        edges = [*np.searchsorted(block, np.unique(block)).tolist(), len(texts)]
        parts = [self._block(texts[at:end]) for at, end in pairwise(edges)] or [self._block([])]
        first = [np.full(len(one.p), at) for one, at in zip(parts, edges, strict=False)]
        whole = (
            np.concatenate([getattr(one, name) for one in parts]) for name in ("text", "start", "end", "kind", "p")
        )
        text, *rest = whole
        return Spans(text + np.concatenate(first), *rest)

    def _block(self, texts: Sequence[str]) -> Spans:
        held = Tokens.of(texts)
        if not len(held.words):
            return _found(np.zeros((0, len(self.kinds))), self.threshold, held, self.odds)[0]
        a, x = self.arrays, held.features()
        said = x @ a["first"] + a["first.offset"]
        return _found(_wider(x, held, said) @ a["second"] + a["second.offset"], self.threshold, held, self.odds)[0]

    def save(self, path: Path) -> Path:
        """Write the marker to PATH and return it."""
        arrays = dict(self.arrays) | {"threshold": self.threshold, "odds": self.odds}
        modelfile.save(path, ModelFile(KIND, "1", f"consentinel {__version__}", arrays,
                                       {"kinds": json.dumps(list(self.kinds))}))  # fmt: skip
        return path


def trained(texts: Sequence[str], true: Spans, kinds: Sequence[str], groups: NDArray[np.int64], seed: int) -> Marker:
    """Return the marker of TEXTS whose spans are TRUE; texts of one of GROUPS (n,) are held out together."""
    held = Tokens.of(texts)
    inside = _inside(held, true, len(kinds))
    codes = np.unique(groups, return_inverse=True)[1]
    many = int(codes.max()) + 1
    fold = (generator(seed, "understand.marking").permutation(many) % min(FOLDS, many))[codes][held.text]
    x = held.features()
    wide = _wider(x, held, _held_out(x, inside, fold))
    said = _held_out(wide, inside, fold)
    threshold = _thresholds(said, held, true, len(kinds))
    found, seen = _found(said, threshold, held, np.zeros(4))
    odds = weighed_odds(seen, found.right(true))
    (first, first_offset), (second, second_offset) = _fitted(x, inside), _fitted(wide, inside)
    arrays = {"first": first, "first.offset": first_offset, "second": second, "second.offset": second_offset}
    return Marker(kinds, arrays, threshold, odds)


def load(path: Path) -> Marker:
    """Return the marker in the file PATH; raises BadInput."""
    file = modelfile.load(path, kind=KIND)
    try:
        kinds = [str(one) for one in json.loads(file.card["kinds"])]
    except (KeyError, ValueError, TypeError, RecursionError):
        raise BadInput("does not say its kinds of spans", where=path.name, todo=_AGAIN) from None
    k = len(kinds)
    wanted = {"first": (COLUMNS, k), "first.offset": (k,), "second": (COLUMNS + (2 * SEEN + 1) * k, k),
              "second.offset": (k,), "threshold": (k,), "odds": (4,)}  # fmt: skip
    machines = [one for one in wanted if "first" in one or "second" in one]
    for name, shape in wanted.items():
        array = file.arrays.get(name)
        kind = np.float32 if name in machines else np.float64
        if array is None or array.shape != shape or array.dtype != kind or not np.isfinite(array).all():
            raise BadInput(f"its {name} does not fit", where=path.name, todo=_AGAIN)
    a = file.arrays
    return Marker(kinds, {one: a[one] for one in machines}, np.asarray(a["threshold"]), np.asarray(a["odds"]))


def _inside(held: Tokens, true: Spans, kinds: int) -> Mask:
    """Return which tokens touch a span, shape (tokens, kinds)."""
    made = np.zeros((len(held.words), kinds), bool)
    first = np.searchsorted(held.text, np.arange(int(held.text.max(initial=-1)) + 2))
    for text, start, end, kind in true.listed():
        if text + 1 < len(first):
            rows = slice(first[text], first[text + 1])
            made[rows, kind] |= (held.start[rows] < end) & (held.end[rows] > start)
    return made


def _found(said: Floats, threshold: Floats, held: Tokens, odds: Floats) -> tuple[Spans, Floats]:
    """Return the spans of the tokens whose margins SAID (tokens, kinds) reach THRESHOLD, with chances by ODDS, and
    what these are computed from, shape (spans, 4)."""
    parts: list[list[NDArray[Any]]] = []
    for kind in range(said.shape[1]):
        above = said[:, kind] - threshold[kind]
        first, last = runs(above >= 0, held.sentence)
        many, sums = last + 1 - first, np.concatenate([[0], np.cumsum(above)])
        edges = np.stack([first, last + 1], axis=1).ravel()
        least = np.minimum.reduceat(np.append(above, 0), edges)[::2] if len(first) else np.zeros(0)
        seen = np.stack([(sums[last + 1] - sums[first]) / many, least, np.log(many), np.ones(len(many))], axis=1)
        parts.append([held.text[first], held.start[first], held.end[last], np.full(len(first), kind), seen])
    text, start, end, kinds, seen = (np.concatenate(each) for each in zip(*parts, strict=True))
    order = np.lexsort((kinds, start, text))
    spans = Spans(text, start, end, kinds.astype(np.int64), sigmoid(seen @ odds))
    return spans.of(order), seen[order]


def _held_out(x: Any, inside: Mask, fold: NDArray[np.int64]) -> Floats:
    made = np.full(inside.shape, -1.0)
    for one in np.unique(fold):
        some, others = np.flatnonzero(fold != one), np.flatnonzero(fold == one)
        if len(some):
            weights, offset = _fitted(x[some], inside[some])
            made[others] = x[others] @ weights + offset
    return made


def _fitted(x: Any, inside: Mask) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    machine = need("sklearn.svm", extra="learn").LinearSVC
    weights = np.zeros((x.shape[1], inside.shape[1]), np.float32)
    offset = np.full(inside.shape[1], -1, np.float32)
    for at in range(inside.shape[1]):
        if inside[:, at].any() and not inside[:, at].all():
            made = machine(C=PENALTY, random_state=0).fit(x, inside[:, at])
            weights[:, at], offset[at] = made.coef_[0], made.intercept_[0]
    return weights, offset


def _wider(x: Any, held: Tokens, said: Floats) -> Any:
    """Return X with what was SAID of the tokens around as further columns."""
    sparse = need("scipy.sparse", extra="learn")
    plain = np.clip(said, -2, 2).astype(np.float32)
    around = np.concatenate([held.beside(plain, shift) for shift in range(-SEEN, SEEN + 1)], axis=1)
    return sparse.hstack([x, sparse.csr_matrix(around)], format="csr")


def _thresholds(said: Floats, held: Tokens, true: Spans, kinds: int) -> Floats:
    """Return for each kind the margin that makes the F1 of whole spans highest."""
    made = np.zeros(kinds)
    for kind in range(kinds):
        wanted = true.of(true.kind == kind)
        score: dict[float, float] = {}
        for cut in CUTS.tolist():
            found = _found(said[:, [kind]], np.array([cut]), held, np.zeros(4))[0]
            hits = len({one[:3] for one in found.listed()} & {one[:3] for one in wanted.listed()})
            score[cut] = 2 * hits / max(1, len(found.text) + len(wanted.text))
        made[kind] = max(score, key=lambda cut: (score[cut], -abs(cut)))
    return made
