"""Logits of the classifier on scattering coefficients and their gradient by pixels: the same transform, by torch."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.extras import need
from consentinel.models.vision._features import GROUPS
from consentinel.models.vision._network import slopes
from consentinel.models.vision._scattering import ANGLES, CHANNELS, _bank, _margins

if TYPE_CHECKING:
    from consentinel.models.vision._linear import Embedding

__all__ = ["gradient", "scores"]

Floats = NDArray[np.float32]
AT_ONCE = 64


def scores(embedding: "Embedding", weights: Floats, inputs: Floats) -> Floats:
    """Return the logits of pictures INPUTS (n, height, width, channels) in [0, 1]; shape (n, classes)."""
    torch: Any = need("torch", extra="models")
    with torch.inference_mode():
        parts = [
            _logits(embedding, weights, torch.as_tensor(inputs[at : at + AT_ONCE]))
            for at in range(0, len(inputs), AT_ONCE)
        ]
    return np.asarray(torch.cat(parts).numpy(), np.float32)


def gradient(embedding: "Embedding", weights: Floats, inputs: Floats, target: NDArray[np.int64]) -> Floats:
    """Return the gradient of the logit of TARGET (n,) by INPUTS; shape of INPUTS."""
    return slopes(lambda x: _logits(embedding, weights, x), inputs, target, AT_ONCE)


def _logits(embedding: "Embedding", weights: Floats, x: Any) -> Any:
    torch: Any = need("torch", extra="models")
    n, height, width, colours = x.shape
    planes = x.permute(0, 3, 1, 2).reshape(n * colours, height, width)
    found = _layers(planes, height, width).reshape(n, colours * GROUPS, -1)
    found = found - found.mean(dim=2, keepdim=True)
    found = found / torch.sqrt((found * found).mean(dim=2, keepdim=True) + 1e-5)
    mixed = _unit(found.reshape(n, -1)) @ torch.tensor(embedding.mix)  # copied: a file's are read-only
    return _unit(mixed - torch.tensor(embedding.offset)) @ torch.tensor(weights)


def _unit(x: Any) -> Any:
    return x / x.norm(dim=1, keepdim=True).clamp_min(1e-6)


def _layers(x: Any, height: int, width: int) -> Any:
    """Return the scattering coefficients of X (n, height, width), as `_scattering._layers` does."""
    torch: Any = need("torch", extra="models")
    wavelets, whole, half = _bank(height, width)
    fine, coarse = (torch.as_tensor(bank) for bank in wavelets)
    (top, left), (tall, wide) = _margins(height, width)
    edges = (left, wide - width - left, top, tall - height - top)
    x = torch.nn.functional.pad(x[:, None], edges, mode="reflect")[:, 0]
    spectrum = torch.fft.fft2(x)
    first = torch.fft.ifft2(spectrum[:, None] * fine).abs()
    found = [_averaged(x, whole)[:, None], _averaged(first, whole)]
    found.append(_averaged(torch.fft.ifft2(_halved(spectrum[:, None] * coarse)).abs(), half))
    again = torch.fft.fft2(first)
    for angle in range(ANGLES):
        found.append(_averaged(torch.fft.ifft2(_halved(again[:, angle, None] * coarse)).abs(), half))
    made = torch.cat(found, dim=1)
    assert made.shape[1] == CHANNELS
    return made


def _averaged(x: Any, by: tuple[Floats, Floats]) -> Any:
    torch: Any = need("torch", extra="models")
    return torch.as_tensor(by[0]) @ x @ torch.as_tensor(by[1])


def _halved(spectrum: Any) -> Any:
    tall, wide = spectrum.shape[-2] // 2, spectrum.shape[-1] // 2
    rows = spectrum[..., :tall, :] + spectrum[..., tall:, :]
    return (rows[..., :wide] + rows[..., wide:]) * 0.25
