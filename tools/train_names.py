"""Train the network of src/consentinel/understand/masking/names.py on made texts alone; one seed makes one file.

Usage: python tools/train_names.py [--texts N] [--rounds N] [--seed N] [--out FILE]     (needs faker, zxcvbn and scipy)
"""

import argparse
from pathlib import Path

import numpy as np
from _made_names import Maker
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

import consentinel
from consentinel.core.modelfile import ModelFile, save
from consentinel.understand.masking._tagger import (
    BUCKETS,
    CODES,
    KIND,
    LABELS,
    NEAR,
    PAD,
    TOKEN,
    WIDE,
    Network,
    codes,
    windows,
)

TARGET = Path(__file__).parent.parent / "src" / "consentinel" / "understand" / "data" / "names.model"
BATCH, VECTOR, HIDDEN, RATE, UNSEEN = 96, 24, 64, 0.004, 0.3
Floats = NDArray[np.float32]


def examples(maker: Maker, n: int) -> list[tuple[list[str], list[int]]]:
    """Return N made texts as words and the numbers of their labels."""
    made = []
    for _ in range(n):
        words: list[str] = []
        labels: list[int] = []
        for piece, label in maker.text():
            found = TOKEN.findall(piece)
            words += found
            labels += [LABELS.index(label)] * len(found)
        made.append((words[:150] + [""] * PAD, labels[:150] + [0] * PAD))
    return made


def _unwindowed(rows: Floats, wide: int, d: int) -> Floats:
    """Return the gradient of what windows() took ROWS from."""
    n = len(rows)
    made = np.zeros((n + 2 * wide, d), np.float32)
    for at in range(2 * wide + 1):
        made[at : at + n] += rows[:, at * d : (at + 1) * d]
    return made[wide : wide + n]


def train(made: list[tuple[list[str], list[int]]], rounds: int, rng: np.random.Generator) -> Network:
    """Return the network after ROUNDS over what was MADE: Adam on cross entropy, the rate falling to nothing."""
    names: dict[str, int] = {}
    texts = [(np.array([names.setdefault(w, len(names)) for w in words]), np.array(labels)) for words, labels in made]
    listed = np.array([codes(word) for word in names], np.int64)
    empty = names[""]
    shapes = [(BUCKETS, VECTOR), ((2 * WIDE + 1) * VECTOR, HIDDEN), (HIDDEN,), ((2 * NEAR + 1) * HIDDEN, HIDDEN),
              (HIDDEN,), (HIDDEN, len(LABELS)), (len(LABELS),)]  # fmt: skip
    scale = [0.15, *(np.sqrt(2 / shape[0]) if len(shape) == 2 else 0.0 for shape in shapes[1:])]
    weights = [(rng.standard_normal(shape) * by).astype(np.float32) for shape, by in zip(shapes, scale, strict=True)]
    weights[0][0] = 0
    mean, square = ([np.zeros_like(w) for w in weights] for _ in range(2))
    steps = rounds * (len(texts) // BATCH)
    for step in range(steps):
        if step % (len(texts) // BATCH) == 0:
            order = rng.permutation(len(texts))
        chosen = order[(step * BATCH) % (len(texts) // BATCH * BATCH) :][:BATCH]
        words = np.concatenate([texts[at][0] for at in chosen])
        truth = np.concatenate([texts[at][1] for at in chosen])
        loss, grads = _step(words, truth, listed, empty, weights, rng)
        rate = RATE * (1 - step / steps) * min(1, (step + 1) / 30)
        for w, g, m, v in zip(weights, grads, mean, square, strict=True):
            m += 0.1 * (g - m)
            v += 0.01 * (g * g - v)
            w -= rate * (m / (1 - 0.9 ** (step + 1))) / (np.sqrt(v / (1 - 0.99 ** (step + 1))) + 1e-7)
        weights[0][0] = 0
        if step % 50 == 0:
            print(f"step {step} of {steps}: loss {loss:.4f}", flush=True)
    return Network(*weights)


def _step(
    words: NDArray[np.int64], truth: NDArray[np.int64], listed: NDArray[np.int64], empty: int,
    weights: list[Floats], rng: np.random.Generator,
) -> tuple[float, list[Floats]]:  # fmt: skip
    """Return the loss on WORDS and its gradients; a part of the words is shown by its letters alone."""
    vectors, first, first_offset, second, second_offset, answer, answer_offset = weights
    own, of = np.unique(words, return_inverse=True)
    shown = listed[own].copy()
    hidden = rng.random(len(own)) < UNSEEN
    shown[hidden, 0] = 0
    sums = csr_matrix(
        (np.ones(shown.size, np.float32), shown.ravel(), np.arange(0, shown.size + 1, CODES)), (len(own), BUCKETS)
    )
    there = (words != empty)[:, None]
    look = csr_matrix((np.ones(len(of), np.float32), (np.arange(len(of)), of)), (len(of), len(own)))
    one = windows((sums @ vectors)[of], WIDE)
    a = np.maximum(one @ first + first_offset, 0) * there
    two = windows(a, NEAR)
    b = np.maximum(two @ second + second_offset, 0)
    scores = b @ answer + answer_offset
    scores -= scores.max(axis=1, keepdims=True)
    p = np.exp(scores)
    p /= p.sum(axis=1, keepdims=True)
    n = there.sum()
    at = np.arange(len(truth))
    loss = float(-(np.log(p[at, truth] + 1e-9) * there[:, 0]).sum() / n)
    p[at, truth] -= 1
    d_scores = (p * there / n).astype(np.float32)
    d_b = (d_scores @ answer.T) * (b > 0)
    d_a = _unwindowed(d_b @ second.T, NEAR, HIDDEN) * (a > 0)
    d_rows = _unwindowed(d_a @ first.T, WIDE, VECTOR)
    d_vectors = np.asarray(sums.T @ (look.T @ d_rows), np.float32)
    return loss, [d_vectors, one.T @ d_a, d_a.sum(0), two.T @ d_b, d_b.sum(0), b.T @ d_scores, d_scores.sum(0)]


def main() -> None:
    """Make texts, train and write the model's file."""
    asked = argparse.ArgumentParser(description=main.__doc__)
    asked.add_argument("--texts", type=int, default=120_000)
    asked.add_argument("--rounds", type=int, default=2)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--out", type=Path, default=TARGET)
    given = asked.parse_args()
    maker = Maker(given.seed)
    given.out.with_name("regions.txt").write_text("\n".join(maker.regions) + "\n", "utf-8")
    network = train(examples(maker, given.texts), given.rounds, np.random.default_rng(given.seed))
    card = {
        "learned_from": f"{given.texts} texts made by tools/_made_names.py from seed {given.seed}: sentences of this"
        " project, names of the packages faker and zxcvbn (MIT), and as what is no name frequent words of zxcvbn and"
        " prose of Python's documentation",
        "licence": "Apache-2.0",
        "labels": " ".join(LABELS[1:]),
    }
    arrays = {name: weight.astype(np.float16) for name, weight in network._asdict().items()}
    save(given.out, ModelFile(KIND, "1", f"consentinel {consentinel.__version__}", arrays, card))


if __name__ == "__main__":
    main()
