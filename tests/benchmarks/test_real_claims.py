"""The draw of real claims, the sheets, and what two annotators' answers come to."""

import csv
import importlib.util
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    for name in ("_claim", "_real_claims"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import _real_claims

    return _real_claims


@pytest.fixture
def claim_file(real: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "real_world_precision", BENCHMARKS / "claims" / "real_world_precision.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "real_world_precision", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "LABELS", tmp_path)
    return module


def claims(real: ModuleType, *strata: tuple[str, str, int]) -> list:
    return [
        real.Claim(f"{t}-{s}-{i:03}", s, f"s{i}.test", f"r{i % 7}.test", t, "k", "query", "before", "v", i, i)
        for t, s, n in strata
        for i in range(n)
    ]


def test_a_draw_takes_strata_in_turn_and_is_the_same_again(real: ModuleType) -> None:
    every = claims(real, ("device.id", "har", 50), ("device.id", "corpus", 3), ("user.id", "har", 50))
    got = real.draw(every, 23, 1)
    assert Counter((c.type, c.source) for c in got) == {
        ("device.id", "har"): 10, ("device.id", "corpus"): 3, ("user.id", "har"): 10,
    }  # fmt: skip
    assert got == real.draw(list(every), 23, 1)
    assert got != real.draw(every, 23, 2)
    assert len(real.draw(every, 500)) == 103


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("abc", "abc"),
        ("x" * 12, "x" * 10 + "\u2026 (12 characters)"),
        ("=1+1", "'=1+1"),
        ("a\x00\u202eb", "a\ufffd\ufffdb"),
    ],
)
def test_what_is_shown_is_cut_and_safe(real: ModuleType, text: str, shown: str) -> None:
    assert real._cut(text, 10) == shown


def write(file: Path, rows: list[dict[str, str]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as text:
        sheet = csv.DictWriter(text, list(rows[0]))
        sheet.writeheader()
        sheet.writerows(rows)


def test_answers_are_taken_without_values_and_only_when_complete(
    real: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(real, "WORK", tmp_path)
    monkeypatch.setattr(real, "LABELS", tmp_path)
    assert real.taken("a") is None
    rows = [
        {"claim": c, "value": "secret", "carries": a, "third_party": b}
        for c, a, b in (("2", "Yes ", "no"), ("1", "yes", ""))
    ]
    write(tmp_path / "sheet_a.csv", rows)
    with pytest.raises(SystemExit, match=r"sheet_a\.csv, line 3, third_party: answer with yes, no, unsure"):
        real.taken("a")
    with pytest.raises(SystemExit, match=r"sheet_a\.csv has answers"):
        real.sheets([])
    rows[1]["third_party"] = "unsure"
    write(tmp_path / "sheet_a.csv", rows)
    assert real.taken("a").read_text() == "claim,carries,third_party\n1,yes,unsure\n2,yes,no\n"
    (tmp_path / "sheet_a.csv").unlink()
    assert real.taken("a") == tmp_path / "real_world_a.csv"


def test_a_claim_is_right_when_both_say_so(claim_file: ModuleType, tmp_path: Path) -> None:
    answers = {"1": "yy yy", "2": "yy yn", "3": "ny ny", "4": "yy uy", "5": "yy yy", "6": "yy yy"}
    word = {"y": "yes", "n": "no", "u": "unsure"}
    write(
        tmp_path / "real_world_draw.csv",
        [{"claim": c, "source": "har", "type": "t" if c < "5" else "u", "cluster": f"c{c}"} for c in answers],
    )
    for at, who in enumerate("ab"):
        told = [(c, *(word[x] for x in a.split()[at])) for c, a in answers.items()]
        write(tmp_path / f"real_world_{who}.csv", [{"claim": c, "carries": x, "third_party": y} for c, x, y in told])
    files = [tmp_path / f"real_world_{who}.csv" for who in "ab"]
    made = Counter({("t", "har"): 4, ("u", "har"): 30})
    rows, gone = claim_file.judged(files, made, frozenset("12345"))
    assert gone == 1
    assert [r.verdicts for r in rows] == [
        ("yes", "yes"),
        ("yes", "no"),
        ("no", "no"),
        ("yes", "unsure"),
        ("yes", "yes"),
    ]
    assert [r.weight for r in rows] == [1, 1, 1, 1, 30]
    value, low, high = claim_file.precision(rows)
    assert value == pytest.approx(31 / 34)
    assert 0 <= low < value <= high <= 1
    assert claim_file.precision(rows, weighted=False)[0] == pytest.approx(2 / 5)
    assert claim_file.precision(rows, weighted=False, agreed=True)[0] == pytest.approx(2 / 3)
    assert claim_file.precision(rows[:1]) == (1.0, 0.025, 1.0)
    (tmp_path / "real_world_b.csv").write_text("claim,carries,third_party\n1,yes,yes\n")
    with pytest.raises(SystemExit, match="5 drawn claims lack an answer, the first is 2"):
        claim_file.judged(files, made, frozenset("12345"))


def test_kappa_is_that_of_the_textbook(claim_file: ModuleType) -> None:
    pairs = [("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10 + [("no", "no")] * 15
    found = claim_file.kappa(pairs, [str(i) for i in range(50)])
    assert found.value == pytest.approx(0.4)
    assert found.low < 0.4 < found.high
