"""What models saw stands in their cards, and a scan says whether it looks alike: in run.json, report and terminal."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from consentinel.core.modelfile import ModelFile, load, save
from consentinel.core.tables import DATA, check
from consentinel.detect import drift
from consentinel.detect.judges._claim_scored import shipped
from consentinel.detect.judges._datum_linear import KIND, to_arrays
from consentinel.detect.judges._datum_table import DATUM_TABLE
from consentinel.detect.judges._rows import ANSWER, CLAIM_ROWS
from consentinel.detect.watched import CARD, claims_drift, data_drift, with_claims, with_data
from tests.detect.made_traffic import entry, record, scanned, write
from tests.detect.made_visits import data

Row = dict[str, Any]
SECRET = "x-x-x-x-x"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift, "DRAWS", 200)


def claims(n: int, seed: int, **same: object) -> pa.Table:
    """Return CLAIM_ROWS of N recipients with fields of their own."""
    random = np.random.default_rng(seed)
    rows: list[Row] = []
    for number in range(n):
        steady = random.random()
        for at, kind in enumerate(("device.id", "device.screen", "user.id")):
            own = {"recipient": f"r{number}.test", "subject": f"s{number % 5}.test", "key": f"k{number}.{at}"}
            told = {"type": kind, "p_type": 0.5 + random.random() / 2, "stable_over_visits": steady, "n_visits": 4}
            rows.append(own | told | {"n_requests": int(random.integers(1, 9)), "kinds": 3, "alike": 2} | same)
    return pa.Table.from_pylist(rows, CLAIM_ROWS)


def told(rows: pa.Table, p: float = 0.97) -> pa.Table:
    row = {"label": "allowed", "p": p, "undecided": False, "why": ""}
    return pa.Table.from_pylist([row] * rows.num_rows, ANSWER)


def watched(seed: int = 0) -> ModelFile:
    rows = claims(60, seed)
    return with_claims(shipped("claim_model"), rows, np.full(rows.num_rows, 0.97), seed=1)


def test_claims_like_those_of_the_training_are_no_drift_and_others_are() -> None:
    model, like = watched(), claims(40, 1)
    found = claims_drift(model, like, told(like))
    assert found is not None
    assert (found.enough, found.unlike) == (True, False)
    rows = claims(40, 2, joinable=1.0, alike=500)
    found = claims_drift(model, rows, told(rows))
    assert found is not None
    assert {name for name, _ in found.moved} == {"joinable", "alike"}


def test_fewer_visits_are_no_drift() -> None:
    rows = claims(40, 2, n_visits=1, n_requests=1, stable_over_visits=1.0)
    found = claims_drift(watched(), rows, told(rows))
    assert found is not None
    assert not found.unlike


def test_a_model_that_decides_less_is_told() -> None:
    rows = claims(40, 3)
    found = claims_drift(watched(), rows, told(rows, 0.6))
    assert found is not None
    assert {"decided", "probability"} <= {name for name, _ in found.moved}


def test_a_card_without_a_reference_says_nothing(tmp_path: Path) -> None:
    rows = claims(40, 4)
    model = ModelFile("detect.claim", "1", "test", {}, {})
    assert claims_drift(model, rows, told(rows)) is None
    assert data_drift(model, tmp_path) is None


def test_data_of_unknown_names_in_other_places_are_told(tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="needs consentinel[learn]")
    from consentinel.detect.judges._datum_train import fitted

    plain = {"carrier": "query", "shape": SECRET, "type": None, "type_p": None, "n": 3}
    rows: list[Row] = []
    for number in range(30):
        own = plain | {"family": f"f{number}", "verdict": "none", "types": []}
        rows += [own | {"key": f"imp{number}.x{at}"} for at in range(2)]  # the same last names everywhere
        rows += [own | {"key": f"own{number}.q{number}"}]
        rows += [own | {"key": f"v{number}.visitor", "verdict": "types", "types": ["device.id"]}]
    table = pa.Table.from_pylist(rows, DATUM_TABLE)
    model = with_data(ModelFile(KIND, "1", "test", to_arrays(fitted(table, 20))), table, seed=1)
    assert '"name"' in model.card[CARD]

    def found(carrier: str, keys: list[str]) -> drift.Drift:
        wide = [
            {"recipient": f"r{n}.test", "key": key.replace("N", str(n)), "carrier": carrier, "type_p": None}
            for n in range(30)
            for key in keys
        ]
        pq.write_table(check(data(*wide), DATA, "test"), tmp_path / "data.parquet")
        third = pa.table({"recipient": [f"r{n}.test" for n in range(30)], "party": ["third"] * 30})
        pq.write_table(third, tmp_path / "traffic.parquet")
        drifted = data_drift(model, tmp_path)
        assert drifted is not None
        return drifted

    like = found("query", ["impN.x0", "impN.x1", "ownN.zN", "vN.visitor"])
    assert not {"carrier", "name", "depth"} & dict(like.moved).keys()
    moved = dict(found("json", ["a.b.c.zN", "a.b.c.yN", "d.e.f.wN"]).moved)
    assert {"carrier", "name", "depth"} <= moved.keys()


def recording(recipients: int) -> dict[str, Any]:
    """Return a HAR of a visit in which each recipient gets an identifier by a name of its own."""
    number = 0x3F9C1B628D4E4A579B0C71E2D5A6F813
    entries = [entry("https://www.shop.test/", 0)] + [
        entry(f"https://api.r{n}.test/hit?visitor_id_{n}={number + n:032x}&device_uid{n}={number - n:032x}", 1 + n % 50)
        for n in range(recipients)
    ]
    meta = {"site": "shop.test", "scenario": "reject", "region": "EU"}
    meta |= {"consent": [{"time": "2025-10-09T10:00:00.000Z", "state": "denied"}]}
    pages = [{"id": "p1", "title": "shop", "startedDateTime": "2025-10-09T10:00:00.000Z"}]
    return {"log": {"version": "1.2", "pages": pages, "entries": entries, "_consentinel": meta}}


@pytest.mark.parametrize(("recipients", "says"), [(30, "is unlike that of its training"), (4, "too few kinds of")])
def test_a_scan_says_whether_its_traffic_is_like_that_of_the_training(
    recipients: int, says: str, tmp_path: Path
) -> None:
    save(tmp_path / "mine.model", watched())
    file = write(tmp_path / "in" / "visit.har", recording(recipients))
    outcome = scanned(tmp_path, file, models=str(tmp_path / "mine.model"))
    assert f"claim_model: {'this traffic ' if recipients == 30 else ''}{says}" in " ".join(outcome.text.split())
    assert says in (tmp_path / "out" / "report.html").read_text("utf-8")
    told = record(tmp_path / "out")["assumed"]["drift"]["claim_model"]
    assert (told["unlike"], told["enough"]) == (recipients == 30, recipients == 30)
    assert bool(told["moved"]) is (recipients == 30)
    assert not record(tmp_path / "out")["notes"]  # it makes no scan incomplete


def test_a_reference_travels_in_the_file(tmp_path: Path) -> None:
    model = watched()
    save(tmp_path / "m.model", model)
    assert load(tmp_path / "m.model", kind="detect.claim").card == model.card
    assert len(model.card[CARD]) < 10_000
