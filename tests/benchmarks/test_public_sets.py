"""What the claims on public sets share: scores come from rows that were held out, and gains are what they say."""

import sys

import numpy as np
import pytest

from benchmarks._claim import ROOT

pytest.importorskip("sklearn", reason="the claims on public sets need consentinel[learn]")
sys.path.insert(0, str(ROOT / "benchmarks"))  # where claim files find what they share

import _cookie_features as cookie
import _public_sets as sets
from _field_words import meanings

Y = np.array(["a", "b", "", "a", "b", "", "c", "a"])
TOLD = np.array(["a", "a", "b", "a", "b", "", "c", ""])


def test_macro_f1_is_that_of_scikit_learn() -> None:
    from sklearn.metrics import f1_score

    theirs = f1_score(Y, TOLD, labels=["a", "b", "c"], average="macro")
    assert sets.macro_f1(Y, TOLD) == pytest.approx(theirs)
    gain = sets.f1_gain(Y, TOLD, Y, np.arange(len(Y)))
    assert gain.value == pytest.approx(1 - theirs)


def test_a_gain_is_the_difference_on_the_same_rows() -> None:
    gain = sets.accuracy_gain(Y, TOLD, Y, np.arange(len(Y)))
    assert gain.value == pytest.approx(3 / 8)
    assert gain.low <= gain.value <= gain.high


def test_the_label_of_a_held_out_row_is_never_seen() -> None:
    rng = np.random.default_rng(4)
    text = [f"{'left' if n % 2 else 'right'} {rng.integers(1000)}" for n in range(60)]
    y = np.array(["l" if n % 2 else "r" for n in range(60)])
    groups = np.arange(60)
    folds = [(np.arange(30), np.arange(30, 60))]
    turned = y.copy()
    turned[30:] = np.where(y[30:] == "l", "r", "l")
    one, two = (sets.held_out([sets.texts(text, 1, 3)], sets.MARGIN, labels, groups, folds) for labels in (y, turned))
    assert np.array_equal(one, two, equal_nan=True)
    assert np.isnan(one[:30]).all()
    assert (np.array(["l", "r"])[one[30:].argmax(axis=1)] == y[30:]).all()


@pytest.mark.parametrize(
    ("one", "two", "steps"), [("", "", 0), ("abc", "", 3), ("kitten", "sitting", 3), ("flaw", "lawn", 2)]
)
def test_levenshtein(one: str, two: str, steps: int) -> None:
    assert cookie._distance(one, two) == cookie._distance(two, one) == steps


def test_variants_of_a_name_are_one_family() -> None:
    assert cookie.family("_gat_UA-12-3") == cookie.family("_gat_ua-9-88") != cookie.family("_ga")
    assert cookie.value_shape("GA1.2.605404881.1613228201") == "Ad1.d1.d9.d10"


def test_general_words_have_meanings_and_others_none() -> None:
    assert meanings("idfa") == ["advertising id"]
    assert meanings("khaos") == []
