"""Traffic unlike the training has to alarm, like traffic must not, and too little says nothing."""

import json

import numpy as np
import pytest

from consentinel.detect import drift
from consentinel.detect.drift import FEWEST, RATE, Drift, Seen, compare, groups, index, reference

ROWS = 12  # of each recipient


def stream(seed: int, recipients: int, *, shift: float = 0.0, label: float = 0.3, copies: int = 1) -> Seen:
    """Return rows of RECIPIENTS, each with a level of its own, moved by SHIFT; LABEL is the share of a label.

    Of each recipient there are COPIES that run the same code.
    """
    random = np.random.default_rng(seed)
    level = np.repeat(random.normal(shift, 1.0, recipients), copies * ROWS)
    n = len(level)
    own = np.repeat(random.random(recipients) < label, copies * ROWS)
    names = np.array([f"r{at // ROWS}.test" for at in range(n)], object)
    words = np.array([f"k{at // (copies * ROWS)}-{at % ROWS}" for at in range(n)], object)
    facts = {
        "level": level + random.normal(0, 0.3, n),
        "noise": random.random(n),
        "kind": np.where(own, "json", "query").astype(object),
    }
    return Seen(facts, names, words)


@pytest.fixture(scope="module")
def trained() -> str:
    return reference(stream(0, 120), seed=1)


def test_unshifted_streams_alarm_as_rarely_as_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift, "DRAWS", 300)
    monkeypatch.setattr(drift, "SIZES", (40, 41))
    alarms, over, n = 0, 0, 100
    for seed in range(n):  # a reference of its own each time: one that happens to lie off would alarm in every scan
        text = reference(stream(1000 + seed, 120), seed=seed)
        found = compare(text, stream(5000 + seed, 40))
        assert found is not None
        alarms += found.unlike
        over += found.largest > found.limit
    assert alarms <= over
    assert over <= n * RATE + 3 * np.sqrt(n * RATE)


@pytest.mark.parametrize(("more", "name"), [({"shift": 1.2}, "level"), ({"label": 0.8}, "kind")])
def test_a_shifted_stream_alarms_and_says_what_moved(trained: str, more: dict[str, float], name: str) -> None:
    found = [compare(trained, stream(seed, 60, **more)) for seed in range(10, 20)]
    assert all(one is not None and one.unlike for one in found)
    assert all(one is not None and one.moved[0][0] == name for one in found)
    assert "noise" not in {moved for one in found if one for moved, _ in one.moved}


def test_labels_that_nobody_saw_are_told(trained: str) -> None:
    other = stream(3, 60)
    strange = Seen({**other.facts, "kind": np.full(60 * ROWS, "carrier-pigeon", object)}, other.recipients, other.words)
    found = compare(trained, strange)
    assert found is not None
    assert found.moved[0][0] == "kind"


def test_recipients_that_run_the_same_code_count_once(trained: str) -> None:
    few = stream(4, 10, shift=1.5, copies=6)
    assert len(np.unique(few.recipients)) == 60
    assert len(np.unique(groups(few.recipients, few.words))) == 10
    found = compare(trained, few)
    assert found is not None
    assert (found.groups, found.enough, found.unlike) == (10, False, False)
    assert "too few kinds of recipients (10)" in found.spoken("m")


def test_what_sites_differ_in_by_nature_is_no_drift() -> None:
    whole, one = stream(5, 120), stream(6, 60)
    site = np.arange(120 * ROWS) % 10
    told = {**whole.facts, "visits": site.astype(float)}
    text = reference(Seen(told, whole.recipients, whole.words, site.astype(str)), seed=1)
    asked = {**one.facts, "visits": np.full(60 * ROWS, 9.0)}
    found = compare(text, Seen(asked, one.recipients, one.words, np.full(60 * ROWS, "s", object)))
    assert found is not None
    assert not found.unlike
    blind = compare(
        reference(Seen(told, whole.recipients, whole.words), seed=1), Seen(asked, one.recipients, one.words)
    )
    assert blind is not None
    assert blind.unlike


def test_a_reference_is_the_same_text_each_time_and_small() -> None:
    assert reference(stream(7, 40), seed=1) == (text := reference(stream(7, 40), seed=1))
    assert len(text) < 3_000
    assert json.loads(text)["groups"] == 40


def test_too_few_recipients_give_no_reference() -> None:
    assert reference(stream(8, FEWEST - 1), seed=1) == ""
    assert compare("", stream(8, 40)) is None


def test_nothing_to_compare_is_too_few(trained: str) -> None:
    empty = np.array([], object)
    found = compare(trained, Seen(dict.fromkeys(("level", "noise", "kind"), empty), empty, empty))
    assert found is not None
    assert not found.enough


def test_of_very_many_recipients_some_are_looked_at(trained: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift, "MOST", 50)
    found = compare(trained, stream(9, 200))
    assert found is not None
    assert found.groups == 50


def test_the_stability_index_is_zero_for_equals_and_grows() -> None:
    even = np.full(4, 0.25)
    assert index(even, even) == 0
    assert index(even, np.array([0.1, 0.2, 0.3, 0.4])) == pytest.approx(0.2282, abs=1e-3)
    assert np.isfinite(index(even, np.array([1.0, 0, 0, 0])))


def test_it_is_said_in_words() -> None:
    moved = tuple((f"f{n}", 0.5 - n / 20) for n in range(7))
    assert "moved (stability index): f0 (0.50), f1 (0.45)" in Drift(40, 9, 3, moved).spoken("claim_model")
    assert Drift(40, 9, 3, moved).spoken("claim_model").endswith("and 2 more")
    assert "is like that of its training (40 kinds" in Drift(40, 1, 3, ()).spoken("claim_model")
    assert Drift(40, 9, 3, moved).told()["moved"]["f0"] == 0.5


def test_only_what_matters_is_moved(monkeypatch: pytest.MonkeyPatch, trained: str) -> None:
    monkeypatch.setattr(drift, "MATTERS", 99.0)
    found = compare(trained, stream(11, 60, shift=1.5))
    assert found is not None
    assert found.largest > found.limit
    assert not found.unlike
