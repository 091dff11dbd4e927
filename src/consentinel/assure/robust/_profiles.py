"""Profiles of invented people who push an item: random, average, riding on hits, or chosen by a surrogate."""

from collections.abc import Callable

import numpy as np

from consentinel.assure.robust._genuine import Genuine, Ints
from consentinel.core.rng import generator
from consentinel.core.stats import Floats

__all__ = ["ATTACKS", "Profiles", "weights"]

DISTINCT = 100  # profiles for one target; more repeat them
POPULAR = 0.05  # share of items that a bandwagon rides on
SHORT = (5, 10, 20)  # lengths that the optimised attack tries beside that of a genuine history
NEAR = 0.1  # of the spread of the last scores shown: who is nearer counts for the optimised attack
RIDGE = 6.0  # of the mean count of an item: the penalty of the surrogate
SURROGATE = 2000  # items and people that the surrogate of the optimised attack knows
Profiles = tuple[Ints, Floats]  # filler items, and their weights, each (targets, profiles, fillers)


def random(people: Genuine, targets: Ints, many: int, size: int, seed: int) -> Profiles:
    """Return fillers at random, each with the mean weight of the log."""
    none = np.zeros(len(people.items))
    found = _drawn(none, targets, many, size, seed, "random")
    return found, np.full(found.shape, weights(people).mean())


def average(people: Genuine, targets: Ints, many: int, size: int, seed: int) -> Profiles:
    """Return fillers as often as genuine people have them, each with the mean weight of that item."""
    chance = np.log(people.popularity())
    found = _drawn(chance, targets, many, size, seed, "average")
    mean = np.bincount(people.item, weights(people), len(people.items)) / people.popularity()
    return found, mean[found]


def bandwagon(people: Genuine, targets: Ints, many: int, size: int, seed: int) -> Profiles:
    """Return fillers of which one half are among the most popular items with the largest weight, the others random."""
    order = np.argsort(-people.popularity(), kind="stable")
    hits = order[: max(1, size // 2, int(POPULAR * len(order)))]
    top = np.full(len(order), -np.inf)
    top[hits] = 0.0
    first = _drawn(top, targets, many, min(max(1, size // 2), len(hits) - len(targets)), seed, "bandwagon hits")
    rest = np.zeros(len(order))
    rest[hits] = -np.inf
    second = _drawn(rest, targets, many, size - first.shape[2], seed, "bandwagon others")
    value = weights(people)
    mass = np.concatenate([np.full(first.shape, value.max()), np.full(second.shape, value.mean())], axis=2)
    return np.concatenate([first, second], axis=2), mass


def optimised(people: Genuine, targets: Ints, many: int, size: int, seed: int) -> Profiles:
    """Return fillers that lift the target most in a ridge regression of items on items, found greedily one by one.

    The attacker knows the whole log. What one more profile does to the weights of the target is exact (Sherman and
    Morrison 1950); people count by how near their score of the target is to that of the last item that they are shown.
    After each profile the weights are those with it in the log; the length of profiles that the surrogate shows to
    most people is taken. Source of the idea: Li et al. 2016, section 4.
    """
    order = np.argsort(-people.popularity(), kind="stable")
    known = order[~np.isin(order, targets)][:SURROGATE]
    some = generator(seed, "assure.robust.surrogate").permutation(len(people.users))[:SURROGATE]
    column, row = np.full(len(people.items), -1), np.full(len(people.users), -1)
    column[known], row[some] = np.arange(len(known)), np.arange(len(some))
    there = row[people.user] >= 0
    seen = np.zeros((len(some), len(known)))
    inside = there & (column[people.item] >= 0)
    seen[row[people.user[inside]], column[people.item[inside]]] = 1.0
    gram = seen.T @ seen
    inverse = np.linalg.inv(gram + RIDGE * np.diag(gram).mean() * np.eye(len(known)))
    between = -inverse / np.diag(inverse)
    np.fill_diagonal(between, 0.0)
    score = np.where(seen > 0, -np.inf, seen @ between)
    place = max(0, len(known) - people.subject.k)
    last = np.partition(score, place, axis=1)[:, place]
    last = np.where(np.isfinite(last), last, 0.0)  # of who has seen nearly everything
    distinct = min(many, DISTINCT)
    best, found = -1.0, np.zeros((len(targets), distinct, 1), np.int64)
    for length in sorted({min(at, size, len(known) - 1) for at in (*SHORT, size)}):
        chosen, hits = np.empty((len(targets), distinct, length), np.int64), 0.0
        for at, target in enumerate(targets):
            has = np.zeros(len(some))
            has[row[people.user[there & (people.item == target)]]] = 1.0
            chosen[at], won = _greedy(seen, inverse.copy(), has, last, distinct, length)
            hits += won
        if hits > best:
            best, found = hits, known[chosen]
    found = found[:, np.arange(many) % distinct]
    return found, np.full(found.shape, weights(people).max())


def _greedy(seen: Floats, inverse: Floats, has: Floats, last: Floats, many: int, size: int) -> tuple[Ints, float]:
    """Return the fillers of MANY profiles, one after the other, as places of columns of SEEN (people, items), and how
    many people the surrogate then shows the target."""
    found = np.empty((many, size), np.int64)
    weight = inverse @ (seen.T @ has)
    spread = max(NEAR * float(last.std()), 1e-9)
    for at in range(many):
        gap = np.clip((seen @ weight - last) / spread, -30, 30)
        near = np.exp(gap) / (1 + np.exp(gap)) ** 2 * (has == 0)
        gain = inverse @ (seen.T @ near)
        x = np.zeros(len(gain))
        lift, error, length, reach = 0.0, 1.0, 1.0, np.zeros(len(gain))
        for place in range(size):
            worth = (lift + gain) * (error - weight) / (length + 2 * reach + np.diag(inverse))
            worth[x > 0] = -np.inf
            best = int(worth.argmax())
            found[at, place], x[best] = best, 1.0
            lift, error = lift + gain[best], error - weight[best]
            length, reach = length + 2 * reach[best] + inverse[best, best], reach + inverse[best]
        weight = weight + reach * (error / length)
        inverse -= np.outer(reach, reach / length)
    return found, float(((seen @ weight >= last) & (has == 0)).sum())


def weights(people: Genuine) -> Floats:
    """Return the weight of each learned row, 1 where there is none."""
    if "weight" not in people.log.column_names:
        return np.ones(people.log.num_rows)
    found = np.asarray(people.log["weight"].to_numpy(), np.float64)
    return np.where(np.isnan(found), 1.0, found)


def _drawn(chance: Floats, targets: Ints, many: int, size: int, seed: int, name: str) -> Ints:
    """Return different items for each profile, no targets, with a log of CHANCE (items,) each; the first are likelier.

    Source: Efraimidis and Spirakis 2006, with keys as Gumbel variables.
    """
    chance = chance.copy()
    chance[targets] = -np.inf
    size = min(size, int(np.isfinite(chance).sum()))
    distinct = min(many, DISTINCT)
    stream = generator(seed, "assure.robust.profiles", name)
    found = np.empty((len(targets), distinct, size), np.int64)
    for at in range(len(targets)):
        keys = chance + stream.gumbel(size=(distinct, len(chance)))
        found[at] = np.argsort(-keys, axis=1, kind="stable")[:, :size]
    return found[:, np.arange(many) % distinct]


ATTACKS: dict[str, Callable[[Genuine, Ints, int, int, int], Profiles]] = {
    "random": random, "average": average, "bandwagon": bandwagon, "optimised": optimised
}  # fmt: skip
