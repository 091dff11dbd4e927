"""The harness of Google's statistical cases: the parser, the two rules, and a few releases under looser limits."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import _google_releases as releases
from benchmarks._google_dp import approximately_private, ballot, close, discretized, folder, parsed
from benchmarks._google_releases import Privacy
from benchmarks.claims import google_dp_cases, google_dp_quantiles
from consentinel.core.rng import generator
from consentinel.protect.approximate_bounds import LAST, Bins, noise_scale, threshold
from consentinel.protect.statistic import Bounds

LN3, FEW = math.log(3), 100_000
names = st.from_regex(r"[a-z][a-z_0-9]{0,8}", fullmatch=True)
scalars = st.integers(-(10**18), 10**18) | st.floats(allow_nan=False, allow_infinity=False) | st.text("ab\"\\ #{}[],", max_size=8)  # fmt: skip  # noqa: E501
messages = st.recursive(
    st.dictionaries(names, st.lists(scalars, min_size=1, max_size=3), max_size=3),
    lambda inner: st.dictionaries(names, st.lists(inner, min_size=1, max_size=2), max_size=3),
    max_leaves=8,
)


def written(message: dict[str, list[Any]]) -> str:
    lines = []
    for name, values in message.items():
        for value in values:
            if isinstance(value, dict):
                lines.append(f"{name} {{ # a comment {{\n{written(value)}\n}}")
            elif isinstance(value, str):
                text = value.replace("\\", "\\\\").replace('"', '\\"')
                lines.append(f'{name}: "{text}"')
            else:
                lines.append(f"{name}: {value!r};")
    return "\n".join(lines)


@settings(max_examples=50, deadline=None)
@given(messages)
def test_text_format_is_read_as_it_is_written(message: dict[str, list[Any]]) -> None:
    assert parsed(written(message)) == message


def test_lists_are_appended_and_enumerators_are_names() -> None:
    text = 'a: [1, 2.5]\na: []\na: [3] b < c: GAUSSIAN > # end\nd: "x, y"'
    assert parsed(text) == {"a": [1, 2.5, 3], "b": [{"c": ["GAUSSIAN"]}], "d": ["x, y"]}


@pytest.mark.parametrize("bad", ["a", "a 1", "a: {", "a: [1", "a: [1 2]", "{}", "a: }", "a { b: 1", "a: ?", "a: -"])
def test_other_text_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parsed(bad)


def test_every_shared_case_is_found() -> None:
    try:
        folder()
    except SystemExit as why:
        pytest.skip(str(why))
    files = (*google_dp_cases.FILES, "laplace_closeness", "gaussian_closeness")
    found = {file: len(list(google_dp_cases.cases(file))) for file in files}
    assert list(found.values()) == [36, 38, 38, 47, 42, 14, 19, 23]
    flat = {"max_partitions_contributed": 2, "lower_bound": 0.0, "upper_bound": 2.0}
    flat["max_contributions_per_partition"] = 3
    for file in ("bounded_sum", "bounded_mean", "bounded_stdv"):
        drawn = google_dp_cases.release(file, [-9.0, 1.0], flat, Privacy(1.0, 1e-5))(20)
        assert drawn.shape == (20,)


def test_rounding_is_to_the_nearest_multiple() -> None:
    assert discretized(np.array([0.24, 0.25, -0.25, 0.74, -0.76]), 0.5).tolist() == [0, 1, 0, 1, -2]


def test_ballot_stops_when_it_is_clear() -> None:
    said = iter([True, False, True, True])
    assert ballot(lambda: next(said), 5)
    assert not ballot(lambda: False, 9)


def test_rules_on_known_distributions() -> None:
    draw = generator(5, "tests.google").geometric
    a, b, c = (draw(p, 200_000) for p in (0.5, 0.5, 0.4))
    assert close(a, b, 0.01)
    assert not close(a, c, 0.05)
    assert approximately_private(a, b, 0.0, 0.0, 0.01)
    assert not approximately_private(a, c, 0.0, 0.0, 0.05)
    assert approximately_private(a, c, math.log(2.0), 0.0, 0.05)  # ratios 0.5 / 0.4, ... up to rare tails
    assert not approximately_private(np.zeros(9, dtype=np.int64), np.full(9, 1 << 40), 0.0, 0.0, 0.9)


@pytest.mark.parametrize("delta", [0.0, 1e-5])
@pytest.mark.parametrize(
    ("part", "bounds", "more", "granularity"),
    [
        ("count", Bounds(1, 1, None, None), [(0.0, 1)], 1.0),
        ("sum", Bounds(1, 1, Fraction(0), Fraction(1)), [(1000.0, 1)], 1 / 16),
        ("mean", Bounds(1, 1, Fraction(0), Fraction(1)), [(1000.0, 1)], 1 / 16),
        ("standard_deviation", Bounds(1, 1, Fraction(0), Fraction(2)), [(1000.0, 1)], 1 / 16),
    ],
)
def test_releases_are_private(part: str, bounds: Bounds, more: list, granularity: float, delta: float) -> None:
    privacy = Privacy(LN3, delta)
    a, b = (discretized(releases.aggregate(part, rows, bounds, privacy)(FEW), granularity) for rows in ([], more))
    assert approximately_private(a, b, LN3, delta, 0.05)


@pytest.mark.parametrize("part", ["count", "sum"])
def test_too_little_noise_is_noticed(part: str) -> None:
    bounds, privacy = Bounds(1, 1, Fraction(0), Fraction(1)), Privacy(LN3, 0.0, 2.0)
    a, b = (discretized(releases.aggregate(part, e, bounds, privacy)(FEW), 1 / 16) for e in ([], [(1000.0, 1)]))
    assert not approximately_private(a, b, LN3, 0.0, 0.05)


def test_ranges_are_private_and_too_little_noise_is_noticed() -> None:
    bins = Bins(5)
    entries = [9.0] * (threshold(LAST / 1.9, bins, noise_scale(1, Fraction(LN3))) - 1)  # one more may change the range
    for weaker in (1.0, 3.0):
        privacy = Privacy(LN3, 0.0, weaker)
        a, b = (releases.bounds_found(e, bins, 1, privacy)(FEW) for e in (entries, [*entries, 9.0]))
        assert approximately_private(a, b, LN3, 0.0, 0.02) == (weaker == 1.0)


def test_noise_is_close_to_the_continuous_one() -> None:
    n, draw = 200_000, generator(6, "tests.google")
    gaussian = releases.noise(Privacy(LN3, 1e-5), 1, 1.0, 3.0, 1 / 16)(n)
    assert close(gaussian, discretized(3.0 + draw.normal(0, math.sqrt(11.73597717285156), n), 1 / 16), 0.005)
    assert not close(gaussian, discretized(3.5 + draw.normal(0, math.sqrt(11.73597717285156), n), 1 / 16), 0.005)
    laplace = releases.noise(Privacy(LN3, 0.0), 1, 1.0, 0.0, 1 / 16)(n)
    assert close(laplace, discretized(draw.laplace(0, 1 / LN3, n), 1 / 16), 0.008)


def test_quantiles_are_private_and_too_little_noise_is_noticed() -> None:
    case = next(case for case in google_dp_quantiles.cases() if "Laplace noise, two ends, default" in case.name)
    assert len(list(google_dp_quantiles.cases())) == 48
    pair = [google_dp_quantiles.vote(case, 8_000, weaker)() for weaker in (0.5, 4.0)]
    assert pair == [True, False]
