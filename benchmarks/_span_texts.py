"""PI-Extract, sentences with spans of data that is collected or shared, and a TF-IDF linear floor that marks them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from benchmarks._privacy_texts import lines
from consentinel.understand.classifying.marking import Spans
from consentinel.understand.classifying.tokens import Tokens, runs

__all__ = ["KINDS", "floor", "marked"]

KINDS = ("collect", "not_collect", "share", "not_share")
BLOCK = 60  # sentences in a row, which are of one policy or two: the file does not say where one ends
NEAR, INNER = 3, 3
CUTS = np.linspace(-0.9, 0.4, 27)


def marked() -> tuple[list[str], Spans, NDArray[np.int64]]:
    """Return the sentences, their spans, and the block of each; equal sentences are in the block of the first."""
    rows = lines("pi_extract", "train.jsonl.gz")
    texts, spans, blocks, first = [], [], [], {}
    for at, row in enumerate(rows):
        text = " ".join(row["tokens"])
        place = np.cumsum([0] + [len(token) + 1 for token in row["tokens"]]).tolist()
        for kind, name in enumerate(KINDS):
            spans += [(at, place[begin], place[end] - 1, kind) for begin, end in _tagged(row[name])]
        texts.append(text)
        blocks.append(first.setdefault(text.lower(), at // BLOCK))
    text_of, start, end, kinds = np.array(sorted(spans), np.int64).T
    return texts, Spans(text_of, start, end, kinds, np.ones(len(start))), np.array(blocks, np.int64)


def floor(texts: Sequence[str], true: Spans, blocks: NDArray[np.int64], fold: NDArray[np.int64]) -> Spans:
    """Return the spans that the floor marks in TEXTS, each by the other folds of FOLD (n,).

    TF-IDF of the words at most NEAR tokens away, by how far and on which side they stand, and of the runs of
    characters of the token itself, under one linear SVM for each kind; the margin from which a token is inside gives
    the best F1 of spans held out by INNER folds of the blocks that were trained on.
    """
    held = Tokens.of(texts)
    words = [texts[at][a:b].lower() for at, a, b in zip(*(x.tolist() for x in (held.text, held.start, held.end)),
                                                        strict=True)]  # fmt: skip
    of = held.sentence.tolist()
    around = [" ".join(f"{by}={words[at + by]}" for by in range(-NEAR, NEAR + 1)
                       if 0 <= at + by < len(words) and of[at + by] == of[at]) for at in range(len(words))]  # fmt: skip
    inside = np.zeros((len(words), len(KINDS)), bool)
    for at, start, end, kind in true.listed():
        inside[(held.text == at) & (held.start < end) & (held.end > start), kind] = True
    seen = Seen(np.array(words, object), np.array(around, object), inside)
    parts = []
    for one in np.unique(fold):
        some, others = (np.flatnonzero(mask[held.text]) for mask in (fold != one, fold == one))
        inner, place = np.zeros((len(some), len(KINDS))), np.unique(blocks[held.text[some]], return_inverse=True)[1]
        for part in range(INNER):
            out = place % INNER == part
            inner[out] = seen.margins(some[~out], some[out])
        said = seen.margins(some, others)
        wanted = true.of(fold[true.text] != one)
        for kind in range(len(KINDS)):
            cut = max(CUTS.tolist(), key=lambda cut, kind=kind: _f1(inner[:, kind] >= cut, held, some, wanted, kind))
            parts += [(*row, kind) for row in _runs(said[:, kind] >= cut, held, others)]
    text, start, end, kinds = np.array(sorted(parts), np.int64).T
    return Spans(text, start, end, kinds, np.ones(len(text)))


class Seen:
    """Words of tokens, what is around each, and which are inside spans of each kind."""

    def __init__(self, words: NDArray[Any], around: NDArray[Any], inside: NDArray[np.bool_]) -> None:
        self.words, self.around, self.inside = words, around, inside

    def margins(self, train: NDArray[np.int64], test: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the margins of the tokens TEST by machines trained on the tokens TRAIN, shape (n, kinds)."""
        near = TfidfVectorizer(tokenizer=str.split, token_pattern=None, lowercase=False, min_df=2, sublinear_tf=True)
        own = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=2, sublinear_tf=True)
        x = sparse.hstack([near.fit_transform(self.around[train]), own.fit_transform(self.words[train])], "csr")
        z = sparse.hstack([near.transform(self.around[test]), own.transform(self.words[test])], "csr")
        made = np.full((len(test), self.inside.shape[1]), -1.0)
        for kind in range(made.shape[1]):
            if self.inside[train, kind].any():
                made[:, kind] = LinearSVC(C=1.0, random_state=0).fit(x, self.inside[train, kind]).decision_function(z)
        return made


def _runs(inside: NDArray[np.bool_], held: Tokens, rows: NDArray[np.int64]) -> list[tuple[int, int, int]]:
    first, last = runs(inside, held.sentence[rows])
    places = (held.text[rows[first]], held.start[rows[first]], held.end[rows[last]])
    return list(zip(*(one.tolist() for one in places), strict=True))


def _f1(inside: NDArray[np.bool_], held: Tokens, rows: NDArray[np.int64], wanted: Spans, kind: int) -> float:
    found = set(_runs(inside, held, rows))
    true = {one[:3] for one in wanted.of(wanted.kind == kind).listed()}
    return 2 * len(found & true) / max(1, len(found) + len(true))


def _tagged(tags: Sequence[str]) -> list[tuple[int, int]]:
    """Return first token and the one behind the last of each span of TAGS (BIO)."""
    made: list[tuple[int, int]] = []
    begin = -1
    for at, tag in enumerate([*tags, "O"]):
        if begin >= 0 and not tag.startswith("I"):
            made.append((begin, at))
            begin = -1
        if tag.startswith("B") or (tag.startswith("I") and begin < 0):
            begin = at
    return made
