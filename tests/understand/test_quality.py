"""Gates: what passes, what fails, what is too little to judge, and files that set them."""

from pathlib import Path

import pytest

from consentinel.core.errors import UsageError
from consentinel.understand.quality import CHECKS, QUALITY, checked, exit_code, limits


def test_defaults_pass_clean_data_and_fail_others() -> None:
    allowed = limits(None)
    assert set(allowed.most) == set(CHECKS)
    clean = checked(dict.fromkeys(CHECKS, (0, 100)), 100, allowed)
    assert clean.schema.equals(QUALITY)
    assert exit_code(clean) == 0
    wrong = checked({"without_text": (51, 100), "future_dates": (0, 0)}, 100, allowed)
    assert wrong.to_pylist()[0]["verdict"] == "fail"
    assert wrong.num_rows == 1  # nothing to look at is no check
    assert exit_code(wrong) == 1


def test_too_few_records_are_no_verdict(tmp_path: Path) -> None:
    (tmp_path / "q.toml").write_text("records = 30\n[most]\nwithout_text = 0.2\n")
    allowed = limits(tmp_path / "q.toml")
    found = checked({"without_text": (29, 29)}, 29, allowed)
    assert found["verdict"].to_pylist() == ["insufficient"]
    assert exit_code(found) == 3
    assert exit_code(checked({"without_text": (6, 30)}, 30, allowed)) == 0
    assert exit_code(checked({"without_text": (7, 30)}, 30, allowed)) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("record = 3", "did you mean 'records'"),
        ("[most]\nwithout_txt = 0.1", "did you mean 'without_text'"),
        ("[most]\nwithout_text = 2", "between 0 and 1"),
        ("[most]\nwithout_text = true", "between 0 and 1"),
        ("most = 1", "a table of shares"),
        ("records = 0", "at least 1"),
        ("categories = [1]", "a list of texts"),
        ("not toml", "not TOML"),
    ],
)
def test_a_wrong_file_is_refused(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "q.toml").write_text(text)
    with pytest.raises(UsageError, match=said):
        limits(tmp_path / "q.toml")
