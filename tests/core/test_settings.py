"""Settings: who wins, and what a wrong one says."""

from pathlib import Path

import pytest

from consentinel.core.errors import UsageError
from consentinel.core.settings import FILE, Settings, given, resolve


def test_defaults(tmp_path: Path) -> None:
    assert resolve(tmp_path, {}) == Settings()
    assert given(tmp_path, {"CONSENTINEL_CHROMIUM": "/usr/bin/chromium", "CONSENTINEL_OUT": ""}) == {}


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('out = "kept"\nregion = "UK"\n')
    found = resolve(tmp_path, {"CONSENTINEL_OUT": "elsewhere", "CONSENTINEL_PROJECT_KEY_FILE": "key"})
    assert found == Settings(out=Path("elsewhere"), region="UK", project_key_file=Path("key"))
    assert given(tmp_path, {"CONSENTINEL_REGION": "US-CA"})["region"] == ("US-CA", "CONSENTINEL_REGION")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('polcy = "p.toml"', "unknown key 'polcy'; did you mean 'policy'?"),
        ("zzz = 1", "unknown key 'zzz'; there is: out, policy"),
        ("out = 3", "out should be a text"),
        ('out = ""', "out should be a text"),
        ("region = true", "region should be a text"),
        ("project_key_file = []", "project_key_file should be a text"),
        ("workers = 2", "unknown key 'workers'; there is: out, policy, region, project_key_file"),
        ("out = ", "this is not TOML"),
    ],
)
def test_a_wrong_file_is_explained(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(UsageError) as why:
        given(tmp_path, {})
    assert str(why.value).startswith(f"{FILE}: ")
    assert said in str(why.value)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="not TOML"):
        given(tmp_path, {})


@pytest.mark.parametrize("text", ["few", "-1", "0", "1.5"])
def test_a_variable_is_a_text_whatever_it_looks_like(tmp_path: Path, text: str) -> None:
    found = given(tmp_path, {f"CONSENTINEL_{name}": text for name in ("OUT", "REGION", "WORKERS")})
    assert found == {"out": (Path(text), "CONSENTINEL_OUT"), "region": (text, "CONSENTINEL_REGION")}
