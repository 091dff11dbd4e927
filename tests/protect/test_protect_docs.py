"""The conformance page is made from results, and tells every case."""

import json
from pathlib import Path

import pytest

from docs.reference.write_conformance import FILE, RESULTS, SETS, page

ROOT = Path(__file__).parents[2]


def test_the_conformance_page_is_up_to_date() -> None:
    assert FILE.read_text("utf-8") == page(), "run: make docs"


@pytest.mark.parametrize(("name", "cases"), [(name, cases) for name, _, cases, _ in SETS])
def test_every_case_of_a_set_is_listed(name: str, cases: int) -> None:
    file = RESULTS / f"{name}.json"
    if not file.is_file():
        pytest.skip(f"not measured here: make claims ONLY={name}")
    assert len(json.loads(file.read_text("utf-8"))) == cases


def test_the_page_tells_a_failure_and_a_set_that_was_not_measured(tmp_path: Path) -> None:
    assert page(tmp_path).count("not measured yet") == len(SETS)
    (tmp_path / "w3c_attribution_cases.json").write_text('{"basic": true, "a | b": false}')
    text = page(tmp_path)
    assert "| W3C Attribution Level 1, end-to-end cases | 19 | 1 of 2 |" in text
    assert "| basic | passed |\n| a / b | FAILED |" in text
