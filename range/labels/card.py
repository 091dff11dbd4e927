"""The data card of a label set: what is in it, how far the sources agree and what is undecided."""

from __future__ import annotations

from collections import Counter
from typing import Any

from labels.agree import NO, YES, Share, clustered
from labels.gather import Gathered
from labels.randomised import Verdict
from labels.rows import Row, content_digest

OUTCOMES = ("violation", "allowed", "no_signal", "undecidable")
# Rows that differ in scenario only are one claim; the gravest outcome counts.
GRAVITY = {outcome: weight for weight, outcome in enumerate(("allowed", "no_signal", "undecidable", "violation"))}


def distinct_claims(rows: list[Row]) -> dict[tuple[str, ...], tuple[str, Row]]:
    """Return one (outcome, row) for each distinct claim."""
    claims: dict[tuple[str, ...], tuple[str, Row]] = {}
    for row in rows:
        known = claims.get(row.distinct)
        if known is None or GRAVITY[row.outcome] > GRAVITY[known[0]]:
            claims[row.distinct] = (row.outcome, row)
    return claims


def _table(claims: list[tuple[str, Row]], by: str) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = {}
    for outcome, row in claims:
        counts.setdefault(str(getattr(row, by) or "none"), Counter())[outcome] += 1
    return {name: {outcome: counts[name][outcome] for outcome in OUTCOMES} for name in sorted(counts)}


def _share(share: Share) -> dict[str, Any]:
    if not share.total:
        return {"share": None, "low": None, "high": None, "agreeing": 0, "of": 0, "components": 0}
    return {
        "share": share.share,
        "low": share.low,
        "high": share.high,
        "agreeing": share.good,
        "of": share.total,
        "components": share.clusters,
    }


def make_card(
    gathered: Gathered, rows: list[Row], verdicts: dict[int, Verdict], digests: dict[str, str], split: dict[str, str]
) -> dict[str, Any]:
    """Return the card as values of JSON."""
    claims = list(distinct_claims(rows).values())
    both = [row for row in rows if {row.source_a, row.source_b} <= {YES, NO}]
    alone = [row for row in rows if not {row.source_a, row.source_b} <= {YES, NO}]
    # Both sources decide a type of a component as a whole, so that such rows are right or wrong together.
    same = [row.source_a == row.source_b for row in both]
    agreement = clustered(same, [f"{row.component} {row.type}" for row in both])
    by_type = {
        kind: _share(clustered([row.source_a == row.source_b for row in mine], [row.component for row in mine]))
        for kind in sorted({row.type for row in both})
        for mine in [[row for row in both if row.type == kind]]
    }
    scored = [verdict for verdict in verdicts.values() if verdict.carries and verdict.kind != "identifier"]
    crossed = sorted({(row.family, row.site) for row in rows if row.family in split and split[row.family] != row.group})
    families: dict[str, set[str]] = {}
    for row in rows:
        families.setdefault(row.split, set()).add(row.family)
    outcomes = Counter(outcome for outcome, _ in claims)
    return {
        "digests": {"rows": content_digest(rows), **digests},
        "visits": {
            "used": len(gathered.visits),
            "left_out": gathered.broken,
            "scenarios": dict(sorted(Counter(v["scenario"] for v in gathered.visits).items())),
        },
        "requests": len(gathered.request["visit"]),
        "rows": len(rows),
        "distinct_claims": {outcome: outcomes[outcome] for outcome in OUTCOMES} | {"all": len(claims)},
        "undecidable_share": outcomes["undecidable"] / len(claims) if claims else None,
        "components": len({row.component for row in rows}),
        "recipients": len({row.recipient for row in rows}),
        "families": {name: len(found) for name, found in sorted(families.items())},
        "families_on_the_wrong_side": [{"family": family, "site": site} for family, site in crossed],
        "agreement": _share(agreement) | {"by_type": by_type},
        "disagreements": dict(Counter(row.sources_why for row in both if row.source_a != row.source_b).most_common()),
        "open_to_one_source": dict(Counter(row.sources_why for row in alone if row.sources_why).most_common()),
        "undecidable": dict(Counter(row.why for row in rows if row.outcome == "undecidable").most_common()),
        "fields": {
            "verdicts": dict(Counter(verdict.kind for verdict in verdicts.values()).most_common()),
            "predicted_on_the_odd_repeats": {"right": sum(v.right for v in scored), "of": sum(v.odd for v in scored)},
        },
        "by": {name: _table(claims, name) for name in ("split", "kind", "type", "consent_state", "purpose", "cmp")},
    }


def _percent(value: float | None) -> str:
    return "not measured" if value is None else f"{100 * value:.2f}%"


def as_markdown(card: dict[str, Any]) -> str:
    """Return the card for people."""
    agreement, claims = card["agreement"], card["distinct_claims"]
    lines = [
        "# Labels of the proving range",
        "",
        "One row is one (site, component, recipient, data type, state of consent, scenario). A claim counts once for",
        "each (site, component, recipient, data type, state of consent): repeats and scenarios never count. Header",
        "fields that the browser sets by itself in every request (such as the user agent) are left out: no component",
        "chose to send them.",
        "",
        f"- Digest of the rows: `{card['digests']['rows']}`",
        f"- Visits: {card['visits']['used']}, left out as broken: {len(card['visits']['left_out'])}; "
        f"requests: {card['requests']}",
        f"- Rows: {card['rows']}; distinct claims: {claims['all']}: "
        + ", ".join(f"{claims[outcome]} {outcome.replace('_', ' ')}" for outcome in OUTCOMES),
        f"- Undecidable: {_percent(card['undecidable_share'])} of distinct claims (no signal is counted apart)",
        f"- Components: {card['components']}; recipients: {card['recipients']}; families: "
        + ", ".join(f"{count} in {name}" for name, count in card["families"].items()),
        f"- Families seen on a page of the other side of the split: {len(card['families_on_the_wrong_side'])}",
        "",
        "## Do the two sources agree?",
        "",
        f"Of {agreement['of']} rows that both sources decide, {agreement['agreeing']} agree: "
        f"{_percent(agreement['share'])} (95% interval {_percent(agreement['low'])} to {_percent(agreement['high'])}, "
        f"resampled over {agreement['components']} components).",
        "",
    ]
    for title, name in (
        ("Disagreements", "disagreements"),
        ("Rows that one source leaves to the other", "open_to_one_source"),
        ("Undecidable rows", "undecidable"),
    ):
        lines += [f"### {title}", "", *([f"- {why}: {count}" for why, count in card[name].items()] or ["- none"]), ""]
    scored = card["fields"]["predicted_on_the_odd_repeats"]
    lines += [
        f"Fields found on the even repeats predict {scored['right']} of {scored['of']} values of the odd ones.",
        "",
    ]
    for name, counts in card["by"].items():
        lines += [
            f"## Distinct claims by {name.replace('_', ' ')}",
            "",
            f"| {name} | " + " | ".join(OUTCOMES) + " |",
            "|---|" + "---:|" * len(OUTCOMES),
        ]
        lines += [
            f"| {row} | " + " | ".join(str(found[outcome]) for outcome in OUTCOMES) + " |"
            for row, found in counts.items()
        ]
        lines.append("")
    return "\n".join(lines)
