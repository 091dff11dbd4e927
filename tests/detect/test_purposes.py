"""Purposes told from what is sent: whom they are asked for, what is taken from them, and what follows for consent."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from consentinel.core.tables import TRAFFIC, check
from consentinel.detect.held_out_purposes import HeldOutPurposes
from consentinel.detect.judges._purpose_rows import PurposeFields
from consentinel.detect.judges._purpose_taught import PURPOSE_TABLE
from consentinel.detect.judges._rows import ANSWER, PURPOSE_ROWS
from consentinel.detect.purposes import SURE, Purposes, of_tables
from consentinel.detect.sightings import Sighter
from tests.detect.made_traffic import findings, leaking, record, scanned, write
from tests.detect.made_visits import AD, HOSTING, UNKNOWN, consent, data, sighter, tcf, visits

Row = dict[str, Any]
CONTENT = "dmxleo.com"  # a video platform in the entity map
FIELDS = ("imp", "bidfloor", "site.page")


def sent(to: str, *keys: str) -> pa.Table:
    """Return DATA of requests that carry KEYS to the recipient TO."""
    return data(*({"recipient": to, "key": key, "seq": n, "carrier": "json"} for n, key in enumerate(keys)))


def traffic(to: str, n: int) -> pa.Table:
    """Return TRAFFIC of N requests to the recipient TO, and one answer."""
    told = {"visit_id": "v", "recipient": to, "method": "POST", "resource_type": "fetch"}
    rows = [told | {"direction": "sent", "seq": at} for at in range(n)] + [told | {"direction": "received"}]
    table = pa.Table.from_pylist(rows)
    columns = [table[f.name] if f.name in table.column_names else pa.nulls(len(rows), f.type) for f in TRAFFIC]
    return check(pa.table(columns, names=TRAFFIC.names), TRAFFIC, "test")


class Says:
    """A judge that remembers what it was asked about."""

    version = "made 1"

    def __init__(self, label: str, undecided: bool = False, p: float = 0.9) -> None:
        self.label, self.undecided, self.p = label, undecided, p
        self.asked: list[list[str]] = []

    def judge(self, rows: pa.Table) -> pa.Table:
        assert rows.schema.equals(PURPOSE_ROWS)
        self.asked.append(rows["recipient"].to_pylist())
        row = {"label": self.label, "p": self.p, "undecided": self.undecided, "why": ""}
        return pa.Table.from_pylist([row] * rows.num_rows, ANSWER)


def settled(judge: Says, watch: Sighter, *tables: pa.Table) -> Purposes:
    purposes = Purposes(judge, watch)
    for table in tables:
        purposes.batch(table, None)
    purposes.settle()
    return purposes


def test_what_a_recipient_got_is_gathered_over_batches() -> None:
    fields = PurposeFields(lambda names: {UNKNOWN})
    fields.batch(sent(UNKNOWN, "a", "b"), traffic(UNKNOWN, 2))
    fields.batch(sent(UNKNOWN, "b", "c"), traffic(UNKNOWN, 1))
    fields.batch(sent(AD, "x"), traffic(AD, 5))
    fields.batch(data({"recipient": UNKNOWN, "key": "accept", "carrier": "header"}), None)
    (row,) = check(fields.rows(), PURPOSE_ROWS, "test").to_pylist()
    assert (row["recipient"], row["keys"], row["carriers"]) == (UNKNOWN, ["a", "b", "c"], ["json"])
    assert (row["methods"], row["resource_types"], row["n_requests"]) == (["POST"], ["fetch"], 3)
    assert row["types"] == []
    fields.drop({UNKNOWN})
    assert fields.rows().num_rows == 0


def test_only_recipients_that_nobody_knows_are_asked_about() -> None:
    judge, watch = Says("advertising"), sighter()
    purposes = settled(judge, watch, sent(UNKNOWN, *FIELDS), sent(AD, *FIELDS), sent(HOSTING, *FIELDS))
    assert judge.asked == [[UNKNOWN]]
    assert watch.judged == {UNKNOWN: ("advertising", pytest.approx(0.9))}
    purposes.batch(sent(UNKNOWN, "more"), None)
    purposes.settle()
    assert judge.asked[1:] == [[]]  # told once


@pytest.mark.parametrize("label", ["necessary", "functional"])
def test_a_model_frees_nobody_from_asking(label: str) -> None:
    judge, watch = Says(label), sighter()
    settled(judge, watch, sent(UNKNOWN, *FIELDS))
    assert watch.judged == {}
    assert watch.unknown([UNKNOWN]) == {UNKNOWN}


def test_what_is_not_decided_or_too_little_is_asked_again() -> None:
    judge, watch = Says("analytics", undecided=True), sighter()
    purposes = settled(judge, watch, sent(UNKNOWN, *FIELDS))
    judge.undecided = False
    purposes.settle()
    assert watch.judged[UNKNOWN][0] == "analytics"
    unsure = Says("analytics", p=0.7)
    watch = sighter()
    settled(unsure, watch, sent(UNKNOWN, *FIELDS))
    assert watch.judged == {}
    few = Says("analytics")
    settled(few, sighter(), sent(UNKNOWN, "a", "b"))
    assert few.asked == [[]]


@pytest.mark.parametrize(
    ("label", "p", "taken"), [("advertising", 0.97, True), ("advertising", 0.9, False), ("analytics", 0.99, False)]
)
def test_a_video_platform_that_certainly_gets_bid_requests_advertises(label: str, p: float, taken: bool) -> None:
    watch = sighter()
    assert watch.broad([CONTENT, AD, UNKNOWN]) == {CONTENT}
    purposes = settled(Says(label, p=p), watch, sent(CONTENT, *FIELDS))
    assert set(watch.judged) == ({CONTENT} if taken else set())
    purposes.batch(sent(CONTENT, "more"), None)
    purposes.settle()
    assert watch.broad([CONTENT]) == (set() if taken else {CONTENT})


def test_consent_under_another_name_is_that_under_the_known_name() -> None:
    """A TC string grants storage (purpose 1) alone: advertising is denied, whatever the recipient is called."""

    def states(recipient: str, judge: Says | None) -> list[str]:
        watch = sighter()
        table = data({"type": "device.id", "recipient": recipient})
        if judge is not None:
            settled(judge, watch, sent(recipient, *FIELDS))
        seen = watch.join(visits({}), table, consent(tcf(purposes=1, vendors=(32,))))
        return [*seen["consent_state"].to_pylist(), *seen["purpose"].to_pylist()]

    assert states(AD, None) == ["denied", "advertising"]
    assert states(UNKNOWN, None) == ["granted", "unknown"]  # the name was all that it rested on
    assert states(UNKNOWN, Says("advertising")) == states(AD, None)


def test_tables_of_a_scan_tell_the_same(tmp_path: Path) -> None:
    pq.write_table(sent(UNKNOWN, *FIELDS), tmp_path / "data.parquet")
    pq.write_table(traffic(UNKNOWN, 3), tmp_path / "traffic.parquet")
    watch = sighter()
    of_tables(tmp_path, Purposes(Says("analytics"), watch))
    assert watch.judged[UNKNOWN][0] == "analytics"


def test_a_family_is_judged_by_who_never_saw_it() -> None:
    pytest.importorskip("sklearn", reason="needs consentinel[learn]")
    rows: list[Row] = []
    for n in range(24):
        ads = n % 2 == 0
        keys = ["imp", "bidfloor", "adomain"] if ads else ["event", "session", "pageview"]
        own = {"family": f"f{n}", "recipient": f"api.r{n}.test", "purpose": "advertising" if ads else "analytics"}
        plain = {"subject": "shop.test", "methods": ["GET"], "resource_types": ["fetch"], "types": [], "n_requests": 1}
        rows.append(plain | own | {"keys": [*keys, f"own{n}"], "carriers": ["query"], "teacher": "labels"})
    # Family f0 alone says otherwise; only who learnt from it would follow.
    rows[0] |= {"purpose": "analytics"}
    judge = HeldOutPurposes.learnt(pa.Table.from_pylist(rows, PURPOSE_TABLE), 20)
    asked = [
        {name: row[name] for name in PURPOSE_ROWS.names} | {"recipient": f"r{n}.test"} for n, row in enumerate(rows)
    ]
    told = judge.judge(pa.Table.from_pylist(asked, PURPOSE_ROWS))["label"].to_pylist()
    assert told[0] == "advertising"
    assert told[1:5] == ["analytics", "advertising", "analytics", "advertising"]
    shared = [rows[0] | {"recipient": "other.r1.test"}, *rows]
    folds = HeldOutPurposes.learnt(pa.Table.from_pylist(shared, PURPOSE_TABLE), 20).folds
    assert folds["r0.test"] == folds["r1.test"]


def test_a_scan_with_models_says_what_told_the_purpose(tmp_path: Path) -> None:
    told = leaking()
    bid = "imp=1&bidfloor=0.5&adomain=a.test&site.page=x&user.ext.eids=1&banner.w=300&banner.h=250&cur=EUR"
    url = f"https://bids.unheard-of.test/openrtb?{bid}&device_id=3f9c1b62-8d4e-4a57-9b0c-71e2d5a6f813"
    told["log"]["entries"].append(told["log"]["entries"][1] | {"request": {"method": "GET", "url": url, "headers": []}})
    file = write(tmp_path / "in" / "bid.har", told)
    scanned(tmp_path, file, models="default")
    assert str(record(tmp_path / "out")["assumed"]["purpose_model"]).startswith("purpose_model")
    claims = pq.read_table(tmp_path / "out" / "claims.parquet").to_pylist()
    mine = [row for row in claims if row["recipient"] == "unheard-of.test"]
    assert mine
    assert {row["purpose"] for row in mine} == {"advertising"}
    assert all(row["purpose_p"] >= SURE for row in mine)
    assert all(row["purpose_p"] is None for row in claims if row["recipient"] == "adnxs.com")
    assert any("what it gets says advertising" in row["why"] for row in mine)
    assert {row["purpose"] for row in findings(tmp_path / "out") if row["recipient"] == "unheard-of.test"} <= {
        "advertising"
    }
