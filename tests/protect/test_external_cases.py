"""Other people's cases: Meta's fixtures and the W3C end-to-end cases, from the shared data."""

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.claims import fbpcs_fixtures, w3c_attribution
from consentinel.core.errors import BadInput
from consentinel.protect.w3c.player import limits_of, play


def at(folder: Callable[[], Path]) -> Path:
    try:
        return folder()
    except SystemExit as why:
        pytest.skip(str(why))


@pytest.mark.parametrize("kind", ["lift_cases", "attribution_cases", "aggregation_cases"])
def test_meta_fixtures_are_equal_field_by_field(kind: str) -> None:
    cases = list(getattr(fbpcs_fixtures, kind)(at(fbpcs_fixtures.folder)))
    assert len(cases) == {"lift_cases": 6, "attribution_cases": 28, "aggregation_cases": 12}[kind]
    for case in cases:
        assert case.got == case.wanted, case.name


def test_w3c_cases_come_out_as_recorded() -> None:
    cases = list(w3c_attribution.cases(at(w3c_attribution.folder)))
    assert len(cases) == 19
    for name, events, config in cases:
        assert play(events, config) == [], name


def test_a_changed_expectation_is_noticed() -> None:
    """The comparison can fail: another number, another error, an error where none comes."""
    cases = {name: (events, config) for name, events, config in w3c_attribution.cases(at(w3c_attribution.folder))}
    events, config = cases["basic"]
    assert play([*events[:-1], events[-1] | {"expected": [0, 4, 0]}], config)
    assert play([events[0] | {"expectedError": "RangeError"}], config)
    events, config = cases["save-impression-errors"]
    assert play([{**events[0], "expectedError": "ReferenceError"}], config)
    assert not play([events[0]], config)


def test_the_player_refuses_what_it_does_not_know() -> None:
    with pytest.raises(BadInput, match="maxCreditSize"):
        limits_of({"perSitePrivacyBudget": 1})
    events, config = next(
        (events, config)
        for name, events, config in w3c_attribution.cases(at(w3c_attribution.folder))
        if name == "basic"
    )
    with pytest.raises(BadInput, match="Sort"):
        play([events[1], events[0]], config)
    with pytest.raises(BadInput, match="unknown kind"):
        play([{"seconds": 1, "event": "leap"}], config)
