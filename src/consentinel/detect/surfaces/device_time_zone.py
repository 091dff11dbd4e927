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
OFFSET = """tz timezone timezoneoffset tzoffset tzo utcoffset geo.utcoffset gmtoffset zoneoffset
    timezoneoffsetminutes timezoneoffsetseconds utz tzoffsetminutes dtz browsertimezoneoffset tzom"""
# A number or a clock under a name that ends so; what a clock alone may mean as well is not among them.
OFFSET_LIKE = (
    r"(timezone|(timezone|tz|utc|gmt|zone)[.]?(offset|diff|difference|bias|shift))(in)?"
    r"(minutes?|mins?|hours?|seconds?|secs?)?$"
)
NAME_LIKE = r"(timezone|tz|zoneinfo)[.]?(name|id|iana|ietf|code|region|location|string)?$"
ZONE = (
    r"^\"?[A-Z][A-Za-z]+/[A-Z][A-Za-z_+-]+(/[A-Z][A-Za-z_-]+)?\"?$|^(Etc/)?(UTC|GMT)([+-][0-9]{1,2})?$|^[A-Z]{3,4}$"
    r"|^[A-Z][A-Za-z. ]+ (Standard|Daylight|Summer) Time$"
)
CLOCK = r"(?i)^\(?(utc|gmt)? ?[+-]([0-9]{1,2}|[0-9]{1,2}:[0-9]{2}|[0-9]{4})\)?$|^z$"
# What Date.prototype.toString writes (ECMA-262, section 21.4.4.41).
DATE = r"^(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [0-9]{2} [0-9]{4} [0-9:]{8} GMT[+-][0-9]{4}"
AREAS = frozenset(b"AEPIU")  # Africa, America, Asia, Europe, Pacific, Indian, US ...


@cache
def _zones() -> frozenset[str]:
    return frozenset(
        z.lower() for z in available_timezones() if "/" in z and not z.startswith(("Etc/", "posix", "right"))
    )


def recognise(pairs: Pairs) -> Scores:
    """Return the probability that each pair holds the time zone of the device."""
    short = (pairs.length > 0) & (pairs.length <= 40)
    hinted = (pairs.named(NAMED) | pairs.like(NAME_LIKE)) & short
    zone = pairs.by_value(ZONE, hinted)
    looks = short & (pairs.length >= 8) & np.isin(pairs.first, np.frombuffer(bytes(AREAS), np.uint8)) & ~zone
    anywhere = pairs.value_in(_zones(), pairs.by_value("^[A-Z][A-Za-z]+/[A-Z]", looks)) if _zones() else ~short & short
    counted = (pairs.named(OFFSET) | pairs.like(OFFSET_LIKE)) & short
    offset = np.abs(pairs.number(counted))
    # Hours in quarters, or minutes in steps of a quarter of an hour: no zone has another offset today.
    minutes = ((offset <= 14) & (np.nan_to_num(offset) % 0.25 == 0)) | (
        (offset <= 840) & (np.nan_to_num(offset) % 15 == 0)
    )
    seconds = (offset > 840) & (offset <= 50_400) & (np.nan_to_num(offset) % 900 == 0)
    clock = pairs.by_value(CLOCK, counted | (pairs.named("timeoffset") & short))
    letters = np.isin(pairs.first, np.frombuffer(b"MTWFS", np.uint8))
    written = pairs.by_value(DATE, letters & (pairs.length >= 33) & (pairs.length <= 120))
    weak = np.abs(pairs.number(pairs.named("z") & pairs.by_key("extinfo|device") & short)) <= 840
    return best(
        pairs.n, (weak, HINT), (anywhere, LIKELY), (written, LIKELY), (minutes, SURE), (seconds, LIKELY),
        (clock, SURE), (zone, SURE),
    )  # fmt: skip
