"""The time zone that the device is set to: a zone name, or the offset from UTC.

Zone names are those of the IANA time zone database as Python finds it; where a machine has none, only names under a
key that says so are recognised.
"""

from functools import cache
from zoneinfo import available_timezones

import numpy as np

from consentinel.detect.surfaces._pairs import HINT, LIKELY, SURE, Pairs, Scores, best

TYPE = "device.time_zone"

NAMED = """tz timezone timezonename timezoneid timezoneietf tzname devicetimezone usertimezone browsertimezone
    localtimezone device.timezone context.timezone client.timezone ianatimezone zoneid
    components.timezone timezonecode"""
OFFSET = """tz timezone timezoneoffset tzoffset tzo utcoffset geo.utcoffset gmtoffset timeoffset zoneoffset
    timezoneoffsetminutes timezoneoffsetseconds utz tzoffsetminutes dtz browsertimezoneoffset tzom"""
ZONE = r"^\"?[A-Z][A-Za-z]+/[A-Z][A-Za-z_+-]+(/[A-Z][A-Za-z_-]+)?\"?$|^(Etc/)?(UTC|GMT)([+-][0-9]{1,2})?$|^[A-Z]{3,4}$"
CLOCK = r"(?i)^(utc|gmt)? ?[+-][0-9]{1,2}:?([0-9]{2})?$|^z$"
AREAS = frozenset(b"AEPIU")  # Africa, America, Asia, Europe, Pacific, Indian, US ...


@cache
def _zones() -> frozenset[str]:
    return frozenset(
        z.lower() for z in available_timezones() if "/" in z and not z.startswith(("Etc/", "posix", "right"))
    )


def recognise(pairs: Pairs) -> Scores:
    """Return the probability that each pair holds the time zone of the device."""
    short = (pairs.length > 0) & (pairs.length <= 40)
    hinted = pairs.named(NAMED) & short
    zone = pairs.by_value(ZONE, hinted)
    looks = short & (pairs.length >= 8) & np.isin(pairs.first, np.frombuffer(bytes(AREAS), np.uint8)) & ~zone
    anywhere = pairs.value_in(_zones(), pairs.by_value("^[A-Z][A-Za-z]+/[A-Z]", looks)) if _zones() else ~short & short
    offset = pairs.number(pairs.named(OFFSET) & short)
    minutes = (np.abs(offset) <= 840) & (offset == np.round(offset * 4) / 4)
    seconds = (np.abs(offset) > 840) & (np.abs(offset) <= 50_400) & (np.nan_to_num(offset) % 900 == 0)
    clock = pairs.by_value(CLOCK, pairs.named(OFFSET) & short)
    weak = np.abs(pairs.number(pairs.named("z") & pairs.by_key("extinfo|device") & short)) <= 840
    return best(
        pairs.n, (weak, HINT), (anywhere, LIKELY), (minutes, SURE), (seconds, LIKELY), (clock, SURE), (zone, SURE)
    )
