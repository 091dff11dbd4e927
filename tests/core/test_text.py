"""Text from outside is safe to show and keeps what a person can read."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentinel.core.text import cell, one_line, plain_cell, shown


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("plain, ünï and 漢字 \U0001f600\u200d\U0001f600", "plain, ünï and 漢字 \U0001f600\u200d\U0001f600"),
        ("a\tb\nc", "a\tb\nc"),
        ("\x1b[2J", "\ufffd[2J"),
        ("\u202eexe.gpj", "\ufffdexe.gpj"),
        ("\x00\x85\u2028\ufffe\ud800", "\ufffd" * 5),
    ],
)
def test_only_what_misleads_is_replaced(text: str, wanted: str) -> None:
    assert shown(text) == wanted


@given(st.text(st.characters(exclude_categories=())))
def test_anything_becomes_valid_xml_and_one_line(text: str) -> None:
    element = ElementTree.Element("a")
    element.text = shown(text)
    ElementTree.fromstring(ElementTree.tostring(element, encoding="utf-8"))
    assert len(one_line(text).splitlines()) <= 1


@given(st.text(), st.integers(2, 50))
def test_a_cut_line_is_short_and_says_that_it_was_cut(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert len(line) <= limit
    assert line == one_line(text) or line.endswith("…")


@given(st.text(st.characters(exclude_categories=("Cs",))))
def test_a_cell_is_no_formula_and_is_read_back(text: str) -> None:
    made = cell(text)
    assert not made.startswith(("=", "+", "-", "@", "\t", "\r", "\uff0b", "\uff0d", "\uff1d", "\uff20"))
    assert "\n" not in made
    if not text.startswith("'") and one_line(text) == text:
        assert plain_cell(made) == text
