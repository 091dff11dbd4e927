"""How few slips in typing turn the answers about texts: the most telling words are misspelt first.

Letters are swapped, dropped, doubled, hit beside or replaced by one that looks alike, one slip a word, by an attacker
who only asks. The same number of slips in words drawn at random says what plain carelessness does.
Source: Gao et al. 2018 (DeepWordBug); Pruthi, Dhingra and Lipton 2019 (kinds of slips).
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from consentinel.assure.measure import Measure, Plan
from consentinel.assure.robust._edits import MOST, Texts, broken, rewritten, texts
from consentinel.assure.robust._scored import asked, change, mean, right, share
from consentinel.assure.robust._typing import slips
from consentinel.assure.subject import Subject
from consentinel.core.rng import generator

KINDS = ("text",)
NEEDS = ("ask", "labels")
DRAWS = 3


def probe(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Yield the accuracy by number of slips, how often the attack succeeds, what it asks, and what random slips do."""
    found = texts(subject, plan)
    unit = subject.unit[found.rows]
    tried = broken(subject, found, slips, plan, "typos")
    for edits in range(MOST + 1):
        why = "as the texts are" if not edits else "misspelt words at most, the most telling first"
        yield share("accuracy_under_typos", tried.right_after(edits), unit, plan, f"edits={edits}", why=why)
    mine = found.right
    asks = float(tried.queries[mine].mean()) if mine.any() else 0.0
    why = f"right answers that at most {MOST} misspelt words turn; {asks:,.0f} questions a text on average"
    yield share("typo_attack_success", tried.edits[mine] > 0, unit[mine], plan, "", "lower", why)
    yield from _careless(subject, found, plan)


def _careless(subject: Subject, found: Texts, plan: Plan) -> Iterator[Measure]:
    """Yield the accuracy with MOST random slips, and how far it is from that of the texts as they are."""
    if not len(found.rows):
        return
    rng = generator(plan.seed, "assure.robust.typos", "careless")
    after = np.zeros(len(found.rows))
    some = subject.rows.take(pa.array(found.rows))
    for _ in range(DRAWS):
        plain = []
        for pieces, words in zip(found.pieces, found.words, strict=True):
            made = list(pieces)
            for at in rng.permutation(words)[:MOST]:
                made[at] = str(rng.choice(slips(made[at], rng) or [made[at]]))
            plain.append("".join(made))
        after += right(asked(subject, rewritten(subject, found.rows, plain)), some) / DRAWS
    unit, place = subject.unit[found.rows], f"random slips, edits={MOST}"
    yield mean("accuracy_under_random_typos", after, unit, plan, place)
    yield change("accuracy_change_under_random_typos", found.right.astype(np.float64), after, unit, plan, place)
