"""UltraGCN (Mao et al., CIKM 2021), written again from the paper: the peer of the top-n claims."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sparse
import torch
from numpy.typing import NDArray

from consentinel.core.rng import generator

__all__ = ["UltraGCN", "rounds", "ultragcn"]

EVERY = 10  # epochs between looks at validation


@dataclass(frozen=True)
class UltraGCN:
    """Settings by the names of the paper. A step takes all pairs of some PEOPLE, and for negatives all items: what the
    loss over draws of negatives for each pair estimates. Where DRAWN is not 0, so many items stand for all in a step.
    GAMMA counts once an epoch, so that it means the same with more rows, as the weights of the losses do; the authors'
    1e-4 for each batch of 1,024 pairs comes to 0.078 on MovieLens-1M m1 and 0.059 on AmazonCDs m1."""

    width: int = 128
    neighbours: int = 10
    w1: float = 1e-7
    w2: float = 1.0
    w3: float = 1e-7
    w4: float = 1.0
    negative_weight: float = 200.0
    gamma: float = 0.1
    lambda_: float = 1e-3
    initial: float = 0.1
    rate: float = 1e-2
    people: int = 128
    drawn: int = 0
    epochs: int = 200


@dataclass(frozen=True)
class _Product:
    people: NDArray[np.float32]
    items: NDArray[np.float32]

    def scores(self, people: NDArray[np.int32], histories: Any, /) -> NDArray[np.float32]:
        return self.people[people] @ self.items.T


def near(seen: Any, count: int) -> Any:
    """Return the COUNT largest weights omega of each item (a row), itself included as in the authors' program."""
    gram = (seen.T @ seen).tocsr()
    links = np.maximum(np.asarray(gram.sum(axis=1), np.float64).ravel(), 1)
    omega = (sparse.diags(np.sqrt(links + 1) / links) @ gram @ sparse.diags(1 / np.sqrt(links + 1))).tocsr()
    for i in range(len(links)):
        row = omega.data[omega.indptr[i] : omega.indptr[i + 1]]
        row[np.argsort(-row, kind="stable")[count:]] = 0
    omega.eliminate_zeros()
    return omega


def ultragcn(log: Any, asked: UltraGCN, seed: int) -> _Product:
    """Return the embeddings after all epochs that are ASKED."""
    *_, (_, last) = rounds(log, asked, seed, asked.epochs)
    return last


def rounds(log: Any, asked: UltraGCN, seed: int, every: int = EVERY) -> Iterator[tuple[UltraGCN, _Product]]:
    """Yield, EVERY so many epochs, the settings that end there and the embeddings that Adam has come to by then.

    All three losses (equations 7 to 13) are sums over person and item of softplus(-score) with one weight (links to
    items, and to their neighbours) and of softplus(score) with another (negatives).
    """
    torch.set_num_threads(1)
    rng = generator(seed, "benchmarks", "ultragcn")
    torch.manual_seed(seed)
    seen = log.seen()
    shape, d_user, d_item = seen.shape, np.diff(seen.indptr), log.people()
    of_user, of_item = np.sqrt(d_user + 1) / np.maximum(d_user, 1), 1 / np.sqrt(d_item + 1)
    links = asked.w1 * seen + asked.w2 * (sparse.diags(of_user) @ seen @ sparse.diags(of_item))
    links = (links + asked.lambda_ * (seen @ near(seen, asked.neighbours))).astype(np.float32).tocsr()
    pairs = torch.tensor(asked.negative_weight * d_user / shape[1], dtype=torch.float32)  # of a person, for each item
    user_part, item_part = (torch.tensor(one, dtype=torch.float32) for one in (of_user, of_item))
    made = [torch.randn(size, asked.width) * asked.initial for size in shape]
    steps = -(-shape[0] // asked.people)
    adam = torch.optim.Adam(made, lr=asked.rate, weight_decay=asked.gamma / steps, fused=True)
    for epoch in range(1, asked.epochs + 1):
        order = rng.permutation(shape[0])
        for start in range(0, len(order), asked.people):
            some = order[start : start + asked.people]
            who, mine = torch.from_numpy(some), links[some]
            items = torch.arange(shape[1])
            if asked.drawn:
                items = torch.from_numpy(rng.choice(shape[1], asked.drawn, replace=False, shuffle=False))
            own, other, all_pairs = made[0][who], made[1][items], pairs[who, None] * (shape[1] / len(items))
            pull = all_pairs * (asked.w3 + asked.w4 * user_part[who, None] * item_part[items])
            near_one = torch.sigmoid(own @ other.T)
            slopes = [torch.zeros_like(one) for one in made]
            if asked.drawn:
                pull *= near_one
                _add_links(mine, who, made, slopes)
            else:
                linked = torch.from_numpy(mine.toarray())
                pull = (pull + linked).mul_(near_one).sub_(linked)
            slopes[0][who] += pull @ other
            slopes[1][items] += pull.T @ own
            made[0].grad, made[1].grad = slopes
            adam.step()
        if epoch % every == 0 or epoch == asked.epochs:
            yield replace(asked, epochs=epoch), _Product(*(one.numpy().copy() for one in made))


def _add_links(mine: Any, who: torch.Tensor, made: list[torch.Tensor], slopes: list[torch.Tensor]) -> None:
    """Add to SLOPES the gradient of softplus(-score) summed with the weights MINE (people, items) of the people WHO."""
    own, things = made[0][who].numpy(), made[1].numpy()
    rows = np.repeat(np.arange(mine.shape[0]), np.diff(mine.indptr))
    score = np.einsum("ij,ij->i", own[rows], things[mine.indices])
    pull = mine.copy()
    pull.data = -mine.data / (1 + np.exp(np.clip(score, -60, 60)))
    slopes[0][who] += torch.from_numpy(pull @ things)
    slopes[1] += torch.from_numpy(pull.T @ own)
