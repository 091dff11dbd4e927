"""Personal data in texts becomes placeholders: consistent in a document, apart between documents, and stable."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.understand.masked import DIRECT, MASKED, WIDER, masked, spans
from consentinel.understand.masking._span import Span


def hidden(*texts: str | None) -> list[str | None]:
    return masked(pa.array(texts, pa.string()))["text"].to_pylist()


def test_one_value_has_one_number_in_a_document_and_numbers_begin_anew() -> None:
    first = "From jo@example.com to al@example.com, again JO@example.com"
    assert hidden(first, "al@example.com", None) == [
        "From [EMAIL_1] to [EMAIL_2], again [EMAIL_1]", "[EMAIL_1]", None,
    ]  # fmt: skip


def test_counts_and_places_are_told() -> None:
    found = masked(pa.array(["Ring +1 202 555 0143 or jo@example.com"]))
    assert found.schema.equals(MASKED)
    assert found["masked"].to_pylist() == [[{"kind": "PHONE", "n": 1}, {"kind": "EMAIL", "n": 1}]]
    assert found["spans"].to_pylist()[0][0] == {"kind": "PHONE", "start": 5, "end": 20}


def test_placeholders_are_left_alone_and_new_numbers_begin_after_theirs() -> None:
    once = hidden("Mail jo@example.com, ring +1 202 555 0143, live at 12 Elm Street, Springfield, IL 62701")
    assert hidden(*once) == once
    assert hidden("[EMAIL_3] wrote to jo@example.com") == ["[EMAIL_3] wrote to [EMAIL_4]"]


def test_only_some_kinds() -> None:
    text = "12 Elm Street, jo@example.com"
    assert masked(pa.array([text]), DIRECT)["text"].to_pylist() == ["12 Elm Street, [EMAIL_1]"]


@pytest.mark.parametrize(
    "text",
    [
        "The breach of 2009-2015 affected 1,234,567 records on 2026-03-14 and 03/14/2026.",
        "Version 1.2.3.4 of the app costs $1,299.00, up 10.5%; see 45 CFR 164.308(a)(1)(ii)(A).",
        "Cal. Civ. Code 1798.120, 1798.135 and 11 CCR 7025; ticket 4111111111111112.",
        "They paid.it was late. Example Inc. of Ohio, e.g. in Dayton.",
        "At 10:30 the ratio was 3:1, 12:00:30 on the clock.",
    ],
)
def test_what_is_no_personal_data_stays(text: str) -> None:
    assert hidden(text) == [text]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("jo (at) example (dot) com", "EMAIL"),
        ("call me on 555-0143", "PHONE"),
        ("fax: (202) 555-0143 ext. 12", "PHONE"),
        ("card 4111-1111-1111-1111", "CARD"),
        ("GB82WEST12345698765432", "IBAN"),
        ("SSN 123-45-6789", "NATIONAL_ID"),
        ("her driver's license number is F162823540116", "NATIONAL_ID"),
        ("from 2001:db8::7", "IP"),
        ("www.example.com/u/1", "URL"),
        ("born on 4 May 1980", "BIRTH_DATE"),
        ("a 36 year old man", "AGE"),
        ("P.O. Box 42", "ADDRESS"),
        ("zip code is 62701", "POSTCODE"),
        ("SW1A 1AA", "POSTCODE"),
        ("the files of Dr. Jo van Doe", "PERSON"),
        ("my name is Jo", "PERSON"),
        ("Jo Q. Doe, MD", "PERSON"),
    ],
)
def test_ways_to_write_it(text: str, kind: str) -> None:
    assert [span.kind for span in spans([text])[0]] == [kind]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("Yesterday Maria Lopez wrote to the clinic.", "PERSON", "Maria Lopez"),
        ("my sister Julia was sent the wrong file", "PERSON", "Julia"),
        ("He moved to Norway with his family.", "PLACE", "Norway"),
        ("She works at Miller Holdings Ltd in the city.", "ORGANISATION", "Miller Holdings Ltd"),
        ("Two Norwegian tourists complained.", "GROUP", "Norwegian"),
        ("It happened on 4 May 2019.", "DATE", "4 May 2019"),
    ],
)
def test_names_are_told_from_the_words_around(text: str, kind: str, value: str) -> None:
    found = [(span.kind, text[span.start : span.end]) for span in spans([text], [kind])[0]]
    assert found == [(kind, value)]


@pytest.mark.parametrize(
    "text",
    [
        "The hospital has its seat in Phoenix, Arizona, and its insurer is Cigna.",
        "She moved to Norway on 4 May and came back in 2019.",
        "The Portability and Accountability Act of 1996 asks for it. Upon discovery, the media were told.",
        "The covered entity, Lakeside Cancer Center, retrained its staff.",
        "not good, it\u00c3\u00a2\u00c2\u0080\u00c2\u0099s a waste of money and i want it back",
    ],
)
def test_companies_places_and_common_words_are_no_persons(text: str) -> None:
    assert hidden(text) == [text]


def test_a_name_is_masked_wherever_it_stands_once_it_is_known() -> None:
    told = "Dr. Maria Lopez opened the file. In the evening Lopez wrote to Mr. van Doe about it."
    assert "Lopez" not in str(hidden(told)[0])


def test_what_a_report_is_about_stays_unless_it_is_asked_for() -> None:
    text = "Two Norwegian tourists complained on 4 May 2019."
    assert hidden(text) == [text]
    assert masked(pa.array([text]), WIDER)["text"].to_pylist() == ["Two [GROUP_1] tourists complained on [DATE_1]."]


def test_what_sticks_out_of_a_surer_span_is_masked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    find = "consentinel.understand.masking.{}.find"
    monkeypatch.setattr(find.format("email"), lambda text: iter([Span(4, 8, "EMAIL", 0.9)]))
    monkeypatch.setattr(find.format("url"), lambda text: iter([Span(0, 12, "URL", 0.8)]))
    found = spans(["aaa bbbb ccc ddd"], ["EMAIL", "URL"])[0]
    assert [(s.start, s.end, s.kind) for s in found] == [(0, 3, "URL"), (4, 8, "EMAIL"), (9, 12, "URL")]


def test_where_a_long_text_is_cut_changes_nothing_far_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "Then Maria Lopez wrote to the clinic again. " * 60
    whole = spans([text], ["PERSON"])[0]
    monkeypatch.setattr("consentinel.understand.masking._tagger.AT_ONCE", 64)
    assert spans([text], ["PERSON"])[0] == whole
    assert len(whole) == 60


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(alphabet="ab1. @-+\0[]_/E:\n", max_size=60), max_size=6))
def test_documents_do_not_mix(texts: list[str]) -> None:
    together = hidden(*texts)
    assert together == [hidden(text)[0] for text in texts]
    assert all("\0" not in text or "\0" in before for text, before in zip(together, texts, strict=True) if text)
