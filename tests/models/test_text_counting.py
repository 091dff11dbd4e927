"""Counts of words and characters: the same whether a text was seen before or not, whatever was forgotten."""

import numpy as np
import pytest

from consentinel.models.text import _counting
from consentinel.models.text._counting import Counter
from consentinel.models.text._texts import fitted

TEXTS = ["a parcel for you", "", "your refund, today", "a parcel for you", "Größe: 12 €"]


def test_a_text_that_was_seen_is_counted_as_one_that_was_not() -> None:
    counter = Counter(2, 4, 10)
    first = counter.counts(TEXTS)
    assert first.shape == (5, counter.width) == (5, 2048)
    mixed = counter.counts([*TEXTS[::-1], "another parcel"])
    assert (mixed[:5].toarray() == first.toarray()[::-1]).all()
    assert (mixed.toarray()[5:] == Counter(2, 4, 10).counts(["another parcel"]).toarray()).all()
    assert first[1].nnz == 0
    assert (first[0].toarray() == first[3].toarray()).all()


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_counting, "REMEMBERED", 10_000)
    counter = Counter(1, 3, 8)
    texts = [f"word {at} of some length" for at in range(300)]
    whole = counter.counts(texts)
    assert 0 < counter.runs <= 10_000
    assert len(counter.known) < 300
    assert counter.runs == sum(len(at) for at, _ in counter.known.values())
    assert (counter.counts(texts).toarray() == whole.toarray()).all()


def test_columns_without_a_number_weigh_nothing_and_change_nothing() -> None:
    counts = Counter(1, 0, 12).counts([f"left {at}" if at % 2 else f"right {at}" for at in range(40)])
    codes = np.arange(40) % 2
    weights, offset = fitted(counts, codes, 0.1, False)
    dense, also = fitted(counts.toarray(), codes, 0.1, False)
    empty = np.setdiff1d(np.arange(counts.shape[1]), counts.indices)
    assert (weights[empty] == 0).all()
    assert weights == pytest.approx(dense, abs=2e-3)
    assert offset == pytest.approx(also, abs=2e-3)
