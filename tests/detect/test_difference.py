"""Randomised differences: the test is exact, clean sites stay clean, leaks are found, and a scan tells them."""

import json
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks._difference_sites import KINDS, clean, found, leaking
from consentinel.detect import _difference_evalue as evalue
from consentinel.detect._difference_claims import FLEET_RATE, TYPE_OF, Dependence, standing, types
from consentinel.detect._difference_fields import _values
from consentinel.detect._difference_power import power
from consentinel.detect._difference_refusal import fisher, refusals
from consentinel.detect._difference_site import SITE_ERROR, Site, _weights, examine, site_error
from consentinel.detect._policy_file import TYPES
from consentinel.detect.verbs import scan
from tests.detect.made_traffic import entry, write

PROPERTIES = ("email", "cores", "screen", "timezone", "languages", "user_id", "canvas", "memory")
ADS = "https://ib.adnxs.com/p"


@given(st.integers(2, 4), st.lists(st.integers(-1, 5), min_size=2, max_size=6))
@settings(max_examples=60, deadline=None)
def test_mean_e_value_is_one_over_all_draws_whatever_was_sent(pool: int, held: list[int]) -> None:
    first = {v: n for n, v in enumerate(dict.fromkeys(v for v in held if v >= 0))}
    pattern = np.array([[first.get(v, -1) for v in held]])
    draws = np.array(list(product(range(pool), repeat=len(held))))
    assert np.exp(evalue.log_e(pattern, draws, pool)).mean() == pytest.approx(1)


@pytest.mark.parametrize("pool", [2, 3, 4])
def test_mean_e_value_given_the_levels_seen_is_at_most_one(pool: int) -> None:
    """The pool is not told but seen, and the true one may be larger."""
    draws = np.array(list(product(range(4), repeat=6)))
    some = draws[[len(set(row)) == pool for row in draws.tolist()]]
    seen = np.array([np.unique(row, return_inverse=True)[1] for row in some])
    logs = evalue.log_e(np.array([[0, 1, 0, 1, 2, 2]]), seen, pool) + evalue.log_support(pool, 6)
    assert np.exp(logs).mean() <= 1 + 1e-9


def test_pairs_equal_the_matrix() -> None:
    rng = np.random.default_rng(1)
    levels = rng.integers(-1, 4, (30, 10))
    patterns = np.array([np.unique(row, return_inverse=True)[1] for row in rng.integers(0, 5, (30, 10))])
    whole = evalue.log_e(patterns, levels, 4).diagonal()
    assert evalue.log_e_paired(patterns, levels, 4) == pytest.approx(whole)


def test_a_pattern_promises_what_it_gives_when_it_carries_a_property() -> None:
    levels = np.tile(np.arange(4), 6)
    for written in (levels, levels // 2, np.maximum(levels - 1, 0)):
        pattern = written[None]
        assert evalue.log_e(pattern, levels[None], 4)[0, 0] == pytest.approx(
            evalue.log_promise(pattern, 4)[0, 0], abs=0.7
        )


def test_weights_of_a_site_add_up_to_one_and_leave_out_what_cannot_be_shown() -> None:
    promise = np.array([[[2.0, -np.inf], [20.0, 30.0]], [[40.0, -np.inf], [-np.inf, -np.inf]]])
    weight, spread = _weights(promise, 0.005)
    assert np.exp(weight).sum() == pytest.approx(1)
    assert weight[0, 0] == weight[1, 1] == -np.inf
    assert 20 / 2 + spread <= 20
    nothing, spread = _weights(promise[:1, :1], 0.005)
    assert (nothing == -np.inf).all()
    assert spread == np.inf


def test_all_stages_together_spend_the_error_of_the_site() -> None:
    assert site_error(1) == site_error(12) == SITE_ERROR / 2
    assert sum(site_error(12 * stage) for stage in range(1, 40)) <= SITE_ERROR


def test_clean_sites_have_no_claim() -> None:
    assert not sum(len(examine(clean(seed, 12, 3)).claims.field) for seed in range(30))


@pytest.mark.parametrize(("kind", "repeats"), [("plain", 12), ("hashed", 12), ("three buckets", 24)])
def test_a_planted_leak_is_found_in_the_scenarios_that_have_it(kind: str, repeats: int) -> None:
    for seed in range(8):
        site, planted = leaking(500 + seed, repeats, 3, kind)
        right, other = found(examine(site), planted)
        assert right == len(planted.scenarios)
        assert other == 0
    assert kind in KINDS


def test_visits_of_one_draw_count_once() -> None:
    """The same profiles in four scenarios are no more evidence than in one."""
    site = _one_field(repeats=6, scenarios=4, same_draws=True)
    assert not len(examine(site).claims.field)
    assert len(examine(_one_field(repeats=6, scenarios=4, same_draws=False)).claims.field)


def _one_field(*, repeats: int, scenarios: int, same_draws: bool) -> Site:
    rng = np.random.default_rng(3)
    n = repeats * scenarios
    draw = np.tile(np.arange(repeats), scenarios) if same_draws else np.arange(n)
    levels = rng.integers(0, 4, (1, n))[:, draw]
    return Site(np.repeat(np.arange(scenarios), repeats), draw, levels, np.array([4]), np.zeros(1), levels.copy())


def test_a_shared_dependence_is_not_told_of_a_scenario_that_has_none() -> None:
    rng = np.random.default_rng(5)
    levels, scenario = rng.integers(0, 4, (3, 72)), np.repeat(np.arange(3), 24)
    held = np.where(scenario < 2, levels[1], rng.integers(0, 4, 72))
    site = Site(scenario, np.arange(72), levels, np.full(3, 4), np.zeros(3), held[None])
    claims = examine(site).claims
    assert set(zip(claims.of.tolist(), claims.scenario.tolist(), strict=True)) == {(1, 0), (1, 1)}


def test_values_of_a_field_are_the_first_and_the_set_that_comes_back() -> None:
    # visit, field, digest, time: visit 0 and 1 send a clock, a name that changes and one that never does
    sent = [(visit, [11 + visit, 7 if visit < 2 else 8, 5]) for visit in range(4)]
    rows = np.array([(visit, 0, digest, time) for visit, digests in sent for time, digest in enumerate(digests)]).T
    values, field_of = _values(rows, 5, 1)
    assert field_of.tolist() == [0, 0]
    assert len(set(values[0, :4].tolist())) == 4
    first, second = values[1, 0], values[1, 2]
    assert values[1].tolist() == [first, first, second, second, -1]
    assert first != second


def test_every_property_is_told_as_a_type_of_the_policy() -> None:
    assert set(TYPE_OF.values()) <= set(TYPES)


def _one(of: str, log_e: float = 9.0, site: int = 0, pair: int = 0) -> Dependence:
    return Dependence(0, 0, ("adnxs.com", "query", "x", ""), of, log_e, (site, pair))


def test_a_field_of_many_device_facts_is_a_fingerprint() -> None:
    two = types([_one("ua_version"), _one("os_version")])
    assert two == {"ua_version": "device.browser", "os_version": "device.os"}
    many = types([_one("cores"), _one("screen"), _one("timezone"), _one("email")])
    assert many == dict.fromkeys(("cores", "screen", "timezone"), "fingerprint.surface") | {"email": "contact.email"}


def test_a_lonely_claim_of_a_large_fleet_needs_more() -> None:
    lonely = [_one("email", np.log(1 / FLEET_RATE) + 1)]
    assert standing(lonely, 1) == lonely
    assert standing(lonely, 1000) == []
    many = [_one("email", np.log(1 / FLEET_RATE) + 1, site) for site in range(1000)]
    assert standing(many, 1000) == many


@pytest.mark.parametrize(("a", "n_a", "b", "n_b"), [(12, 12, 0, 12), (3, 10, 7, 12), (0, 4, 0, 9), (5, 5, 5, 5)])
def test_fisher_equals_scipy(a: int, n_a: int, b: int, n_b: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    assert fisher(a, n_a, b, n_b) == pytest.approx(stats.fisher_exact([[a, n_a - a], [b, n_b - b]]).pvalue)


def test_refusals_say_what_changes() -> None:
    n = {("shop.test", "accept"): 12, ("shop.test", "reject"): 12}
    got = {("shop.test", s, "a.test", "user.id"): 12 for s in ("accept", "reject")}
    got[("shop.test", "accept", "b.test", "user.id")] = 12
    rows = refusals(n, got, ["reject"]).to_pylist()
    assert [(r["recipient"], r["reading"], r["difference"]) for r in rows] == [
        ("a.test", "no change shown", 0.0), ("b.test", "stops", -1.0)
    ]  # fmt: skip
    assert all(r["low"] <= r["difference"] <= r["high"] and r["p_smallest"] <= r["p"] for r in rows)


def test_power_grows_with_visits() -> None:
    found_ = {(p.way, p.n_visits): p for p in power(6.0, 0.005, 4, [4, 12, 48])}
    for way in {way for way, _ in found_}:
        assert found_[way, 4].power <= found_[way, 12].power <= found_[way, 48].power
        assert found_[way, 48].p_smallest < found_[way, 4].p_smallest
    assert min(p.power for (_, n), p in found_.items() if n == 48) > 0.99


# A scan of made-up captures


def _har(scenario: str, repeat: int, levels: dict[str, int], sent: str) -> dict[str, Any]:
    clock = f"{scenario}{repeat}"
    site = "https://shop.test/"
    states = {"reject": "denied", "accept": "granted"}
    meta = {
        "site": "shop.test", "scenario": scenario, "scenario_proof": "verified", "region": "EU", "repeat": repeat,
        "profile_levels": levels,
        "consent": [{"time": "2025-10-09T10:00:00.000Z", "state": states.get(scenario, "unset")}],
    }  # fmt: skip
    by_browser = [{"name": "Accept-Language", "value": ("de", "fr", "it", "nl")[levels.get("languages", 0)]}]
    entries = [
        entry(site, 0),
        entry(f"{ADS}?t={clock}&v=3&{sent}", 1, headers=by_browser),
        entry(f"https://unpkg.com/x.js?{clock}", 2),
    ]
    pages = [{"id": "p1", "title": site, "startedDateTime": "2025-10-09T10:00:00.000Z"}]
    return {"log": {"version": "1.2", "pages": pages, "entries": entries, "_consentinel": meta}}


@pytest.fixture
def repeated(tmp_path: Path) -> Path:
    """12 repeats of two scenarios; a field `z` sends a word of its own for each level of `email`.

    The browser's own header follows the level of `languages`, which no recipient chose to be told.
    """
    rng = np.random.default_rng(2)
    for scenario in ("reject", "accept"):
        for repeat in range(12):
            levels = {name: int(rng.integers(4)) for name in PROPERTIES}
            word = ("oak", "elm", "ash", "yew")[levels["email"]]
            har = _har(scenario, repeat, levels, f"z={word}")
            write(tmp_path / "in" / f"{scenario}{repeat:02d}.har", har)
    return tmp_path


def test_a_scan_finds_what_depends_and_says_what_it_could_show(repeated: Path) -> None:
    out = repeated / "out"
    outcome = scan([repeated / "in"], out=out, project_key_file=repeated / "key")
    rows = [r for r in pq.read_table(out / "findings.parquet").to_pylist() if r["rule"] == "randomised_difference"]
    told = {(r["scenario"], r["recipient"], r["type"], r["consent_state"], r["outcome"], r["proof"]) for r in rows}
    assert told == {
        ("reject", "adnxs.com", "contact.email", "denied", "potential violation", "P2"),
        ("accept", "adnxs.com", "contact.email", "granted", "allowed", "P2"),
    }
    assert all(r["keys"] == ["z"] and r["n_visits"] == 12 and r["evidence_ids"] and r["p"] > 0.99 for r in rows)
    assert outcome.exit_code == 1
    kept = pq.read_table(out / "differences.parquet").to_pylist()
    assert {r["decision"] for r in kept if r["recipient"] == "unpkg.com"} == {"not testable"}
    assert {r["property"] for r in kept if r["decision"] == "depends"} == {"email"}
    refused = pq.read_table(out / "refusals.parquet").to_pylist()
    assert [(r["with_scenario"], r["reading"]) for r in refused if r["type"] == "contact.email"] == [
        (12, "no change shown")
    ]
    document = json.loads((out / "findings.json").read_text())["differences"]
    assert document["repeats"] == 12
    assert document["power"]
    assert 0 < min(p["p_smallest"] for p in document["power"]) < 1e-3
    page = (out / "report.html").read_text()
    assert "Repeated visits" in page
    assert "Smallest p" in page
    assert "Smallest p-value" in outcome.text
    assert set(pq.read_table(out / "evidence.parquet")["evidence_id"].to_pylist()) >= {
        e for r in rows for e in r["evidence_ids"]
    }


def test_levels_reach_visits_and_odd_ones_do_not(tmp_path: Path) -> None:
    levels = {"email": 1, "Bad Name": 2, "cores": "x", "memory": -1}
    har = _har("accept", 0, levels, "z=1")  # type: ignore[arg-type]
    write(tmp_path / "in" / "a.har", har)
    scan([tmp_path / "in"], out=tmp_path / "out", project_key_file=tmp_path / "key", formats="json")
    visit = pq.read_table(tmp_path / "out" / "visits.parquet").to_pylist()[0]
    assert visit["profile_levels"] == [{"property": "email", "level": 1}]
    assert len(visit["profile_digest"]) == 16


def test_profiles_that_were_balanced_are_not_compared(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    drawn = {name: rng.permutation(np.tile(np.arange(4), 6)) for name in PROPERTIES}
    for repeat in range(24):
        levels = {name: int(drawn[name][repeat]) for name in PROPERTIES}
        write(tmp_path / "in" / f"{repeat:02d}.har", _har("reject", repeat, levels, f"z={levels['email']}"))
    scan([tmp_path / "in"], out=tmp_path / "out", project_key_file=tmp_path / "key", formats="json")
    notes = json.loads((tmp_path / "out" / "run.json").read_text())["notes"]
    assert any("balanced" in note for note in notes)
    assert pq.read_table(tmp_path / "out" / "differences.parquet").num_rows == 0


def test_properties_drawn_together_are_not_compared(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    for repeat in range(12):
        level = int(rng.integers(4))
        har = _har("reject", repeat, {"email": level, "phone": 3 - level}, f"z={level}")
        write(tmp_path / "in" / f"{repeat:02d}.har", har)
    scan([tmp_path / "in"], out=tmp_path / "out", project_key_file=tmp_path / "key", formats="json")
    notes = json.loads((tmp_path / "out" / "run.json").read_text())["notes"]
    assert any("drawn together" in note for note in notes)


def test_visits_without_profiles_write_no_comparison(tmp_path: Path) -> None:
    har = _har("accept", 0, {}, "z=1")
    write(tmp_path / "in" / "a.har", har)
    outcome = scan([tmp_path / "in"], out=tmp_path / "out", project_key_file=tmp_path / "key")
    assert not (tmp_path / "out" / "differences.parquet").exists()
    assert "Repeated visits" not in outcome.text
