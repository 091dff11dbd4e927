"""How many words of a text may be replaced, by any others, before the model that answers by majority could change.

The model votes on copies of a text that keep only a tenth of its words, in their order. A replaced word touches only
the copies that keep it: of T ways to keep k of d words, T - C(d - r, k) hold one of r replaced words. Where T is small
every way is asked and counted: the label stays as long as it has more than T / 2 votes left when the votes of all
copies that r words can touch are taken away (at most those of the r words that touch most of its votes). Else copies
are drawn; the label is chosen by some and its share p bounded from others, wrong with chance 0.001 at most, and it
stays while p - (T - C(d - r, k)) / T > 1/2. Replacing keeps the number of words: what is inserted or deleted is not
covered. Source: Levine and Feizi 2020 (randomised ablation), theorem 1; Zeng et al. 2023 for text.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.assure.measure import Measure, Plan, drawn
from consentinel.assure.robust._certified import ABSTAINED, ALPHA, certified, lower, mean_radius, most_said
from consentinel.assure.robust._scored import Floats, Places, asked, known, right, said, share
from consentinel.assure.subject import Subject
from consentinel.core.columns import one
from consentinel.core.errors import UsageError
from consentinel.core.rng import generator

__all__ = ["KINDS", "NEEDS", "Ablated", "Copies", "ablated", "copies", "kept", "probe", "standing"]

KINDS = ("text",)
NEEDS = ("ask", "labels")
KEPT = 0.1  # share of the words that a copy keeps, at least one
WORDS = (1, 2, 3)
ROWS, FIRST, DRAWS = 64, 32, 300
MOST = 50  # replaced words beyond which nothing is certified


@dataclass(frozen=True)
class Copies:
    """Which WORDS (places, one row a copy) each copy of a text of LENGTH words keeps, and whether it is EVERY way."""

    length: int
    words: NDArray[np.int64]
    every: bool

    def of(self, text: Sequence[str]) -> list[str]:
        """Return the copies of the words TEXT."""
        return [" ".join(text[at] for at in row) for row in self.words.tolist()]


@dataclass(frozen=True)
class Ablated:
    """ROWS (n,) that were voted on, whether the vote is RIGHT (n,), and of how many replaced words it is certain."""

    rows: Places
    right: NDArray[np.bool_]
    words: Floats
    length: NDArray[np.int64]  # of the texts, in words
    every: NDArray[np.bool_]  # whether each way to keep words was asked


def probe(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Yield the accuracy of the model, that of its vote, how often it abstains, and what is certified."""
    found = ablated(subject, plan)
    unit, mine = subject.unit[found.rows], pa.array(found.rows)
    how = f"majority of copies that keep {KEPT:.0%} of the words; texts have {np.median(found.length):.0f} (median); "
    how += f"every copy was asked for {found.every.sum()} of {len(found.rows)} texts, {DRAWS} draws for the others"
    own = right(subject.answers.take(mine), subject.rows.take(mine))
    yield share("accuracy", own, unit, plan, why="the model itself, of the same rows")
    yield share("smoothed_accuracy", found.right & (found.words >= 0), unit, plan, why=how)
    yield share("abstained_share", found.words < 0, unit, plan, better="lower", why=how)
    at = [(float(words), f"words={words}") for words in WORDS]
    sure = ALPHA if not found.every.all() else 0.0
    why = f"no replacement of so many words makes the vote wrong; {how}"
    why += f"; a drawn certificate fails with chance {ALPHA:g}" if sure else ""
    yield from certified(found.right, found.words, at, unit, plan, why, alpha=sure)
    yield mean_radius(found.right, found.words, unit, plan, f"in replaced words; {how}")


def ablated(subject: Subject, plan: Plan, *, rows: int = ROWS, draws: int = DRAWS, share_kept: float = KEPT) -> Ablated:
    """Return the votes on at most ROWS labelled texts and of how many replaced words they are certain."""
    some = drawn("robust", known(subject), min(plan.rows, rows), plan, "ablation")
    if not len(some):
        raise UsageError("no row has a label")
    if "text" not in subject.rows.column_names:
        raise UsageError("the rows have no column 'text'")
    table = subject.rows.take(pa.array(some))
    texts = [(text or "").split() for text in one(table["text"]).cast(pa.string()).to_pylist()]
    truth = np.asarray(one(table["label"]).cast(pa.string()).to_pylist(), object)
    rng = generator(plan.seed, "assure.robust.ablation")
    made = [copies(len(text), kept(len(text), share_kept), draws, rng) for text in texts]
    places = np.repeat(np.arange(len(some)), [len(each.words) for each in made])
    shown = table.take(pa.array(places))
    column = pa.array([copy for text, each in zip(texts, made, strict=True) for copy in each.of(text)], pa.string())
    votes = said(asked(subject, shown.set_column(shown.schema.get_field_index("text"), "text", column)))
    good, words = np.zeros(len(some), bool), np.full(len(some), ABSTAINED)
    for row, each in enumerate(made):
        guess, words[row] = standing(votes[places == row], each)
        good[row] = guess == truth[row]
    length = np.array([len(text) for text in texts], np.int64)
    return Ablated(some, good, words, length, np.array([each.every for each in made]))


def kept(length: int, part: float = KEPT) -> int:
    """Return how many of LENGTH words a copy keeps: the share PART of them, and one at least where there is one."""
    return min(length, max(1, round(part * length)))


def copies(length: int, keep: int, draws: int, rng: np.random.Generator) -> Copies:
    """Return every way to KEEP of LENGTH words where there are at most DRAWS, else FIRST + DRAWS drawn evenly."""
    if comb(length, keep) <= draws:
        ways = np.array(list(combinations(range(length), keep)), np.int64).reshape(comb(length, keep), keep)
        return Copies(length, ways, True)
    order = np.argsort(rng.random((FIRST + draws, length)), axis=1)[:, :keep]
    return Copies(length, np.sort(order, axis=1).astype(np.int64), False)


def standing(votes: NDArray[np.object_], asked_of: Copies) -> tuple[str, float]:
    """Return the label that wins by VOTES on the copies ASKED_OF, and how many replaced words it is certain to survive;
    ABSTAINED where it has no certain majority."""
    length, keep = asked_of.length, asked_of.words.shape[1]
    ways = comb(length, keep)
    if asked_of.every:
        guess = most_said(votes)
        mine = votes == guess
        holds = np.sort(np.bincount(asked_of.words[mine].ravel(), minlength=length))[::-1]  # its votes, by word
        have = int(mine.sum())
        lost = [min(_touched(length, keep, gone), int(holds[:gone].sum())) for gone in range(min(length, MOST) + 1)]
        certain = [gone for gone, less in enumerate(lost) if 2 * (have - less) > ways]
        return guess, float(max(certain, default=ABSTAINED))
    guess = most_said(votes[:FIRST])
    p = lower(int((votes[FIRST:] == guess).sum()), len(votes) - FIRST)
    certain = [gone for gone in range(min(length, MOST) + 1) if p - _touched(length, keep, gone) / ways > 0.5]
    return guess, float(max(certain, default=ABSTAINED))


def _touched(length: int, keep: int, gone: int) -> int:
    """Return how many of the ways to KEEP of LENGTH words hold one of GONE words."""
    return comb(length, keep) - comb(length - gone, keep)
