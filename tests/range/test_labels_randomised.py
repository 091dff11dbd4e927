"""Source (b) finds what follows the draws, in any encoding, and is not fooled by chance."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from labels.decide import Decider
from labels.fields import lay_out
from labels.gather import Gatherer
from labels.randomised import Verdict
from labels.read import read_visit

Made = Callable[[Any, int], dict[str, Any]]
Decided = Callable[..., dict[str, Verdict]]


@pytest.fixture
def decide(new_log: Callable[..., Any], tmp_path: Path) -> Decided:
    """Verdicts by field of made-up visits: decide(make, repeats), make(log, page) gives the fields of one request."""

    def run(
        make: Made, repeats: int = 12, scenarios: tuple[str, ...] = ("accept", "reject", "partial"), seed: int = 1
    ) -> dict[str, Verdict]:
        gatherer = Gatherer()
        for scenario in scenarios:
            for repeat in range(repeats):
                log = new_log("a.test", scenario, repeat, seed=seed)
                log.own = log.uuid()
                log.page(0)
                log.page(5)
                for page, t in enumerate((1, 6)):
                    log.send(t, "ads-tag", "https://px.ads-tag.test/p", json.dumps(make(log, page)).encode())
                gatherer.add(read_visit(log.write(tmp_path)))
        fields = lay_out(gatherer.all)
        verdicts = Decider(gatherer.all, fields).decide()
        return {
            fields.describe(key)[2].rpartition("|.")[2]: verdict
            for key, verdict in verdicts.items()
            if fields.describe(key)[0] == "ads-tag"
        }

    return run


def secret(*parts: object) -> str:
    return hashlib.sha256(("salt" + "|".join(map(str, parts))).encode()).hexdigest()[:20]


def test_finds_properties_in_any_encoding(decide: Decided) -> None:
    found = decide(
        lambda log, page: {
            "plain": log.values["cores"],
            "salted": secret(log.values["email"]),
            "coarse": log.values["memory"] > 2,
            "zone": secret(log.values["timezone"]),
            "two": secret(log.values["canvas"], log.values["webgl"]),
            "size": f"{log.values['screen']['width']} px",
            "rounded": round(log.values["latitude"]),
            "same": "v1",
            "mine": log.own,
        }
    )
    carried = {name: verdict.properties for name, verdict in found.items() if verdict.carries}
    assert carried == {
        "plain": ("cores",),
        "salted": ("email",),
        "coarse": ("memory",),
        "zone": ("timezone",),
        "two": ("canvas", "webgl"),
        "size": ("screen",),
        "size#0": ("screen",),
        "rounded": ("latitude",),
        "mine": (),
    }
    assert found["mine"].kind == "identifier"
    assert found["same"].kind == "constant"


def test_values_among_others_of_the_same_field_are_found(decide: Decided) -> None:
    found = decide(
        lambda log, page: {
            "e": [
                {"a": [1], "v": log.values["languages"][0]},
                {"a": [2], "v": "fixed"},
                {"a": [3], "v": log.chance.randrange(9)},
            ]
        },
        24,
    )
    assert found["e[*].v"].kind == "present"
    assert found["e[*].v"].properties == ("languages",)


def test_a_user_agent_is_its_tokens_and_no_fingerprint(decide: Decided) -> None:
    found = decide(
        lambda log, page: {
            "ua": f"Mozilla/5.0 (Mac OS X {log.values['os_version']}) Chrome/{log.values['ua_version']} Safari/537.36"
        },
        24,
    )
    assert {verdict.properties for name, verdict in found.items() if verdict.carries} == {
        ("os_version",),
        ("ua_version",),
    }
    assert found["ua"].kind == "explained by its tokens"


def noise(log: Any, page: int) -> dict[str, Any]:
    """Fields that depend on nothing that was drawn, many of a kind that could look so."""
    chance = log.chance
    if page == 0:
        log.drawn = {f"{n}of{k}": str(chance.randrange(k)) for k in (2, 3, 4, 5, 6, 9) for n in range(40)}
        log.rare = {f"rare{n}": "yes" if chance.random() < 0.05 else "no" for n in range(40)}
    return {
        **log.drawn,
        **log.rare,
        "clock": int((log.start + page) * 1000),
        "day": int(log.start // 86400),
        "request": log.uuid(),
        "page": page,
        "counter": page + 1,
        "late": log.start % 997,
        "draw": chance.randrange(4),
        "when": "2025-10-09T10:00:00Z",
        "list": [chance.randrange(5) for _ in range(6)],
        "events": [{"type_id": chance.randrange(30), "x": [1], "y": chance.choice("abcdefgh")} for _ in range(5)],
        "scenario": log.scenario,
    }


def test_noise_is_not_taken_for_properties(decide: Decided) -> None:
    wrong = tested = 0
    for seed in range(3):
        found = decide(noise, 12, seed=seed)
        tested += len(found)
        wrong += sum(verdict.carries for verdict in found.values())
    assert tested > 800
    assert wrong <= 1


def test_noise_is_not_taken_for_properties_where_visits_are_few(decide: Decided) -> None:
    assert sum(verdict.carries for verdict in decide(noise, 12, ("accept",)).values()) == 0


def test_what_does_not_hold_on_the_odd_repeats_is_dropped(decide: Decided) -> None:
    def half(log: Any, page: int) -> dict[str, Any]:
        return {"field": log.values["cores"] if log.meta["repeat"] % 2 == 0 else log.values["memory"]}

    assert decide(half)["field"].kind == "fails on the scoring half"


def test_few_visits_leave_it_undecided(decide: Decided) -> None:
    assert decide(lambda log, page: {"cores": log.values["cores"]}, 6, ("accept",))["cores"].kind == "too few visits"


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda log, page: {"id": log.uuid()}, "several values in a visit"),
        (lambda log, page: {"id": int(log.start * 1000)}, "another value in every visit"),
        (lambda log, page: {"id": log.own} if page == 0 else {}, "another value in every visit"),
    ],
    ids=["of one request", "a clock", "of one page load"],
)
def test_what_is_no_identifier(make: Made, kind: str, decide: Decided) -> None:
    assert decide(make)["id"].kind == kind
