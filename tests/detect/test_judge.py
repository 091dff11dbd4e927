"""From sightings to findings, against a naive group-by in Python."""

import json
from collections import defaultdict
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.core.evidence import verify
from consentinel.core.tables import EVIDENCE, FINDINGS, TRAFFIC, check
from consentinel.detect.judge import OUTCOMES, PROOF_BITS, SEVERITIES, Judge, judge_visits
from consentinel.detect.shelves import RULES
from tests.detect.made_visits import (
    AD,
    ANALYTICS,
    BEFORE,
    DENIED,
    GPC,
    GRANTED,
    SITE,
    T0,
    UNKNOWN,
    Row,
    consent,
    data,
    sighter,
    tcf,
    visits,
)  # fmt: skip

EVERY_RULE = [RULES.take(name) for name in RULES.names()]
PLACE = {"cookie-store": "storage", "json": "body", "form": "body", "query": "url", "path": "url"}
NAMES = [f"v{n}" for n in range(5)]
SCENARIOS = ["accept", "reject", "accept", "no_action", "unknown"]
AT = [{"visit_id": v, "scenario": s} for v, s in zip(NAMES, SCENARIOS, strict=True)]
TOLD = [
    GRANTED | {"visit_id": "v0", "valid_from": 0},
    DENIED | {"visit_id": "v1", "valid_from": 0},
    BEFORE | {"visit_id": "v2", "valid_from": 0, "valid_until": T0 + 2},
    GRANTED | {"visit_id": "v2", "valid_from": T0 + 2},
    tcf(0) | {"visit_id": "v3", "valid_from": T0 + 1},
]
EVENT = st.tuples(
    st.integers(0, 3),  # microseconds after the start
    st.sampled_from([AD, ANALYTICS, UNKNOWN, SITE]),
    st.lists(
        st.tuples(
            st.sampled_from(["device.id", "user.id", "device.advertising_id", "contact.email", "device.screen", None]),
            st.sampled_from(["query", "json", "header"]),
            st.sampled_from(["id", "uid", "e"]),
            st.sampled_from([None, 0, 63, 64]),
        ),
        max_size=3,
    ),
    st.booleans(),
)
VISITS_OF_EVENTS = st.lists(st.lists(EVENT, max_size=4), min_size=5, max_size=5)


def rows_of(events: list[list[Any]]) -> list[list[Row]]:
    """Return DATA rows by visit; what one request carried has one time and one number."""
    found: list[list[Row]] = []
    for visit, requests in zip(NAMES, events, strict=True):
        found.append([])
        # A write has no number: writes are told apart by their times, which a recorder gives in order.
        for seq, (after, who, values, stored) in enumerate(sorted(requests, key=lambda r: (r[3], r[0]))):
            for kind, carrier, key, matched in values:
                row = {
                    "visit_id": visit, "seq": None if stored else seq, "time": T0 + after, "recipient": who,
                    "type": kind, "carrier": "cookie-store" if stored else carrier, "key": key,
                    "action": "stored" if stored else "sent", "matched_bits": matched, "type_p": 0.5 + seq / 20,
                }  # fmt: skip
                found[-1].append(row)
    return found


def naively(rows: list[Row]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Group what the rules claim, row by row."""
    join = sighter()
    seen = join.join(visits(*AT), data(*rows), consent(*TOLD))
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    taken: set[int] = set()
    for rule in sorted(EVERY_RULE, key=lambda r: (r.PROOF, r.__name__)):
        for claim in rule.find(seen).to_pylist():
            if claim["row"] not in taken:
                name = rule.__name__.rpartition(".")[2]
                fields = [claim[c] for c in ("subject", "scenario", "recipient", "type", "consent_state")]
                place = PLACE.get(claim["carrier"], claim["carrier"])
                need = join.requirements[claim["requirement"]]
                groups[name, *fields, place, need.basis].append(
                    claim | {"proof": rule.PROOF, "severity": need.severity}
                )
        taken |= set(rule.find(seen)["row"].to_pylist())
    found = {}
    for key, claims in groups.items():
        bad = key[5] not in ("granted", "none")
        worst = min((c["severity"] for c in claims), key=SEVERITIES.index)
        found[key] = {
            "n": len({(c["visit_id"], c["time"], c["seq"]) for c in claims}),
            "n_visits": len({c["visit_id"] for c in claims}),
            "first": min(c["time"] for c in claims),
            "last": max(c["time"] for c in claims),
            "keys": sorted({c["key"] for c in claims}),
            "proof": "P0" if any((c["matched_bits"] or 0) >= 64 for c in claims) else claims[0]["proof"],
            "p": round(max(c["type_p"] for c in claims), 5),
            "outcome": "potential violation" if bad else "allowed" if key[5] == "granted" else "no signal",
            "severity": worst if bad else "low",
        }
    return found


def as_groups(findings: pa.Table) -> dict[tuple[Any, ...], dict[str, Any]]:
    found = {}
    for row in findings.to_pylist():
        fields = ("rule", "subject", "scenario", "recipient", "type", "consent_state", "carrier", "basis")
        key = tuple(row[c] for c in fields)
        assert key not in found, "two findings say the same"
        found[key] = {c: row[c] for c in ("n", "n_visits", "first", "last", "proof", "outcome", "severity")}
        found[key] |= {"keys": sorted(row["keys"]), "p": round(row["p"], 5)}
    return found


@settings(max_examples=120, deadline=None)
@given(VISITS_OF_EVENTS)
def test_against_a_naive_group_by(events: list[list[Any]]) -> None:
    rows = [row for visit in rows_of(events) for row in visit]
    findings = judge_visits(visits(*AT), None, data(*rows), consent(*TOLD), sighter(), EVERY_RULE)
    check(findings, FINDINGS, "test")
    assert as_groups(findings) == naively(rows)


STABLE = ["fingerprint", "rule", "type", "n", "n_visits", "first", "last", "proof", "severity", "outcome", "basis", "p"]


def stable(findings: pa.Table) -> list[str]:
    return sorted(str([*row.values()]) for row in findings.select(STABLE).to_pylist())


@settings(max_examples=60, deadline=None)
@given(VISITS_OF_EVENTS, st.permutations(range(5)), st.lists(st.booleans(), min_size=5, max_size=5))
def test_the_cut_and_the_order_of_visits_change_nothing(
    events: list[list[Any]], order: list[int], cut: list[bool]
) -> None:
    rows = rows_of(events)
    whole = judge_visits(
        visits(*AT), None, data(*(r for visit in rows for r in visit)), consent(*TOLD), sighter(), EVERY_RULE
    )
    judge, waiting = Judge(sighter(), EVERY_RULE), []
    for number, ends in zip(order, [*cut[:4], True], strict=True):
        waiting.append(number)
        if ends:
            told = [c for c in TOLD if c["visit_id"] in {NAMES[n] for n in waiting}]
            judge.batch(
                visits(*(AT[n] for n in waiting)), None, data(*(r for n in waiting for r in rows[n])), consent(*told)
            )
            waiting = []
    in_parts = judge.findings()
    assert stable(in_parts) == stable(whole)
    sets = [{(r["fingerprint"], r["basis"], *sorted(r["keys"])) for r in t.to_pylist()} for t in (whole, in_parts)]
    assert sets[0] == sets[1]
    evidence = check(judge.evidence(), EVIDENCE, "test")
    assert verify(evidence) == []
    pointed = {e for r in in_parts.to_pylist() for e in r["evidence_ids"]}
    assert pointed == set(evidence["evidence_id"].to_pylist())
    assert all(r["evidence_ids"] for r in in_parts.to_pylist())


def one(*rows: Row, told: Row = DENIED, traffic: pa.Table | None = None) -> tuple[list[Row], list[Row]]:
    """Return the findings of rows of one visit, and the evidence."""
    judge = Judge(sighter(), EVERY_RULE)
    judge.batch(visits(), traffic, data(*rows), consent(told))
    return judge.findings("r").to_pylist(), judge.evidence().to_pylist()


@pytest.mark.parametrize(("matched", "proof"), [(None, "P4"), (0, "P4"), (63, "P4"), (64, "P0"), (512, "P0")])
def test_proof_by_planted_bytes_needs_64_bits(matched: int | None, proof: str) -> None:
    (finding,), _ = one({"type": "device.id", "matched_bits": matched})
    assert PROOF_BITS == 64
    assert finding["proof"] == proof


def test_a_contradicted_signal_claims_a_row_before_a_hint() -> None:
    found, _ = one({"type": "device.id"}, {"type": "device.id", "recipient": UNKNOWN}, told=tcf(1))
    assert sorted((f["recipient"], f["rule"], f["proof"]) for f in found) == [
        (AD, "tcf_denied", "P1"),
        (UNKNOWN, "device_identifier", "P4"),
    ]


def test_the_most_urgent_comes_first() -> None:
    kinds = [{"type": k} for k in ("device.ip", "device.id", "location.precise")]
    found, _ = one(*kinds, {"type": "user.id", "time": T0 - 5}, told=DENIED)
    order = [(OUTCOMES.index(f["outcome"]), SEVERITIES.index(f["severity"])) for f in found]
    assert order == sorted(order)
    assert [f["outcome"] for f in found] == ["potential violation"] * 3 + ["no signal"]


@pytest.mark.parametrize(
    ("region", "told", "wanted"),
    [
        ("EU", [], ("none", "no signal")),
        ("US-CA", [], ("none", "allowed")),
        ("US-CA", [BEFORE], ("none", "allowed")),
        ("US-CA", [GPC], ("opted_out", "potential violation")),
        ("US-OR", [GPC], ("none", "allowed")),  # honours it from 2026 on
    ],
)
def test_silence_is_undecided_only_where_the_law_asks_first(
    region: str, told: list[Row], wanted: tuple[str, str]
) -> None:
    tables = visits({"region": region}), None, data({"type": "device.id"}), consent(*told)
    (found,) = judge_visits(*tables, sighter(), EVERY_RULE).to_pylist()
    assert (found["consent_state"], found["outcome"]) == wanted


def test_equal_claims_of_unlike_severity_are_one_finding_of_the_worse() -> None:
    kinds = ["device.screen", "device.os", "device.locale", "device.time_zone", "fingerprint.surface"]
    found, _ = one(*({"type": k} for k in kinds))
    assert [(f["rule"], f["type"], f["severity"], f["n"]) for f in found] == [
        ("fingerprint_surface", "fingerprint.surface", "high", 1)
    ]


def request(**more: Any) -> pa.Table:
    row = {"visit_id": "v", "seq": 0, "method": "POST", "path_template": "/c/{}", "status": 204} | more
    kinds = [f.type.value_type if pa.types.is_dictionary(f.type) else f.type for f in TRAFFIC]
    arrays = [pa.array([row.get(f.name)], k) for f, k in zip(TRAFFIC, kinds, strict=True)]
    return check(pa.table(arrays, names=TRAFFIC.names), TRAFFIC, "test")


def test_evidence_says_where_and_how_and_no_value() -> None:
    asked = request(initiator_url="https://cdn.tags.test/t.js", line=3, col=7)
    (finding,), (evidence,) = one({"type": "device.id", "digest": 424242, "entropy": 3.25}, traffic=asked)
    assert (finding["location"], finding["line"], finding["col"]) == ("https://cdn.tags.test/t.js", 3, 7)
    record = json.loads(evidence["record"])
    assert finding["evidence_ids"] == [evidence["evidence_id"]]
    expected = {"method": "POST", "path": "/c/{}", "status": 204, "key": "id", "consent": "denied", "type": "device.id"}
    assert expected.items() <= record.items()
    assert "digest" not in record
    assert "424242" not in evidence["record"]


@pytest.mark.parametrize("asked", [{"visit_id": "w"}, {"seq": 1}])
def test_a_request_of_another_visit_or_number_is_not_evidence(asked: Row) -> None:
    (finding,), (evidence,) = one({"type": "device.id"}, traffic=request(initiator_url="https://x.test/a.js", **asked))
    assert finding["location"] is None
    assert "method" not in json.loads(evidence["record"])


def test_other_values_give_the_same_fingerprints_and_evidence() -> None:
    rows = [{"type": "device.id", "digest": d, "entropy": 3.5} for d in (1, 2)]
    found = [one(row) for row in rows]
    assert found[0][0] == found[1][0]
    assert found[0][1] == found[1][1]


def test_fingerprints_do_not_depend_on_the_run() -> None:
    judge = Judge(sighter(), EVERY_RULE)
    judge.batch(visits(), None, data({"type": "device.id"}), consent(DENIED))
    one_, two = judge.findings("a"), judge.findings("b")
    assert one_["fingerprint"].to_pylist() == two["fingerprint"].to_pylist()
    assert one_["finding_id"].to_pylist() != two["finding_id"].to_pylist()


def test_changed_evidence_is_noticed() -> None:
    judge = Judge(sighter(), EVERY_RULE)
    judge.batch(visits(), None, data({"type": "device.id"}), consent(DENIED))
    table = judge.evidence()
    changed = pa.array([t.replace("denied", "granted") for t in table["record"].to_pylist()])
    other = table.set_column(table.schema.get_field_index("record"), "record", changed)
    assert verify(table) == []
    assert verify(other) == table["evidence_id"].to_pylist()


def test_nothing_to_judge() -> None:
    judge = Judge(sighter(), EVERY_RULE)
    judge.batch(visits(), None, data(), consent())
    assert check(judge.findings(), FINDINGS, "test").num_rows == 0
    assert check(judge.evidence(), EVIDENCE, "test").num_rows == 0
    assert Judge(sighter(), []).findings().num_rows == 0


def test_no_rules_claim_nothing() -> None:
    judge = Judge(sighter(), [])
    judge.batch(visits(), None, data({"type": "device.id"}), consent(DENIED))
    assert judge.findings().num_rows == 0


def test_each_batch_gives_an_example_and_three_are_kept() -> None:
    judge = Judge(sighter(), EVERY_RULE)
    for n in range(5):
        row = {"type": "device.id", "visit_id": f"v{n}", "time": T0 + n}
        judge.batch(visits({"visit_id": f"v{n}"}), None, data(row), consent(DENIED | {"visit_id": f"v{n}"}))
    (finding,) = judge.findings().to_pylist()
    record = {r["evidence_id"]: json.loads(r["record"]) for r in judge.evidence().to_pylist()}
    assert [record[e]["time"] - T0 for e in finding["evidence_ids"]] == [0, 1, 2]
    assert (finding["n"], finding["n_visits"], finding["first"], finding["last"]) == (5, 5, T0, T0 + 4)
