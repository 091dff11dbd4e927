"""What holds for every rule that looks for one kind of datum sent to a third party."""

from typing import Any

import pytest

from tests.detect.made_visits import AD, BEFORE, DENIED, GPC, GRANTED, HOSTING, SITE, T0, UNKNOWN

BAD, FINE, OPEN = "potential violation", "allowed", "no signal"
SECOND = 1_000_000
CALIFORNIA = {"region": "US-CA"}


def sent_out(kind: str) -> list[Any]:
    """Return cases (rows, consent, visits, findings) for data of the type KIND."""
    row = {"type": kind}
    another = "location.coarse" if kind == "location.precise" else "location.precise"
    later = [row | {"time": T0 + n * SECOND, "seq": n} for n in (1, 2, 3)]
    told_at = [GRANTED | {"valid_from": 0, "valid_until": T0 + 2 * SECOND}, DENIED | {"valid_from": T0 + 2 * SECOND}]
    opted = {"source": "us_privacy", "sale_opt_out": True}
    stays = {"source": "us_privacy", "sale_opt_out": False}
    cases = {
        "nothing was said": ([row], [], [], [("none", OPEN)]),
        "before the choice": ([row], [BEFORE], [], [("before", BAD)]),
        "against the choice": ([row], [DENIED], [], [("denied", BAD)]),
        "with consent": ([row], [GRANTED], [], [("granted", FINE)]),
        "a recipient that nobody knows": ([row | {"recipient": UNKNOWN}], [DENIED], [], [("denied", BAD)]),
        "to the site itself": ([row | {"recipient": SITE}], [DENIED], [], []),
        "to a domain of the same owner": (
            [row | {"recipient": "doubleclick.net"}], [DENIED], [{"subject": "google.com"}], [],
        ),
        "where the policy asks for nothing": ([row | {"recipient": HOSTING}], [DENIED], [{"region": "US"}], []),
        "another type": ([row | {"type": another}], [DENIED], [], []),
        "no type": ([row | {"type": None}], [DENIED], [], []),
        "stored, not sent": ([row | {"action": "stored", "carrier": "cookie-store"}], [DENIED], [], []),
        "no recipient": ([row | {"recipient": None}], [DENIED], [], []),
        "consent of another visit": (
            [row], [GRANTED | {"visit_id": "w"}], [{}, {"visit_id": "w"}], [("none", OPEN)],
        ),
        "the choice came later": ([row], [GRANTED | {"valid_from": T0 + 1}], [], [("none", OPEN)]),
        "the choice came at the same microsecond": ([row], [GRANTED | {"valid_from": T0}], [], [("granted", FINE)]),
        "consent ended": ([row], [GRANTED | {"valid_from": 0, "valid_until": T0}], [], [("none", OPEN)]),
        "withdrawn in the middle": (later, told_at, [], [("denied", BAD), ("granted", FINE)]),
        "told in another order": (later, told_at[::-1], [], [("denied", BAD), ("granted", FINE)]),
        "the most protective of two sources": ([row], [GRANTED, DENIED | {"source": "table"}], [], [("denied", BAD)]),
        "a signal that could not be read": ([row], [DENIED | {"quality": "malformed"}], [], [("none", OPEN)]),
        "partial consent does not decide": ([row], [BEFORE | {"state": "partial"}], [], [("none", OPEN)]),
        "GPC in the EU": ([row], [GPC], [], [("none", OPEN)]),
        "GPC in California": ([row], [GPC], [CALIFORNIA], [("opted_out", BAD)]),
        "GPC switched off": ([row], [GPC | {"gpc": False}], [CALIFORNIA], [("none", FINE)]),
        "opted out of sale": ([row], [opted], [CALIFORNIA], [("opted_out", BAD)]),
        "opted out of sale, in the EU": ([row], [opted], [], [("none", OPEN)]),
        "did not opt out": ([row], [stays], [CALIFORNIA], [("granted", FINE)]),
        "GPC outranks a stale string": ([row], [stays, GPC], [CALIFORNIA], [("opted_out", BAD)]),
        "nothing was said, in California": ([row], [], [CALIFORNIA], [("none", FINE)]),
        "before the choice, in California": ([row], [BEFORE], [CALIFORNIA], [("none", FINE)]),
        "an opt-out that could not be read, in California": (
            [row], [opted | {"quality": "malformed"}], [CALIFORNIA], [("unreadable", OPEN)],
        ),
        "refused in California": ([row], [DENIED], [CALIFORNIA], [("opted_out", BAD)]),
    }  # fmt: skip
    return [pytest.param(*case, id=name) for name, case in cases.items()]


def carriers(kind: str) -> list[Any]:
    """Return DATA rows that carry KIND in each place of a request."""
    places = ("query", "path", "header", "cookie", "form", "json", "multipart", "text", "body", "fragment")
    return [{"type": kind, "carrier": place, "recipient": AD} for place in places]
