"""A greedy attack on texts that only asks: the words that count most are edited first, until the answer is wrong.

Every step asks once for all that is tried on all texts.
Source: Gao et al. 2018 (DeepWordBug: edits of characters, words ranked by leaving each out); Jin et al. 2020
(TextFooler: the same greedy order for whole words).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.assure.measure import Plan, drawn
from consentinel.assure.robust._scored import Floats, Places, asked, known, said
from consentinel.assure.subject import Subject
from consentinel.core.columns import one
from consentinel.core.model_contracts import Differentiable
from consentinel.core.rng import generator

__all__ = ["MOST", "WORDS", "Broken", "Propose", "Texts", "broken", "rewritten", "texts"]

ROWS = 100
SEQUENCES = 50  # rows of a model that reads embedded words, which takes a hundred times as long
WORDS = 60  # words of a text that are looked at, from its beginning
MOST = 5  # words that are edited
BUDGET = 250  # times that a model may be asked about one text
_WORD = re.compile(r"\w+")
Propose = Callable[[str, np.random.Generator], list[str]]  # a word -> what may stand for it


@dataclass(frozen=True)
class Texts:
    """Labelled rows: places (n,), their pieces, which are words and what is between them, where words stand, whether
    they are answered rightly, and whose."""

    rows: Places
    pieces: list[list[str]]
    words: list[list[int]]
    right: NDArray[np.bool_]


@dataclass(frozen=True)
class Broken:
    """The attack on n texts: edits (n,) after which the answer was wrong, 0 where it was wrong before, -1 where it
    stayed right; queries (n,) that were asked."""

    edits: NDArray[np.int64]
    queries: NDArray[np.int64]

    def right_after(self, edits: int) -> NDArray[np.bool_]:
        """Return which texts (n,) are answered rightly whatever the attack does with at most EDITS."""
        return (self.edits < 0) | (self.edits > edits)


def texts(subject: Subject, plan: Plan) -> Texts:
    """Return at most `plan.rows` labelled texts of SUBJECT in pieces."""
    there = np.asarray(pc.is_valid(one(subject.rows["text"])))
    slow = isinstance(subject.model, Differentiable) and subject.model.inputs(subject.rows.slice(0, 1)).ndim == 3
    rows = drawn(
        "robust", known(subject)[there[known(subject)]], min(plan.rows, SEQUENCES if slow else ROWS), plan, "texts"
    )
    plain = subject.rows["text"].take(pa.array(rows)).to_pylist()
    pieces = [_cut(text) for text in plain]
    words = [[at for at, piece in enumerate(some) if _WORD.fullmatch(piece)][:WORDS] for some in pieces]
    some = subject.rows.take(pa.array(rows))
    true = np.asarray(one(some["label"]).cast(pa.string()).to_pylist(), dtype=object)
    return Texts(rows, pieces, words, np.asarray(said(subject.answers.take(pa.array(rows))) == true, bool))


def rewritten(subject: Subject, rows: Places, plain: list[str]) -> pa.Table:
    """Return ROWS of SUBJECT with the texts PLAIN."""
    some = subject.rows.take(pa.array(rows))
    field = some.schema.field("text")
    return some.set_column(some.column_names.index("text"), field, pa.array(plain, field.type))


def broken(subject: Subject, found: Texts, propose: Propose, plan: Plan, *names: str) -> Broken:
    """Return after how many edits by PROPOSE, of at most MOST, each text of FOUND is answered wrongly.

    An edit that makes the right answer less sure stays; one that does not is taken back and not counted.
    """
    rng = generator(plan.seed, "assure.robust.edits", *names)
    judge = _Judge(subject, found)
    edits = np.where(found.right, -1, 0).astype(np.int64)
    queries = np.zeros(len(found.rows), np.int64)
    order = judge.ranked(queries)
    pieces, made = [list(some) for some in found.pieces], np.zeros(len(found.rows), np.int64)
    sure = judge.sureness(subject.answers.take(pa.array(found.rows)), np.arange(len(found.rows)))
    for step in range(max((len(some) for some in order), default=0)):
        owner, place, word = [], [], []
        for at in np.flatnonzero((edits < 0) & (made < MOST)):
            if step >= len(order[at]):
                continue
            spot = order[at][step]
            tried = propose(pieces[at][spot], rng)[: max(0, BUDGET - int(queries[at]))]
            owner += [int(at)] * len(tried)
            place += [spot] * len(tried)
            word += tried
        if not owner:
            continue
        plain = ["".join([*pieces[at][:spot], new, *pieces[at][spot + 1 :]]) for at, spot, new in
                 zip(owner, place, word, strict=True)]  # fmt: skip
        who = np.array(owner)
        now = judge.asked(who, plain, queries)
        for at in np.unique(who):
            mine = np.flatnonzero(who == at)
            best = mine[now[mine].argmin()]
            if now[best] >= sure[at]:
                continue
            pieces[at][place[best]], sure[at] = word[best], now[best]
            made[at] += 1
            if now[best] < 0:
                edits[at] = made[at]
    return Broken(edits, queries)


class _Judge:
    """How sure the model is of the right answers of texts; below 0 where it gives another."""

    def __init__(self, subject: Subject, found: Texts) -> None:
        self.subject, self.found = subject, found
        before = subject.answers.take(pa.array(found.rows))
        self.true = np.asarray(subject.rows["label"].take(pa.array(found.rows)).to_pylist(), dtype=object)
        self.column = None if subject.positive else _column(before)

    def sureness(self, answers: pa.Table, at: Places) -> Floats:
        """Return how sure ANSWERS (m,) about the texts AT (m,) are of the right label; less 2 where it is not given."""
        score = np.asarray(one(answers["score"]).cast(pa.float64()), np.float64)
        if self.subject.positive:
            score = np.where(self.true[at] == self.subject.positive, score, -score)
            score = 0.5 + np.arctan(score) / np.pi  # scores may have no bounds
        elif self.column is not None:
            table = _table(answers)
            score = table[np.arange(len(at)), self.column[at]]
        else:
            score = 0.5 + np.arctan(score) / np.pi
        return np.where(said(answers) == self.true[at], score, score - 2.0)

    def asked(self, at: Places, plain: list[str], queries: NDArray[np.int64]) -> Floats:
        """Return how sure the model is of texts AT written as PLAIN, and count what was asked in QUERIES."""
        queries += np.bincount(at, minlength=len(queries))
        kept = [text if text.strip() else "".join(self.found.pieces[who]) for who, text in zip(at, plain, strict=True)]
        return self.sureness(asked(self.subject, rewritten(self.subject, self.found.rows[at], kept)), at)

    def ranked(self, queries: NDArray[np.int64]) -> list[list[int]]:
        """Return the places of the words of each text that is answered rightly, the one that counts most first."""
        pairs = [(at, spot) for at in np.flatnonzero(self.found.right) for spot in self.found.words[at]]
        order: list[list[int]] = [[] for _ in self.found.rows]
        if not pairs:
            return order
        plain = ["".join([*self.found.pieces[at][:spot], *self.found.pieces[at][spot + 1 :]]) for at, spot in pairs]
        who = np.array([at for at, _ in pairs])
        left = self.asked(who, plain, queries)
        for place in np.lexsort((left, who)):
            order[pairs[place][0]].append(pairs[place][1])
        return order


def _cut(text: str) -> list[str]:
    pieces, end = [], 0
    for found in _WORD.finditer(text):
        pieces += [text[end : found.start()], found.group()]
        end = found.end()
    return [*pieces, text[end:]]


def _table(answers: pa.Table) -> Floats:
    lists = one(answers["probabilities"])
    return np.asarray(lists.flatten().cast(pa.float64()), np.float64).reshape(len(lists), -1)


def _column(answers: pa.Table) -> NDArray[np.int64] | None:
    """Return which of the probabilities is of the label that is given, or None where there are none."""
    if "probabilities" not in answers.column_names or not answers.num_rows:
        return None
    return _table(answers).argmax(axis=1).astype(np.int64)
