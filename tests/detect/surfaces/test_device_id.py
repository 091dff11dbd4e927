"""Device id: what the recogniser has to catch, and what it has to let pass."""

from collections.abc import Callable

import pytest

UUID = "6f9619ff-8b86-4011-b42d-00c04fc964ff"
UUID2 = "0c7d3a52-93be-4f0e-9a41-7d2c5b8e1f60"
MD5 = "9e107d9d372bb6826bd81d3542a419d6"

YES = [
    ("cid", "878270908.1643952222"),
    ("_ga", "GA1.2.878270908.1643952222", "cookie"),
    ("properties.distinct_id", "018f3a52-93be-7f0e-9a41-7d2c5b8e1f60", "json"),
    ("batch[].properties.$device_id", UUID, "json"),
    ("duid", UUID, "form"),
    ("tnuid", UUID2),
    ("anonymousId", UUID, "json"),
    ("context.device.id", UUID, "json"),
    ("visitorId", "Xk9fQ2mZr7TbL4vN8sWp", "json"),
    ("android_id", "9774d56d682e549c"),
    ("imei", "490154203237518"),
    ("mac", "02:00:5e:10:4f:2a"),
    ("_pk_id.1.1fff", "4a1bc29fd3e85607.1690000000.", "cookie"),
    ("_sp_id.1fff", UUID + ".1690000000.1.1690000100", "cookie"),
    ("site_uid", UUID, "cookie"),
    ("idfv", "0C7D3A52-93BE-4F0E-9A41-7D2C5B8E1F60"),
    ("batch[].properties.$anon_distinct_id", UUID, "json"),
    ("publisherFirstPartyViewerId", UUID, "json"),
    ("statsMetadata.stableID", UUID, "json"),
    ("known.device_application_stamp", UUID, "json"),
    ("thumbmark", MD5, "json"),
    ("identities.$identity_cookie_id", UUID, "json"),
    ("machine_guid", UUID, "json"),
]
NO = [
    ("$insert_id", MD5, "json"),
    ("uuid", UUID, "json"),
    ("request_id", UUID),
    ("trace_id", MD5),
    ("csrf_token", MD5, "form"),
    ("cid", "h5gv94t"),
    ("vid", "dQw4w9WgXcQ"),
    ("session_id", UUID),
    ("device_id", "unknown"),
    ("device_id", ""),
    ("deviceid", "00000000-0000-0000-0000-000000000000"),
    ("client_id", "web-frontend"),
    ("visitor_id", "1690000000000"),
    ("distinct_id", "probe@example.com", "json"),
    ("build", MD5),
    ("etag", MD5, "header"),
    ("_gat", "1", "cookie"),
    ("deviceType", "smart-television", "json"),
    ("fingerprint", "left-hand", "json"),
]


@pytest.mark.parametrize("case", YES, ids=lambda c: c[0])
def test_it_is_caught(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("device_id", *case) >= 0.6


@pytest.mark.parametrize("case", NO, ids=lambda c: c[0])
def test_it_is_let_pass(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("device_id", *case) == 0
