"""The label model against a simulation whose truth is known, and against Bayes' rule where accuracies are known."""

import numpy as np
import pytest

from consentinel.core.errors import UsageError
from consentinel.detect.label_model import SILENT, Teachers, learn

SENSITIVITY = np.array([0.95, 0.8, 0.7, 0.6, 0.9])
SPECIFICITY = np.array([0.9, 0.97, 0.6, 0.8, 0.75])
SPEAKS = np.array([1.0, 0.5, 0.8, 0.9, 0.3])


def simulated(n: int = 20_000, prevalence: float = 0.3, seed: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < prevalence
    yes = np.where(truth[:, None], rng.random((n, 5)) < SENSITIVITY, rng.random((n, 5)) > SPECIFICITY)
    return np.where(rng.random((n, 5)) < SPEAKS, yes.astype(int), SILENT), truth


def test_accuracies_are_recovered_without_the_truth() -> None:
    votes, truth = simulated()
    found = learn(votes)
    assert np.abs(found.sensitivity - SENSITIVITY).max() < 0.04
    assert np.abs(found.specificity - SPECIFICITY).max() < 0.04
    assert abs(found.prevalence - truth.mean()) < 0.02


def test_it_beats_the_majority_and_comes_near_the_best_possible() -> None:
    votes, truth = simulated()
    found = learn(votes)
    majority = ((votes == 1).sum(1) > (votes == 0).sum(1)) == truth
    best = (Teachers(np.zeros(0), SENSITIVITY, SPECIFICITY, 0.3).told(votes) > 0.5) == truth
    right = (found.p > 0.5) == truth
    assert right.mean() > majority.mean() + 0.02
    assert right.mean() > best.mean() - 0.005


def test_probabilities_are_calibrated() -> None:
    votes, truth = simulated()
    p = learn(votes).p
    for low in np.arange(0, 1, 0.2):
        inside = (p >= low) & (p < low + 0.2)
        assert abs(truth[inside].mean() - p[inside].mean()) < 0.06


def test_the_posterior_is_bayes_rule() -> None:
    known = Teachers(np.zeros(0), np.array([0.9, 0.8]), np.array([0.7, 0.6]), 0.25)
    yes, no = 0.25 * 0.9 * 0.2, 0.75 * 0.3 * 0.6
    assert known.told([[1, 0]])[0] == pytest.approx(yes / (yes + no))
    assert known.told([[SILENT, SILENT]])[0] == pytest.approx(0.25)


def test_rows_in_which_nobody_speaks_get_the_prevalence() -> None:
    votes, _ = simulated(2_000)
    found = learn(np.vstack([votes, np.full((1, 5), SILENT)]))
    assert found.p[-1] == pytest.approx(found.prevalence, abs=1e-6)


@pytest.mark.parametrize("votes", [np.zeros((0, 2)), np.full((3, 2), 2), np.zeros(3)])
def test_other_votes_are_refused(votes: np.ndarray) -> None:
    with pytest.raises(UsageError):
        learn(votes)


def test_what_is_known_stays_and_teaches_who_is_right() -> None:
    votes, truth = simulated(2_000)
    liar = np.where(votes[:, :1] == 1, 0, 1)  # says the opposite of the first
    known = np.where(np.arange(2_000) < 200, truth, SILENT)
    found = learn(np.hstack([votes, liar]), known)
    assert np.array_equal(found.p[:200], truth[:200])
    assert found.sensitivity[5] < 0.3
    with pytest.raises(UsageError, match="one entry"):
        learn(votes, known[:5])
