"""Whole runs of the labeller: rows, agreement, card, sheet and slice."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from labels.__main__ import main
from labels.agree import clustered, compare
from labels.randomised import Verdict
from labels.rows import read_split
from labels.slice import cut


def rows(folder: Path) -> list[dict[str, Any]]:
    return pq.read_table(folder / "labels" / "labels.parquet").to_pylist()


def types(folder: Path, **about: str) -> set[str]:
    return {row["type"] for row in rows(folder) if all(row[name] == value for name, value in about.items())}


def test_rows_say_what_was_written(labelled: Path) -> None:
    assert types(labelled, component="ads-tag") == {
        "device.id",
        "device.advertising_id",
        "device.screen",
        "device.time_zone",
        "location.precise",
        "device.hardware",
    }
    assert types(labelled, component="metrics-sdk") == {
        "device.id",
        "device.browser",
        "device.os",
        "device.locale",
        "device.hardware",
        "contact.email_hashed",
        "contact.phone",
        "user.id",
    }
    assert types(labelled, component="print-lib") == {"fingerprint.surface"}
    assert types(labelled, component="error-sdk") == {"device.hardware", "contact.email"}
    assert not types(labelled, component="site")


def test_violations_are_right(labelled: Path) -> None:
    for row in rows(labelled):
        if row["site"] == "beta.test" and row["component"] in ("ads-tag", "metrics-sdk"):
            assert (row["violation"], row["consent_state"]) == ("no", "granted")
        if row["site"] == "gamma.test" and row["component"] == "ads-tag":
            assert (row["violation"], row["consent_state"]) == (
                ("undecidable", "none") if row["scenario"] == "no_action" else ("yes", "opted_out")
            )
        if (
            row["site"] == "alpha.test"
            and row["component"] == "ads-tag"
            and row["consent_state"] in ("before", "denied", "opted_out")
        ):
            assert row["violation"] == ("yes" if row["region"] == "EU" or row["consent_state"] == "opted_out" else "no")
        if row["component"] == "print-lib":
            assert row["violation"] == "no"
    states = {
        (row["scenario"], row["consent_state"])
        for row in rows(labelled)
        if row["site"] == "alpha.test" and row["component"] == "ads-tag"
    }
    assert ("partial", "denied") in states
    assert ("withdraw", "denied") in states
    assert ("partial", "granted") not in states


def test_rows_are_distinct(labelled: Path) -> None:
    keys = [
        tuple(row[name] for name in ("site", "component", "recipient", "type", "consent_state", "scenario"))
        for row in rows(labelled)
    ]
    assert len(keys) == len(set(keys)) > 200


def test_sources_agree_and_the_card_says_so(labelled: Path) -> None:
    card = json.loads((labelled / "labels" / "card.json").read_text())
    assert card["agreement"]["share"] == 1.0
    assert card["agreement"]["of"] > 100
    assert card["undecidable_share"] == 0
    assert card["visits"]["used"] == 168
    assert sum(card["by"]["type"]["device.id"].values()) == sum(
        1
        for _ in {
            (row["site"], row["component"], row["recipient"], row["consent_state"])
            for row in rows(labelled)
            if row["type"] == "device.id"
        }
    )
    assert "Do the two sources agree?" in (labelled / "labels" / "card.md").read_text()
    assert len((labelled / "labels" / "disagreements.csv").read_text().splitlines()) == 1


def test_the_same_visits_give_the_same_labels(labelled: Path, tmp_path: Path) -> None:
    assert main(["--visits", str(labelled / "visits"), "--out", str(tmp_path)]) == 0
    for name in ("labels.parquet", "card.json", "sample.csv", "sample_key.csv"):
        assert (tmp_path / name).read_bytes() == (labelled / "labels" / name).read_bytes()


def test_the_sheet_is_blind(labelled: Path) -> None:
    with (labelled / "labels" / "sample.csv").open(newline="") as file:
        sheet = list(csv.DictReader(file))
    with (labelled / "labels" / "sample_key.csv").open(newline="") as file:
        key = list(csv.DictReader(file))
    assert [row["number"] for row in sheet] == [row["number"] for row in key]
    assert len(sheet) > 200
    assert not any(row["carries_it"] or row["violation"] or row["state_of_consent"] for row in sheet)
    assert not {"source_a", "why", "consent_state", "purpose"} & sheet[0].keys()
    assert all(row["decoded"] and row["consent"] for row in sheet)
    assert {row["carries_it"] for row in key} == {"yes", "no"}


def test_a_slice_fits_and_holds_what_it_says(labelled: Path, tmp_path: Path) -> None:
    manifest = cut(labelled / "visits", labelled / "labels", tmp_path, 120_000)
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) <= 120_000
    assert len(list((tmp_path / "truth").iterdir())) == len(manifest["flows"]) > 3
    kept = pq.read_table(tmp_path / "labels.parquet")
    assert kept.num_rows == manifest["rows"] > 0
    assert {(row["site"], row["scenario"]) for row in kept.to_pylist()} <= {tuple(flow) for flow in manifest["flows"]}


def test_a_broken_visit_is_left_out_and_told(
    new_visit: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for repeat in range(3):
        last = new_visit("a.test", "accept", repeat).write(tmp_path)
    last.write_bytes(last.read_bytes()[:99])
    assert main(["--visits", str(tmp_path), "--out", str(tmp_path / "labels")]) == 0
    assert f"left out: {last.name}" in capsys.readouterr().err
    assert len(json.loads((tmp_path / "labels" / "card.json").read_text())["visits"]["left_out"]) == 1


def test_nothing_to_label_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--visits", str(tmp_path), "--out", str(tmp_path / "labels")]) == 2
    assert "make visits first" in capsys.readouterr().err


def test_visits_that_send_nothing_give_no_rows(new_log: Callable[..., Any], tmp_path: Path) -> None:
    new_log("a.test", "accept", 0).write(tmp_path)
    assert main(["--visits", str(tmp_path), "--out", str(tmp_path / "labels")]) == 0
    assert pq.read_table(tmp_path / "labels" / "labels.parquet").num_rows == 0


def test_split(tmp_path: Path) -> None:
    file = tmp_path / "split.json"
    file.write_text('{"families": {"posthog": "train", "keen": "test"}}')
    assert read_split(file) == {"posthog": "train", "keen": "test"}
    assert read_split(None) == {}
    for bad in ("{", "[]", '{"families": {"x": "both"}}'):
        file.write_text(bad)
        with pytest.raises(ValueError, match=r"split\.json"):
            read_split(file)


def verdict_of(kind: str) -> list[Verdict]:
    return [Verdict(kind)]


@pytest.mark.parametrize(
    ("kind", "a", "b", "verdicts", "said", "differ"),
    [
        ("user.id", True, True, verdict_of("follows"), ("yes", "yes"), False),
        ("user.id", True, False, verdict_of("follows no property"), ("yes", "no"), True),
        ("user.id", True, False, verdict_of("too few visits"), ("yes", "undecidable"), False),
        ("user.id", False, True, [], ("no", "yes"), True),
        ("device.screen", False, True, [], ("not asked", "yes"), False),
    ],
)
def test_comparison(kind: str, a: bool, b: bool, verdicts: list[Verdict], said: tuple[str, str], differ: bool) -> None:
    pair = compare(kind, a, False, b, False, verdicts, {"follows"} if b else set())
    assert (pair.a, pair.b) == said
    assert pair.differ is differ


def test_intervals_are_clustered() -> None:
    one = clustered([True] * 100 + [False], ["a"] * 100 + ["b"])
    assert one.low == 0.0
    assert one.high == 1.0
    many = clustered([True] * 99 + [False], [str(n) for n in range(100)])
    assert 0.95 < many.low < many.share < many.high <= 1.0
    assert clustered([True] * 50, [str(n % 10) for n in range(50)]).low == pytest.approx(0.025**0.1)
    assert clustered([], []).total == 0
