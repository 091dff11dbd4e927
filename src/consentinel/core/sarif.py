"""Findings for other tools: SARIF 2.1.0 (OASIS standard, March 2020) and JUnit XML.

A claim that needs action is a result of kind `fail` with a level; one that the evidence does not decide is `open`;
one that is fine is `pass` (section 3.27.9). Only `fail` may have a level other than `none` (section 3.27.10).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote
from xml.etree import ElementTree

from consentinel.core.text import shown

__all__ = ["FINGERPRINT", "LEVELS", "Claim", "Rule", "junit", "sarif"]

FINGERPRINT = "consentinel/v1"  # name of the partial fingerprint, with the version of how it is made
LEVELS: Mapping[str, Literal["error", "warning", "note"]] = {
    "critical": "error",
    "high": "error",
    "medium": "warning",
    "low": "note",
}
_RANKS = {"critical": 95.0, "high": 75.0, "medium": 50.0, "low": 25.0}
_HOME = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
# What may stand in a URI reference as it is (RFC 3986, section 2); an escape that is already there is escaped again,
# because the text is a template and not a URI.
_URI = "/?@!$&'()*+,;=-._~"


@dataclass(frozen=True)
class Rule:
    """One rule as a viewer lists it."""

    id: str
    title: str
    text: str = ""


@dataclass(frozen=True)
class Claim:
    """One finding as a viewer shows it."""

    rule: str
    message: str
    fingerprint: str
    kind: Literal["fail", "open", "pass"] = "fail"
    severity: str = "medium"  # low, medium, high, critical
    uri: str = ""  # where to look first: the initiator script, else the site or table
    line: int | None = None  # 1-based
    column: int | None = None  # 1-based
    places: tuple[tuple[str, str], ...] = ()  # logical locations: (name, kind), such as a recipient or a column
    state: Literal["", "new", "unchanged"] = ""  # against a baseline
    accepted: str | None = None  # why a reviewer accepted it
    properties: Mapping[str, str | int | float] = field(default_factory=dict)


def sarif(
    results: Iterable[Claim],
    *,
    tool: str,
    version: str,
    rules: Sequence[Rule],
    gone: Iterable[str] = (),
    started: str | None = None,
    notes: Iterable[str] = (),
) -> dict[str, Any]:
    """Return a SARIF log with one run; RULES has every rule that RESULTS name.

    GONE are fingerprints of the baseline that this run has not; they become results that are `absent`. STARTED is
    ISO 8601 in UTC. NOTES say what could not be read. Raises KeyError when a claim names a rule that is not in RULES.
    """
    places = {rule.id: at for at, rule in enumerate(rules)}
    invocation: dict[str, Any] = {"executionSuccessful": True}
    if started:
        invocation["startTimeUtc"] = started
    told = [{"level": "warning", "message": {"text": shown(note)}} for note in notes]
    if told:
        invocation["toolExecutionNotifications"] = told
    driver: dict[str, Any] = {"name": tool, "rules": [_rule(rule) for rule in rules]}
    if version:
        driver["version"] = version
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"{tool}/"},
        "columnKind": "utf16CodeUnits",  # what browsers report for scripts
        "invocations": [invocation],
        "results": [*(_claim(claim, places[claim.rule]) for claim in results), *(_absent(value) for value in gone)],
    }
    return {"$schema": _HOME, "version": "2.1.0", "runs": [run]}


def _rule(rule: Rule) -> dict[str, Any]:
    made = {"id": shown(rule.id), "shortDescription": {"text": shown(rule.title)}}
    return made | ({"fullDescription": {"text": shown(rule.text)}} if rule.text else {})


def _claim(claim: Claim, rule_at: int) -> dict[str, Any]:
    fails = claim.kind == "fail"
    made: dict[str, Any] = {
        "ruleId": shown(claim.rule),
        "ruleIndex": rule_at,
        "kind": claim.kind,
        "level": LEVELS.get(claim.severity, "warning") if fails else "none",
        "message": {"text": shown(claim.message)},
        "locations": [_location(claim)],
        "partialFingerprints": {FINGERPRINT: shown(claim.fingerprint)},
        "properties": {key: shown(v) if isinstance(v, str) else v for key, v in claim.properties.items()},
    }
    if fails:
        made["rank"] = _RANKS.get(claim.severity, 50.0)
    if claim.state:
        made["baselineState"] = claim.state
    if claim.accepted is not None:
        why = {"kind": "external", "status": "accepted", "justification": shown(claim.accepted)}
        made["suppressions"] = [why]
    return made


def _location(claim: Claim) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if claim.uri:
        physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(claim.uri)}}
        if claim.line is not None and claim.line > 0:
            region = {"startLine": claim.line}
            physical["region"] = region | (
                {"startColumn": claim.column} if claim.column is not None and claim.column > 0 else {}
            )
        made["physicalLocation"] = physical
    if claim.places:
        made["logicalLocations"] = [
            {"fullyQualifiedName": shown(name), "name": shown(name), "kind": kind} for name, kind in claim.places
        ]
    return made


def _uri(text: str) -> str:
    """Return TEXT as a relative URI reference without its scheme: host/path.

    Code-scanning services take a location as a file of the checkout and refuse a whole log that names another scheme.
    """
    return quote(shown(text.partition("://")[2] or text), safe=_URI)


def _absent(fingerprint: str) -> dict[str, Any]:
    return {
        "message": {"text": "A finding of the baseline was not found in this run."},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": "baseline"}}}],  # services ask for one
        "level": "none",
        "kind": "notApplicable",
        "baselineState": "absent",
        "partialFingerprints": {FINGERPRINT: shown(fingerprint)},
    }


def junit(results: Iterable[Claim], *, suite: str, rules: Sequence[Rule], seconds: float = 0.0) -> bytes:
    """Return JUnit XML: one suite per rule, one case per claim; SUITE names the whole.

    A claim of kind `fail` is a failure, one of kind `open` or one that was accepted is skipped, the rest pass.
    """
    claims = list(results)
    root = ElementTree.Element("testsuites", _counts(claims) | {"name": shown(suite), "time": f"{seconds:.3f}"})
    for rule in rules:
        mine = [claim for claim in claims if claim.rule == rule.id]
        group = ElementTree.SubElement(root, "testsuite", {"name": shown(rule.id)} | _counts(mine) | {"time": "0"})
        for claim in mine:
            names = " > ".join(name for name, _ in claim.places) or claim.fingerprint
            about = {"classname": shown(f"{suite}.{rule.id}"), "name": shown(f"{names} [{claim.fingerprint[:12]}]")}
            case = ElementTree.SubElement(group, "testcase", about | {"time": "0"})
            told = _told(claim)
            if told:
                inner = ElementTree.SubElement(case, told, {"message": shown(claim.accepted or claim.message)})
                if told == "failure":
                    inner.set("type", shown(claim.severity))
                    at = f"\nat {claim.uri}" + (f":{claim.line}" if claim.line else "") if claim.uri else ""
                    inner.text = shown(f"{rule.title}\n{claim.message}{at}")
    ElementTree.indent(root)
    text: str = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def _told(claim: Claim) -> str | None:
    """Return the element that says how a case ended; None when it passed."""
    if claim.kind == "pass":
        return None
    return "failure" if claim.kind == "fail" and claim.accepted is None else "skipped"


def _counts(claims: Sequence[Claim]) -> dict[str, str]:
    told = [_told(claim) for claim in claims]
    return {
        "tests": str(len(told)),
        "failures": str(told.count("failure")),
        "errors": "0",
        "skipped": str(told.count("skipped")),
    }
