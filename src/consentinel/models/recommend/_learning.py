"""Training of SASRec: batches of people of like length, the two losses, and when to stop."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.rng import generator
from consentinel.models.pieces.histories import Histories
from consentinel.models.pieces.torch_weights import arrays_of, seeded, tensors_of
from consentinel.models.recommend._attention import encode, padded

__all__ = ["learn", "split"]

Ints = NDArray[np.int64]
Weights = dict[str, NDArray[np.float32]]
Scores = Callable[[Any, Mapping[str, Any], Histories, Any], NDArray[np.float32]]
STREAM = "models.recommend.sasrec"
_NEAR = 20  # batches whose people are sorted by length together


def split(done: Histories, most: int, seed: int) -> tuple[Histories, Histories]:
    """Return the histories to learn from, and those of a few people whose last item was taken out of the former."""
    rng = generator(seed, STREAM, "held out")
    able = np.flatnonzero(done.lengths >= 3)
    chosen = np.sort(rng.choice(able, min(most, len(able) // 10), replace=False))
    ends = done.lengths.copy()
    ends[chosen] -= 1
    return done.part(np.zeros_like(ends), ends), done.take(chosen)


def learn(
    kept: Histories, held: Histories, first: Weights, asked: Any, scores: Scores, seed: int
) -> tuple[Weights, int, float]:
    """Return the weights after the best round over KEPT, that round, and its nDCG@10 on the last items of HELD.

    Arguments: first, the weights to begin with; asked, the Settings of SASRec; scores, as `sasrec.scores`.
    Without anybody to hold out (fewer than ten people did three things) all rounds are done.
    """
    rng = generator(seed, STREAM, "rounds")
    with seeded(seed, STREAM, "dropout") as torch:
        weights = tensors_of(torch, first, learn=True)
        steps = torch.optim.Adam(weights.values(), lr=asked.rate, fused=True)
        best, at, reached = first, 0, -1.0
        for epoch in range(1, asked.epochs + 1):
            for rows, lengths, after in _batches(kept, asked, rng):
                made = encode(torch, weights, torch.from_numpy(rows), torch.from_numpy(lengths), asked.heads,
                              asked.dropout)  # fmt: skip
                inside = torch.from_numpy(np.arange(rows.shape[1]) < lengths[:, None])
                made, after = made[inside], torch.from_numpy(after)[inside]
                loss = _bce if asked.loss == "bce" else _softmax
                steps.zero_grad()
                loss(torch, made, after, weights["item"], asked.negatives, rng).backward()
                steps.step()
            found = _ndcg(torch, weights, held, asked, scores) if len(held) else float(epoch)
            if found > reached:
                best, at, reached = arrays_of(weights), epoch, found
            elif epoch - at >= asked.patience:
                break
    return best, at, reached if len(held) else float("nan")


def _batches(done: Histories, asked: Any, rng: np.random.Generator) -> Iterator[tuple[Ints, Ints, Ints]]:
    """Yield items, numbers of items and the item after each, of everyone with two items or more, once, shuffled."""
    people = rng.permutation(np.flatnonzero(done.lengths >= 2))
    batches = []
    for start in range(0, len(people), asked.batch * _NEAR):
        near = people[start : start + asked.batch * _NEAR]
        near = near[np.argsort(done.lengths[near], kind="stable")]
        batches += [near[at : at + asked.batch] for at in range(0, len(near), asked.batch)]
    for at in rng.permutation(len(batches)):
        ends = done.starts[batches[at] + 1]
        starts = np.maximum(done.starts[batches[at]], ends - 1 - asked.longest)
        yield padded(done.items, starts, ends - 1), ends - 1 - starts, padded(done.items, starts + 1, ends)


def _softmax(torch: Any, made: Any, after: Any, items: Any, negatives: int, rng: np.random.Generator) -> Any:
    """Return the cross entropy of what came AFTER among all items, or among it and NEGATIVES drawn evenly."""
    ops = torch.nn.functional
    if not 0 < negatives < len(items):
        return ops.cross_entropy(made @ items.T, after)
    drawn = torch.from_numpy(rng.choice(len(items), negatives, replace=False))
    others = (made @ items[drawn].T).masked_fill(drawn[None, :] == after[:, None], float("-inf"))
    right = (made * items[after]).sum(1, keepdim=True)
    return ops.cross_entropy(torch.cat([right, others], 1), torch.zeros_like(after))


def _bce(torch: Any, made: Any, after: Any, items: Any, _: int, rng: np.random.Generator) -> Any:
    """Return the binary cross entropy of what came AFTER against one evenly drawn other item for each."""
    ops = torch.nn.functional
    drawn = rng.integers(0, len(items) - 1, len(after))
    other = torch.from_numpy(drawn + (drawn >= after.numpy()))
    right, wrong = (made * items[after]).sum(1), (made * items[other]).sum(1)
    return -(ops.logsigmoid(right) + ops.logsigmoid(-wrong)).mean()


def _ndcg(torch: Any, weights: Mapping[str, Any], held: Histories, asked: Any, scores: Scores) -> float:
    """Return the mean nDCG@10 of the last items of HELD among all items that were not done before."""
    total = 0.0
    for start in range(0, len(held), 256):
        block = held.take(np.arange(start, min(start + 256, len(held))))
        before = block.part(np.zeros(len(block), np.int64), block.lengths - 1)
        last = block.items[block.starts[1:] - 1]
        found = scores(torch, weights, before, asked)
        right = found[np.arange(len(block)), last].copy()
        found[before.owner, before.items] = -np.inf
        rank = (found > right[:, None]).sum(axis=1)
        total += float((1 / np.log2(rank[rank < 10] + 2)).sum())
    return total / len(held)
