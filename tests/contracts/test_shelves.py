"""One examination for every part on every shelf of detect: it keeps its Protocol, and rules and surfaces keep more."""

import pickle
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from consentinel.core import contracts
from consentinel.core.shelf import Shelf
from consentinel.detect import shelves
from consentinel.detect.collectors._batch import Options
from consentinel.detect.judges._rows import DATUM_ANSWER, DATUM_ROWS
from consentinel.detect.policy import TYPES
from consentinel.detect.sightings import SIGHTINGS
from consentinel.detect.signals._reading import Reading
from consentinel.detect.surfaces._pairs import Pairs
from tests.detect.made_traffic import leaking, write
from tests.detect.made_visits import AD, ANALYTICS, DENIED, GPC, SITE, T0, UNKNOWN, consent, data, sighter, tcf, visits

DOORS: dict[str, tuple[Shelf, Any]] = {
    "collectors": (shelves.COLLECTORS, contracts.CollectorPart),
    "signals": (shelves.SIGNALS, contracts.SignalPart),
    "surfaces": (shelves.SURFACES, contracts.SurfacePart),
    "rules": (shelves.RULES, contracts.RulePart),
    "judges": (shelves.JUDGES, contracts.JudgePart),
    "reports": (shelves.REPORTS, contracts.ReportPart),
}
PARTS = [(shelf, name) for shelf, (parts, _) in DOORS.items() for name in parts.names()]


def parts(shelf: str) -> list[Any]:
    return [pytest.param(DOORS[shelf][0].take(name), id=name) for name in DOORS[shelf][0].names()]


def test_every_shelf_of_the_room_is_examined() -> None:
    assert {name.lower() for name in shelves.__all__} == set(DOORS)


@pytest.mark.parametrize(("shelf", "name"), PARTS)
def test_it_keeps_its_protocol(shelf: str, name: str) -> None:
    parts_, door = DOORS[shelf]
    part = parts_.take(name)
    assert isinstance(part, door)
    assert callable(getattr(part, parts_.door))


# Rules


def wide() -> pa.Table:
    """Return SIGHTINGS with every type, place, recipient and state of consent."""
    kinds = [*TYPES, None]
    places = [("sent", "query"), ("sent", "header"), ("stored", "cookie-store"), ("read", "local-storage")]
    rows = [
        {"visit_id": v, "type": k, "action": a, "carrier": c, "recipient": r, "time": T0 + n, "seq": n, "key": "id"}
        for v in ("v", "w", "x")
        for n, k in enumerate(kinds)
        for a, c in places
        for r in (AD, ANALYTICS, UNKNOWN, SITE, None)
    ]
    at = [{"visit_id": "v"}, {"visit_id": "w", "region": "US-CA"}, {"visit_id": "x", "subject": "other.test"}]
    mode = {"source": "consent_mode", "ad_storage": False, "analytics_storage": False}
    told = [tcf(0), mode, GPC | {"visit_id": "w"}, DENIED | {"visit_id": "x"}]
    return sighter().join(visits(*at), data(*rows), consent(*told))


WIDE = wide()


@pytest.mark.parametrize("part", parts("rules"))
def test_a_rule_selects_rows_in_their_order(part: ModuleType) -> None:
    claims = part.find(WIDE)
    assert claims.schema.equals(SIGHTINGS)
    rows = claims["row"].to_pylist()
    assert 0 < len(rows) < WIDE.num_rows
    assert rows == sorted(set(rows))
    told = {"type", "consent_source"}  # what a rule may tell in its own words
    kept = WIDE.filter(pa.compute.is_in(WIDE["row"], value_set=pa.array(rows)))
    for name in set(SIGHTINGS.names) - told:
        assert claims[name].to_pylist() == kept[name].to_pylist(), name


@pytest.mark.parametrize("part", parts("rules"))
def test_a_rule_takes_an_empty_table(part: ModuleType) -> None:
    assert part.find(SIGHTINGS.empty_table()).schema.equals(SIGHTINGS)
    assert part.find(WIDE.slice(0, 0)).num_rows == 0


@pytest.mark.parametrize("part", parts("rules"))
@pytest.mark.parametrize("column", SIGHTINGS.names)
def test_a_rule_takes_a_column_of_nulls(part: ModuleType, column: str) -> None:
    at = SIGHTINGS.get_field_index(column)
    table = WIDE.set_column(at, SIGHTINGS.field(at), pa.nulls(WIDE.num_rows, SIGHTINGS.field(at).type))
    claims = part.find(table)
    assert claims.schema.equals(SIGHTINGS)
    assert claims.num_rows <= WIDE.num_rows


@pytest.mark.parametrize("part", parts("rules"))
def test_a_rule_sees_visits_apart_and_chunks_together(part: ModuleType) -> None:
    whole = part.find(WIDE)["row"].to_pylist()
    by_visit = [WIDE.filter(pa.compute.equal(WIDE["visit_id"].cast(pa.string()), v)) for v in "vwx"]
    assert sorted(r for t in by_visit for r in part.find(t)["row"].to_pylist()) == whole
    pieces = pa.concat_tables([pa.Table.from_pylist(WIDE.slice(i, 100).to_pylist(), SIGHTINGS) for i in (0, 100)])
    assert part.find(pieces)["row"].to_pylist() == part.find(WIDE.slice(0, 200))["row"].to_pylist()


@pytest.mark.parametrize("part", parts("rules"))
def test_a_rule_travels_to_another_process_by_its_name(part: ModuleType) -> None:
    packed = pickle.dumps(part.find)
    assert part.__name__.encode() in packed
    assert pickle.loads(packed) is part.find


@pytest.mark.parametrize("part", parts("rules"))
def test_a_rule_says_its_proof_and_version(part: ModuleType) -> None:
    assert part.PROOF in ("P1", "P2", "P3", "P4")
    assert part.VERSION


# The other shelves


@pytest.mark.parametrize("part", parts("surfaces"))
def test_a_surface_gives_a_probability_to_each_pair(part: ModuleType) -> None:
    assert part.TYPE in TYPES
    keys, values = ["email", "lat", "", "uid"], ["a@example.com", "48.858370913", "", "é☃\x00"]
    scores = part.recognise(Pairs(pa.array(keys), pa.array(values), pa.array(["query", "json", "header", "cookie"])))
    assert scores.dtype == np.float32
    assert scores.shape == (4,)
    assert ((scores >= 0) & (scores <= 1)).all()
    assert part.recognise(Pairs(*[pa.array([], pa.string())] * 3)).shape == (0,)


def test_each_type_has_one_surface() -> None:
    kinds = [shelves.SURFACES.take(name).TYPE for name in shelves.SURFACES.names()]
    assert sorted(kinds) == sorted(TYPES)


@pytest.mark.parametrize("part", parts("judges"))
def test_a_judge_says_what_it_judges(part: ModuleType) -> None:
    assert part.JUDGES in ("datum", "purpose", "cookie", "claim")
    assert part.__name__.rpartition(".")[2].startswith(f"{part.JUDGES}_")
    assert part.VERSION


@pytest.mark.parametrize("part", [p for p in parts("judges") if p.values[0].JUDGES == "datum"])
def test_a_judge_of_data_answers_each_row_in_order(part: ModuleType) -> None:
    judge = part.open(None)
    assert isinstance(judge, contracts.Judge)
    cells = {
        "key": ["user.email", "n", None, "screen_width"],
        "carrier": ["json", "query", None, "header"],
        "shape": ["a@a.a", "0", None, "0"],
        "type": ["contact.email", None, None, "device.screen"],
        "type_p": [0.97, None, None, 0.97],
    }
    rows = pa.table(cells).cast(DATUM_ROWS)
    whole = judge.judge(rows)
    assert whole.schema.equals(DATUM_ANSWER)
    assert whole.to_pylist() == [judge.judge(rows.slice(at, 1)).to_pylist()[0] for at in range(4)]
    assert judge.judge(rows.slice(0, 0)).num_rows == 0
    for row in whole.to_pylist():
        assert row["label"] == (row["types"][0] if row["types"] else "none")
        assert row["types_p"] == sorted(row["types_p"], reverse=True) == [row[kind] for kind in row["types"]]
        assert 0 <= row["p"] <= 1


@pytest.mark.parametrize("part", parts("signals"))
@pytest.mark.parametrize("text", ["", " ", "1", "0", "true", "1YNN", "\x00", "${GDPR}", "é" * 50, "A" * 40_000])
def test_a_signal_answers_to_any_text_under_its_names(part: ModuleType, text: str) -> None:
    assert all(key == key.lower() for key in part.KEYS)
    for key in part.KEYS:
        said = part.read(key, text)
        assert said is None or isinstance(said, Reading)
        assert said is None or said.quality in ("ok", "partial", "malformed")


def test_no_two_signals_read_the_same_name() -> None:
    keys = [key for name in shelves.SIGNALS.names() for key in shelves.SIGNALS.take(name).KEYS]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("part", parts("collectors"))
def test_a_collector_ends_with_whole_visits(part: ModuleType, tmp_path: Any) -> None:
    file = write(tmp_path / "a.har", leaking())
    if part.__name__.endswith("requests"):
        file = tmp_path / "a.csv"
        file.write_text("url,time\nhttps://collect.hotjar.com/v1?uid=1,2025-10-09T10:00:00Z\n")
    if part.__name__.endswith("app_study"):
        file = tmp_path / "a.csv"
        file.write_text("app,tracker,data_type,condition\norg.example.game,adjust,idfa,initial\n")
    assert file.name.endswith(part.SUFFIXES)
    notes: list[str] = []
    batches = list(part.read(file, Options(), notes))
    assert [b.done for b in batches] == [False] * (len(batches) - 1) + [True]
    visits_ = {v for b in batches if b.visits is not None for v in b.visits["visit_id"].to_pylist()}
    rows = {v for b in batches if b.traffic is not None for v in b.traffic["visit_id"].to_pylist()}
    assert rows == visits_ != set()
    assert notes == []
