"""Consent over time: what a string allows, and which statement is in force when, against naive readings of both."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.core.tables import CONSENT, check
from consentinel.detect import consent as consents
from consentinel.detect.consent import FOREVER, STATES, from_scenario, intervals, lanes, says, sort_key, tcf_allows
from consentinel.detect.policy import Requirement, load
from consentinel.detect.signals._reading import Reading
from tests.detect.made_visits import T0, bits, consent, visits

IDS = st.integers(1, 10)
SETS = st.frozensets(IDS, max_size=10)
MASKS = st.integers(0, (1 << 11) - 1)
RESTRICTIONS = st.lists(st.tuples(st.integers(1, 11), st.integers(0, 2), SETS), max_size=5)


def allowed_naively(
    purposes: tuple[int, ...],
    vendor: int | None,
    consented: set[int],
    interest: set[int],
    by_consent: frozenset[int],
    by_interest: frozenset[int],
    disclosed: frozenset[int] | None,
    restrictions: list[tuple[int, int, frozenset[int]]],
) -> bool:
    """TCF as one would explain it aloud: every purpose needs a basis that publisher, person and vendor agree on."""
    if vendor is not None and disclosed and vendor not in disclosed:
        return False
    for purpose in purposes:
        bases = set()
        if purpose in consented and (vendor is None or vendor in by_consent):
            bases.add("consent")
        if purpose in interest and purpose in {2, 7, 8, 9, 10, 11} and (vendor is None or vendor in by_interest):
            bases.add("interest")
        for about, kind, vendors in restrictions:
            if about == purpose and vendor in vendors:
                bases -= {0: {"consent", "interest"}, 1: {"interest"}, 2: {"consent"}}[kind]
        if not bases:
            return False
    return True


def members(mask: int) -> set[int]:
    return {p for p in range(1, 12) if mask >> (p - 1) & 1}


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.integers(1, 11), unique=True, max_size=2),
    st.one_of(st.none(), IDS),
    MASKS,
    MASKS,
    SETS,
    SETS,
    st.one_of(st.none(), SETS),
    RESTRICTIONS,
)
def test_tcf_against_a_naive_reading(
    purposes: list[int],
    vendor: int | None,
    consented: int,
    interest: int,
    by_consent: frozenset[int],
    by_interest: frozenset[int],
    disclosed: frozenset[int] | None,
    restrictions: list[tuple[int, int, frozenset[int]]],
) -> None:
    said = Reading(
        "tcf", "ok", purposes_consent=consented, purposes_li=interest, vendors_consent=bits(*by_consent),
        vendors_li=bits(*by_interest), vendors_disclosed=None if disclosed is None else bits(*disclosed),
        restrictions=tuple((p, k, bits(*v)) for p, k, v in restrictions),
    )  # fmt: skip
    wanted = allowed_naively(
        tuple(purposes), vendor, members(consented), members(interest), by_consent, by_interest, disclosed, restrictions
    )
    assert tcf_allows(said, tuple(purposes), vendor) == wanted


@pytest.mark.parametrize("vendor", [0, -1, 10**9])
def test_a_vendor_number_out_of_range_is_in_no_set(vendor: int) -> None:
    said = Reading("tcf", "ok", purposes_consent=2047, vendors_consent=bits(1, 2, 8, 9))
    assert not tcf_allows(said, (1,), vendor)


# What each family of readings states; a later statement of a family replaces the earlier one, nothing else does.
FAMILIES = {
    "string": [
        Reading("tcf", "ok", purposes_consent=p, purposes_li=0, vendors_consent=v, vendors_li=b"")
        for p in (0, 1, 2047)
        for v in (b"", bits(32))
    ],
    "flag": [Reading("tcf", "ok", gdpr_applies=b) for b in (True, False)],
    "gpc of the browser": [Reading("gpc", "ok", gpc=True)],
    "gpc=0 of a script": [Reading("gpc", "ok", gpc=False)],
    "sale": [Reading("us_privacy", "ok", sale_opt_out=b) for b in (True, False)],
    "gcs": [Reading("consent_mode", "ok", ad_storage=b) for b in (True, False)],
    "npa": [Reading("consent_mode", "ok", ad_personalization=False)],
}
READINGS = [reading for family in FAMILIES.values() for reading in family]
FAMILY = [name for name, family in FAMILIES.items() for _ in family]
BROKEN = Reading("tcf", "malformed", "cut off")
TIMES = st.one_of(st.integers(T0 - 5, T0 + 20), st.integers(T0 - 10**13, T0 + 10**13))
EVENTS = st.lists(st.tuples(st.integers(0, 2), TIMES, st.integers(0, len(READINGS))), max_size=25)
NEEDS = [
    Requirement(n, "", (1, 2) if n == "opt_in" else (), ("ad_storage",), "low", n, (), n == "opt_out")
    for n in ("opt_in", "opt_out", "nothing")
]


def told(events: list[tuple[int, int, int]]) -> pa.Table:
    columns = [np.array([e[i] for e in events], np.int64) for i in range(3)]
    digest = np.arange(len(events), dtype=np.int64)
    names = [f"v{n}" for n in range(3)]
    readings = [*READINGS, BROKEN]
    return check(
        intervals(columns[0], columns[1], columns[2], readings, digest, names, ["s.test"] * 3), CONSENT, "test"
    )


@settings(max_examples=200, deadline=None)
@given(EVENTS, st.lists(st.tuples(st.integers(0, 2), TIMES), min_size=1, max_size=15), st.sampled_from(NEEDS))
def test_the_state_at_each_time_against_a_naive_scan(
    events: list[tuple[int, int, int]], rows: list[tuple[int, int]], needs: Requirement
) -> None:
    started = np.array([T0, T0 + 3, 0], np.int64)  # the start may be late, or not known
    visit, time = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    state = np.zeros(len(rows), np.int64)
    for lane in lanes(told(events), {f"v{n}": n for n in range(3)}, started):
        for row, at in enumerate(lane.at(visit, sort_key(visit, time, started), time).tolist()):
            if at >= 0:
                state[row] = max(state[row], says(lane.rows[at], lane.states[at], needs, 32))
    for (v, t), got in zip(rows, state.tolist(), strict=True):
        last: dict[str, tuple[int, int, int]] = {}
        for order, (of, when, reading) in enumerate(events):
            if of == v and when <= t:
                family = [*FAMILY, "damaged"][reading]
                last[family] = max(last.get(family, (when, -1, 0)), (when, order, reading))
        wanted = max((says([*READINGS, BROKEN][r], "", needs, 32) for _, _, r in last.values()), default=0)
        assert STATES[got] == STATES[wanted]


@pytest.mark.parametrize("kinds", [(0, 1), (1, 0), (2, 1), (1, 2)])
def test_two_restrictions_of_one_purpose_both_hold(kinds: tuple[int, int]) -> None:
    everything = {"purposes_consent": 2047, "purposes_li": 2047, "vendors_consent": bits(3), "vendors_li": bits(3)}
    said = Reading("tcf", "ok", restrictions=tuple((2, kind, bits(3)) for kind in kinds), **everything)
    assert not tcf_allows(said, (2,), 3)
    assert tcf_allows(said, (7,), 3)


def test_a_cut_off_string_neither_decides_nor_ends_what_was_said_before() -> None:
    one = np.zeros(2, np.int64)
    denial = Reading("tcf", "ok", purposes_consent=0, vendors_consent=b"")
    cut = Reading("tcf", "partial", "cut off", purposes_consent=2047)
    table = intervals(one, np.array([T0, T0 + 5]), np.array([0, 1]), [denial, cut], one, ["v"], ["s.test"])
    assert table["valid_until"].to_pylist() == [FOREVER, FOREVER]
    whole, damaged = lanes(table, {"v": 0}, np.array([T0]))
    assert [said.purposes_consent for said in whole.rows] == [0]
    assert [said.purposes_consent for said in damaged.rows] == [None]
    assert STATES[says(damaged.rows[0], "", NEEDS[0], None)] == "unreadable"
    assert STATES[says(damaged.rows[0], "", NEEDS[1], None)] == "none"  # a TC string is no opt-out


def test_repeats_of_a_statement_are_one_interval() -> None:
    table = told([(0, T0, 0), (0, T0 + 5, 0), (0, T0 + 9, 1), (0, T0 + 12, 0), (1, T0, 0)])
    got = [tuple(r[c] for c in ("visit_id", "valid_from", "valid_until")) for r in table.to_pylist()]
    assert got == [("v0", T0, T0 + 9), ("v0", T0 + 9, T0 + 12), ("v0", T0 + 12, FOREVER), ("v1", T0, FOREVER)]


def test_a_script_that_says_no_gpc_does_not_switch_off_that_of_the_browser() -> None:
    readings = [Reading("gpc", "ok", gpc=b) for b in (True, False)]
    two = np.arange(2)
    table = intervals(two * 0, np.array([T0, T0]), two, readings, two, ["v"], ["s.test"])
    assert table["valid_until"].to_pylist() == [FOREVER, FOREVER]
    assert [lane.source for lane in lanes(table, {"v": 0}, np.array([T0]))] == ["gpc", "gpc"]


def test_a_broken_statement_is_shown_and_ends_nothing() -> None:
    table = told([(0, T0, 0), (0, T0 + 5, len(READINGS))])
    assert [(r["quality"], r["reason"], r["valid_until"]) for r in table.to_pylist()] == [
        ("ok", "", FOREVER),
        ("malformed", "cut off", FOREVER),
    ]


@pytest.mark.parametrize(
    ("said", "word"),
    [
        (Reading("gpc", "ok", gpc=True), "denied"),
        (Reading("gpc", "ok", gpc=False), "granted"),
        (Reading("tcf", "ok", purposes_consent=0), "denied"),
        (Reading("tcf", "ok", purposes_consent=0b1111111111), "granted"),
        (Reading("tcf", "ok", purposes_consent=1), "partial"),
        (Reading("tcf", "ok", gdpr_applies=True), "unknown"),
        (Reading("consent_mode", "ok", ad_storage=True, analytics_storage=False), "partial"),
        (Reading("tcf", "malformed", "cut off", purposes_consent=1), "unknown"),
    ],
)
def test_a_signal_in_one_word(said: Reading, word: str) -> None:
    one = np.zeros(1, np.int64)
    assert intervals(one, one, one, [said], one, ["v"], ["s.test"])["state"].to_pylist() == [word]


@pytest.mark.parametrize(
    ("scenario", "wanted"),
    [
        ("no_action", [("scenario", "unset", None)]),
        ("accept", [("scenario", "granted", None)]),
        ("reject", [("scenario", "denied", None)]),
        ("gpc", [("gpc", "denied", True)]),
        ("unknown", []),
        ("partial", []),
        ("withdraw", []),
    ],
)
def test_what_a_scenario_says(scenario: str, wanted: list[Any]) -> None:
    got = from_scenario(visits({"scenario": scenario}), None)
    assert [(r["source"], r["state"], r["gpc"]) for r in got.to_pylist()] == wanted
    assert {(r["valid_from"], r["valid_until"]) for r in got.to_pylist()} <= {(0, FOREVER)}
    check(got, CONSENT, "test")


def test_a_consent_manager_that_was_read_back_outranks_the_scenario() -> None:
    seen = visits({"scenario": "accept"}, {"visit_id": "w", "scenario": "accept"})
    got = from_scenario(seen, consent({"source": "cmp", "state": "denied"}))
    assert got["visit_id"].to_pylist() == ["w"]


@pytest.mark.parametrize(
    ("state", "needs", "wanted"),
    [
        ("granted", "opt_in", "granted"),
        ("denied", "opt_in", "denied"),
        ("unset", "opt_in", "before"),
        ("partial", "opt_in", "none"),
        ("denied", "opt_out", "opted_out"),
        ("unset", "opt_out", "none"),
        ("granted", "opt_out", "granted"),
        ("denied", "nothing", "none"),
    ],
)
def test_what_a_state_means_for_a_requirement(state: str, needs: str, wanted: str) -> None:
    requirement = next(r for r in NEEDS if r.needs == needs)
    assert STATES[says(Reading("cmp", "ok"), state, requirement, None)] == wanted


def test_states_are_ordered_by_how_much_they_protect() -> None:
    assert STATES == ("none", "unreadable", "granted", "before", "opted_out", "denied")
    assert STATES[consents.DENIED] == "denied"
    assert STATES[consents.OPTED_OUT] == "opted_out"


def test_the_default_policy_asks_for_purposes_that_exist() -> None:
    needs = load().require("device.id", "advertising", "sent", "third")
    assert set(needs.tcf_purposes) <= set(range(1, 12))
    assert 1 in needs.tcf_purposes
