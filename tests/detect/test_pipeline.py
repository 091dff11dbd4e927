"""From files to whole visits: what is found, in which order, and where batches are cut."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from consentinel.core.errors import BadInput
from consentinel.core.tables import TABLES
from consentinel.detect import pipeline as pipelines
from consentinel.detect.collectors import har
from consentinel.detect.collectors._batch import Options
from consentinel.detect.judge import Judge
from consentinel.detect.observe import Observer
from consentinel.detect.pipeline import Pipeline, inputs
from consentinel.detect.shelves import RULES, SIGNALS, SURFACES
from tests.detect.made_traffic import SITE, entry, leaking, write
from tests.detect.made_visits import sighter

SUFFIXES = (".har", ".csv")


def test_files_and_folders_give_each_file_once_in_order(tmp_path: Path) -> None:
    for name in ("b/2.har", "b/1.har", "b/deep/3.HAR", "b/4.har.vault", "b/notes.txt", "c.csv", "odd.bin"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    got = inputs([tmp_path / "odd.bin", tmp_path / "b", tmp_path / "c.csv", tmp_path / "b" / "1.har"], SUFFIXES)
    assert [p.name for p in got] == ["odd.bin", "1.har", "2.har", "4.har.vault", "3.HAR", "c.csv"]


@pytest.mark.parametrize("name", ["missing.har", "empty"])
def test_nothing_to_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match=name):
        inputs([tmp_path / name], SUFFIXES)


class Remembering(Judge):
    """A judge that also keeps what it was given."""

    def batch(self, visits: pa.Table, traffic: pa.Table | None, data: pa.Table, consent: pa.Table) -> None:
        self.seen = [*getattr(self, "seen", []), (visits, traffic, data, consent)]
        super().batch(visits, traffic, data, consent)


def made(files: list[Path], **options: Any) -> tuple[Remembering, dict[str, list[pa.Table]], Pipeline]:
    judge = Remembering(sighter(), [RULES.take(n) for n in RULES.names()])
    parts = [[shelf.take(n) for n in shelf.names()] for shelf in (SURFACES, SIGNALS)]
    kept: dict[str, list[pa.Table]] = {name: [] for name in TABLES}
    pipe = Pipeline(Observer(b"k" * 32, *parts), judge, {n: kept[n].append for n in kept}, [])
    for number, file in enumerate(files):
        pipe.file(file, har, Options(file_no=number, **options))
    pipe.flush()
    return judge, kept, pipe


def mixed() -> dict[str, Any]:
    """Return a HAR in which the requests of two sites alternate."""
    told = leaking()
    other = "https://www.library.test"
    told["log"]["pages"].append({"id": "p2", "title": f"{other}/", "startedDateTime": "2025-10-09T10:00:00.000Z"})
    leaks = told["log"]["entries"]
    more = [entry(f"{other}/", 0)] + [e | {"startedDateTime": e["startedDateTime"]} for e in leaks[1:]]
    told["log"]["entries"] = [e for a, b in zip(leaks, more, strict=True) for e in (a, {**b, "pageref": "p2"})]
    return told


def ids(table: pa.Table) -> list[str]:
    return table["visit_id"].to_pylist()


def test_the_judge_gets_whole_visits_with_their_rows_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "a.har", mixed())
    whole, _, _ = made([file])
    monkeypatch.setattr(pipelines, "BATCH_ROWS", 1)
    cut, kept, _ = made([file, file], batch_requests=1)
    assert len(cut.seen) == 4
    assert len(kept["traffic"]) > 4
    for visits, traffic, data, consent in cut.seen:
        (visit,) = ids(visits)
        assert set(ids(traffic)) == set(ids(data)) == set(ids(consent)) == {visit}
        assert traffic["seq"].to_pylist() == list(range(traffic.num_rows))
    n = [len(set(ids(t))) for t in whole.seen[0]]
    assert n == [2, 2, 2, 2]
    for table in whole.seen[0]:
        runs = [v for i, v in enumerate(ids(table)) if not i or ids(table)[i - 1] != v]
        assert len(runs) == 2


def test_smaller_pieces_give_the_same_findings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [write(tmp_path / f"{n}.har", made_) for n, made_ in enumerate([mixed(), leaking(), mixed()])]
    said = ["fingerprint", "basis", "outcome", "severity", "proof", "n", "n_visits", "first", "last", "explanation"]

    def found(**options: Any) -> list[str]:
        judge, _, _ = made(files, **options)
        return sorted(map(str, judge.findings().select(said).to_pylist()))

    whole = found()
    monkeypatch.setattr(pipelines, "BATCH_ROWS", 5)
    assert found(batch_requests=2) == whole
    assert len(whole) > 5


def test_rows_are_counted_and_kept_as_they_come(tmp_path: Path) -> None:
    _, kept, pipe = made([write(tmp_path / "a.har", leaking())])
    tally = pipe.tally
    assert (tally.files, tally.unreadable, tally.visits, tally.requests) == (1, 0, 1, 5)
    assert tally.data == sum(t.num_rows for t in kept["data"])
    assert 0 < tally.typed < tally.data
    assert tally.recipients == {"hotjar.com", "adnxs.com"}
    for name, tables in kept.items():
        assert all(t.schema.equals(TABLES[name]) for t in tables), name


def test_a_file_that_breaks_in_the_middle_leaves_the_others_whole(tmp_path: Path) -> None:
    good, bad = write(tmp_path / "good.har", leaking()), write(tmp_path / "bad.har", mixed())
    judge = Remembering(sighter(), [RULES.take(n) for n in RULES.names()])
    observer = Observer(b"k" * 32, *[[s.take(n) for n in s.names()] for s in (SURFACES, SIGNALS)])
    pipe = Pipeline(observer, judge, {n: lambda table: None for n in TABLES}, [])

    class Breaking:
        @staticmethod
        def read(path: Path, options: Options, notes: list[str]) -> Any:
            yield next(iter(har.read(path, options, notes)))
            raise BadInput("it ends here", where=path.name)

    pipe.file(good, har, Options(file_no=0))
    with pytest.raises(BadInput):
        pipe.file(bad, Breaking, Options(file_no=1, batch_requests=2))
    pipe.file(good, har, Options(file_no=2))
    pipe.flush()
    assert {v for visits, *_ in judge.seen for v in ids(visits)} == {"0000.0.0", "0002.0.0"}
    assert {v for _, _, data, _ in judge.seen for v in ids(data)} == {"0000.0.0", "0002.0.0"}


def test_signals_that_were_read_become_consent(tmp_path: Path) -> None:
    told = leaking()
    told["log"]["entries"].append(entry(f"{SITE}/x?us_privacy=1YYN", 8, headers=[{"name": "Sec-GPC", "value": "1"}]))
    _, kept, _ = made([write(tmp_path / "a.har", told)])
    rows = [r for t in kept["consent"] for r in t.to_pylist()]
    assert {(r["source"], r["state"]) for r in rows} == {
        ("cmp", "unset"),
        ("cmp", "denied"),
        ("us_privacy", "denied"),
        ("gpc", "denied"),
    }
