"""The sections of the page about consent signals, visits, limits and method."""

from collections import Counter
from typing import Any

from consentinel.core.page import Column, Html, Tone, badge, h, join, number, section, table
from consentinel.core.text import one_line
from consentinel.detect.reports._html_findings import name
from consentinel.detect.reports._result import Result, spoken_instant
from consentinel.detect.reports._words import (
    OUTCOME_TEXT,
    OUTCOME_TONES,
    PROOF_TEXT,
    SCENARIOS,
    SOURCES,
    TCF_PURPOSES,
)  # fmt: skip

__all__ = ["consent_section", "limits_section", "method_section", "visits_section"]

_SPECIAL = {1: "precise geolocation", 2: "active scanning of the device"}
_OPT_OUTS = {"sale_opt_out": "sale", "sharing_opt_out": "sharing", "targeted_opt_out": "targeted advertising"}
_STORAGE = ("ad_storage", "analytics_storage", "ad_user_data", "ad_personalization")
_ROWS = 500


def consent_section(result: Result) -> Html:
    """Return what the signals said, in words; intervals that say the same are one row."""
    started = dict(_pairs(result, "started"))
    scenario = dict(_pairs(result, "scenario"))
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in result.consent.to_pylist():
        said = (row["source"] or "", row["scope"] or "", row["state"] or "", tuple(_said(row)), row["quality"] or "")
        groups.setdefault((*said, row["reason"] or ""), []).append(row)
    rows = []
    for (source, scope, state, said, quality, reason), same in groups.items():
        bare = h("span", "nothing that could be read" if quality == "malformed" else "no more than that", class_="soft")
        points = h("ul", *(h("li", line) for line in said), class_="plain") if said else bare
        after = [r["valid_from"] - started[r["visit_id"]] for r in same if _both(r, started)]
        seen = Counter(SCENARIOS.get(scenario.get(r["visit_id"]) or "", "Not known") for r in same)
        flaw = None if quality in ("ok", "") else h("div", f"{quality}: {reason}".rstrip(": "), class_="soft")
        rows.append(
            [
                join(SOURCES.get(source) or name(source), flaw),
                name(state),
                points,
                name(scope, "everybody"),
                join(*(h("div", f"{what} ({n})") for what, n in seen.items())),
                h("span", f"{max(0, min(after)) / 1e6:.1f} s" if after else "not known"),
            ]
        )
    note = "Consent strings are decoded and put in words; intervals that say the same are one row."
    if not rows:
        empty = h("p", "No consent signal was seen in any visit, so nothing could be judged against one.")
        return section("Consent signals", empty, anchor="consent")
    titles = ["Signal", "As a whole", "What it says", "For whom", "Seen in (intervals)", "Earliest after start"]
    grid = table(
        [Column(t, wide=t == "What it says") for t in titles], rows[:_ROWS], caption="What was signalled, in words"
    )
    return section("Consent signals", grid, _cut(len(rows)), anchor="consent", note=note)


def _said(row: dict[str, Any]) -> list[str]:
    lines = []
    if row["gdpr_applies"] is not None:
        lines.append("GDPR applies" if row["gdpr_applies"] else "GDPR does not apply")
    for column, what in (("purposes_consent", "Consent to purposes"), ("purposes_li", "Legitimate interest")):
        if row[column] is not None:
            lines.append(f"{what}: {_purposes(row[column])}")
    if row["special"]:
        told = [word for number_, word in _SPECIAL.items() if row["special"] >> (number_ - 1) & 1]
        lines.append(f"Special features: {', '.join(told) or 'unknown ones'}")
    if row["vendors_consent"] is not None:
        lines.append(f"Vendors with consent: {number(sum(byte.bit_count() for byte in row['vendors_consent']))}")
    if row["restrictions"]:
        lines.append(f"Publisher restrictions: {number(len(row['restrictions']))}")
    if row["gpc"] is not None:
        lines.append(f"Global Privacy Control: {'on' if row['gpc'] else 'off'}")
    out = [word for column, word in _OPT_OUTS.items() if row[column]]
    kept = [word for column, word in _OPT_OUTS.items() if row[column] is False]
    lines += [f"Opted out of {', '.join(out)}"] if out else []
    lines += [f"Did not opt out of {', '.join(kept)}"] if kept else []
    modes = [f"{column} {'granted' if row[column] else 'denied'}" for column in _STORAGE if row[column] is not None]
    lines += [f"Consent Mode: {', '.join(modes)}"] if modes else []
    return lines


def _purposes(bits: int) -> str:
    given = [at for at in TCF_PURPOSES if bits >> (at - 1) & 1]
    others = [at + 1 for at in range(32) if bits >> at & 1 and at + 1 not in TCF_PURPOSES]
    if not given and not others:
        return "none"
    if len(given) == len(TCF_PURPOSES):
        return "all 11"
    return ", ".join([*(f"{TCF_PURPOSES[at]} ({at})" for at in given), *(f"purpose {at}" for at in others)])


def visits_section(result: Result) -> Html:
    """Return one row for each visit: what was captured, under which scenario, and whether the scenario is proven."""
    tones: dict[str, Tone] = {"verified": "ok", "contradicted": "danger"}
    rows = []
    for row in result.visits.slice(0, _ROWS).to_pylist():
        proof = one_line(row["scenario_proof"] or "unknown", 20)
        rows.append(
            [
                join(name(row["subject"]), h("div", name(row["page_template"], ""), class_="soft")),
                SCENARIOS.get(row["scenario"]) or name(row["scenario"]),
                badge(proof, tones.get(proof, "muted")),
                name(row["region"]),
                name(row["source_name"]),
                spoken_instant(row["started"]),
            ]
        )
    columns = [
        Column("Site, app or table"), Column("Scenario", choose=True), Column("Scenario proof", choose=True),
        Column("Region", choose=True), Column("Capture"), Column("Started"),
    ]  # fmt: skip
    note = "Scenario proof says whether the capture itself shows that the scenario took place."
    grid = table(columns, rows, caption="One row is one visit")
    return section("Visits", grid, _cut(result.visits.num_rows), anchor="visits", note=note)


def limits_section(result: Result) -> Html:
    """Return what could not be judged or read, and why."""
    lines: list[Html | str] = []
    open_ = [
        recipient
        for outcome, recipient in _columns(result.findings, "outcome", "recipient")
        if outcome not in ("allowed", "potential violation")
    ]
    if open_:
        count = Counter(one_line(recipient or "not known", 60) for recipient in open_)
        top = sorted(count.items(), key=lambda item: (-item[1], item[0]))[:5]
        whom = ", ".join(f"{recipient} ({n})" for recipient, n in top)
        lines.append(f"{number(len(open_))} findings could not be decided (no signal), most of them for: {whom}.")
    quiet = _without_signal(result)
    if quiet:
        lines.append(
            f"{number(quiet)} of {number(result.visits.num_rows)} visits carried no readable consent signal; "
            "what they sent can only be judged by rules that need none."
        )
    proofs = Counter(result.visits.column("scenario_proof").to_pylist())
    if proofs["contradicted"]:
        lines.append(f"In {_visits(proofs['contradicted'])} the signals contradict the stated scenario.")
    unproven = result.visits.num_rows - proofs["verified"] - proofs["contradicted"]
    if unproven:
        lines.append(f"In {_visits(unproven)} nothing proves that the stated scenario took place.")
    hints = sum(proof in ("P3", "P4") for proof in result.findings.column("proof").to_pylist())
    if hints:
        lines.append(f"{number(hints)} findings rest on a model or on names and shapes (P3, P4): look before you act.")
    lines += [one_line(note, 400) for note in result.facts.notes]
    lines.append("A capture shows what one device sent. What servers pass on to each other is not in it.")
    return section("Limits of this scan", h("ul", *(h("li", line) for line in lines), class_="plain"), anchor="limits")


def _without_signal(result: Result) -> int:
    heard = {row for row, quality in _columns(result.consent, "visit_id", "quality") if quality != "malformed"}
    subjects = {s for s, visit in _columns(result.consent, "subject", "visit_id") if visit is None}
    return sum(v not in heard and s not in subjects for v, s in _columns(result.visits, "visit_id", "subject"))


def method_section(result: Result) -> Html:
    """Return how to read the page: outcomes, proof levels, policy and version."""
    facts = result.facts
    outcomes = [join(h("dt", badge(o, OUTCOME_TONES[o])), h("dd", text)) for o, text in OUTCOME_TEXT.items()]
    proofs = [join(h("dt", level), h("dd", text)) for level, text in PROOF_TEXT.items()]
    bases = {part.strip() for b in result.findings.column("basis").to_pylist() for part in (b or "").split(";")} - {""}
    listed = h("ul", *(h("li", one_line(b, 160)) for b in sorted(bases)[:_ROWS]), class_="plain")
    policy = " ".join(one_line(x, 80) for x in (facts.policy_name, facts.policy_region) if x) or "not stated"
    return section(
        "How to read this",
        h("h3", "Outcomes"),
        h("dl", *outcomes, class_="defs"),
        h("h3", "Proof levels"),
        h("dl", *proofs, class_="defs"),
        h("h3", "Policy"),
        h("p", f"Policy: {policy}." + (" What was found was judged by:" if bases else "")),
        listed if bases else None,
        h("p", "This page makes no request. It holds names, shapes, counts and times, and none of the values sent.",
          class_="note"),
        anchor="method",
    )  # fmt: skip


def _cut(n: int) -> Html | None:
    return h("p", f"The first {_ROWS} of {number(n)} are listed.", class_="note") if n > _ROWS else None


def _visits(n: int) -> str:
    return "1 visit" if n == 1 else f"{number(n)} visits"


def _pairs(result: Result, column: str) -> list[tuple[Any, Any]]:
    return _columns(result.visits, "visit_id", column)


def _columns(table_: Any, *names: str) -> list[tuple[Any, ...]]:
    return list(zip(*(table_.column(n).to_pylist() for n in names), strict=True))


def _both(row: dict[str, Any], started: dict[Any, Any]) -> bool:
    return row["valid_from"] is not None and started.get(row["visit_id"]) is not None
