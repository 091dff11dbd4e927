"""Files as spreadsheets write them, and as nobody should."""

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consentinel.core.errors import BadInput
from consentinel.detect.reviews import files

HEAD = "claim,decision,reason"
WANTED = [("row 2", {"claim": "c", "decision": "waived", "reason": "é, ok"})]


def read(folder: Path, data: bytes | str, name: str = "d.csv") -> list[tuple[str, dict[str, object]]]:
    (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)
    return [(row, dict(cells)) for row, cells in files.rows(folder / name)]


@pytest.mark.parametrize(
    "data",
    [
        f'{HEAD}\nc,waived,"é, ok"\n',
        f'{HEAD}\r\nc,waived,"é, ok"\r\n\r\n,,\r\n',
        f'\ufeff{HEAD}\r\nc,waived,"é, ok"',
        "claim;decision;reason\r\nc;waived;é, ok\r\n",
        "sep=;\r\nclaim;decision;reason\r\nc;waived;é, ok\r\n",
        "\ufeffsep=;\nclaim;decision;reason\nc;waived;é, ok\n",
        "claim\tdecision\treason\nc\twaived\té, ok\n",
        '"Claim ";"DECISION";"Reason"\n"c";"waived";"é, ok"\n',
        f'{HEAD}\nc,waived,"é, ok"\n'.encode("utf-16"),
        b"\xfe\xff" + f'{HEAD}\nc,waived,"é, ok"\n'.encode("utf-16-be"),
    ],
)
def test_what_spreadsheets_write(tmp_path: Path, data: bytes | str) -> None:
    assert read(tmp_path, data) == WANTED


@pytest.mark.parametrize(
    "document", [[{"claim": "c", "decision": "x"}], {"schema": "s", "queue": [{"claim": "c", "decision": "x"}]}]
)
def test_json(tmp_path: Path, document: object) -> None:
    text = "\n " + json.dumps(document)
    assert read(tmp_path, text, "d.json") == read(tmp_path, text) == [("item 1", {"claim": "c", "decision": "x"})]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("", "is empty"),
        ("\ufeff", "is empty"),
        ("claim,reason\n", "row 1: wanted the column 'decision'; got claim, reason"),
        ("claim,desicion\n", "row 1: wanted the column 'decision'; got 'desicion'"),
        ("claim,decision,decision\n", "the column 'decision' is there twice"),
        (f"{HEAD}\nc,waived\n", "row 2: wanted 3 columns; got 2"),
        (f"{HEAD}\nc,waived,a,b\n", "row 2: wanted 3 columns; got 4"),
        (f'{HEAD}\nc,waived,"cut o', "after row 1: unexpected end of data"),
        (f'{HEAD}\nc,waived,"a"b\n', "after row 1"),
        (f"{HEAD}\nc,waived,{'x' * 200_000}\n", "field larger than field limit"),
        (f"{HEAD}\nc,waived,a\nc,waived,é\n".encode("cp1252"), "line 3 is not utf-8"),
        (f"{HEAD}\nc,waived,é\n".encode("utf-16")[:-1], "is not utf-16"),
        (f"{HEAD}\nc,waived,a\n".encode("utf-16-le"), "zero bytes"),
        (b"\x1f\x8b\x08\x00packed", "not utf-8"),
        ("[{]", "is not JSON at line 1"),
        ('[{"claim": "c"}', "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("{}", "wanted a list of decisions"),
        ('{"queue": 5}', "wanted a list of decisions"),
        ("[5]", "item 1: wanted an object"),
    ],
)
def test_what_is_refused(tmp_path: Path, data: bytes | str, said: str) -> None:
    with pytest.raises(BadInput, match=r"^d\.csv: ") as why:
        read(tmp_path, data)
    assert said in str(why.value)


def test_a_file_that_is_too_large_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST", 10)
    with pytest.raises(BadInput, match="at most 10 are read"):
        read(tmp_path, HEAD)
    with pytest.raises(BadInput, match="cannot be read"):
        list(files.rows(tmp_path / "nothing.csv"))


def test_the_last_row_cut_anywhere_is_refused_or_whole(tmp_path: Path) -> None:
    text = f'{HEAD}\nc,waived,"one, two"\n'
    for cut in range(len(HEAD) + 2, len(text) - 2):
        try:
            got = read(tmp_path, text[:cut])
        except BadInput:
            continue
        assert [row["reason"] for _, row in got] in ([], [""], ["one, two"]), cut


SLOW = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@SLOW
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_read_or_refused(tmp_path: Path, data: bytes) -> None:
    for head in (b"", b"claim;decision\n", b"[", b"\xef\xbb\xbfclaim,decision\r\n"):
        found, why = _tried(tmp_path, head + data)
        assert why is None or str(why).startswith("d.csv: ")
        assert all(name.startswith(("row ", "item ")) for name, _ in found)


def _tried(folder: Path, data: bytes) -> tuple[list[tuple[str, dict[str, object]]], BadInput | None]:
    try:
        return read(folder, data), None
    except BadInput as why:
        return [], why


@SLOW
@given(
    st.lists(st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8")), min_size=3, max_size=3)),
    st.sampled_from(",;\t"),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_what_is_written_is_read(tmp_path: Path, rows: list[list[str]], mark: str, encoding: str, end: str) -> None:
    held = io.StringIO(newline="")
    writer = csv.writer(held, delimiter=mark, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([["claim", "decision", "reason"], *rows])
    got = read(tmp_path, held.getvalue().encode(encoding))
    assert [list(row.values()) for _, row in got] == [row for row in rows if any(cell.strip() for cell in row)]
