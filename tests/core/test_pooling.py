import numpy as np
import pytest

from consentinel.core.errors import UsageError
from consentinel.core.pooling import pooled


def test_one_group_stays_as_it_is() -> None:
    found = pooled([0.4], [0.01])
    assert found.value[0] == 0.4
    assert found.high[0] - 0.4 == pytest.approx(0.196, abs=1e-3)


def test_noisy_groups_are_drawn_further() -> None:
    found = pooled([0.9, 0.5, 0.52, 0.48, 0.2], [0.05, 0.001, 0.001, 0.001, 0.001])
    seen = np.array([0.9, 0.5, 0.52, 0.48, 0.2])
    drawn = np.abs(found.value - seen) / np.abs(seen - found.centre)
    assert drawn[0] > 4 * drawn[1:].max()
    assert ((found.low <= found.value) & (found.value <= found.high)).all()


def test_known_variances_give_the_spread_of_paule_and_mandel() -> None:
    # equal variances: the variance of the estimates less that of the noise
    seen = np.array([1.0, 2.0, 4.0, 7.0])
    assert pooled(seen, np.full(4, 0.5)).spread ** 2 == pytest.approx(seen.var(ddof=1) - 0.5)


@pytest.mark.parametrize("law", ["normal", "two", "none"])
def test_intervals_hold_the_truth_on_average_and_are_narrower(law: str) -> None:
    rng = np.random.default_rng(0)
    kept, width = [], []
    for _ in range(30):
        noise = rng.uniform(0.3, 2, 15)
        truth = {"normal": rng.normal(0, 1, 15), "two": rng.choice([-1.0, 1.0], 15), "none": np.zeros(15)}[law]
        found = pooled(truth + rng.normal(0, np.sqrt(noise)), noise)
        kept.append(((found.low <= truth) & (truth <= found.high)).mean())
        width.append((found.high - found.low).mean() / (2 * 1.96 * np.sqrt(noise)).mean())
    assert np.mean(kept) >= 0.92
    assert np.mean(width) < 0.95


def test_no_variance_is_refused() -> None:
    with pytest.raises(UsageError, match="above 0"):
        pooled([0.1, 0.2], [0.0, 1.0])
