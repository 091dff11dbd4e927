"""Claims from small visits: units, what looks across visits, consent, and what is no claim."""

from typing import Any

import pyarrow as pa

from consentinel.detect.judges._claim_rows import ClaimFields
from consentinel.detect.judges._rows import CLAIM_ROWS
from tests.detect.made_visits import AD, DENIED, GRANTED, OTHER_AD, SITE, T0, consent, data, sighter, visits

Row = dict[str, Any]


def claims(rows: list[Row], told: list[Row], *, at: list[Row] | None = None) -> dict[tuple[str, str, str], Row]:
    fields, watch = ClaimFields(), sighter()
    table = data(*rows)
    fields.batch(watch.join(visits(*at or [{}]), table, consent(*told)), table)
    found = fields.rows()
    assert found.schema.equals(CLAIM_ROWS)
    return {(r["recipient"], r["type"], r["consent_state"]): r for r in found.to_pylist()}


def test_a_claim_is_a_recipient_a_type_and_a_state() -> None:
    rows = [{"type": "device.id", "time": T0 + n, "seq": n, "key": f"k{n}"} for n in range(3)]
    found = claims([*rows, {"type": "device.screen", "recipient": OTHER_AD}], [DENIED])
    assert set(found) == {(AD, "device.id", "denied"), (OTHER_AD, "device.screen", "denied")}
    one = found[AD, "device.id", "denied"]
    assert (one["n_fields"], one["n_requests"], one["n_visits"], one["n_digests"]) == (3, 3, 1, 1)
    assert (one["outcome"], one["needs"], one["subject"]) == ("potential violation", "opt_in", SITE)
    assert one["alike"] == 2  # the other advertiser got the same digest
    assert one["rule_outcome"] is None


def test_a_single_device_property_is_a_claim_of_its_own_but_not_a_header_of_the_browser() -> None:
    found = claims([{"type": "device.os"}, {"type": "device.locale", "carrier": "header"}], [DENIED])
    assert set(found) == {(AD, "device.os", "denied")}


def test_what_is_allowed_or_not_decided_is_told_as_that() -> None:
    assert claims([{"type": "device.id"}], [GRANTED])[AD, "device.id", "granted"]["outcome"] == "allowed"
    assert claims([{"type": "device.id"}], [])[AD, "device.id", "none"]["outcome"] == "no signal"


def test_stability_looks_within_a_visit_and_over_visits() -> None:
    at = [{"visit_id": name, "started": T0} for name in "abcd"]
    told = [DENIED | {"visit_id": name} for name in "abcd"]
    steady = [{"visit_id": name, "type": "device.screen", "key": "w", "digest": 5} for name in "abcd"]
    fresh = [{"visit_id": name, "type": "device.id", "key": "u", "digest": n} for n, name in enumerate("abcd", 10)]
    loose = [{"visit_id": "a", "type": "user.id", "key": "x", "digest": n, "seq": n} for n in (90, 91)]
    found = claims([*steady, *fresh, *loose], told, at=at)
    screen, device, user = (found[AD, kind, "denied"] for kind in ("device.screen", "device.id", "user.id"))
    assert (screen["stable_in_visit"], screen["stable_over_visits"], screen["spread"], screen["varies"]) == (
        1,
        1,
        1,
        0.25,
    )
    assert (device["stable_in_visit"], device["stable_over_visits"], device["varies"]) == (1, 0.25, 1)
    assert user["stable_in_visit"] == 0
    assert user["share_of_visits"] == 0.25


def test_a_value_that_stands_in_storage_is_told() -> None:
    stored = {"action": "stored", "carrier": "local-storage", "key": "vid", "digest": 7, "recipient": SITE}
    found = claims([{"type": "device.id", "digest": 7}, {"type": "device.os", "digest": 8}, stored], [DENIED])
    assert found[AD, "device.id", "denied"]["in_storage"] == 1
    assert found[AD, "device.os", "denied"]["in_storage"] == 0


def test_two_types_of_one_value_are_two_claims() -> None:
    found = claims([{"type": "device.os", "key": "ua"}, {"type": "device.browser", "key": "ua"}], [DENIED])
    assert len(found) == 2
    assert all(row["called_so"] == 1 for row in found.values())


def test_improbable_types_and_first_parties_are_no_claims() -> None:
    assert not claims([{"type": "device.id", "type_p": 0.01}, {"type": "device.id", "recipient": SITE}], [DENIED])


def test_nothing_gives_nothing() -> None:
    assert ClaimFields().rows().schema.equals(CLAIM_ROWS)
    assert claims([], []) == {}


def test_findings_tell_what_rules_found() -> None:
    fields, watch, table = ClaimFields(), sighter(), data({"type": "device.id"})
    fields.batch(watch.join(visits({}), table, consent(DENIED)), table)
    known = {"subject": SITE, "recipient": AD, "type": "device.id", "consent_state": "denied", "proof": "P0"}
    row = fields.rows(pa.Table.from_pylist([known | {"outcome": "potential violation"}])).to_pylist()[0]
    assert (row["proof"], row["rule_outcome"]) == ("P0", "potential violation")
