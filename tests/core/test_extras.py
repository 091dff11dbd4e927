"""A missing extra is said with the command that installs it; other faults stay what they are."""

from pathlib import Path

import pytest

from consentinel.core.errors import MissingExtra
from consentinel.core.extras import need


def test_what_is_there_is_returned() -> None:
    assert need("os.path", extra="learn").join("a", "b") == str(Path("a") / "b")


@pytest.mark.parametrize("module", ["not_there_at_all", "not_there_at_all.inner"])
def test_what_is_missing_says_how_to_get_it(module: str) -> None:
    with pytest.raises(MissingExtra, match=r"pip install 'consentinel\[learn\]'") as why:
        need(module, extra="learn")
    assert why.value.exit_code == 2


def test_a_fault_inside_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "half_there.py").write_text("import not_there_at_all\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="not_there_at_all"):
        need("half_there", extra="learn")
