"""The HTML report: nothing from outside becomes markup, nothing is fetched, everything is said."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa
import pytest

from consentinel.core.tables import CONSENT, EVIDENCE, VISITS, empty
from consentinel.detect.reports import html
from consentinel.detect.reports._html_findings import _ROWS
from consentinel.detect.reports._result import Result
from tests.detect.reports.made_scans import HOSTILE, build, finding, hostile, many

ALLOWED = {
    "html", "head", "meta", "link", "title", "style", "body", "main", "header", "section", "footer", "h1", "h2", "h3",
    "p", "div", "span", "bdi", "wbr", "dl", "dt", "dd", "ul", "li", "table", "caption", "thead", "tbody", "tfoot", "tr",
    "th", "td", "details", "summary", "code", "svg", "rect", "line", "circle", "text", "script",
}  # fmt: skip
VOID = {"meta", "link", "wbr"}


class Reader(HTMLParser):
    """Collects every element and attribute, and checks that elements close in the order in which they opened."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open):
            self.words.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def text_of(result: Result, out: Path) -> str:
    return html.write(result, out).read_text("utf-8")


def test_page_holds_only_its_own_markup(result: Result, tmp_path: Path) -> None:
    page = read(text_of(result, tmp_path))
    assert {tag for tag, _ in page.elements} <= ALLOWED
    names = {name for _, attributes in page.elements for name in attributes}
    assert not {name for name in names if name.startswith("on") or name in ("style", "srcset", "action")}
    assert [tag for tag, _ in page.elements].count("script") == 1


def test_page_refers_to_nothing_outside(result: Result, tmp_path: Path) -> None:
    for tag, attributes in read(text_of(result, tmp_path)).elements:
        assert not attributes.get("src"), tag
        assert attributes.get("href") in (None, "data:,")
    policy = next(a["content"] for _, a in read(text_of(result, tmp_path)).elements if "http-equiv" in a)
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


def test_hostile_text_is_shown_and_defused(tmp_path: Path) -> None:
    page = text_of(build(hostile(), notes=tuple(HOSTILE)), tmp_path)
    said = "".join(read(page).words)
    assert "<script>alert(1)</script>" in said
    assert "\U0001f600" in said
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff]", page)
    assert "x" * 400 not in page


def test_the_same_scan_gives_the_same_bytes(tmp_path: Path) -> None:
    first = html.write(build(many(50), baseline=True), tmp_path / "a").read_bytes()
    assert html.write(build(many(50), baseline=True), tmp_path / "b").read_bytes() == first


def test_every_section_and_chart_is_there(tmp_path: Path) -> None:
    page = read(text_of(build(many(60), baseline=True, notes=("2 entries were cut off",)), tmp_path))
    anchors = [a.get("id") for tag, a in page.elements if tag == "section"]
    assert anchors == ["glance", "findings", "consent", "visits", "limits", "method"]
    said = " ".join(page.words)
    for words in (
        "Potential violations by severity", "Outcomes by scenario", "When it was first seen", "Who received what",
        "Against the baseline", "2 entries were cut off", "Consent to purposes: all 11", "Opted out of sale",
        "develop and improve services (10)", "malformed: segment 2 is cut off", "ad_storage denied", "verified",
    ):  # fmt: skip
        assert words in said
    captions = sum(tag == "caption" for tag, _ in page.elements)
    assert captions >= sum(tag == "table" and "grid" in (a.get("class") or "") for tag, a in page.elements)


def test_evidence_shows_names_and_times(tmp_path: Path) -> None:
    said = " ".join(read(text_of(build([finding(0)]), tmp_path)).words)
    for words in ("Evidence (1 record)", "h8-h4-h4", "distinct_id", "2026-01-01 00:00:02 UTC", "array.js:12:3401"):
        assert words in said


def test_broken_or_missing_evidence_is_said_not_fatal(tmp_path: Path) -> None:
    result = build([finding(0, evidence_ids=[f"e{at}" for at in range(9)])])
    rows = [{"evidence_id": "e0", "record": "[" * 100_000}, {"evidence_id": "e1", "record": None}]
    broken = pa.Table.from_pylist([dict.fromkeys(EVIDENCE.names) | row for row in rows], EVIDENCE)
    said = " ".join(read(text_of(replace(result, evidence=broken), tmp_path)).words)
    assert "This record is missing." in said
    assert "7 more in evidence.parquet" in said


def test_a_scan_of_nothing_says_so(tmp_path: Path) -> None:
    nothing = replace(build([]), visits=empty(VISITS), consent=empty(CONSENT))
    said = " ".join(read(text_of(nothing, tmp_path)).words)
    assert "the rules found no flow of personal or device data to judge" in said
    assert "No consent signal was seen in any visit" in said


def test_too_many_findings_are_cut_with_a_word_about_it(tmp_path: Path) -> None:
    page = read(text_of(build(many(_ROWS + 20)), tmp_path))
    assert f"The first {_ROWS:,} of {_ROWS + 20:,} findings" in " ".join(page.words)
    assert sum(tag == "details" for tag, _ in page.elements) == _ROWS


@pytest.mark.parametrize("rows", [many(80), hostile()], ids=["many", "hostile"])
def test_violation_is_never_written_alone(rows: list[dict[str, object]], tmp_path: Path) -> None:
    said = " ".join(read(text_of(build(rows, baseline=True), tmp_path)).words)
    assert not re.search(r"(?<!potential )violation", said, re.IGNORECASE)
