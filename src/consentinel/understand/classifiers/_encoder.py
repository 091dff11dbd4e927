"""Sentence vectors of texts, each different one encoded once."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from consentinel.core.sentences import encoded

__all__ = ["vectors"]


def vectors(texts: Sequence[str]) -> NDArray[np.float32]:
    """Return a vector of length 1 for each of TEXTS, shape (n, WIDTH); raises MissingExtra without [text]."""
    once = sorted(set(texts))
    at = {text: n for n, text in enumerate(once)}
    return encoded(once)[[at[text] for text in texts]]
