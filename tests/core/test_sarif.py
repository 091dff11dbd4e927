"""The SARIF and JUnit writer: kinds and levels as the standard wants them, places that are URIs."""

import re
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentinel.core.sarif import Claim, Rule, junit, sarif

RULES = [Rule("one", "The first rule", "More about it."), Rule("two", "The second rule")]
# RFC 3986, appendix A: characters of a URI reference, and no colon in the first segment of a relative one.
REFERENCE = re.compile(r"(https?://|(?![^/?]*:))([A-Za-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9A-F]{2})*")


def result_of(claim: Claim) -> dict:
    return sarif([claim], tool="t", version="1", rules=RULES)["runs"][0]["results"][0]


@pytest.mark.parametrize(
    ("kind", "severity", "level"),
    [("fail", "critical", "error"), ("fail", "high", "error"), ("fail", "medium", "warning"), ("fail", "low", "note"),
     ("open", "critical", "none"), ("pass", "low", "none")],
)  # fmt: skip
def test_only_failures_have_a_level(kind: str, severity: str, level: str) -> None:
    told = result_of(Claim("two", "m", "f", kind=kind, severity=severity))  # type: ignore[arg-type]
    assert (told["kind"], told["level"], told["ruleIndex"]) == (kind, level, 1)
    assert ("rank" in told) == (kind == "fail")


def test_what_is_not_known_is_left_out() -> None:
    bare = result_of(Claim("one", "m", "f", line=3, column=4))
    assert bare["locations"] == [{}]
    assert not {"baselineState", "suppressions"} & set(bare)
    zero = result_of(Claim("one", "m", "f", uri="a.js", line=0, column=0))
    assert zero["locations"] == [{"physicalLocation": {"artifactLocation": {"uri": "a.js"}}}]


def test_a_claim_of_an_unlisted_rule_is_refused() -> None:
    with pytest.raises(KeyError):
        result_of(Claim("three", "m", "f"))


@given(st.one_of(st.text(), st.builds("https://{}/{}".format, st.text(), st.text())))
def test_every_place_is_a_uri_reference(text: str) -> None:
    location = result_of(Claim("one", "m", "f", uri=text))["locations"][0]
    uri = location.get("physicalLocation", {}).get("artifactLocation", {}).get("uri", "")
    assert REFERENCE.fullmatch(uri)


def test_a_template_reads_back() -> None:
    uri = result_of(Claim("one", "m", "f", uri="https://a.test/{id}/x y.js"))["locations"][0]["physicalLocation"]
    assert uri["artifactLocation"]["uri"] == "a.test/%7Bid%7D/x%20y.js"
    assert unquote(uri["artifactLocation"]["uri"]) == "a.test/{id}/x y.js"


def test_notes_start_and_absent_ones_are_told() -> None:
    log = sarif([], tool="t", version="", rules=[], gone=["g"], started="2026-01-01T00:00:00Z", notes=["cut off"])
    run = log["runs"][0]
    assert run["invocations"][0]["startTimeUtc"] == "2026-01-01T00:00:00Z"
    assert run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"] == "cut off"
    assert run["results"][0]["baselineState"] == "absent"
    assert run["results"][0]["locations"]  # code-scanning services refuse a result without one
    assert "version" not in run["tool"]["driver"]


@given(st.text(st.characters(exclude_categories=())))
def test_junit_parses_whatever_the_text(text: str) -> None:
    claims = [Claim("one", text, text, uri=text, places=((text, "data"),)), Claim("two", text, "f", kind="open")]
    root = ElementTree.fromstring(junit(claims, suite="s", rules=RULES, seconds=1.5))
    assert root.attrib | {"name": ""} == {
        "name": "", "tests": "2", "failures": "1", "errors": "0", "skipped": "1", "time": "1.500",
    }  # fmt: skip
