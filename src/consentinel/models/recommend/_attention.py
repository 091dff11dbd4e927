"""The network of SASRec as functions of named arrays: causal self-attention over the items of a person, in order."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.rng import generator

__all__ = ["encode", "initial", "padded"]

Arrays = dict[str, NDArray[np.float32]]
BLOCK = ("query", "key", "value", "out", "up", "down")


def initial(items: int, longest: int, width: int, blocks: int, seed: int) -> Arrays:
    """Return the first weights: item (items, width), place (longest, width), and those of BLOCKS blocks."""
    rng = generator(seed, "models.recommend.sasrec", "initial")

    def normal(*shape: int) -> NDArray[np.float32]:
        return rng.normal(0, 0.02, shape).astype(np.float32)

    found = {"item": normal(items, width), "place": normal(longest, width)}
    for at in range(blocks):
        for name in BLOCK:
            found[f"block{at}/{name}"] = normal(width, width)
            found[f"block{at}/{name}_bias"] = np.zeros(width, np.float32)
    norms = [f"block{at}/norm{side}" for at in range(blocks) for side in (1, 2)]
    for name in [*norms, "norm"]:
        found[name] = np.ones(width, np.float32)
        found[f"{name}_bias"] = np.zeros(width, np.float32)
    return found


def padded(items: NDArray[np.int64], starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return items[start:end] of each person as a row, zeros after its end: shape (people, longest)."""
    lengths = ends - starts
    steps = np.arange(max(1, int(lengths.max(initial=0))))
    inside = steps < lengths[:, None]
    found = np.zeros(inside.shape, np.int64)
    found[inside] = items[(starts[:, None] + steps)[inside]]
    return found


def encode(torch: Any, weights: Mapping[str, Any], rows: Any, lengths: Any, heads: int, dropout: float) -> Any:
    """Return what the network makes of each place of ROWS (people, longest): (people, longest, width).

    Arguments: weights as tensors; rows, item codes, zeros after LENGTHS (people,), which no earlier place sees;
    dropout 0 when scoring. Places count from a person's last item backwards, so that the latest always has the same.
    Source: Kang and McAuley 2018, section III, with normalisation before each step (Xiong et al. 2020).
    """
    ops = torch.nn.functional
    people, longest = rows.shape
    width = weights["item"].shape[1]
    back = (lengths[:, None] - 1 - torch.arange(longest)[None, :]).clamp(min=0)
    flow = ops.dropout(weights["item"][rows] + weights["place"][back], dropout)

    def norm(name: str, values: Any) -> Any:
        return ops.layer_norm(values, (width,), weights[name], weights[f"{name}_bias"], 1e-6)

    def linear(name: str, values: Any) -> Any:
        return values @ weights[name] + weights[f"{name}_bias"]

    for at in range(sum(name.endswith("/query") for name in weights)):
        seen = norm(f"block{at}/norm1", flow)
        query, key, value = (
            linear(f"block{at}/{name}", seen).view(people, longest, heads, -1).transpose(1, 2) for name in BLOCK[:3]
        )
        mixed = ops.scaled_dot_product_attention(query, key, value, dropout_p=dropout, is_causal=True)
        mixed = mixed.transpose(1, 2).reshape(people, longest, width)
        flow = flow + ops.dropout(linear(f"block{at}/out", mixed), dropout)
        wide = ops.gelu(linear(f"block{at}/up", norm(f"block{at}/norm2", flow)))
        flow = flow + ops.dropout(linear(f"block{at}/down", wide), dropout)
    return norm("norm", flow)
