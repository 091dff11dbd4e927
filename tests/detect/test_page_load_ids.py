"""Identifiers of one page load: what has to speak for it, and what a single sight elsewhere undoes."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from consentinel.core.tables import TRAFFIC, check
from consentinel.detect.page_load_ids import PageLoadIds
from tests.detect.made_traffic import SITE, bare, entry, findings, quiet, record, scanned, write
from tests.detect.made_visits import T0, consent, data

Row = dict[str, Any]
ID: Row = {"type": "device.id", "key": "cid", "seq": 1, "digest": 7}
SIGNAL: Row = {"key": "gcd", "seq": 1, "digest": 99, "type_p": None}
DENIES: Row = {"source": "consent_mode", "ad_storage": False, "analytics_storage": False}
FOR_ADS: Row = {"source": "consent_mode", "ad_storage": False}
PAGE: Row = {"party": "first", "resource_type": "document"}


def traffic(*rows: Row) -> pa.Table:
    """Return TRAFFIC of the visit `v`, numbered."""
    plain = {"visit_id": "v", "party": "third", "resource_type": "fetch"}
    kept = [plain | {"seq": n} | row for n, row in enumerate(rows)]
    table = pa.Table.from_pylist(kept)
    nothing = [pa.nulls(len(kept), f.type) for f in TRAFFIC]
    columns = [
        table[f.name] if f.name in table.column_names else none for f, none in zip(TRAFFIC, nothing, strict=True)
    ]
    return check(pa.table(columns, names=TRAFFIC.names), TRAFFIC, "test")


def passing(rows: list[Row], told: list[Row], requests: list[Row] | None = None) -> list[bool]:
    """Return which of ROWS are identifiers of one page load."""
    asked = traffic(*requests) if requests is not None else None
    return [bool(one) for one in PageLoadIds().rows(data(*rows), consent(*told), asked)]


def test_an_identifier_in_a_ping_that_says_storage_is_denied_is_none_of_the_device() -> None:
    assert passing([SIGNAL, ID], [DENIES]) == [False, True]


@pytest.mark.parametrize("key", ["gcs", "GCD", "x-ga-gcd", "batch[].gcd", "gcs[]"])
def test_the_signal_may_stand_anywhere_in_the_request(key: str) -> None:
    assert passing([SIGNAL | {"key": key}, ID], [DENIES]) == [False, True]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([SIGNAL | {"seq": 2}, ID], [DENIES]),  # another request says so
        ([SIGNAL | {"key": "npa"}, ID], [DENIES]),  # no word on storage
        ([SIGNAL, ID], [DENIES | {"analytics_storage": True}]),
        ([SIGNAL, ID], [DENIES, {"source": "consent_mode", "ad_storage": True}]),  # two that disagree
        ([SIGNAL, ID], [DENIES | {"valid_from": T0 + 1}]),  # said later
        ([SIGNAL, ID], [{"source": "cmp", "state": "denied"}]),  # the site says so, not the request
        ([SIGNAL, ID], [FOR_ADS]),  # one storage only, one page load only
        ([SIGNAL, ID | {"carrier": "cookie"}], [DENIES]),
        ([SIGNAL, ID | {"type": "device.screen"}], [DENIES]),
        ([SIGNAL, ID | {"type": "user.id"}], [DENIES]),  # an account is the same whatever is stored
        ([SIGNAL, ID, ID | {"seq": 5}], [DENIES]),  # sent without such a word too
        ([SIGNAL, ID, ID | {"action": "stored", "carrier": "local-storage", "seq": None}], [DENIES]),
        ([SIGNAL, ID, ID | {"action": "stored", "carrier": "set-cookie", "type": None}], [DENIES]),
        ([SIGNAL, ID, ID | {"visit_id": "w"}, SIGNAL | {"visit_id": "w"}], [DENIES, DENIES | {"visit_id": "w"}]),
    ],
)
def test_what_is_not_shown_is_not_taken_for_it(rows: list[Row], told: list[Row]) -> None:
    assert not any(passing(rows, told))


def test_the_same_value_in_two_page_loads_lasts() -> None:
    rows = [SIGNAL, ID, SIGNAL | {"seq": 3}, ID | {"seq": 3}]
    assert not any(passing(rows, [DENIES], [PAGE, {}, PAGE, {}]))
    assert passing(rows, [DENIES], [PAGE, {}, {}, {}]) == [False, True, False, True]  # two requests of one page load


def numbered(seq: int, number: int, **more: Any) -> list[Row]:
    """Return the rows of a ping that names its page load."""
    return [SIGNAL | {"seq": seq} | more, {"key": "_p", "seq": seq, "digest": number, "type_p": None} | more,
            ID | {"seq": seq} | more]  # fmt: skip


def test_a_last_ping_that_leaves_when_the_next_page_is_open_belongs_to_the_page_that_it_names() -> None:
    loads = [PAGE, {}, PAGE, {}]
    assert passing(numbered(1, 50) + numbered(3, 50), [DENIES], loads) == [False, False, True] * 2
    assert not any(passing(numbered(1, 50) + numbered(3, 51), [DENIES], loads))  # the value outlived its page
    beside = [SIGNAL | {"seq": 1}, ID | {"seq": 1}]  # a request that names none, beside one that does, or not
    assert passing([*numbered(1, 50), ID | {"key": "x", "seq": 1}], [DENIES], loads)[-2:] == [True, True]
    assert not any(passing(beside + numbered(3, 50), [DENIES], loads))
    assert passing(numbered(1, 50) + numbered(1, 50, visit_id="w"), [DENIES, DENIES | {"visit_id": "w"}])[-1]


def test_the_page_load_that_was_named_is_remembered_over_batches() -> None:
    ids, told = PageLoadIds(), [DENIES, DENIES | {"visit_id": "w"}]
    assert ids.rows(data(*numbered(1, 50)), consent(*told)).tolist() == [False, False, True]
    assert ids.rows(data(*numbered(1, 50, visit_id="w")), consent(*told)).tolist() == [False, False, True]
    assert not ids.rows(data(*numbered(1, 51, visit_id="w")), consent(*told)).any()
    assert not ids.rows(data(SIGNAL, ID), consent(*told)).any()
    assert ids.n == 1


def test_where_one_storage_is_stated_other_page_loads_have_to_show_other_values() -> None:
    rows = [SIGNAL, ID, SIGNAL | {"seq": 3}, ID | {"seq": 3, "digest": 8}]
    assert passing(rows, [FOR_ADS], [PAGE, {}, PAGE, {}]) == [False, True, False, True]
    assert not any(passing(rows, [FOR_ADS], [PAGE, {}, {}, {}]))


def test_an_account_that_looks_more_like_a_device_goes_with_it() -> None:
    both = [SIGNAL, ID, ID | {"type": "user.id", "type_p": 0.3}]
    assert passing(both, [DENIES]) == [False, True, True]
    assert passing([SIGNAL, ID | {"type_p": 0.3}, ID | {"type": "user.id"}], [DENIES]) == [False, True, False]


def test_a_value_that_comes_again_in_a_later_batch_is_claimed_there() -> None:
    ids = PageLoadIds()
    first = ids.rows(data(SIGNAL, ID), consent(DENIES))
    later = {"visit_id": "w"}
    again = ids.rows(data(SIGNAL | later, ID | later), consent(DENIES | later))
    assert (first.tolist(), again.tolist()) == ([False, True], [False, False])
    assert ids.n == 1


def test_nothing_is_nothing() -> None:
    assert PageLoadIds().rows(data(), consent()).tolist() == []
    assert np.array_equal(PageLoadIds().rows(data(ID), consent()), [False])


CID = "1834927461.1760004000"


def pings(signal: str, *cids: str) -> dict[str, Any]:
    """Return a HAR of a site on which a page load sends each of CIDS with SIGNAL."""
    told = bare(quiet())
    entries = []
    for n, cid in enumerate(cids):
        document = {"_resourceType": "document", "pageref": f"p{n + 1}"}
        entries.append(entry(f"{SITE}/{n}", 4 * n, **document))
        url = f"https://www.google-analytics.com/g/collect?v=2&tid=G-TEST&cid={cid}&{signal}"
        entries.append(entry(url, 4 * n + 1, pageref=f"p{n + 1}"))
    pages = [
        {"id": f"p{n + 1}", "title": SITE, "startedDateTime": f"2025-10-09T10:00:{4 * n:02d}.000Z"}
        for n in range(len(cids))
    ]
    told["log"] |= {"entries": entries, "pages": pages}
    return told


@pytest.mark.parametrize(
    ("signal", "cids", "claimed"),
    [
        ("gcs=G100&gcd=13q3q3q3q5l1", [CID], False),
        ("gcs=G100&gcd=13q3q3q3q5l1", [CID, CID], True),  # it lasts
        ("gcs=G111&gcd=13r3r3r3r5l1", [CID], True),  # granted
        ("", [CID], True),
        ("gcs=G100", [CID], True),  # one page load shows too little
        ("gcs=G100", [CID, "972361846.1760004003"], False),
    ],
)
def test_a_scan_claims_what_lasts(signal: str, cids: list[str], claimed: bool, tmp_path: Path) -> None:
    file = write(tmp_path / "in" / "pings.har", pings(signal, *cids))
    scanned(tmp_path, file, scenario="reject")
    rows = [row for row in findings(tmp_path / "out") if row["recipient"] == "google-analytics.com"]
    assert any(row["type"] == "device.id" and "cid" in row["keys"] for row in rows) is claimed
    n = record(tmp_path / "out")["assumed"]["page_load_ids"]
    assert n == (0 if claimed else len(cids))
    told = (tmp_path / "out" / "findings.txt").read_text("utf-8")
    assert ("of one page load only are not claimed" in " ".join(told.split())) is not claimed
