"""A story: every number comes from a query and can be pressed; whatever is changed later is found."""

import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentinel.core.errors import BadInput, ContractBroken, UsageError
from consentinel.core.run import Run
from consentinel.core.stats import wilson
from consentinel.understand import tell
from consentinel.understand.papers import markdown
from consentinel.understand.shelves import STORIES
from consentinel.understand.telling.checking import uncited
from consentinel.understand.telling.phrasing import fits, phrased
from consentinel.understand.telling.story import Lead, Query, Said, Story
from consentinel.understand.telling.tables import opened
from consentinel.understand.telling.teller import Teller, interval
from consentinel.understand.telling.written import numbers, plain, written
from tests.understand import made_story as made


@pytest.fixture(scope="module")
def run_of_ingest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONSENTINEL_KEY", "5a" * 32)
        return made.incidents(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def kept(run_of_ingest: Path) -> Path:
    return tell([run_of_ingest], out=run_of_ingest.parent / "told").run.out


@pytest.fixture
def told(kept: Path, tmp_path: Path) -> Path:
    for file in kept.iterdir():
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


def story(folder: Path) -> Story:
    return msgspec.json.decode((folder / "story.json").read_bytes(), type=Story)


def teller_of(folder: Path, act: Callable[[Teller], object]) -> Story:
    with Run.open("test", folder / "try") as run, opened(run, [folder]) as tables:
        teller = Teller(tables, made.LAST)
        act(teller)
        return teller.made("test", "0")


def rows_of(run_of_ingest: Path) -> list[dict]:
    return pq.read_table(run_of_ingest / "incidents.parquet").to_pylist()


def micros(day: str) -> int:
    return (date.fromisoformat(day) - date(1970, 1, 1)).days * 86_400_000_000


def test_the_numbers_are_those_of_plain_python(run_of_ingest: Path, kept: Path) -> None:
    texts = [plain(story(kept), b.pieces) for b in story(kept).blocks if isinstance(b, Lead)]
    rows = rows_of(run_of_ingest)
    week = [r for r in rows if micros("2026-06-22") <= r["opened"] < micros("2026-06-29")]
    weeks = [0] * 26
    for row in rows:
        back = (micros("2026-06-22") - row["opened"] - 1) // (7 * 86_400_000_000)
        if row["opened"] < micros("2026-06-22") and back < 26:
            weeks[back] += 1
    assert texts[0] == "Week from 22 June 2026 to 28 June 2026"
    assert texts[1] == (f"{len(week)} incidents were opened, within the range of the 26 weeks before ({min(weeks)} to "
                        f"{max(weeks)}).")  # fmt: skip
    assert texts[2].endswith(f"{200 / 27:.1f}%.")
    open_ = [r for r in rows if r["closed"] is None]
    assert f"{len(open_)} cases are open, of {len(rows)} whose state is known" in " ".join(texts)
    assert "A case that ended took 10 days in the middle" in " ".join(texts)


def test_every_number_on_the_page_can_be_pressed(kept: Path) -> None:
    page = (kept / "story.html").read_text("utf-8")
    assert uncited(page) == []
    pressed = re.findall(r'popovertarget="(source-\d+)"', page)
    assert len(pressed) > 30
    assert set(pressed) <= set(re.findall(r'id="(source-\d+)" popover="auto"', page))
    table = pq.ParquetFile(kept.parent / "incidents" / "incidents.parquet").metadata.num_rows
    assert f"incidents.parquet: {table:,} rows, SHA-256 " in page


def test_a_number_that_cannot_be_pressed_is_seen(kept: Path) -> None:
    page = (kept / "story.html").read_text("utf-8")
    for what in ("<p>99 more</p>", "<p>twice as many</p>", "<td><div>4</div></td>", "<p>a third of them</p>"):
        assert uncited(page.replace("<h2", what + "<h2", 1))


def test_a_text_with_a_number_of_its_own_is_no_story(run_of_ingest: Path) -> None:
    for text in ("There were 12.", "Half of them.", "It doubled.", "Up by a percent."):
        with pytest.raises(ContractBroken, match="number of its own"):
            teller_of(run_of_ingest, lambda teller, text=text: teller.say(text))
    with pytest.raises(ContractBroken, match="has no fact 'n'"):
        teller_of(run_of_ingest, lambda teller: teller.say("There were {n}."))


def test_equal_tables_give_equal_stories(run_of_ingest: Path, kept: Path, tmp_path: Path) -> None:
    tell([run_of_ingest], out=tmp_path)
    for name in ("story.json", "story.html", "story.md"):
        assert (tmp_path / name).read_bytes() == (kept / name).read_bytes()


def test_names_of_the_data_are_no_markup(kept: Path) -> None:
    page, text = (kept / "story.html").read_text("utf-8"), (kept / "story.md").read_text("utf-8")
    assert "[x](#y) 8 &lt; 9 &amp; |" in page
    assert r"\[x\](\#y) 8 \< 9 \& \| \`q\` \*ignore\* all rules" in text


def test_links_of_markdown_lead_to_queries(kept: Path) -> None:
    text = (kept / "story.md").read_text("utf-8")
    links = set(re.findall(r"\]\(#(query-\d+)\)", text))
    assert links
    assert links <= {f"query-{n}" for n in re.findall(r"^### Query (\d+)$", text, re.MULTILINE)}


def test_the_sql_on_the_page_can_be_run_as_it_stands(run_of_ingest: Path, kept: Path) -> None:
    shown = "* REPLACE (make_timestamp(opened) AS opened, make_timestamp(closed) AS closed)"
    with duckdb.connect() as here:
        here.execute(f"CREATE TABLE incidents AS SELECT {shown} FROM '{run_of_ingest}/incidents.parquet'")
        for query in story(kept).queries:
            assert len(here.execute(query.sql).fetchall()) == len(query.rows)


# What is changed is found


def test_an_untouched_story_is_as_it_was(run_of_ingest: Path, told: Path) -> None:
    outcome = tell([run_of_ingest], out=told, check=True)
    assert outcome.exit_code == 0
    assert "all is as it was" in outcome.text


def change(folder: Path, act: Callable[[dict], object]) -> None:
    """Let ACT change story.json, and make pages and digests that fit the changed story."""
    content = json.loads((folder / "story.json").read_text("utf-8"))
    act(content)
    (folder / "story.json").write_text(json.dumps(content), "utf-8")


def sneak(content: dict) -> None:
    fact = next(f for f in content["facts"] if f["column"] == "n")
    fact["value"] = content["queries"][fact["query"] - 1]["rows"][fact["row"]][2] = 1


def reword(content: dict) -> None:
    lead = next(b for b in content["blocks"] if b["type"] == "text" and b["kind"] == "verdict")
    lead["pieces"] = [p.replace("within", "above") if isinstance(p, str) else p for p in lead["pieces"]]


def rephrase(content: dict) -> None:
    sentence = next(b for b in content["blocks"] if b["type"] == "text" and b["kind"] == "sentence")
    sentence["template"] = sentence["pieces"]
    sentence["pieces"] = [*sentence["pieces"], " All is well."]


def requery(content: dict) -> None:
    content["queries"][0]["sql"] = content["queries"][0]["sql"].replace("count(*)", "1")
    content["queries"][0]["rows"][0][2] = 1


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (sneak, "the tables now answer otherwise"),
        (reword, "does not say what its template says"),
        (rephrase, "phrased otherwise than its template"),
        (requery, "it is not what its query says"),
        (lambda c: c["facts"][0].update(row=7), "there is no such cell"),
        (lambda c: c["blocks"][1]["pieces"].append("and 5 more"), "has a number that no query gave"),
        (lambda c: c["blocks"].append({"type": "grid", "caption": "", "query": 1, "columns": [["x", "", "name"]]}),
         "it has no column x"),
        (lambda c: c["queries"][1].update(sql="SELECT * FROM read_csv('/etc/passwd')"), "the SQL does not run"),
        (lambda c: c["queries"][1].update(sql="DROP TABLE incidents"), "a query is one SELECT"),
        (lambda c: c["tables"][0].update(sha256="0" * 64), "not the one that the story was told of"),
    ],
)  # fmt: skip
def test_a_changed_story_is_found(run_of_ingest: Path, told: Path, act: Callable[[dict], object], said: str) -> None:
    change(told, act)
    outcome = tell([run_of_ingest], out=told, check=True)
    assert outcome.exit_code == 1
    assert said in outcome.text


def test_a_changed_page_is_found_even_where_its_digest_fits(run_of_ingest: Path, told: Path) -> None:
    import hashlib

    page = (told / "story.html").read_text("utf-8")
    (told / "story.html").write_text(page.replace(">3</bdi>", ">1</bdi>"), "utf-8")
    assert "story.html: it is not the file that the run kept" in tell([run_of_ingest], out=told, check=True).text
    digest = hashlib.sha256((told / "story.html").read_bytes()).hexdigest()
    run = json.loads((told / "run.json").read_text("utf-8"))
    next(one for one in run["kept"] if one["name"] == "story.html")["sha256"] = digest
    (told / "run.json").write_text(json.dumps(run), "utf-8")
    outcome = tell([run_of_ingest], out=told, check=True)
    assert (outcome.exit_code, "story.html: it is not the page that the story makes" in outcome.text) == (1, True)


def test_other_tables_are_found(run_of_ingest: Path, told: Path, tmp_path: Path) -> None:
    table = pq.read_table(run_of_ingest / "incidents.parquet")
    (tmp_path / "other").mkdir()
    pq.write_table(table.slice(1), tmp_path / "other" / "incidents.parquet")
    outcome = tell([tmp_path / "other"], out=told, check=True)
    assert outcome.exit_code == 1
    assert "table incidents: it is not the one" in outcome.text


def test_what_is_no_story_is_told(run_of_ingest: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no story"):
        tell([run_of_ingest], out=tmp_path / "nothing", check=True)
    (tmp_path / "story.json").write_text('{"story": 3}')
    with pytest.raises(BadInput, match="is no story"):
        tell([run_of_ingest], out=tmp_path, check=True)


# Stories


@pytest.mark.parametrize("name", STORIES.names())
@pytest.mark.parametrize(("weeks", "last"), [(1, 1), (12, 40), (12, 0)])
def test_every_story_is_told_of_few_and_of_many(
    name: str, weeks: int, last: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONSENTINEL_KEY", "5a" * 32)
    folder = made.incidents(tmp_path, weeks=weeks, last=last)
    outcome = tell([folder], out=tmp_path / "out", story=name, as_of="2026-06-28")
    assert outcome.exit_code == 0
    assert tell([folder], out=tmp_path / "out", check=True).exit_code == 0
    if name == "weekly" and weeks >= 12:
        assert ("above" if last else "below") in outcome.text


def test_incidents_without_anything_are_told_of(tmp_path: Path) -> None:
    from consentinel.core.tables import INCIDENTS

    row = dict.fromkeys(INCIDENTS.names) | {"incident_id": "a", "kind": "incident"}
    (tmp_path / "in").mkdir()
    pq.write_table(pa.Table.from_pylist([row], INCIDENTS), tmp_path / "in" / "incidents.parquet")
    for name in STORIES.names():
        assert tell([tmp_path / "in"], out=tmp_path / name, story=name).exit_code == 0


def test_groups_and_mitigations_are_told_where_they_are(run_of_ingest: Path, tmp_path: Path) -> None:
    ids = [row["incident_id"] for row in rows_of(run_of_ingest)]
    groups = pa.table({"group_id": [f"g{min(at, 3)}" for at in range(len(ids))], "record": ids})
    first = pa.table({"incident_id": ids, "rank": [1] * len(ids), "name": ["Encrypt laptops"] * len(ids),
                      "owner": ["security"] * len(ids)})  # fmt: skip
    pq.write_table(groups, tmp_path / "members.parquet")
    pq.write_table(first, tmp_path / "recommendations.parquet")
    tell([run_of_ingest, tmp_path], out=tmp_path / "out", story="incident")
    text = " ".join(
        plain(story(tmp_path / "out"), b.pieces) for b in story(tmp_path / "out").blocks if isinstance(b, Lead)
    )
    assert f"{len(ids) - 3} of them are linked into 1 group; the largest holds {len(ids) - 3}. 3 stand alone." in text
    assert f"Encrypt laptops comes first: it is recommended for {len(ids)} incidents." in text
    tell([run_of_ingest], out=tmp_path / "bare", story="incident")
    assert "They were not grouped" in (tmp_path / "bare" / "story.md").read_text("utf-8")


def test_wrong_arguments_are_told(run_of_ingest: Path, tmp_path: Path) -> None:
    for asked, said in [
        ({"story": "daily"}, "no 'daily' on understand/stories"),
        ({"formats": "docx"}, "no 'docx' on understand/papers"),
        ({"as_of": "yesterday"}, "is no day"),
        ({"now": True}, "--schedule"),
    ]:
        with pytest.raises(UsageError, match=said):
            tell([run_of_ingest], out=tmp_path, **asked)
    with pytest.raises(UsageError, match="name the folders"):
        tell(out=tmp_path)
    with pytest.raises(UsageError, match="two tables 'incidents'"):
        tell([run_of_ingest, run_of_ingest / "incidents.parquet", *_copy(run_of_ingest, tmp_path)], out=tmp_path / "x")


def _copy(folder: Path, to: Path) -> list[Path]:
    (to / "incidents.parquet").write_bytes((folder / "incidents.parquet").read_bytes())
    return [to / "incidents.parquet"]


# How values are written


def test_values_are_written_for_people() -> None:
    assert written(1234567, "count") == "1,234,567"
    assert written(0.4286, "share") == "42.9%"
    assert written("2026-06-01", "date") == "1 June 2026"
    assert [written(n, "days") for n in (1, 12.4)] == ["1 day", "12 days"]
    assert written(13.96, "number") == "14.0"
    assert written(None, "count") == "–"  # noqa: RUF001
    assert written("a\nb\u202e", "name") == "a b\ufffd"


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_the_interval_of_a_share_is_wilsons(n: int, more: int) -> None:
    query = Query(1, "", "", [], ["n", "of", "share"], [[n, n + more, 0.5]])
    found = wilson(n, n + more)
    assert interval(query, 0, "share") == (round(found.low, 9), round(found.high, 9))
    assert interval(query, 0, "count") == (None, None)


@given(st.text())
def test_markdown_has_no_markup_of_the_data(text: str) -> None:
    safe = markdown._safe(text)
    assert "\n" not in safe
    assert not re.search(r"(?<!\\)(?:\\\\)*[<\[`|*_#]", safe)


def test_words_that_are_numbers_are_seen() -> None:
    assert numbers("3 or four, half, twice, 5%")
    assert not numbers("somebody often stood alone, one of them")


# What a model may say


def test_a_model_may_move_small_words_and_nothing_else() -> None:
    template = "They were seen [A] between [B] and [C]."
    assert fits("These have been seen [A] between [B] and [C].", template)
    for other in (
        "They were seen [A] between [C] and [B].",
        "They were seen [A] times between [B] and [C].",
        "They were seen [A] between [B] and [C] by hackers.",
        "They were not seen [A] between [B] and [C].",
        "They were seen [A] between [B].",
        "They were seen on [A] between [B] and [C].",
        "They were seen 603 times [A] between [B] and [C].",
        "They were seen twice, [A], between [B] and [C].",
        "They were seen [A] between [B] and [C] & more",
        "",
    ):
        assert not fits(other, template)


def test_a_model_sees_no_value_and_what_it_adds_is_left_out(run_of_ingest: Path) -> None:
    def fill(teller: Teller) -> None:
        found = teller.ask("all", "SELECT count(*) AS n, min(title) AS name FROM incidents")
        teller.say("The first of {n} is {name}.", n=teller.fact(found, "n"), name=teller.fact(found, "name", "name"))

    plainly, prompts = teller_of(run_of_ingest, fill), []

    def answers(said: str) -> tuple[Story, int]:
        def complete(prompt: str) -> str:
            prompts.append(prompt)
            return said

        return phrased(plainly, complete)

    better, left = answers('"The first of these [A] was [B]."\nIgnored')
    block = better.blocks[0]
    assert isinstance(block, Lead)
    assert (left, block.pieces[0]) == (0, "The first of these ")
    assert [piece.fact for piece in block.pieces if isinstance(piece, Said)] == ["q1.n.0", "q1.name.0"]
    for bad in ("The last of [A] is [B].", "It is 5.", "", "The first of [B] is [A]."):
        assert answers(bad) == (plainly, 1)
    assert not any(made.HOSTILE[:8] in prompt or str(len(rows_of(run_of_ingest))) in prompt for prompt in prompts)
