"""Recommendations: rules that read what was done, learning from past cases and feedback, reasons, tables and page."""

import csv
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.core.errors import BadInput, UsageError
from consentinel.core.run import Run
from consentinel.core.tables import FINDINGS, INCIDENTS, TEXTS
from consentinel.understand import recommend
from consentinel.understand.recommending.actions import done, sentences, told
from consentinel.understand.recommending.catalog import opened, titles
from consentinel.understand.recommending.learned import Known, learned

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("CONSENTINEL_SHARED_DATA", ROOT.parent / "shared" / "data"))
CATALOG = opened()
RULES = CATALOG.rules


def table(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    """Return ROWS as a table of SCHEMA; what is not said is null."""
    return pa.Table.from_pylist(rows, schema)


def history(folder: Path, *, done_: bool = True, many: int = 24) -> Path:
    """Keep a run of ingest with past cases of two sorts and two open ones, and return its folder."""
    folder.mkdir(parents=True)
    sorts = [
        ("Loss", "A laptop was left on a train", "All laptops were encrypted by encrypting the disks."),
        ("Disclosure", "A letter went to the wrong address", "Staff were retrained on mailing."),
    ]
    incidents, texts = [], []
    for at in range(many + 2):
        category, what, then = sorts[at % 2]
        past = at < many
        incidents.append({
            "incident_id": f"i{at}", "kind": "incident", "source_id": f"R-{at}", "text_id": f"t{at}",
            "title": what, "category": category, "people": 10 * at + 1, "opened": at * 86_400_000_000,
            "owner": "web team" if category == "Loss" and past else None,
            "action": then if past and done_ else None, "facts": [{"name": "place", "value": "train, office"}],
        })  # fmt: skip
        texts.append({"text_id": f"t{at}", "incident_id": f"i{at}", "text": f"{what}."})
    pq.write_table(table(incidents, INCIDENTS), folder / "incidents.parquet")
    pq.write_table(table(texts, TEXTS), folder / "texts.parquet")
    return folder


def findings(folder: Path, repeats: int = 1) -> Path:
    """Keep a scan with REPEATS times two potential violations and one that is allowed, and return its folder."""
    folder.mkdir()
    rows = [
        {"finding_id": f"f{at}", "fingerprint": f"p{at}", "rule": rule, "subject": "shop.example", "outcome": outcome,
         "type": "device.id", "recipient": "ads.example", "explanation": "Something left.", "keys": []}
        for at, (rule, outcome) in enumerate([("gpc_ignored", "potential violation"), ("advertising_id", "allowed"),
                                              ("storage_before_consent", "potential violation")] * repeats)
    ]  # fmt: skip
    pq.write_table(table(rows, FINDINGS), folder / "findings.parquet")
    return folder


def rows(run: Path, name: str = "recommendations") -> list[dict[str, Any]]:
    """Return the rows of the table NAME of a run."""
    return pq.read_table(run / f"{name}.parquet").to_pylist()


@pytest.mark.parametrize(
    ("sentence", "names"),
    [
        ("The clinic retrained its staff and encrypted all laptops.", ["train_staff", "encrypt_data"]),
        ("The employer sanctioned the employee.", ["sanction_staff"]),
        ("It notified the affected individuals and offered free credit monitoring.",
         ["notify_people", "protect_identity"]),
        ("The company had not conducted a risk analysis.", []),
        ("An unencrypted laptop was stolen.", []),
        ("It revised its policies and procedures.", ["revise_policies"]),
        ("Multi-factor authentication was switched on.", ["control_access"]),
        ("The old paper was securely shredded.", ["dispose_safely"]),
    ],
)  # fmt: skip
def test_rules_read_what_was_done(sentence: str, names: list[str]) -> None:
    assert done(sentence, RULES) == names


def test_what_was_done_is_not_seen_before() -> None:
    one = told(
        "A server was hacked. It held names. In response, staff were retrained. All is well. Police came.", RULES
    )
    assert one.before == "A server was hacked. It held names."
    assert one.actions == ("train_staff",)
    assert "All is well." in one.corrective
    assert told("A server was hacked.", RULES).corrective == ()


@settings(deadline=None)
@given(st.text(max_size=400))
def test_any_text_is_read(text: str) -> None:
    one = told(text, RULES)
    assert " ".join([one.before, *one.corrective]).split() == " ".join(sentences(text)).split()


def test_references_are_those_that_are_published(tmp_path: Path) -> None:
    folder = SHARED / "understand"
    if not (folder / "controls").is_dir():
        pytest.skip(
            "no published catalogues: set CONSENTINEL_SHARED_DATA to the folder with understand/controls and dpv"
        )
    with Run.open("test", tmp_path) as run:
        known = titles(run, folder / "controls") | titles(run, folder / "dpv")
    assert not {ref for one in CATALOG.mitigations.values() for ref in one.references} - known.keys()


def test_every_rule_of_a_scan_has_an_answer() -> None:
    names = {file.stem for file in (ROOT / "src/consentinel/detect/rules").glob("[!_]*.py")}
    assert names
    assert not {f"finding.{name}" for name in names} - CATALOG.answers.keys()


def test_open_cases_get_what_was_done_about_cases_like_them(tmp_path: Path) -> None:
    outcome = recommend([history(tmp_path / "past")], out=tmp_path / "run", top=3)
    assert outcome.exit_code == 0
    first = {row["incident_id"]: row for row in rows(tmp_path / "run") if row["rank"] == 1}
    assert {key: row["mitigation"] for key, row in first.items()} == {"i24": "encrypt_data", "i25": "train_staff"}
    loss = first["i24"]
    assert (loss["owner"], loss["owner_from"]) == ("web team", "similar cases")
    assert loss["references"] == list(CATALOG.mitigations["encrypt_data"].references)
    cited = {why["kind"]: why for why in loss["why"]}
    assert cited["case"]["cites"] in {f"i{at}" for at in range(0, 24, 2)}
    assert "laptop" in cited["words"]["cites"] or "Loss" in cited["words"]["cites"]
    assert cited["catalog"]["cites"] == "encrypt_data"
    near = [row for row in rows(tmp_path / "run", "similar") if row["incident_id"] == "i24"]
    assert [row["done"] for row in near] == [["encrypt_data"]] * len(near)
    assert near
    assert near[0]["rank"] == 1
    assert all(0 < row["p"] < 1 for row in rows(tmp_path / "run"))
    assert any("not calibrated" in note for note in json.loads((tmp_path / "run/run.json").read_text())["notes"])


def test_findings_get_what_their_rule_asks_for(tmp_path: Path) -> None:
    outcome = recommend([findings(tmp_path / "scan")], out=tmp_path / "run")
    assert outcome.exit_code == 0
    found = {row["incident_id"]: row for row in rows(tmp_path / "run") if row["rank"] == 1}
    assert {key: row["mitigation"] for key, row in found.items()} == {"p0": "honour_opt_out", "p2": "gate_on_consent"}
    assert found["p0"]["rule"] == "finding.gpc_ignored"
    assert found["p0"]["p"] == pytest.approx(0.9)


def test_findings_that_are_answered_alike_stand_together(tmp_path: Path) -> None:
    recommend([findings(tmp_path / "scan", repeats=20)], out=tmp_path / "run")
    page = (tmp_path / "run" / "recommendations.html").read_text("utf-8")
    assert len({row["incident_id"] for row in rows(tmp_path / "run")}) == 40
    assert page.count('href="#case-') == 2
    assert "Global Privacy Control ignored: device identifier to ads.example (20 times)" in page


def test_failed_audits_get_what_their_test_or_pillar_asks_for(tmp_path: Path) -> None:
    audits = {"pillar": ["private", "fair", "fair"], "probe": ["membership", "new_probe", "group"],
              "metric": ["auc", "gap", "gap"], "slice": ["", "", ""], "verdict": ["fail", "fail", "pass"],
              "why": ["", "", ""], "against": ["", "", ""], "value": [0.7, 0.2, 0.0], "low": [0.6, 0.1, 0.0],
              "high": [0.8, 0.3, 0.1]}  # fmt: skip
    pq.write_table(pa.table(audits), tmp_path / "audits.parquet")
    recommend([tmp_path / "audits.parquet"], out=tmp_path / "run")
    found = {row["rule"]: row["mitigation"] for row in rows(tmp_path / "run") if row["rank"] == 1}
    assert found == {"audit.membership": "train_privately", "audit.fair": "weigh_training"}


def test_feedback_moves_what_is_recommended(tmp_path: Path) -> None:
    scan, state = findings(tmp_path / "scan"), str(tmp_path / "feedback.sqlite")
    recommend([scan], out=tmp_path / "one", feedback=state)
    with (tmp_path / "one" / "feedback.csv").open() as file:
        form = list(csv.DictReader(file))
    said = [row | {"decision": "reject" if row["mitigation"] == "honour_opt_out" else "accept"} for row in form]
    answer = tmp_path / "answer.csv"
    with answer.open("w", newline="") as file:
        out = csv.DictWriter(file, form[0])
        out.writeheader()
        out.writerows(said)
    recommend([scan], out=tmp_path / "two", feedback=state, decisions=answer, reviewer="privacy counsel")
    again = [row for row in rows(tmp_path / "two") if row["incident_id"] == "p0"]
    assert again[-1]["mitigation"] == "honour_opt_out"
    assert again[-1]["decision"] == "reject"
    assert again[-1]["p"] == pytest.approx(0.9 * 8 / 9)
    assert {"kind": "feedback", "cites": "finding.gpc_ignored", "says": "0 accepted, 1 rejected"} in again[-1]["why"]
    recommend([scan], out=tmp_path / "three", feedback=state, decisions=answer, reviewer="privacy counsel")
    assert rows(tmp_path / "three")[0]["p"] == rows(tmp_path / "two")[0]["p"]  # the same file twice is once


def test_feedback_teaches_the_model(tmp_path: Path) -> None:
    past, state = history(tmp_path / "past", many=12), str(tmp_path / "feedback.sqlite")
    recommend([past], out=tmp_path / "one", top=22)
    before = {row["mitigation"]: row["p"] for row in rows(tmp_path / "one") if row["incident_id"] == "i12"}
    answer = tmp_path / "answer.csv"
    lines = [f"i{at},encrypt_data,reject" for at in range(0, 12, 2)] + [
        f"i{at},control_access,accept" for at in (0, 2, 4)
    ]
    answer.write_text("\n".join(["incident_id,mitigation,decision", *lines]) + "\n")
    recommend([past], out=tmp_path / "two", top=22, feedback=state, decisions=answer, reviewer="security")
    after = {row["mitigation"]: row["p"] for row in rows(tmp_path / "two") if row["incident_id"] == "i12"}
    assert after["encrypt_data"] < before["encrypt_data"] / 2
    assert after["control_access"] > 2 * before["control_access"]
    assert after["train_staff"] == pytest.approx(before["train_staff"], abs=0.2)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("incident_id,mitigation\ni0,train_staff\n", "no column decision"),
        ("incident_id,mitigation,decision\ni0,train_staff,maybe\n", "line 2: decision is accept or reject"),
        ("incident_id,mitigation,decision\ni0,dance,accept\n", "line 2: there is no mitigation 'dance'"),
        ("incident_id,mitigation,decision\ni0,train_staff,accept\n", "line 2: needs an incident_id, and a reviewer"),
    ],
)
def test_a_wrong_form_says_its_line(text: str, what: str, tmp_path: Path) -> None:
    answer = tmp_path / "answer.csv"
    answer.write_text(text)
    with pytest.raises(BadInput, match=what):
        recommend([findings(tmp_path / "scan")], out=tmp_path / "run", feedback=str(tmp_path / "f.sqlite"),
                  decisions=answer)  # fmt: skip


def test_a_catalogue_of_ones_own_adds_and_replaces(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text("""
[call_us]
name = "Call us"
does = "Call the privacy desk"
owner = "privacy desk"
reviewer = "legal"
said = ['called the desk']
[finding.gpc_ignored]
because = "we say so"
answers = { call_us = 0.5 }
""")
    recommend([findings(tmp_path / "scan")], out=tmp_path / "run", catalog=own)
    found = [row for row in rows(tmp_path / "run") if row["incident_id"] == "p0"]
    assert [(row["mitigation"], row["p"], row["owner"]) for row in found] == [("call_us", 0.5, "privacy desk")]
    assert done("They called the desk.", opened(own=own).rules) == ["call_us"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[x]\nname = 'a'", "are texts and none is empty"),
        ("[x]\nsaid = 'a'", "'said' is a list of texts"),
        ("[x]\nnew = 1", "unknown key 'new'"),
        ("x = 1", "a mitigation is a table"),
        ("[finding.y]\nbecause = 'z'\nanswers = { dance = 0.5 }", "no mitigation 'dance'"),
        ("[finding.y]\nbecause = 'z'\nanswers = { train_staff = 2 }", "has a share in"),
        ("[x]\nname='a'\ndoes='a'\nowner='a'\nreviewer='a'\nsaid=['(']", "cannot be read"),
    ],
)
def test_a_wrong_catalogue_says_where(text: str, what: str, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(text)
    with pytest.raises(UsageError, match=what):
        opened(own=own)
    own.write_text("[")
    with pytest.raises(BadInput, match="TOML"):
        opened(own=own)


def test_without_past_cases_only_findings_are_answered(tmp_path: Path) -> None:
    past = history(tmp_path / "past", done_=False)
    outcome = recommend([past], out=tmp_path / "run")
    assert outcome.exit_code == 3
    assert not rows(tmp_path / "run")
    assert "no past case" in (tmp_path / "run" / "run.json").read_text()


def test_inputs_that_are_none_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"no incidents\.parquet"):
        recommend([tmp_path / "empty"], out=tmp_path / "run")
    pq.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
    with pytest.raises(UsageError, match="no incidents, findings or audits"):
        recommend([tmp_path / "other.parquet"], out=tmp_path / "run")
    (tmp_path / "text.parquet").write_text("x")
    with pytest.raises(BadInput, match="not a Parquet file"):
        recommend([tmp_path / "text.parquet"], out=tmp_path / "run")
    with pytest.raises(UsageError, match="needs --feedback"):
        recommend([tmp_path / "other.parquet"], out=tmp_path / "run", decisions=tmp_path / "x.csv")


def test_the_page_shows_cases_as_text_and_cites_them(tmp_path: Path) -> None:
    past = history(tmp_path / "past", many=12)
    hostile = table([{"incident_id": "x1", "kind": "incident", "title": "<script>alert(1)</script>",
                      "category": "Loss", "opened": 0}], INCIDENTS)  # fmt: skip
    pq.write_table(hostile, tmp_path / "hostile.parquet")
    recommend([tmp_path / "hostile.parquet"], history=[past], out=tmp_path / "run")
    page = (tmp_path / "run" / "recommendations.html").read_text("utf-8")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "What to plan for" in page
    assert "of past cases, newer ones counting more" in page


def test_probabilities_are_calibrated_where_there_is_enough(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    kinds = rng.integers(0, 3, 1200)
    true = np.array([[0.9, 0.1], [0.2, 0.7], [0.5, 0.5]])[kinds]
    did = (rng.random(true.shape) < true).astype(np.float64)
    texts = [("a laptop was lost", "a letter was sent", "a server was open")[k] for k in kinds]
    whole = Known([str(i) for i in range(1200)], texts, [[f"category={k}"] for k in kinds], np.arange(1200.0), did,
                  np.ones_like(did))  # fmt: skip
    model = learned(whole.some(np.arange(900)))
    assert model.calibrated
    said = model.says(texts[900:], whole.fields[900:])
    assert np.abs(said.p - true[900:]).mean() < 0.08
