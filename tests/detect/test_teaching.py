"""`detect train` on recordings: one command from archives to all judges, and the same from the tables it kept."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from consentinel.core import mask, modelfile
from consentinel.core.errors import BadInput, UsageError
from consentinel.detect import held_out_purposes, purposes
from consentinel.detect.shelves import JUDGES
from consentinel.detect.teaching import LEARNS_FROM, TABLES
from consentinel.detect.verbs import scan, train
from tests.detect.made_traffic import entry

pytest.importorskip("lightgbm", reason="needs consentinel[learn]")
pytest.importorskip("sklearn", reason="needs consentinel[learn]")

KINDS = {"claim": "detect.claim", "datum": "detect.datum", "purpose": "detect.purpose"}
SITE, FAMILIES, VISITS = "shop.test", 20, 3


def tells(name: str, family: int) -> list[str]:
    """Return the types of a field; the same name is an account here and nothing there, so that none can be sure."""
    if name == "uid":
        return ["user.id"] if family % 4 < 2 else []
    return {"visitor_id": ["device.id"], "screen": ["device.screen"]}[name]


def sent(family: int, visit: int) -> dict[str, str]:
    number = 1 + family + 1000 * visit
    return {
        "visitor_id": str(UUID(int=number * 0x1234_5678_9ABC_DEF0_1234_5678_9ABC, version=4)),
        "screen": f"{1300 + 10 * visit}x{700 + 10 * visit}",
        "uid": str(UUID(int=(1 + family) * 0x0FED_CBA9_8765_4321_0FED_CBA9_8765, version=4)),
    }


def recordings(folder: Path) -> Path:
    """Write recordings in which every family gets an identifier and something that only looks like one."""
    folder.mkdir()
    for visit in range(VISITS):
        entries = [entry(f"https://www.{SITE}/", 0)]
        for family in range(FAMILIES):
            query = "&".join(f"{name}={value}" for name, value in sent(family, visit).items())
            path = "hit/pixel" if family % 2 else "bid"
            entries.append(entry(f"https://api.family{family}.test/{path}?k{family % 2}=1&{query}", 1 + family))
        at = [{"time": "2025-10-09T10:00:00.000Z", "state": "denied"}]
        meta = {"site": SITE, "scenario": "reject", "scenario_proof": "verified", "region": "EU", "consent": at}
        pages = [{"id": "p1", "title": SITE, "startedDateTime": "2025-10-09T10:00:00.000Z"}]
        whole = {"log": {"version": "1.2", "pages": pages, "entries": entries, "_consentinel": meta}}
        (folder / f"{SITE}~reject~r{visit:02d}.har").write_text(json.dumps(whole), "utf-8")
    (folder / "unknown.test~reject~r00.har").write_text("{}", "utf-8")  # no label: not read
    return folder


def labels(folder: Path) -> Path:
    """Write what is known of these recordings, of claims and of single values."""
    folder.mkdir()
    plain: dict[str, Any] = {
        "site": SITE, "group": "train", "split": "train", "consent_state": "denied", "planted": False,
        "violation": "yes", "why": "sent though refused",
    }  # fmt: skip
    rows, leaves = [], []
    for family in range(FAMILIES):
        who = {"component": f"c{family}", "family": f"f{family}"}
        to = {"recipient": f"api.family{family}.test", "recipient_domain": f"family{family}.test"}
        purpose = {"purpose": "analytics" if family % 2 else "advertising"}
        rows += [
            plain | who | to | purpose | {"type": kind} for name in sent(family, 0) for kind in tells(name, family)
        ]
        for visit in range(VISITS):
            for name, value in sent(family, visit).items():
                digest = np.asarray(mask.digests(pa.array([value]), b"")).view(np.uint64) >> np.uint64(1)
                types = tells(name, family)
                told = {"verdict": "types" if types else "none", "types": types, "value": int(digest[0])}
                leaves.append(who | told | {"site": SITE, "group": "train", "host": to["recipient"], "name": name})
    pq.write_table(pa.Table.from_pylist(rows), folder / "labels.parquet")
    whole = {row["name"] + str(row["value"]) + row["host"]: row for row in leaves}
    pq.write_table(pa.Table.from_pylist(list(whole.values())), folder / "leaves.parquet")
    return folder


@pytest.fixture(scope="module", autouse=True)
def small() -> Iterator[None]:
    """Twenty families that are told by nothing are too few to be sure of any purpose; here any word of it is taken."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(purposes, "SURE", 0.4)
        patch.setattr(held_out_purposes, "threshold", lambda *_: 0.4)
        yield


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("teaching")
    recordings(folder / "visits"), labels(folder / "labels")
    key = {"project_key_file": folder / "key"}
    outcome = train(folder / "visits", labels=folder / "labels", out=folder / "out", risk=0.2, **key)
    assert outcome.exit_code == 0
    assert f"{VISITS} of {VISITS + 1} recordings are of sites to train on" in outcome.text
    assert "never saw its family" in outcome.text
    return folder


def test_one_command_trains_every_judge_and_keeps_its_table(trained: Path) -> None:
    told = json.loads((trained / "out" / "run.json").read_text("utf-8"))
    for name, learns_from in LEARNS_FROM.items():
        model = modelfile.load(trained / "out" / f"{name}.model", kind=KINDS[name.partition("_")[0]])
        assert JUDGES.take(name).open(model).version.startswith(name)
        card = " ".join(model.card.values())
        assert told["assumed"][f"{learns_from}_table"] in card
        assert ("reference" in model.card) is (learns_from != "purposes")  # what it saw, for drift
    for name, schema in TABLES.items():
        assert pq.read_table(trained / "out" / f"{name}.parquet").schema.equals(schema)


def test_claims_learn_from_types_that_models_told(trained: Path) -> None:
    rows = pq.read_table(trained / "out" / "training.parquet").to_pylist()
    there = [row for row in rows if row["type"] == "device.id" and row["key"] == "visitor_id"]
    assert len({row["recipient"] for row in there}) == FAMILIES
    assert {row["truth"] for row in there} == {"yes"}
    weak = [row["truth"] for row in rows if row["type"] == "user.id" and row["seen"]]
    assert min(weak.count("yes"), weak.count("absent")) > FAMILIES // 4
    scanned = pq.read_table(trained / "out" / "scan" / "data.parquet", columns=["key", "type_p"]).to_pylist()
    by_rules = {row["type_p"] for row in scanned if row["key"] == "visitor_id"}
    assert not by_rules & {row["p_type"] for row in there}  # a scan without models says something else


def test_claims_learn_under_purposes_that_models_told(trained: Path) -> None:
    rows = pq.read_table(trained / "out" / "training.parquet").to_pylist()
    told = {row["recipient"]: row["purpose"] for row in rows if row["purpose_p"] is not None}
    assert set(told.values()) <= {"advertising", "analytics"}
    assert told  # nobody knows these recipients by name


def test_the_kept_tables_make_the_same_models_to_the_byte(trained: Path, tmp_path: Path) -> None:
    train(trained / "out", out=tmp_path, risk=0.2)
    for name in LEARNS_FROM:
        assert (tmp_path / f"{name}.model").read_bytes() == (trained / "out" / f"{name}.model").read_bytes()


def test_a_scan_with_the_table_of_data_makes_the_same_claims(trained: Path, tmp_path: Path) -> None:
    asked = {"labels": trained / "labels", "data": trained / "out" / "datum.parquet", "parts": "claim_logistic"}
    train(trained / "out" / "scan", out=tmp_path / "out", risk=0.2, **asked)
    again = (tmp_path / "out" / "claim_logistic.model").read_bytes()
    assert again == (trained / "out" / "claim_logistic.model").read_bytes()


def test_wrong_use_is_told(trained: Path, tmp_path: Path) -> None:
    label, key = trained / "labels", {"project_key_file": trained / "key"}
    with pytest.raises(UsageError, match="learns from recordings"):
        train(trained / "out" / "scan", labels=label, parts="datum_model", out=tmp_path / "a")
    with pytest.raises(UsageError, match="--labels"):
        train(trained / "visits", out=tmp_path / "b")
    with pytest.raises(BadInput, match=r"no labels\.parquet"):
        train(trained / "visits", labels=tmp_path, out=tmp_path / "c")
    (tmp_path / "other.test~reject~r00.har").write_text("{}", "utf-8")
    with pytest.raises(BadInput, match="no recording is of a site"):
        train(tmp_path, labels=label, out=tmp_path / "d")
    (tmp_path / "no.parquet").write_text("no table", "utf-8")
    with pytest.raises(BadInput, match="no Parquet file"):
        train(tmp_path / "no.parquet", out=tmp_path / "e")
    file = trained / "visits" / f"{SITE}~reject~r00.har"
    scan([file], models="datum", out=tmp_path / "typed", formats="json", **key)
    with pytest.raises(UsageError, match="--models none"):
        train(tmp_path / "typed", labels=label, data=trained / "out" / "datum.parquet", out=tmp_path / "f")
