"""How few words have to be dropped, exchanged or put in to turn the answers about texts.

Words come in the order of what leaving each out does. They are exchanged with, or get beside them, words of the audited
texts that go with no label: an exchanged word has the same ending, length and capitals. Nobody judges whether a text
still means the same; words put in change least of it, dropped ones most, so that the three curves are read apart.
Source: Jin et al. 2020 (TextFooler's greedy order); Ribeiro et al. 2020 (neutral words that should change nothing).
"""

import re
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from consentinel.assure.measure import Measure, Plan
from consentinel.assure.robust._edits import MOST, Propose, broken, texts
from consentinel.assure.robust._scored import known, share
from consentinel.assure.subject import Subject

KINDS = ("text",)
NEEDS = ("ask", "labels")
TRIES = 12  # words that are tried for one
LEAST = 5  # texts that have a word, for it to be called neutral
_TEXTS = 5000  # texts that words are collected from
_WORD = re.compile(r"[^\W\d_]+")
_SHAPES = {
    "drop": "words left out",
    "exchange": "words exchanged with others of the same ending and length that go with no label",
    "insert": "words put in that go with no label",
}


def probe(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Yield the accuracy by number of edits for each way of editing, and how often it turns a right answer."""
    found = texts(subject, plan)
    unit, mine = subject.unit[found.rows], found.right
    neutral = neutral_words(subject)
    for how, why in _SHAPES.items():
        if how != "drop" and not neutral:
            yield Measure("accuracy_under_word_edits", None, f"how={how}", why=f"no word is in {LEAST} texts and goes "
                          "with no label: audit more texts")  # fmt: skip
            continue
        tried = broken(subject, found, _proposer(how, neutral), plan, "words", how)
        for edits in range(MOST + 1):
            place = f"how={how}, edits={edits}"
            yield share("accuracy_under_word_edits", tried.right_after(edits), unit, plan, place, why=why)
        asks = float(tried.queries[mine].mean()) if mine.any() else 0.0
        told = f"right answers that at most {MOST} {why} turn; {asks:,.0f} questions a text on average"
        yield share("word_attack_success", tried.edits[mine] > 0, unit[mine], plan, f"how={how}", "lower", told)


def neutral_words(subject: Subject) -> list[str]:
    """Return words of the labelled texts that are about as often in texts of each label, the most frequent first.

    A word goes with no label where the share of each label among its texts is within one standard error of the share
    among all.
    """
    rows = known(subject)[:_TEXTS]
    plain = subject.rows["text"].take(pa.array(rows)).to_pylist()
    label = np.unique(subject.rows["label"].take(pa.array(rows)).to_pylist(), return_inverse=True)[1]
    counts: dict[str, np.ndarray] = {}
    classes = int(label.max()) + 1 if len(label) else 0
    for text, at in zip(plain, label, strict=True):
        for word in {word.lower() for word in _WORD.findall(text or "")}:
            counts.setdefault(word, np.zeros(classes))[at] += 1
    often = Counter({word: int(seen.sum()) for word, seen in counts.items() if seen.sum() >= LEAST})
    base = np.bincount(label, minlength=classes) / max(1, len(label))
    names = [word for word, _ in sorted(often.items(), key=lambda pair: (-pair[1], pair[0]))]
    kept = []
    for word in names:
        n = often[word]
        if (np.abs(counts[word] / n - base) <= np.sqrt(base * (1 - base) / n)).all():
            kept.append(word)
    return kept


def _proposer(how: str, neutral: list[str]) -> Propose:
    if how == "drop":
        return lambda word, rng: [""]
    if how == "insert":
        common = neutral[:200]
        return lambda word, rng: [f"{word} {common[at]}" for at in rng.permutation(len(common))[:TRIES]]
    ending: dict[str, list[str]] = {}
    for word in neutral:
        ending.setdefault(word[-2:], []).append(word)

    def exchanged(word: str, rng: np.random.Generator) -> list[str]:
        low = word.lower()
        near = [other for other in ending.get(low[-2:], []) if other != low and abs(len(other) - len(low)) <= 2]
        some = [near[at] for at in rng.permutation(len(near))[:TRIES]]
        return [other.upper() if word.isupper() and len(word) > 1 else other.capitalize() if word[:1].isupper()
                else other for other in some]  # fmt: skip

    return exchanged
