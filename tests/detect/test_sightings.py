"""Which rows rules get to see, and what is joined to them, against a naive row-by-row reading."""

from datetime import UTC, datetime

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.core.tables import CONSENT, DATA, VISITS, check
from consentinel.detect import parties
from consentinel.detect.policy import load
from consentinel.detect.sightings import SIGHTINGS, UNTYPED, Sighter
from tests.detect import made_visits
from tests.detect.made_visits import (
    AD,
    BEFORE,
    DENIED,
    GPC,
    GRANTED,
    HOSTING,
    SITE,
    T0,
    Row,
    consent,
    data,
    sighted,
    sighter,
    visits,
)

VISIT_ROWS = [
    {"visit_id": "a"},
    {"visit_id": "b", "region": "US-CA", "subject": "google.com"},
    {"visit_id": "c", "region": None, "started": T0 - 300 * 86_400_000_000},
]
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "visit_id": st.sampled_from(["a", "b", "c", "elsewhere", None]),
            "action": st.sampled_from(["sent", "stored", "read"]),
            "type": st.sampled_from([None, "device.id", "device.screen", "contact.email", "location.precise"]),
            "recipient": st.sampled_from([None, "", SITE, AD, "google.com", "doubleclick.net", HOSTING, "nobody.test"]),
            "key": st.sampled_from([None, "", "id", "PHPSESSID", "cc_cookie.level", "session"]),
            "time": st.integers(T0 - 3, T0 + 3),
        }
    ),
    max_size=30,
)


def naive(rows: list[Row], region: str) -> list[tuple[object, ...]]:
    """Say for each row that should be seen: its number, party, need, purpose, and whether it is necessary."""
    policy = made_visits.policy(region)
    known = {v["visit_id"]: {"subject": SITE, "region": "EU", "started": T0} | v for v in VISIT_ROWS}
    found = []
    for number, row in enumerate(rows):
        visit = known.get(row["visit_id"])
        if visit is None:
            continue
        who = row["recipient"] if row["recipient"] is not None else visit["subject"]
        there, here = parties.lookup([who]).to_pylist()[0], parties.lookup([visit["subject"]]).to_pylist()[0]
        side = parties.party(visit["subject"], who, here["owner"], there["owner"])
        if row["action"] == "sent" and (row["type"] is None or row["recipient"] is None or side != "third"):
            continue
        purpose = there["purpose"] if row["recipient"] is not None else "unknown"
        day = datetime.fromtimestamp(visit["started"] / 1e6, UTC).date()
        need = policy.require(row["type"] or UNTYPED, purpose, row["action"], side, visit["region"] or region, day)
        name = row["key"] or ""
        exempt = row["action"] == "stored" and any(policy.necessary([name, name.split(".")[0]], [purpose] * 2))
        found.append((number, side, need, purpose, exempt))
    return found


@settings(max_examples=150, deadline=None)
@given(ROWS, st.sampled_from(["EU", "US-CO"]))
def test_against_a_naive_reading(rows: list[Row], region: str) -> None:
    join = sighter(region)
    seen = join.join(visits(*VISIT_ROWS), data(*rows), consent())
    assert seen.schema.equals(SIGHTINGS)
    needs = [join.requirements[i] for i in seen["requirement"].to_pylist()]
    columns = [seen[c].to_pylist() for c in ("row", "party")]
    got = list(zip(*columns, needs, *(seen[c].to_pylist() for c in ("purpose", "necessary")), strict=True))
    assert got == naive(rows, region)
    assert seen["needs"].to_pylist() == [n.needs for n in needs]
    for column in ("visit_id", "action", "type", "recipient", "key", "time"):
        assert seen[column].to_pylist() == [rows[i][column] for i in columns[0]]


def test_one_sighter_gives_the_same_on_every_batch() -> None:
    join, rows = sighter(), [{"type": "device.id"}, {"type": "contact.email", "recipient": "nobody.test"}]
    first = join.join(visits(), data(*rows), consent(DENIED))
    join.join(visits({"region": "US-CA"}), data({"type": "user.id"}), consent())
    assert join.join(visits(), data(*rows), consent(DENIED)).to_pylist() == first.to_pylist()


def test_nothing_at_all() -> None:
    for told in (consent(), consent(DENIED)):
        assert sighter().join(visits(), data(), told).num_rows == 0
        assert sighter().join(VISITS.empty_table(), data({"type": "device.id"}), told).num_rows == 0


def test_tables_in_several_pieces() -> None:
    rows = [{"type": "device.id", "visit_id": v, "key": k} for v in "ab" for k in ("x", "y")]
    pieces = pa.concat_tables([data(r) for r in rows])
    told = pa.concat_tables([consent(DENIED | {"visit_id": v}) for v in "ab"])
    at = pa.concat_tables([visits({"visit_id": v}) for v in "ab"])
    whole = sighter().join(visits({"visit_id": "a"}, {"visit_id": "b"}), data(*rows), told.combine_chunks())
    assert sighter().join(at, pieces, told).to_pylist() == whole.to_pylist()
    assert whole["consent_state"].to_pylist() == ["denied"] * 4


def test_a_column_of_nulls_is_no_fault() -> None:
    for name in set(DATA.names) - {"visit_id", "time", "action"}:
        at = DATA.get_field_index(name)
        row = data({"type": "device.id"})
        seen = sighter().join(
            visits(), row.set_column(at, DATA.field(at), pa.nulls(1, DATA.field(at).type)), consent(DENIED)
        )
        check(seen, SIGHTINGS, "test")
    for name in set(CONSENT.names) - {"visit_id", "valid_from", "valid_until"}:
        at = CONSENT.get_field_index(name)
        told = consent(GRANTED).set_column(at, CONSENT.field(at), pa.nulls(1, CONSENT.field(at).type))
        assert sighter().join(visits(), data({"type": "device.id"}), told).num_rows == 1


def test_the_rules_of_the_day_of_the_visit_hold() -> None:
    california_2019 = {"region": "US-CA", "started": 1_560_000_000_000_000}
    found = [
        made_visits.sighted([{"type": "device.id"}], [GPC], at=[v])["needs"][0].as_py() for v in (california_2019, {})
    ]
    assert found == ["nothing", "opt_in"]


def test_the_source_that_decided_is_told() -> None:
    both = [GRANTED, {"source": "tcf", "purposes_consent": 0, "vendors_consent": b""}]
    assert sighted([{"type": "device.id"}], both)["consent_source"].to_pylist() == ["tcf"]
    assert sighted([{"type": "device.id"}], [GRANTED])["consent_source"].to_pylist() == ["cmp"]
    assert sighted([{"type": "device.id"}])["consent_source"].to_pylist() == [None]


STRING, MODE = made_visits.tcf(0), {"source": "consent_mode", "ad_storage": False}


def states(*told: Row, **row: object) -> tuple[object, ...]:
    """Return state, source and what signals deny of one identifier sent under what was TOLD."""
    seen = sighted([{"type": "device.id"} | row], list(told)).to_pylist()
    return tuple(seen[0][c] for c in ("consent_state", "consent_source", "tcf_denies", "mode_denies"))


@pytest.mark.parametrize("source", ["cmp", "scenario", "table"])
def test_a_signal_that_denies_before_a_choice_is_told_as_before(source: str) -> None:
    asked = BEFORE | {"source": source}
    for order in (1, -1):
        assert states(*[STRING, asked][::order]) == ("before", source, True, False)
        assert states(*[STRING | {"source": "gpp"}, asked][::order]) == ("before", source, True, False)
        assert states(*[MODE, asked][::order]) == ("before", source, False, True)
        assert states(*[STRING, MODE, asked][::order]) == ("before", source, True, True)
    assert states(made_visits.tcf(), asked) == ("before", source, False, False)
    assert states(STRING) == ("denied", "tcf", True, False)


def test_a_choice_to_refuse_is_never_told_as_before() -> None:
    refused = DENIED | {"source": "table"}
    for order in (1, -1):
        assert states(*[BEFORE, refused][::order])[0] == "denied"
        assert states(*[STRING, BEFORE, refused][::order])[0] == "denied"


def test_before_lasts_until_the_choice() -> None:
    cmp = [BEFORE | {"valid_from": 0, "valid_until": T0 + 5}, DENIED | {"valid_from": T0 + 5}]
    assert states(STRING, *cmp, time=T0 + 4)[:3] == ("before", "cmp", True)
    assert states(STRING, *cmp, time=T0 + 5)[::2] == ("denied", True)


def test_an_opt_out_before_a_choice_stays_one() -> None:
    seen = sighted([{"type": "device.id"}], [GPC, BEFORE, STRING], at=[{"region": "US-CA"}])
    assert seen["consent_state"].to_pylist() == ["opted_out"]


def test_a_row_counts_the_rows_of_its_source() -> None:
    seen = sighted([{"type": "device.id", "count": 12}, {"type": "device.id", "count": None}])
    assert seen["n"].to_pylist() == [12, 1]


@pytest.mark.parametrize("number", [1, 70_000])
def test_a_vendor_is_asked_for_by_its_own_number(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids are packed beside others to ask once for each; 70,000 does not fit where they are packed."""
    known = parties.lookup([SITE, AD])
    at = known.schema.get_field_index("vendor_id")
    other = known.set_column(at, known.schema.field(at), pa.array([None, number], pa.int32()))
    monkeypatch.setattr(parties, "lookup", lambda hosts: other.filter(pa.array([h in hosts for h in (SITE, AD)])))
    told = [made_visits.tcf(vendors=(1,))]
    seen = Sighter(load(), region="EU").join(visits(), data({"type": "device.id"}), consent(*told))
    assert seen["consent_state"].to_pylist() == ["granted" if number == 1 else "denied"]
