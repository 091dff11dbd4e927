"""Bounds of a network's scores over boxes of inputs, layer by layer: interval bound propagation.

A box is carried as its centre and half its width. A linear layer moves the centre and widens by the size of its
weights; an activation and a pooling never fall where an input rises, so both ends go through them. Source: Gowal et al.
2018, section 3; Mirman, Gehr and Vechev 2018.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.extras import need

__all__ = ["bounds", "certain", "worst"]

Singles = NDArray[np.float32]
Box = tuple[Any, Any]
ROUNDING = 2.0**-23  # twice the unit roundoff of single precision, in which scores are computed
AT_ONCE = 256


def certain(net: Any, low: Singles, high: Singles, shown: Any) -> tuple[Singles, Singles]:
    """Return the least and greatest scores of NET over boxes LOW to HIGH (n, ...), shape (n, classes) each.

    SHOWN turns inputs into what the network takes, and never falls where an input rises. Computed in double precision;
    each layer is widened by what rounding in single precision may add, in whatever order its sums are taken (Higham
    2002, section 3.1), and the result is rounded outwards.
    """
    torch: Any = need("torch", extra="models")
    found: list[tuple[Singles, Singles]] = []
    with torch.inference_mode():
        for at in range(0, len(low), AT_ONCE):
            ends = (shown(end[at : at + AT_ONCE]).double() for end in (low, high))
            down, up = next(ends), next(ends)
            slack = ROUNDING * (1 + down.abs().maximum(up.abs()))
            least, most = bounds(net, down - slack, up + slack, ROUNDING)
            found.append((_single(least, -np.inf), _single(most, np.inf)))
    return np.concatenate([one[0] for one in found]), np.concatenate([one[1] for one in found])


def bounds(net: Any, low: Any, high: Any, rounding: float = 0.0) -> Box:
    """Return the ends of what NET, a sequence of layers, gives for boxes LOW to HIGH (tensors of one type).

    ROUNDING is the relative error of one operation, 0 for none. A layer of another kind than those of `_network` raises
    TypeError: nothing is assumed of it.
    """
    torch: Any = need("torch", extra="models")
    nn, functional = torch.nn, torch.nn.functional
    for layer in net:
        if isinstance(layer, nn.Linear | nn.Conv2d):
            weight, bias = layer.weight.to(low.dtype), layer.bias.to(low.dtype)

            def linear(x: Any, w: Any, b: Any, layer: Any = layer) -> Any:
                if isinstance(layer, nn.Linear):
                    return functional.linear(x, w, b)
                return functional.conv2d(x, w, b, layer.stride, layer.padding)

            centre = linear((low + high) / 2, weight, bias)
            arm = linear((high - low) / 2, weight.abs(), None)
            if rounding:
                terms = weight[0].numel() + 2
                arm = arm + rounding * terms * linear(low.abs().maximum(high.abs()), weight.abs(), bias.abs())
            low, high = centre - arm, centre + arm
        elif isinstance(layer, nn.ReLU | nn.Tanh | nn.MaxPool2d | nn.Flatten):
            low, high = layer(low), layer(high)
            if rounding and isinstance(layer, nn.Tanh):
                low, high = low - 8 * rounding, high + 8 * rounding
        else:
            raise TypeError(f"no bounds are known for a layer {type(layer).__name__}")
    return low, high


def worst(low: Any, high: Any, target: Any) -> Any:
    """Return the scores that speak most against TARGET (n,): its least and the greatest of all others; (n, classes)."""
    torch: Any = need("torch", extra="models")
    mine = torch.nn.functional.one_hot(target, low.shape[1]).bool()
    return torch.where(mine, low, high)


def _single(x: Any, towards: float) -> Singles:
    return np.nextafter(np.asarray(x.numpy(), np.float32), np.float32(towards))
