"""Made-up scans: the tables that a report is given, with as many findings as a test asks for, tame or hostile."""

import json
import random

import pyarrow as pa

from consentinel.core.tables import CONSENT, EVIDENCE, FINDINGS, VISITS, check, empty
from consentinel.detect.reports._result import Baseline, Facts, Result

SECOND = 1_000_000
START = 1_767_225_600 * SECOND  # 2026-01-01T00:00:00Z

HOSTILE = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert('x')>",
    "</style></script></title><svg onload=alert(1)>",
    "=HYPERLINK(\"http://evil.test\")",
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1)",
    "\t=1+1",
    "\u202egpj.exe\u202c \u2066mirror\u2069",
    "emoji \U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\x00\x07\x1b[31mred\x1b[0m\x9b2J\r\nsecond line",
    "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "x" * 5000,
    "]]> &amp; &lt;!-- --> {{7*7}} [red]bold[/red]",
    "\ufffe\uffff\ufeff",
]  # fmt: skip

PARTIES = [
    ("posthog.test", "PostHog", "analytics"),
    ("mixpanel.test", "Mixpanel", "analytics"),
    ("adnet.test", "Example Ads", "advertising"),
    ("bidder-one.test", "Bidder One", "advertising"),
    ("bidder-two.test", None, "advertising"),
    ("tags.test", "Example Tags", "tag_management"),
    ("videohost.test", "Video Host", "video"),
    ("social.test", "Social Example", "social"),
    ("fingerprint.test", "Fingerprint Example", "security"),
    ("cdn-static.test", None, "unknown"),
]
TYPES = [
    "device.advertising_id", "device.id", "device.screen", "device.os", "device.locale", "fingerprint.surface",
    "location.precise", "contact.email", "contact.email_hashed", "user.id", "device.ip",
]  # fmt: skip
RULES = [
    "device_identifier", "advertising_id", "fingerprint_surface", "precise_location", "contact_data",
    "storage_before_consent", "tcf_denied_but_sent", "consent_mode_denied", "gpc_ignored",
]  # fmt: skip
BASES = {"opted_out": "CCPA § 1798.135", "before": "ePrivacy Directive, Art. 5(3)"}


def fingerprint(at: int) -> str:
    """Return the fingerprint of the finding number AT."""
    return f"{at:04x}" * 4


def finding(at: int, **changed: object) -> dict[str, object]:
    """Return one finding with plain values, changed as asked."""
    row: dict[str, object] = dict.fromkeys(FINDINGS.names)
    row |= {
        "run_id": "run-1", "finding_id": f"f{at}", "fingerprint": fingerprint(at), "rule": "device_identifier",
        "rule_version": "1", "subject": "shop.test", "scenario": "no_action", "recipient": "posthog.test",
        "owner": "PostHog", "category": "analytics", "party": "third", "type": "device.id", "keys": ["distinct_id"],
        "carrier": "json", "purpose": "analytics", "consent_state": "before", "consent_source": "tcf",
        "basis": "ePrivacy Directive, Art. 5(3)", "outcome": "potential violation", "severity": "high",
        "first": START + 2 * SECOND, "last": START + 9 * SECOND, "n": 14, "n_visits": 1, "evidence_ids": [f"e{at}"],
        "location": "https://cdn.posthog.test/static/array.js", "line": 12, "col": 3401,
    }  # fmt: skip
    return row | changed


def many(n: int, seed: int = 7) -> list[dict[str, object]]:
    """Return N findings that look like those of a real shop."""
    draw = random.Random(seed)
    rows = []
    for at in range(n):
        recipient, owner, purpose = draw.choice(PARTIES)
        scenario = draw.choice(["no_action", "accept", "reject", "gpc"])
        state = {"no_action": "before", "accept": "granted", "reject": "denied", "gpc": "opted_out"}[scenario]
        outcome = "allowed" if scenario == "accept" or draw.random() < 0.2 else "potential violation"
        if draw.random() < 0.12:
            state, outcome = "none", "no signal"
        rows.append(
            finding(
                at, rule=draw.choice(RULES), recipient=recipient, owner=owner, purpose=purpose, category=purpose,
                type=draw.choice(TYPES), scenario=scenario, consent_state=state, outcome=outcome,
                basis=BASES.get(state, "GDPR Art. 6(1)(a)"),
                severity=draw.choice(["critical", "high", "high", "medium", "medium", "low"]),
                carrier=draw.choice(["json", "query", "cookie", "set-cookie", "form"]),
                keys=draw.sample(["distinct_id", "cid", "uid", "sw", "lang", "em", "lat", "properties.$device_id"], 2),
                proof=draw.choice(["P0", "P1", "P2", "P3", "P4"]), p=draw.random(), n=draw.randint(1, 60),
                first=START + 60 * SECOND * (at % 4) + int(draw.expovariate(0.3) * SECOND),
                n_visits=draw.randint(1, 4), line=draw.randint(1, 40),
            )
        )  # fmt: skip
    return rows


def hostile() -> list[dict[str, object]]:
    """Return findings with hostile text in every text field in turn, and one with nothing but nulls."""
    text = [f.name for f in FINDINGS if f.type == pa.string() or pa.types.is_dictionary(f.type)]
    kept = {"outcome", "severity", "fingerprint", "finding_id", "explanation", "run_id"}
    rows = [
        finding(at, keys=[nasty, "=key"], evidence_ids=[f"e{at}"], **{name: nasty for name in text if name not in kept})
        for at, nasty in enumerate(HOSTILE)
    ]
    nothing = dict.fromkeys(FINDINGS.names) | {"run_id": "run-1"}
    return [*rows, nothing]


def _visits() -> pa.Table:
    rows = []
    for at, scenario in enumerate(["no_action", "accept", "reject", "gpc"]):
        rows.append(
            dict.fromkeys(VISITS.names)
            | {
                "run_id": "run-1", "visit_id": f"v{at}", "source_kind": "har", "source_name": f"shop-{scenario}.har.gz",
                "subject": "shop.test", "page_template": "/product/{id}", "started": START + 60 * SECOND * at,
                "scenario": scenario, "scenario_proof": "verified" if at else "unknown", "repeat": 0, "region": "EU",
            }
        )  # fmt: skip
    return check(pa.Table.from_pylist(rows, VISITS), VISITS, "test")


def _consent() -> pa.Table:
    def row(visit: int, source: str, after: float, **said: object) -> dict[str, object]:
        at = START + 60 * SECOND * visit + int(after * SECOND)
        base = dict.fromkeys(CONSENT.names) | {"run_id": "run-1", "visit_id": f"v{visit}", "subject": "shop.test"}
        return base | {"scope": "", "source": source, "valid_from": at, "observed": at, "quality": "ok"} | said

    rows = [
        row(
            1, "tcf", 3.2, state="granted", gdpr_applies=True, purposes_consent=0b111_1111_1111, vendors_consent=b"\xff"
        ),
        row(2, "tcf", 2.9, state="denied", gdpr_applies=True, purposes_consent=0, purposes_li=0b1000000000),
        row(2, "consent_mode", 2.9, state="denied", ad_storage=False, analytics_storage=False, ad_user_data=False),
        row(3, "gpc", 0.0, state="denied", gpc=True),
        row(3, "us_privacy", 1.1, state="denied", sale_opt_out=True),
        row(0, "tcf", 0.4, state="unset", quality="malformed", reason="segment 2 is cut off"),
    ]
    return check(pa.Table.from_pylist(rows, CONSENT), CONSENT, "test")


def _evidence(rows: list[dict[str, object]]) -> pa.Table:
    made = []
    for at, row in enumerate(rows):
        fields = [{"key": (row["keys"] or ["k"])[0], "shape": "h8-h4-h4", "type": row["type"], "length": 36}]  # type: ignore[index]
        record = {"time": row["first"], "recipient": row["recipient"], "method": "POST", "fields": fields}
        made.append(
            {
                "run_id": "run-1", "evidence_id": f"e{at}", "visit_id": f"v{at % 4}",
                "record": json.dumps(record) if at % 50 != 49 else "{cut off",
            }
        )  # fmt: skip
    return check(pa.Table.from_pylist(made, EVIDENCE), EVIDENCE, "test") if made else empty(EVIDENCE)


def build(rows: list[dict[str, object]], *, baseline: bool = False, notes: tuple[str, ...] = ()) -> Result:
    """Return a whole result around ROWS of findings."""
    findings = check(pa.Table.from_pylist(rows, FINDINGS), FINDINGS, "test") if rows else empty(FINDINGS)
    known = frozenset(str(row["fingerprint"]) for row in rows[::2])
    facts = Facts(
        n_files=4, n_visits=4, n_requests=1873, n_data=40217, n_typed=9120, n_recipients=24, seconds=1.42,
        started=START, version="0.1.0", policy_name="default", policy_region="EU", notes=notes,
    )  # fmt: skip
    before = Baseline(known | {"gone-1"}, ("gone-1",)) if baseline else None
    return Result(findings, _visits(), _consent(), _evidence(rows), facts, before)
