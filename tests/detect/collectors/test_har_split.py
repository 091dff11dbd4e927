import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.core.errors import BadInput
from consentinel.detect.collectors import _har_split
from tests.detect.collectors.hars import document, entry

TRICKY = st.text(st.sampled_from('"\\{}[]:,é\U0001f36a\ud7ff u0022nlog'), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TRICKY | st.sampled_from(["entries", "log", "\\", '\\"', "}{"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TRICKY | st.sampled_from(["log", "entries"]), inner, max_size=3)
    ),
    max_leaves=12,
)  # fmt: skip
ENTRIES = st.dictionaries(TRICKY | st.sampled_from(["log", "entries", "request"]), VALUES, max_size=4)
# A long name before a bracket is not the name of a part: lookback is limited to half a kilobyte.
OTHERS = st.dictionaries(
    st.text(st.sampled_from('"\\{}[]lgé'), max_size=9).filter(lambda k: k != "entries"), VALUES, max_size=3
)


def split(text: bytes, chunk: int, monkeypatch: pytest.MonkeyPatch) -> tuple[list[tuple[str, Any]], list[str]]:
    notes: list[str] = []
    with monkeypatch.context() as patched:
        patched.setattr(_har_split, "CHUNK", chunk)
        found = [(k, json.loads(piece)) for k, piece in _har_split.pieces(io.BytesIO(text), "a.har", notes)]
    return found, notes


@settings(max_examples=250, deadline=None)
@given(
    entries=st.lists(ENTRIES, max_size=5),
    before=OTHERS,
    after=OTHERS,
    around=OTHERS.map(lambda d: {k: v for k, v in d.items() if k != "log"}),
    chunk=st.integers(1, 64),
    layout=st.sampled_from([{"indent": 2}, {"separators": (",", ":")}, {"indent": "\t"}, {}]),
    escaped=st.booleans(),
    mark=st.sampled_from([b"", b"\xef\xbb\xbf", b" \r\n\t"]),
)
def test_gives_exactly_the_entries_of_a_json_parser(
    entries: list[Any], before: Any, after: Any, around: Any, chunk: int, layout: Any, escaped: bool, mark: bytes
) -> None:
    after = {k: v for k, v in after.items() if k not in before}
    log = {**before, "entries": entries, **after}
    told = dict(around) | {"log": log} | {"more": around}
    text = mark + json.dumps(told, ensure_ascii=escaped, **layout).encode("utf-8")
    found, notes = split(text, chunk, pytest.MonkeyPatch())
    assert [piece for kind, piece in found if kind == "entry"] == entries
    assert [(k, p) for k, p in found if k != "entry"] == [
        (k, v) for k, v in log.items() if isinstance(v, (dict, list)) and k != "entries"
    ]
    assert notes == []


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 64, 4096])
def test_other_parts_of_log_come_before_or_after(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"log": {"_consentinel": {"site": "a.test"}, "entries": [{"n": 1}, {"n": 2}], "pages": [{"id": "p"}]}}
    found, notes = split(json.dumps(told).encode(), chunk, monkeypatch)
    assert found == [
        ("_consentinel", {"site": "a.test"}), ("entry", {"n": 1}), ("entry", {"n": 2}), ("pages", [{"id": "p"}])
    ]  # fmt: skip
    assert notes == []


def test_names_written_with_escapes_are_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    text = rb'{"x\"log":{"entries":[{"n":0}]},"lo\u0067" : {"\u0065ntries" : [{"n":1}]}}'
    assert split(text, 5, monkeypatch)[0] == [("entry", {"n": 1})]


@pytest.mark.parametrize(
    "decoy",
    [
        {"entries": [{"n": 0}], "log": {"entries": [{"n": 1}]}},
        {"x": {"entries": [{"n": 0}]}, "log": {"entries": [{"n": 1}]}},
        {"log": {"x": {"entries": [{"n": 0}]}, "entries": [{"n": 1}]}},
        {"log": {"x": [{"entries": [{"n": 0}]}], "entries": [{"n": 1}]}, "y": {"log": {"entries": [{"n": 0}]}}},
        {"log": {"comment": '"entries":[{"n":0}]', "entries": [{"n": 1}], "note": "]}}"}},
    ],
)
def test_entries_elsewhere_are_not_taken(decoy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found, _ = split(json.dumps(decoy).encode(), 9, monkeypatch)
    assert [piece for kind, piece in found if kind == "entry"] == [{"n": 1}]


def assert_clear(why: BadInput) -> None:
    assert why.where == "a.har"
    assert why.todo


def test_cut_at_every_byte_gives_whole_entries_and_a_note_or_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [entry(f'https://t.test/{n}?q="\\u0041}}]') for n in range(3)]
    whole = json.dumps(document(entries)).encode()
    ends = []
    for size in range(len(whole)):
        try:
            found, notes = split(whole[:size], 1 << 10, monkeypatch)
        except BadInput as why:
            ends.append("error")
            assert_clear(why)
            continue
        got = [piece for kind, piece in found if kind == "entry"]
        assert got == entries[: len(got)]
        assert len(notes) == 1
        assert f"truncated; the {len(got):,} whole" in notes[0]
        ends.append("note")
    assert set(ends) == {"error", "note"}
    assert ends == sorted(ends)  # once the entries have begun, nothing whole is lost
    assert split(whole, 1 << 10, monkeypatch)[1] == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "white space"),
        (b" \n\t ", "white space"),
        (b"[1,2]", "not a HAR"),
        (b'"log"', "not a HAR"),
        (b"{}", "not a HAR"),
        (b'{"log":[]}', "not a HAR"),
        (b'{"log":{"entries":{"a":1}}}', "not a HAR"),
        (b'{"log":{"entries":', "ends in the middle"),
        (b'{"url":"https://a.test/"}\n{"url":"https://b.test/"}\n', "not a HAR"),
        (b"<!doctype html><html>", "not JSON"),
        (b"\x89PNG\r\n\x1a\n\0\0", "not JSON"),
        ("{}".encode("utf-16"), "UTF-16"),
        ("{}".encode("utf-16-le"), "UTF-16"),
        ("{}".encode("utf-16-be"), "UTF-16"),
        (b"}}}{", "not JSON"),
        (b"{]]]]", "not a HAR"),
    ],
)
def test_what_is_not_a_har_is_refused(text: bytes, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match=says) as told:
        split(text, 64, monkeypatch)
    assert told.value.todo


def test_brackets_that_do_not_match_end_the_reading_with_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    found, notes = split(b'{"log":{"entries":[{"n":1},{"n":2}]}}}} {"n":3}', 8, monkeypatch)
    assert [piece for _, piece in found] == [{"n": 1}, {"n": 2}]
    assert "do not match" in notes[0]


def test_a_huge_entry_is_left_out_with_a_note_and_the_others_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_har_split, "MAX_PIECE", 200)
    told = {"log": {"pages": ["p" * 900], "x": ["q" * 900], "entries": [{"n": 1}, {"big": "x" * 3000}, {"n": 3}]}}
    found, notes = split(json.dumps(told).encode(), 32, monkeypatch)
    assert found == [("entry", {"n": 1}), ("entry", {"n": 3})]
    assert [note.removeprefix("a.har: ").partition(" is over")[0] for note in notes] == [
        "log.pages", "another part of log", "entry 2"
    ]  # fmt: skip


def test_space_or_numbers_before_an_entry_do_not_make_it_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_har_split, "MAX_PIECE", 100)
    text = b'{"log":{"entries":[' + b"1," * 300 + b'{"n":1}' + b" " * 500 + b',{"n":2}]}}'
    found, notes = split(text, 16, monkeypatch)
    assert [piece for _, piece in found] == [{"n": 1}, {"n": 2}]
    assert notes == []


def test_names_full_of_quotes_cost_little(monkeypatch: pytest.MonkeyPatch) -> None:
    names = b",".join(b'"' + b'\\"' * 150 + b'":[]' for _ in range(3_000))
    assert len(split(b'{"log":{' + names + b',"entries":[{"n":1}]}}', 1 << 20, monkeypatch)[0]) == 3_001
