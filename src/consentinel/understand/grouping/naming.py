"""Names of topics: the words and pairs of words that they say more than the others do (class-based TF-IDF)."""

import re

import numpy as np
from numpy.typing import NDArray

from consentinel.core.extras import need

__all__ = ["terms"]

COMMON = 0.6  # share of the texts: a word in more of them tells no topic from another
SMALL = 1e-5  # share of a word that others do not say
_PLACEHOLDER = re.compile(r"\[[A-Z_]{2,20}_\d+\]")
_WORD = r"(?u)\b[^\W\d_][^\W\d_]+\b"


def terms(texts: list[str], of: NDArray[np.int64], number: int, most: int = 6) -> list[list[str]]:
    """Return for each of NUMBER topics up to MOST terms of the TEXTS that are OF it, most telling first.

    A word that a chosen pair of words holds is not named again. Source: Grootendorst 2022, section 3.3.
    """
    plain = [_PLACEHOLDER.sub(" ", text) for text in texts]
    library = need("sklearn.feature_extraction.text", extra="learn")
    least = 2 if len(plain) > 20 else 1
    counter = library.CountVectorizer(
        ngram_range=(1, 2), stop_words="english", min_df=least, max_df=COMMON, token_pattern=_WORD
    )
    try:
        counts = counter.fit_transform(plain)
    except ValueError:  # no word is left
        return [[] for _ in range(number)]
    words = counter.get_feature_names_out().tolist()
    said = np.stack([np.asarray(counts[of == topic].sum(axis=0)).ravel() for topic in range(number)]).astype(float)
    share = said / np.maximum(said.sum(axis=1, keepdims=True), 1)
    weight = share * np.log1p(said.sum() / number / np.maximum(said.sum(axis=0), 1))
    elsewhere = (said.sum(axis=0) - said) / np.maximum(said.sum() - said.sum(axis=1, keepdims=True), 1)
    weight *= np.log(np.maximum(share, elsewhere) / np.maximum(elsewhere, SMALL))  # what others say as much: 0
    return [_chosen(words, line, most) for line in weight]


def _chosen(words: list[str], weight: NDArray[np.float64], most: int) -> list[str]:
    chosen: list[str] = []
    for at in np.lexsort((np.arange(len(words)), -weight)).tolist():
        parts = set(words[at].split())
        if weight[at] <= 0 or len(chosen) == most:
            break
        if not any(parts & set(one.split()) for one in chosen):
            chosen.append(words[at])
    return chosen
