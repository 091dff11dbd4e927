"""What a scan writes holds no raw value; the same traffic with other values gives the same claims."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from consentinel.core.tables import FINDINGS, check
from consentinel.detect import scanning
from consentinel.detect.reviews.standing import Standing
from tests.detect.made_traffic import SECRETS, TRACKER, entry, leaking, scanned, write
from tests.detect.made_visits import DENIED, consent, data, sighter, visits

ROOT = Path(__file__).parents[2]
RECORDED = ROOT / "examples" / "recorded"
LONG = 8  # characters; shorter values occur by chance


def texts_of(table: pa.Table) -> Iterator[str]:
    """Yield every text in a table, also inside lists and structs."""
    waiting = [value for column in table.columns for value in column.to_pylist()]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, bytes):
            yield value.decode("latin-1")
        elif isinstance(value, (dict, list)):
            waiting += value.values() if isinstance(value, dict) else value


def written(folder: Path) -> dict[str, str]:
    """Return the text of every file below FOLDER; of a table, its texts; what cannot be read as text fails."""
    found = {}
    for path in (p for p in folder.rglob("*") if p.is_file()):
        if path.suffix == ".parquet":
            found[path.name] = "\n".join(set(texts_of(pq.read_table(path))))
        else:
            found[path.name] = path.read_text("utf-8")
    return found


def leaves(value: Any) -> Iterator[str]:
    """Yield the texts and numbers inside a JSON value."""
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from leaves(inner)
    elif isinstance(value, str | float | int) and not isinstance(value, bool):
        yield str(value)


def values_of(har: dict[str, Any]) -> set[str]:
    """Return what a HAR carries in queries, cookies, bodies and storage."""
    found = set()
    for one in har["log"]["entries"]:
        asked = one["request"]
        found |= {v for _, v in parse_qsl(urlsplit(asked["url"]).query)}
        for header in asked["headers"]:
            if header["name"].lower() == "cookie":
                pairs = [c.strip().partition("=")[2] for c in header["value"].split(";")]
                found |= {*pairs, *map(unquote_plus, pairs)}
        body = asked.get("postData", {}).get("text") or ""
        try:
            found |= set(leaves(json.loads(body)))
        except ValueError:
            found |= {v for _, v in parse_qsl(body)}
    return found | {str(s["value"]) for s in har["log"].get("_consentinel", {}).get("storage", [])}


def telling(value: str) -> bool:
    """Say whether VALUE could identify: long, with a digit, and neither a name of the web nor a clock reading."""
    clock = value.isdecimal() and len(value) in (10, 13, 16)
    return len(value) >= LONG and any(c.isdigit() for c in value) and not clock


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recorded")
    scanned(folder, RECORDED, planted=RECORDED / "planted.toml")
    return folder / "out"


def test_no_value_of_the_recording_is_written(recorded: Path) -> None:
    values: set[str] = set()
    for file in sorted(RECORDED.glob("*.har.zst")):
        with file.open("rb") as stream:
            values |= values_of(json.loads(zstandard.ZstdDecompressor().stream_reader(stream).read()))
    values = {v for v in values if telling(v)}
    assert len(values) > 300
    kept = written(recorded)
    assert len(kept) >= 13
    assert [(v, name) for name, text in kept.items() for v in values if v in text] == []


def test_no_planted_value_is_written(recorded: Path) -> None:
    import tomllib

    planted = tomllib.loads((RECORDED / "planted.toml").read_text("utf-8"))["planted"]
    for name, text in written(recorded).items():
        assert not [p["id"] for p in planted if p["value"] in text], name


def test_no_secret_of_a_made_har_is_written(tmp_path: Path) -> None:
    har = leaking()
    # Values also stand where names should: as names of JSON members and as a query without names.
    members = {"users": {SECRETS["email"]: {"id": SECRETS["uid"]}, SECRETS["path"]: {"visitorId": SECRETS["uid"]}}}
    posted = {"postData": {"mimeType": "application/json", "text": json.dumps(members)}}
    har["log"]["entries"].append(entry(f"{TRACKER}/v1?{SECRETS['uid']}&{SECRETS['email']}=1", 6, request=posted))
    planted = tmp_path / "planted.toml"
    planted.write_text(
        "".join(
            f'[[planted]]\nid = "{name}"\ntype = "device.id"\nvalue = "{value}"\n'
            for name, value in SECRETS.items()
            if name in ("uid", "path", "stored")
        )
    )
    values = {*values_of(har), *SECRETS.values(), SECRETS["phone"].replace(" ", "")}
    secret = {v for v in values if telling(v)}
    assert len(secret) >= len(SECRETS)
    scanned(tmp_path, write(tmp_path / "leak.har", har), planted=planted)
    kept = written(tmp_path / "out")
    assert [(v, name) for name, text in kept.items() for v in secret if v in text] == []
    assert "P0" in kept["findings.parquet"]


def test_other_values_give_the_same_claims_and_evidence(tmp_path: Path) -> None:
    other = {
        "uid": "77aa11cc-0d2e-4b68-8a1f-90b3c4d5e6f7",
        "email": "writer.m5n8b2v1@example.com",
        "path": "04c7e2d8f61a4b39a5d0c8e7f2b19a63",
        "cookie": "GA1.1.4406287351.1759991111",
        "latitude": "52.370216471",
        "stored": "visitor-0ddba11f00dcafe5",
        "phone": "+33 6 55 01 88 31",
    }
    assert {k: len(v) for k, v in other.items()} == {k: len(v) for k, v in SECRETS.items()}
    found = []
    for number, secrets in enumerate((SECRETS, other)):
        out = tmp_path / str(number)
        scanned(out, write(out / "leak.har", leaking(secrets)))
        findings = pq.read_table(out / "out" / "findings.parquet").drop_columns(["run_id", "finding_id"])
        evidence = pq.read_table(out / "out" / "evidence.parquet").drop_columns(["run_id"])
        digests = set(pq.read_table(out / "out" / "data.parquet")["digest"].to_pylist())
        found.append((findings.to_pylist(), evidence.to_pylist(), digests))
    assert found[0][:2] == found[1][:2]
    assert found[0][2] != found[1][2]
    assert found[0][0]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", {}),
        ("url=u", {"url": "u"}),
        (" url = u , time=t ,", {"url": "u", "time": "t"}),
        ("url=a=b", {"url": "a=b"}),
    ],
)
def test_a_column_map(text: str, wanted: dict[str, str]) -> None:
    assert scanning._column_map(text, ["url", "time"]) == wanted


def findings(*told: tuple[str, str]) -> pa.Table:
    """Return FINDINGS with the outcomes and severities TOLD; the fingerprint is the place in the list."""
    from consentinel.detect.judge import judge_visits
    from consentinel.detect.shelves import RULES

    made = judge_visits(
        visits(), None, data({"type": "device.id"}), consent(DENIED), sighter(), [RULES.take("device_identifier")]
    ).to_pylist()
    rows = [made[0] | {"outcome": o, "severity": s, "fingerprint": str(n)} for n, (o, s) in enumerate(told)]
    return check(pa.Table.from_pylist(rows, FINDINGS), FINDINGS, "test")


BAD, OPEN, FINE = ("potential violation", "medium"), ("no signal", "low"), ("allowed", "low")


@pytest.mark.parametrize(
    ("told", "fail_on", "known", "incomplete", "code"),
    [
        ([], "low", None, False, 0),
        ([], "low", None, True, 3),
        ([FINE], "low", None, False, 0),
        ([FINE, OPEN], "low", None, False, 3),
        ([BAD, OPEN], "low", None, False, 1),
        ([BAD], "medium", None, False, 1),
        ([BAD], "high", None, False, 0),
        ([BAD, OPEN], "high", None, False, 3),
        ([BAD, OPEN], "never", None, True, 0),
        ([BAD], "low", {"0"}, False, 0),
        ([BAD], "low", {"0"}, True, 3),
        ([BAD, BAD], "low", {"0"}, False, 1),
        ([OPEN], "low", {"0"}, False, 0),
        ([BAD, OPEN], "low", {"0"}, False, 3),
        ([BAD], "low", set(), False, 1),
    ],
)
def test_the_exit_code(
    told: list[tuple[str, str]], fail_on: str, known: set[str] | None, incomplete: bool, code: int
) -> None:
    baseline = None if known is None else frozenset(known)
    assert scanning.exit_code(findings(*told), fail_on, baseline, incomplete=incomplete) == code


@pytest.mark.parametrize(
    ("told", "statuses", "known", "code"),
    [
        ([BAD], ["not_violation"], None, 0),
        ([BAD], ["waived"], None, 0),
        ([BAD, OPEN], ["waived", "not_violation"], None, 0),
        ([BAD, BAD], ["waived", "open"], None, 1),
        *(([BAD], [status], None, 1) for status in ("stale", "expired", "conflict", "undecided", "violation", "open")),
        ([OPEN], ["violation"], None, 1),
        ([OPEN], ["stale"], None, 3),
        ([BAD], ["open"], {"0"}, 0),
        ([BAD], ["violation"], {"0"}, 0),
        *(([BAD], [status], {"0"}, 1) for status in ("stale", "expired", "conflict")),
    ],
)
def test_the_exit_code_with_reviews(
    told: list[tuple[str, str]], statuses: list[str], known: set[str] | None, code: int
) -> None:
    found = findings(*told)
    at = found.schema.get_field_index("finding_id")
    found = found.set_column(at, "finding_id", pa.array([f"f{n}" for n in range(len(told))]))
    stand = {f"f{n}": Standing("c", status) for n, status in enumerate(statuses)}
    baseline = None if known is None else frozenset(known)
    assert scanning.exit_code(found, "low", baseline, reviews=stand) == code
    assert scanning.exit_code(found, "never", baseline, reviews=stand) == 0
