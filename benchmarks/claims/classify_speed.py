"""How long classes of 100,000 short texts take by words and runs of characters, from texts to sets."""

import numpy as np

from benchmarks._claim import measure, write
from consentinel.core.rng import generator
from consentinel.understand.classifying.model import trained
from consentinel.understand.classifying.taxonomy import Taxonomy

NAMES = ("classify_seconds",)
INPUTS = ("src/consentinel/understand/classifiers/*.py", "src/consentinel/understand/classifying/*.py")
TEXTS, CLASSES, WORDS = 100_000, 6, 20


def texts(many: int, seed: int) -> tuple[list[str], np.ndarray]:
    """Return MANY made texts of about WORDS words, and the class of each: every class prefers words of its own."""
    rng = generator(seed, "claims.classify_speed")
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    known = ["".join(rng.choice(letters, size)) for size in rng.integers(3, 10, 5000)]
    of = rng.integers(0, CLASSES, many)
    picks = rng.integers(0, 5000, (many, WORDS))
    own = rng.random((many, WORDS)) < 0.2
    picks = np.where(own, picks % 50 + 50 * of[:, None], picks)
    return [" ".join(known[one] for one in row) for row in picks], of


def main() -> None:
    """Measure and write the number."""
    plain, of = texts(TEXTS + 2000, 0)
    taxonomy = Taxonomy.of_labels(f"class {n}" for n in range(CLASSES))
    targets = of[:, None] == np.arange(CLASSES)
    made, _ = trained("tfidf_linear", plain[TEXTS:], targets[TEXTS:], taxonomy, single=True, level=0.9, seed=0, card={})
    with measure() as found:
        answer = made.answer(plain[:TEXTS])
    right = float((answer.given == targets[:TEXTS]).all(axis=1).mean())
    write("classify_seconds", value=found.seconds, low=found.seconds, high=found.seconds, n=TEXTS,
          protocol=f"wall time from {TEXTS:,} made texts of {WORDS} words to probabilities and sets of {CLASSES} "
          f"classes, one process; {found.cpu_s:.1f} s of processor time, {found.peak_mb:,.0f} MB at most; "
          f"{right:.1%} right, so that the work was done")  # fmt: skip
    print(f"{found.seconds:.1f} s, {found.cpu_s:.1f} s of processor, {found.peak_mb:,.0f} MB, {right:.4f} right")


if __name__ == "__main__":
    main()
