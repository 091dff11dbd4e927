"""The runner of claims: what is declared, what makes it run again, how rows are shown."""

import tomllib
from pathlib import Path

import pytest

from benchmarks import run


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree with one claim file."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "one.py").write_text("x = 1\n")
    claims = tmp_path / "benchmarks" / "claims"
    claims.mkdir(parents=True)
    (claims / "speed.py").write_text(
        'NAMES = ("speed",)\nINPUTS = ("data/*.txt",)\n'
        "from pathlib import Path\n"
        'Path("benchmarks/results/speed.json").write_text(Path("data/a.txt").read_text())\n'
    )
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_text("1")
    results = tmp_path / "benchmarks" / "results"
    results.mkdir()
    for name, value in {"ROOT": tmp_path, "CLAIMS": claims, "RESULTS": results, "DONE": tmp_path / "done"}.items():
        monkeypatch.setattr(run, name, value)
    return tmp_path


def test_names_are_read_without_an_import(tree: Path) -> None:
    (tree / "a.py").write_text('NAMES = ("one", "two")\nraise RuntimeError\n')
    assert run.declared(tree / "a.py", "NAMES") == ("one", "two")
    assert run.declared(tree / "a.py", "INPUTS") == ()


def test_source_inputs_and_the_claim_itself_change_the_digest(tree: Path) -> None:
    claim = tree / "benchmarks" / "claims" / "speed.py"
    seen = [run.digest(claim)]
    for file in (tree / "src" / "one.py", tree / "data" / "a.txt", claim):
        file.write_text(file.read_text() + "\n# changed\n")
        seen.append(run.digest(claim))
    (tree / "README.md").write_text("changed\n")
    assert run.digest(claim) == seen[-1]
    assert len(set(seen)) == 4


@pytest.mark.real
def test_a_claim_runs_once_and_again_when_something_changed(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = tree / "benchmarks" / "results" / "speed.json"
    assert run.measure_all(set())
    assert result.read_text() == "1"
    assert run.measure_all({"speed"})
    assert "nothing changed" in capsys.readouterr().out
    (tree / "data" / "a.txt").write_text("2")
    assert run.measure_all(set())
    assert result.read_text() == "2"


@pytest.mark.real
def test_a_claim_that_fails_leaves_no_old_number(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = tree / "benchmarks" / "results" / "speed.json"
    result.write_text("old")
    (tree / "data" / "a.txt").unlink()
    assert not run.measure_all(set())
    assert not result.exists()
    assert "FAILED" in capsys.readouterr().out


def test_rows_are_shown_in_columns() -> None:
    assert run.text_table([{"what": "a", "rows/s": 1234567.8}, {"what": "bcd", "note": "x"}]) == (
        "what  rows/s     note\na     1,234,568\nbcd              x"
    )


def test_every_number_of_a_claim_has_a_reach_and_every_reach_a_claim() -> None:
    folder = Path(run.__file__).parent
    files = sorted((folder / "claims").glob("*.py"))
    assert all(isinstance(run.declared(file, "INPUTS"), tuple) for file in files)  # literal, else nothing can run
    claimed = [name for file in files for name in run.declared(file, "NAMES")]
    asked = tomllib.loads((folder / "reach.toml").read_text("utf-8"))
    assert len(set(claimed)) == len(claimed)
    assert set(claimed) == set(asked)
