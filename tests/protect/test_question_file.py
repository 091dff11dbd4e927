"""Questions in TOML: what is read exactly, what is refused with the nearest name."""

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentinel.core.errors import BadInput, ConsentinelError, UsageError
from consentinel.protect.ad_measurements import AskedAttribution, AskedLift
from consentinel.protect.question_file import read
from consentinel.protect.reach.asked import AskedReach

LIFT = 'measure = "lift"\npublisher = "a.csv"\npartner = "b.csv"\noutcome = "value"\nhigh = 0.1\n'
ATTRIBUTION = 'measure = "attribution"\nrule = "last_click_1d"\nads = [1, 2]\n'
REACH = 'measure = "reach"\nepoch = "2026-W47"\nsketches = ["a.sketch"]\n'


def asked(text: str, folder: Path) -> object:
    file = folder / "question.toml"
    file.write_text(text, "utf-8")
    return read(file).asked


def test_numbers_are_exact_and_files_lie_beside(tmp_path: Path) -> None:
    file = tmp_path / "question.toml"
    file.write_text(LIFT + 'most = "1/3"\nlow = "0"\ncohorts = [2, 0]\n[columns.publisher]\ntest_flag = "arm"\n')
    found = read(file)
    assert isinstance(found.asked, AskedLift)
    assert found.asked.bounds.high == Fraction(1, 10)
    assert found.asked.bounds.most == Fraction(1, 3)
    assert found.asked.cohorts == (2, 0)
    assert found.tables == {"publisher": tmp_path / "a.csv", "partner": tmp_path / "b.csv"}
    assert found.maps == {"publisher": {"test_flag": "arm"}}


def test_attribution_and_reach(tmp_path: Path) -> None:
    one = asked(ATTRIBUTION + 'of = "value"\nhigh = "50"\ncap = 3\nway = "linear"\n', tmp_path)
    assert isinstance(one, AskedAttribution)
    assert (one.bounds.rows, one.bounds.high, one.way, one.ads) == (3, Fraction(50), "linear", (1, 2))
    two = asked(REACH + "sampled = true\n[unions]\nall = []\nnews = ['news/*']\n[shape]\nfrequency = 3\n", tmp_path)
    assert isinstance(two, AskedReach)
    assert two.unions == (("all", ()), ("news", ("news/*",)))
    assert two.shape.frequency == 3
    assert two.sampled


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "measure is missing"),
        ('measure = "life"', "did you mean 'lift'"),
        (LIFT + "hihg = 1", "unknown key 'hihg'; did you mean 'high'"),
        (LIFT.replace("0.1", "nan"), "not a finite number"),
        (LIFT.replace("0.1", "inf"), "not a finite number"),
        (LIFT.replace("0.1", "-1"), "low < high"),
        (LIFT.replace("0.1", "1e99"), "not a finite number"),
        (LIFT.replace("high = 0.1", ""), "high is missing"),
        (LIFT.replace('outcome = "value"', 'outcome = "values"'), "did you mean 'value'"),
        (LIFT.replace('outcome = "value"', 'outcome = "converters"'), "who converts is 0 or 1"),
        (LIFT + 'most = "0.01"', "plausible range"),
        (LIFT.replace('partner = "b.csv"', ""), "publisher and partner are named together"),
        (LIFT + "cap = 0", "cap is a whole number"),
        (LIFT + "cohorts = []", "cohorts is a list of whole numbers"),
        (LIFT + "cohorts = [1, 1]", "each once"),
        (LIFT + "cohorts = [true]", "cohorts is a list of whole numbers"),
        (LIFT + "[columns.publisher]\ntest_flg = 'x'", "did you mean 'test_flag'"),
        (LIFT + "[columns.publishr]\ntest_flag = 'x'", "did you mean 'publisher'"),
        (LIFT + "[columns.publisher]\ntest_flag = 1", "test_flag is a text"),
        (ATTRIBUTION.replace("last_click_1d", "last_click"), "no rule 'last_click'"),
        (ATTRIBUTION.replace("ads = [1, 2]", ""), "ads is missing"),
        (ATTRIBUTION + 'of = "value"', "high, the most"),
        (ATTRIBUTION + 'high = "5"', "high, the most"),
        (ATTRIBUTION + 'of = "value"\nhigh = 0', "is above 0"),
        (ATTRIBUTION + 'way = "lst"', "no way 'lst'"),
        (REACH + "sampled = 1", "sampled is true or false"),
        (REACH + "[shape]\nregister = 8", "did you mean 'registers'"),
        (REACH + "[shape]\nregisters = 0", "registers of a sketch"),
        (REACH + "[unions]", "1 to 1000 unions"),
        (REACH.replace('epoch = "2026-W47"', ""), "epoch is missing"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UsageError, match=r"^question.toml: ") as why:
        asked(text, tmp_path)
    assert says in str(why.value)


def test_a_file_that_is_no_toml(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="this is not TOML"):
        asked("measure = ", tmp_path)
    with pytest.raises(BadInput, match="cannot be read"):
        read(tmp_path / "none.toml")
    (tmp_path / "question.toml").write_bytes(b"\xff")
    with pytest.raises(BadInput, match="this is not TOML"):
        read(tmp_path / "question.toml")


WORDS = st.sampled_from(["measure", "lift", "high", "ads", "rule", "columns", "unions", "shape", "cohorts", "x"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["lift", "reach", "attribution", "1/3", "", "0"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)


def toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value or "")


@given(st.sampled_from(["lift", "attribution", "reach"]), st.dictionaries(WORDS, VALUES, max_size=6))
def test_any_toml_is_a_question_or_a_told_mistake(
    tmp_path_factory: pytest.TempPathFactory, kind: str, found: dict[str, object]
) -> None:
    found = {key: value for key, value in found.items() if key != "measure"}
    text = f'measure = "{kind}"\n' + "".join(f"{key} = {toml(value)}\n" for key, value in found.items())
    file = tmp_path_factory.getbasetemp() / "any.toml"
    file.write_text(text, "utf-8")
    try:
        read(file)
    except ConsentinelError as why:
        assert str(why)  # noqa: PT017
