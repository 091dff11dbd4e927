"""UltraGCN (Mao et al., CIKM 2021), written again from the paper: the peer of the top-n claims."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from consentinel.core.rng import generator

__all__ = ["UltraGCN", "ultragcn"]


@dataclass(frozen=True)
class UltraGCN:
    """Settings by the names of the paper; negatives are drawn once for a batch and shared by its pairs, so that they
    are one matrix product: the expected loss is the same."""

    width: int = 64
    neighbours: int = 10
    w1: float = 1e-7
    w2: float = 1.0
    w3: float = 1e-7
    w4: float = 1.0
    negatives: int = 256
    negative_weight: float = 200.0
    gamma: float = 1e-4
    lambda_: float = 1e-3
    rate: float = 2e-3
    batch: int = 2048
    epochs: int = 60


@dataclass(frozen=True)
class _Product:
    people: NDArray[np.float32]
    items: NDArray[np.float32]

    def scores(self, people: NDArray[np.int32], histories: Any, /) -> NDArray[np.float32]:
        return self.people[people] @ self.items.T


def near(seen: Any, count: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the COUNT items of largest omega of each item and these omegas (equations 8 and 9); (items, count)."""
    gram = (seen.T @ seen).tocsr()
    g = np.asarray(gram.sum(axis=1), np.float64).ravel()
    own = gram.diagonal()
    at, omega = np.zeros((len(g), count), np.int64), np.zeros((len(g), count), np.float32)
    for i in range(len(g)):
        others = gram.indices[gram.indptr[i] : gram.indptr[i + 1]]
        together = gram.data[gram.indptr[i] : gram.indptr[i + 1]][others != i]
        others = others[others != i]
        values = together / max(1e-9, g[i] - own[i]) * np.sqrt(g[i] / g[others])
        best = np.argsort(-values, kind="stable")[:count]
        at[i, : len(best)], omega[i, : len(best)] = others[best], values[best]
    return at, omega


def ultragcn(log: Any, asked: UltraGCN, seed: int) -> _Product:
    """Return the embeddings that minimise the losses of equations 7 to 13 (constraint, pairs, items), by Adam."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = generator(seed, "benchmarks", "ultragcn")
    seen = log.seen()
    users, items = seen.shape
    person = np.repeat(np.arange(users), np.diff(seen.indptr))
    thing = seen.indices.astype(np.int64)
    d_user, d_item = np.bincount(person, minlength=users), np.bincount(thing, minlength=items)
    of_user = torch.tensor(np.sqrt(d_user + 1) / np.maximum(d_user, 1), dtype=torch.float32)
    of_item = torch.tensor(1 / np.sqrt(d_item + 1), dtype=torch.float32)
    close, omega = (torch.from_numpy(one) for one in near(seen, asked.neighbours))
    people = (torch.randn(users, asked.width) * 1e-4).requires_grad_()
    things = (torch.randn(items, asked.width) * 1e-4).requires_grad_()
    step = torch.optim.Adam([people, things], lr=asked.rate)
    soft = torch.nn.functional.softplus
    for _ in range(asked.epochs):
        order = rng.permutation(len(thing))
        for start in range(0, len(order), asked.batch):
            some = order[start : start + asked.batch]
            u, i = torch.from_numpy(person[some]), torch.from_numpy(thing[some])
            drawn = torch.from_numpy(rng.integers(0, items, asked.negatives))
            eu = people[u]
            right = (eu * things[i]).sum(1)
            wrong = eu @ things[drawn].T
            loss = ((asked.w1 + asked.w2 * of_user[u] * of_item[i]) * soft(-right)).sum()
            weight = asked.w3 + asked.w4 * of_user[u][:, None] * of_item[drawn]
            loss = loss + asked.negative_weight * (weight * soft(wrong)).mean(1).sum()
            beside = (eu[:, None] * things[close[i]]).sum(2)
            loss = loss + asked.lambda_ * (omega[i] * soft(-beside)).sum()
            loss = loss + asked.gamma / 2 * ((people**2).sum() + (things**2).sum())
            step.zero_grad()
            loss.backward()
            step.step()
    return _Product(people.detach().numpy(), things.detach().numpy())
