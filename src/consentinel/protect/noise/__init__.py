"""Noise on the integer lattice: exact samplers, one door; `draw_with` is what mechanisms call."""

from fractions import Fraction
from typing import Any, Literal

from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.core.rng import secure_words
from consentinel.protect.noise._drawing import INT64, asked
from consentinel.protect.shelves import NOISE

__all__ = ["BATCH", "MANY", "draw_with"]

BATCH = 256  # fewest draws at a time: the time of a draw is that of its whole batch, so it does not tell the draw
MANY = 2_048  # from here on our own sampler is used unless a source is named


def draw_with(
    kind: Literal["discrete_gaussian", "discrete_laplace"],
    scale: Fraction,
    n: int,
    *,
    source: Literal["", "opendp", "own"] = "",
) -> NDArray[Any]:
    """Return N draws of KIND with the exact SCALE, in lattice steps; shape (n,), int64 (Python ints from 2^54 on).

    OpenDP draws when few are asked for, the vectorised exact sampler for MANY and for scales beyond OpenDP's; SOURCE
    names one. Draws are made in batches of at least BATCH and handed out when the batch is complete; what is left of
    it is thrown away, so that no noise is kept that a copy of the process could use again.
    Raises UsageError for a kind, scale or n that cannot be; MissingExtra without opendp.
    """
    if kind not in ("discrete_gaussian", "discrete_laplace"):
        raise UsageError(f"no noise '{kind}'; there is: discrete_gaussian, discrete_laplace")
    if source not in ("", "opendp", "own"):
        raise UsageError(f"noise comes from 'opendp' or 'own', not from '{source}'")
    asked(scale, n)
    few = n < MANY and scale < INT64
    name = kind.replace("discrete", "opendp") if source == "opendp" or (few and not source) else kind
    return NOISE.take(name).draw(scale, max(n, BATCH) if n else 0, secure_words)[:n]
