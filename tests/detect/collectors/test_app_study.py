"""Studies of apps: which tables are one, what is kept of them, and what is said of what is not understood."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.core.errors import BadInput, UsageError
from consentinel.core.tables import TABLES
from consentinel.core.vault import seal
from consentinel.detect.collectors import app_study
from consentinel.detect.collectors._app_tables import words
from consentinel.detect.collectors._batch import Batch, Options
from consentinel.detect.policy import TYPES
from tests.detect.collectors.test_requests import as_csv, as_ndjson, as_parquet

CLI = Callable[..., Any]
KEY = bytes(32)
ROOT = Path(__file__).parents[3]


def sent(
    app: str, tracker: str, data_type: str, linked: str = "pseudonymously", platform: str = "android"
) -> dict[str, str]:
    return {
        "app_id": app,
        "tracker": tracker,
        "data_type": data_type,
        "transmission_type": linked,
        "platform": platform,
    }


BEFORE = [
    sent("org.example.game", "facebook", "idfa"),
    sent("org.example.game", "facebook", "model", "anonymously"),
    sent("org.example.game", "<indicators>", "idfa"),
    sent("org.example.news", "adjust", "idfv", platform="ios"),
    sent("org.example.news", "adjust", "idfv"),  # another app: the platform differs
    sent("com.facebook.katana", "facebook", "idfa"),
    sent("org.example.other", "collect.hotjar.com", "shoe size"),
    sent("", "adjust", "idfa"),
]
AFTER = [sent("org.example.game", "facebook", "idfa")]
SCREENS = [
    {"name": "org.example.game", "platform": "android", "verdict": "dialog"},
    {"name": "org.example.news", "platform": "ios", "verdict": "notice"},
    {"name": "org.example.news", "platform": "android", "verdict": "Neither"},
    {"name": "com.facebook.katana", "platform": "android", "verdict": "maybe_dialog"},
    {"name": "org.example.silent", "platform": "android", "verdict": "dialog"},
]
LABELS = [
    {"app": "org.example.news", "data_type": "Device ID", "declared": "wrongly_undeclared"},
    {"app": "org.example.news", "data_type": "Health", "declared": "correctly_undeclared"},
]


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A folder with a study in four formats, and a table that is none of it."""
    folder = tmp_path / "a study"
    folder.mkdir()
    (folder / "traffic_initial.parquet").write_bytes(as_parquet(BEFORE))
    (folder / "traffic_rejected.csv").write_bytes(as_csv(AFTER))
    (folder / "screens.ndjson").write_bytes(as_ndjson(SCREENS))
    (folder / "labels.tsv").write_bytes(as_csv(LABELS, "\t"))
    (folder / "reviews.csv").write_text("name,stars\norg.example.game,5\n")
    return folder


def read(path: Path, *beside: Path, **options: Any) -> tuple[Batch, list[str]]:
    notes: list[str] = []
    (batch,) = app_study.read(path, Options(key=KEY, beside=beside, **options), notes)
    return batch, notes


def whole(study: Path, **options: Any) -> tuple[Batch, list[str]]:
    first, *beside = sorted(study.iterdir())
    return read(first, *beside, **options)


def rows(table: pa.Table | None, *names: str) -> list[tuple[Any, ...]]:
    assert table is not None
    return sorted(zip(*(table[n].to_pylist() for n in names), strict=True), key=str)


def of(data: pa.Table | None, action: str) -> pa.Table:
    assert data is not None
    return data.filter(pa.compute.equal(data["action"].cast(pa.string()), action))


def test_an_app_under_a_condition_is_a_visit(study: Path) -> None:
    batch, _ = whole(study)
    assert batch.done
    assert rows(batch.visits, "subject", "scenario") == [
        ("android:com.facebook.katana", "no_action"), ("android:org.example.game", "no_action"),
        ("android:org.example.game", "reject"), ("android:org.example.news", "no_action"),
        ("android:org.example.other", "no_action"), ("android:org.example.silent", "no_action"),
        ("app:org.example.news", "unknown"), ("ios:org.example.news", "no_action"),
    ]  # fmt: skip
    assert batch.visits is not None
    assert set(batch.visits["source_kind"].to_pylist()) == {"mobile"}
    assert set(batch.visits["source_name"].to_pylist()) == {"a study"}


def test_what_was_sent_is_data_with_our_types(study: Path) -> None:
    data = whole(study)[0].data
    got = rows(of(data, "sent"), "key", "type", "carrier", "recipient")
    assert got == [
        ("idfa", "device.advertising_id", "linked", "facebook.com"),
        ("idfa", "device.advertising_id", "linked", "facebook.com"),
        ("idfa", "device.advertising_id", "linked", "facebook.com"),
        ("idfa", "device.advertising_id", "linked", None),
        ("idfv", "device.id", "linked", "adjust.com"),
        ("idfv", "device.id", "linked", "adjust.com"),
        ("model", "device.hardware", "unlinked", "facebook.com"),
        ("shoe size", None, "linked", "collect.hotjar.com"),
    ]
    assert rows(of(data, "declared"), "key", "type", "carrier") == [
        ("Device ID", "device.id", "wrongly_undeclared"), ("Health", None, "correctly_undeclared"),
    ]  # fmt: skip


def test_traffic_says_who_was_told_and_whose_app_it_is(study: Path) -> None:
    traffic = whole(study)[0].traffic
    assert rows(traffic, "recipient", "owner", "party", "seq") == [
        ("adjust.com", "Adjust", "third", 0), ("adjust.com", "Adjust", "third", 0),
        ("collect.hotjar.com", "Hotjar", "third", 0), ("facebook.com", "Facebook", "first", 0),
        ("facebook.com", "Facebook", "third", 0), ("facebook.com", "Facebook", "third", 0),
    ]  # fmt: skip


def test_only_a_choice_that_was_offered_can_be_missing(study: Path) -> None:
    batch, _ = whole(study)
    assert rows(batch.consent, "subject", "state", "reason") == [
        ("android:com.facebook.katana", "unset", "maybe_dialog"), ("android:org.example.game", "unset", "dialog"),
        ("android:org.example.news", "unknown", "neither"), ("android:org.example.other", "unknown", ""),
        ("android:org.example.silent", "unset", "dialog"), ("ios:org.example.news", "unknown", "notice"),
    ]  # fmt: skip


def test_what_is_not_understood_is_told(study: Path) -> None:
    _, notes = whole(study)
    assert notes == [
        "a study: not part of the study of apps, left out: reviews.csv",
        "traffic_initial.parquet: 1 rows without an app or a data type were left out",
        "traffic_initial.parquet: no column says what was done: taken as no_action, from its name",
        "traffic_initial.parquet: 1 rows do not say to whom: they are kept and not judged",
        "traffic_initial.parquet: kept without a type, as the word is not in app_study.toml: shoe_size (1)",
        "traffic_rejected.csv: no column says what was done: taken as reject, from its name",
        "a study: 1 apps have no row about a screen: no choice is known",
    ]


def test_columns_may_have_any_name_and_tell_condition_count_and_time(tmp_path: Path) -> None:
    table = [
        {"who": "1234567", "to": "adjust", "what": "IDFV", "did": did, "many": many, "time": "2022-03-22"}
        for did, many in (("accepted", "3"), ("accepted", "4"), ("Refused", "x"), ("slept", ""))
    ]
    (tmp_path / "t.csv").write_bytes(as_csv(table))
    columns = {"app": "who", "tracker": "to", "data_type": "what", "condition": "did", "count": "many"}
    assert app_study.holds(tmp_path / "t.csv", Options(key=KEY, columns=columns))
    batch, notes = read(tmp_path / "t.csv", columns=columns, region="DE")
    assert notes == ["t.csv: 1 rows have a word for what was done that is not known: taken as unknown"]
    assert rows(batch.visits, "subject", "scenario", "started", "region") == [
        ("app:1234567", scenario, 1_647_907_200_000_000, "DE") for scenario in ("accept", "reject", "unknown")
    ]
    assert sorted(batch.data["count"].to_pylist()) == [1, 1, 7]
    assert set(batch.data["carrier"].to_pylist()) == {None}


def test_a_column_that_is_missing_is_named(study: Path) -> None:
    with pytest.raises(UsageError, match="no table has the column 'data_tipe' for data_type; did you mean 'data_type'"):
        whole(study, columns={"data_type": "data_tipe"})
    (study / "odd.csv").write_text("app,tracker,kind\na.b,adjust,idfa\n")
    with pytest.raises(UsageError, match=r"odd\.csv: no column holds the type of the data .* app, tracker, kind"):
        whole(study)


@pytest.mark.parametrize("text", ["app,tracker,data_type\n", "app,tracker,data_type\n,adjust,idfa\n"])
def test_nothing_sent_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(BadInput, match=r"a\.csv: no row tells what an app sent"):
        read(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("head", "is_one"),
    [
        ("app,tracker,data_type", True), ("name,verdict", True), ("app,data_type,declared", True),
        ("app,tracker", True), ("app,declared", False), ("name,platform,request_count", False),
        ("app,tracker,data_type,url", False),
    ],
)  # fmt: skip
def test_a_table_is_known_by_its_columns(tmp_path: Path, head: str, is_one: bool) -> None:
    (tmp_path / "a.csv").write_text(f"{head}\n" + ",".join("x" for _ in head.split(",")) + "\n")
    assert app_study.holds(tmp_path / "a.csv", Options(key=KEY)) == is_one


def test_what_cannot_be_read_is_no_study(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 but not really")
    assert not app_study.holds(tmp_path / "a.parquet", Options(key=KEY))


def test_a_sealed_study_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(as_csv(AFTER))
    seal(tmp_path / "a.csv", tmp_path / "a.csv.vault", KEY)
    assert app_study.holds(tmp_path / "a.csv.vault", Options(key=KEY))
    assert read(tmp_path / "a.csv.vault", scenario="accept")[0].data.num_rows == 1


WORDS = st.sampled_from(
    ["", "idfa", "Adjust", "dialog", "initial", "android", "<indicators>", "=1", "a:b\nc", "9" * 30]
)
CELLS = st.one_of(st.none(), st.integers(), st.booleans(), st.text(max_size=12), WORDS)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries({}, optional=dict.fromkeys((*BEFORE[0], "condition", "count", "time"), CELLS)), max_size=6
    ),
    st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(SCREENS[0], CELLS)), max_size=4),
)
def test_any_cells_give_tables_that_keep_their_schema(
    tmp_path_factory: pytest.TempPathFactory, some: list[dict[str, Any]], screens: list[dict[str, Any]]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    whole_row = {"app_id": "a.b", "tracker": "adjust", "data_type": "idfa"}
    (folder / "sent.ndjson").write_bytes(as_ndjson([*some, whole_row]))
    (folder / "screens.ndjson").write_bytes(as_ndjson([*screens, SCREENS[0]]))
    batch, _ = read(folder / "sent.ndjson", folder / "screens.ndjson")
    for name in ("visits", "traffic", "data", "consent"):
        table = getattr(batch, name)
        assert table.schema.equals(TABLES[name])
        table.validate(full=True)
    assert batch.visits is not None
    ids = batch.visits["visit_id"].to_pylist()
    assert len(ids) == len(set(ids))
    assert ("app:a.b", "unknown") in rows(batch.visits, "subject", "scenario")


def test_every_word_means_something_that_there_is() -> None:
    assert set(words("types").values()) <= set(TYPES)
    both = [words(s) for s in ("types", "about_the_app")]
    assert not both[0].keys() & both[1].keys()


def test_scan_claims_apps_with_a_dialog_and_does_not_judge_the_others(cli: CLI, study: Path, tmp_path: Path) -> None:
    code, shown, errors = cli(str(study), "--out", "out", "--formats", "json,html,csv")
    assert errors == ""
    assert code == 1
    assert "2 potential violations" in shown
    found = pq.read_table(tmp_path / "out" / "findings.parquet")
    assert rows(found, "subject", "type", "recipient", "outcome", "consent_state") == [
        ("android:org.example.game", "device.advertising_id", "facebook.com", "potential violation", "before"),
        ("android:org.example.game", "device.advertising_id", "facebook.com", "potential violation", "denied"),
        ("android:org.example.news", "device.id", "adjust.com", "no signal", "none"),
        ("ios:org.example.news", "device.id", "adjust.com", "no signal", "none"),
    ]


def test_a_sealed_copy_of_a_study_is_a_study(cli: CLI, study: Path, tmp_path: Path) -> None:
    assert cli(str(study), "--out", "one", "--keep-raw", "--formats", "json")[0] == 1
    assert cli(str(tmp_path / "one" / "raw"), "--out", "two", "--formats", "json")[0] == 1
    told = [
        rows(pq.read_table(tmp_path / n / "findings.parquet"), "subject", "type", "outcome") for n in ("one", "two")
    ]
    assert told[0] == told[1]


@pytest.mark.parametrize("columns", ["data_type=wat", "sort=wat"])
def test_a_wrong_column_map_ends_in_2(cli: CLI, study: Path, columns: str) -> None:
    code, _, errors = cli(str(study), "--columns", columns)
    assert code == 2
    assert columns.partition("=")[0] in errors


def test_the_study_of_2022_gives_its_published_counts(cli: CLI, tmp_path: Path) -> None:
    shared = Path(os.environ.get("CONSENTINEL_SHARED_DATA", ROOT.parent / "shared" / "data"))
    folder = shared / "detect" / "mobile_consent_2022"
    if not folder.is_dir():
        pytest.skip("no mobile_consent_2022; set CONSENTINEL_SHARED_DATA to the folder that has it under detect/")
    assert cli(str(folder), "--out", "out", "--formats", "json")[0] == 1
    data, visits, consent = (pq.read_table(tmp_path / "out" / f"{n}.parquet") for n in ("data", "visits", "consent"))
    before = {v for v, s in rows(visits, "visit_id", "scenario") if s == "no_action"}
    linked = {v for v, a, c in rows(data, "visit_id", "action", "carrier") if (a, c) == ("sent", "linked")}
    asked = {v for v, s in rows(consent, "visit_id", "state") if s == "unset"}
    assert (len(before), len(before & linked), len(asked), len(asked & linked)) == (4388, 3201, 384, 282)
    device = [c for a, k, c in rows(data, "action", "key", "carrier") if (a, k) == ("declared", "Device ID")]
    assert [device.count(w) for w in ("wrongly_undeclared", "wrongly_declared_as_anonymous")] == [329, 155]
