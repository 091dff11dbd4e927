"""Texts of consent buttons, five meanings: gain over TF-IDF with logistic regression, near-duplicates grouped."""

import unicodedata
from itertools import pairwise

import numpy as np
from sklearn.metrics import precision_recall_curve
from sklearn.model_selection import StratifiedGroupKFold

from _claim import write_interval
from _public_sets import (
    FLOOR,
    MARGIN,
    SEED,
    Floats,
    Labels,
    accuracy_gain,
    column,
    f1_gain,
    held_out,
    macro_f1,
    read,
    say,
    texts,
    tokens,
)
from consentinel.detect.live.banner_text import _words, meaning, plain_text

NAMES = ("consent_buttons_gain",)
INPUTS = ("../shared/data/detect/consent_buttons/buttons.parquet",)
RECALL = 0.8


def seen(text: str) -> list[str]:
    """Return the tokens of a button: words and their beginnings, length, script, and what the word lists say."""
    plain = plain_text(text)
    words = plain.split()
    told = meaning(text)
    lists = [pair for every in _words() for pair in every.items()]
    hits = sorted({idea for idea, by in lists if any(pattern.search(plain) for pattern in by.values())})
    found = [f"w:{w}" for w in words] + [f"w{n}:{w[:n]}" for w in words for n in (4, 5, 6) if len(w) > n]
    found += ["b:" + "_".join(pair) for pair in pairwise(words)]
    found += ["t:" + "_".join(three) for three in zip(words, words[1:], words[2:], strict=False)]
    found += [f"first:{words[0]}", f"last:{words[-1]}"] if words else []
    found += [f"all:{plain}", f"n:{min(len(words), 9)}", f"length:{min(len(text) // 6, 12)}"]
    found += ["signs:" + "".join(sorted({c for c in text if not c.isalnum() and not c.isspace()}))]
    found += [
        f"script:{script}" for script in sorted({unicodedata.name(c, "?").split()[0] for c in text if c.isalpha()})
    ]
    found += [f"said:{told.label}", f"said:{told.label}|{told.sure:.1f}", f"said:{told.label}|n:{min(len(words), 9)}"]
    found += [f"in:{language}" for language in told.languages]
    return found + [f"idea:{hit}" for hit in hits] + ["ideas:" + "+".join(hits)]


def reject_precision(y: Labels, scores: Floats, names: Labels) -> float:
    """Return the best precision of "reject" at a recall of at least RECALL, rows ranked by margin to other classes."""
    at = int(np.flatnonzero(names == "reject")[0])
    margin = scores[:, at] - np.delete(scores, at, axis=1).max(axis=1)
    precision, recall, _ = precision_recall_curve(y == "reject", margin)
    return float(precision[recall >= RECALL].max())


def main() -> None:
    """Measure and write the number."""
    rows = read("consent_buttons", "buttons.parquet")
    text = [row["button_text"] for row in rows]
    y = column([row["label"] for row in rows]).astype(str)
    sites = np.array([row["sites"] for row in rows])
    names = np.unique(y)
    same = np.unique([plain_text(one) or one for one in text], return_inverse=True)[1]
    folds = list(StratifiedGroupKFold(5, shuffle=True, random_state=SEED).split(text, y, same))
    views = [tokens([seen(one) for one in text]), texts([f" {plain_text(one)} " for one in text], 1, 6)]
    floor_scores = held_out([texts(text, 1, 5, analyzer="char_wb")], FLOOR, y, same, folds)
    our_scores = held_out(views, MARGIN, y, same, folds)
    floor, ours = names[floor_scores.argmax(axis=1)], names[our_scores.argmax(axis=1)]
    gain, f1 = accuracy_gain(y, floor, ours, same), f1_gain(y, floor, ours, same)
    rules = column([meaning(one).label for one in text]).astype(str)
    rules = np.where(rules == "save", "accept", rules)  # the set has no such class
    both = [("floor", floor, floor_scores), ("ours", ours, our_scores)]
    each = "; ".join(
        f"{who}: accuracy {(told == y).mean():.1%}, weighted by sites {((told == y) * sites).sum() / sites.sum():.1%}, "
        f"macro F1 {macro_f1(y, told):.1%}, reject precision at recall {RECALL:.0%} "
        f"{reject_precision(y, scores, names):.1%}"
        for who, told, scores in both
    )
    told = (
        f"dev-split: {len(rows):,} texts, 5 folds, texts that differ in case, accents, signs only kept together "
        f"({same.max() + 1:,} groups, which the interval resamples); {each}; features written with development rows "
        f"in sight; macro F1 gain {say(f1)} points; the word "
        f"lists of the package alone, not trained: {(rules == y).mean():.1%}. Floor: character TF-IDF, logistic "
        "regression. Ours: words, word lists and rules of the package as features, character n-grams, linear margin. "
        "Beside the set, on its held-out rows, trained on all of these: character TF-IDF 92.3%, macro F1 87.1, by "
        "sites 94.3%; the source's own expressions 81.9%, 69.6, 91.3%"
    )
    print(told, say(gain), flush=True)
    write_interval(NAMES[0], gain, told, n=len(rows))


if __name__ == "__main__":
    main()
