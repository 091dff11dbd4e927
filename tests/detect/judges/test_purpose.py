"""Judges of purposes: what they see, what they say, how they are trained, and that names of hosts do not matter."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.core.errors import BadInput
from consentinel.core.modelfile import ModelFile, from_bytes, to_bytes
from consentinel.core.tables import check
from consentinel.detect.judges import cookie_model, purpose_logistic, purpose_model, purpose_table
from consentinel.detect.judges._purpose_features import Words, of_cookies, words_of
from consentinel.detect.judges._purpose_linear import PURPOSES, softmax
from consentinel.detect.judges._rows import ANSWER, COOKIE_ROWS, PURPOSE_ROWS

BID = {
    "subject": "news.test",
    "recipient": "bids.test",
    "methods": ["POST"],
    "resource_types": ["fetch"],
    "keys": ["imp[].banner.format[].w", "imp[].banner.format[].h", "site.page", "device.ua", "user.ext.eids[].source"],
    "types": ["device.browser", "device.screen"],
    "carriers": ["json"],
    "n_requests": 4,
}
COOKIE = {"name": "_ga", "shape": "a0.0.0.0", "length": 27, "entropy": 3.2, "lifetime_s": 63072000, "party": "first"}


def pairs(*changes: dict[str, object]) -> pa.Table:
    return pa.Table.from_pylist([BID | change for change in changes], schema=PURPOSE_ROWS)


def stored(*changes: dict[str, object]) -> pa.Table:
    return pa.Table.from_pylist([COOKIE | change for change in changes], schema=COOKIE_ROWS)


@pytest.mark.parametrize("part", [purpose_model, purpose_logistic, purpose_table], ids=lambda part: part.__name__)
def test_every_judge_answers_every_row_even_an_empty_one(part) -> None:
    nothing = dict.fromkeys(("methods", "resource_types", "keys", "types", "carriers"), None)
    for rows in (pairs({}, nothing), pairs()):
        said = check(part.open(None).judge(rows), ANSWER, "test")
        assert said.num_rows == rows.num_rows
        assert set(said["label"].to_pylist()) <= set(PURPOSES)
        assert all(0 < p <= 1 for p in said["p"].to_pylist())


def test_the_shipped_model_knows_a_bid_request() -> None:
    said = purpose_model.open(None).judge(pairs({})).to_pylist()[0]
    assert said["label"] == "advertising"
    assert said["p"] > 0.8
    assert said["why"]


@pytest.mark.parametrize("part", [purpose_model, purpose_logistic], ids=lambda part: part.__name__)
def test_other_names_of_hosts_change_nothing(part) -> None:
    one, two = part.open(None).judge(pairs({}, {"subject": "x.test", "recipient": "google-analytics.com"})).to_pylist()
    assert one == two


def test_the_table_knows_names_and_says_when_it_does_not() -> None:
    rows = pairs({"recipient": "google-analytics.com"}, {"recipient": "unheard-of.test"}, {"recipient": "px-cloud.net"})
    said = purpose_table.open(None).judge(rows)
    assert said["label"].to_pylist()[0] == "analytics"
    assert said["undecided"].to_pylist()[:2] == [False, True]


def test_the_shipped_model_knows_cookies_by_name_and_by_shape() -> None:
    rows = stored({}, {"name": "PHPSESSID", "shape": "x", "length": 26, "lifetime_s": None})
    assert cookie_model.open(None).judge(rows)["label"].to_pylist() == ["analytics", "necessary"]


SHIPPED = cookie_model.open(None)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.text(max_size=60), st.text(max_size=48), st.none() | st.integers(-(2**40), 2**40))))
def test_no_cookie_breaks_the_judge(cookies: list[tuple[str, str, int | None]]) -> None:
    rows = stored(*({"name": name, "shape": shape, "lifetime_s": life} for name, shape, life in cookies))
    said = SHIPPED.judge(rows)
    assert said.num_rows == len(cookies)
    assert np.isfinite(said["p"].to_numpy()).all()


def test_a_row_sums_what_its_words_weigh() -> None:
    words = Words([["a", "b"], [], ["a"]])
    weights = np.arange(12.0).reshape(3, 4)
    bucket, row, weight = words.numbers(3)
    assert row.tolist() == [0, 0, 2]
    assert words.sums(weights)[1].tolist() == [0, 0, 0, 0]
    np.testing.assert_allclose(words.sums(weights)[0], weights[bucket[:2]].sum(axis=0) / np.sqrt(2))
    np.testing.assert_allclose(words.sums(weights)[2], weights[bucket[2]] * weight[2])


def test_names_fall_into_words() -> None:
    assert words_of("deviceScreenHTTPUrl_v2") == ["device", "screen", "http", "url", "v", "2"]
    near = of_cookies(stored({"name": "_gat_UA-1234-5"}, {"name": "_gat_UA-98-77"})).texts
    assert "f=_gat_ua-0-0" in near[0]
    assert near[0] == near[1]


def test_softmax_sums_to_one_and_does_not_overflow() -> None:
    p = softmax(np.array([[1e4, 0.0, -1e4], [0.0, 0.0, 0.0]]))
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert p[1].tolist() == [1 / 3] * 3


def test_a_model_of_another_kind_is_refused() -> None:
    shipped = ModelFile(
        "detect.purpose", "1", "test", {"weights": np.zeros((4, 4), np.int8)}, {"part": "purpose_model"}
    )
    with pytest.raises(BadInput, match="has not the arrays"):
        purpose_model.open(shipped)
    with pytest.raises(BadInput, match="not for cookie_model"):
        cookie_model.open(shipped)


def declared(folder: Path) -> Path:
    """Write 120 declared cookies of 24 sites, whose purpose their names tell."""
    names = [("session_id", 0), ("lang_choice", 1), ("stat_visits", 2), ("ad_click", 3), ("retarget_ad", 3)]
    rows = [
        {"name": name, "first_value": f"{at}ab{label}", "expiry_s": 3600 * at, "session": label == 0, "label": label,
         "domain": f".site{at}.test", "first_party_domain": f"https://site{at}.test/"}
        for at in range(24)
        for name, label in names
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows), folder / "cookies.parquet")
    return folder / "cookies.parquet"


def test_training_is_the_same_to_the_byte_and_learns(tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="training needs the extra [learn]")
    from consentinel.detect.judges._purpose_train import train_cookies

    one, two = (train_cookies(declared(tmp_path), seed=3) for _ in range(2))
    assert to_bytes(one) == to_bytes(two)
    assert len(to_bytes(one)) < 1_000_000
    assert float(one.card["accuracy"]) == 1.0
    assert "MIT" in one.card["teachers"]
    judge = cookie_model.open(from_bytes(to_bytes(one)))
    said = judge.judge(stored({"name": "stat_visits"}, {"name": "ad_click"}))
    assert said["label"].to_pylist() == ["analytics", "advertising"]
    assert "name" in said["why"][1].as_py()


def test_too_few_labels_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="training needs the extra [learn]")
    from consentinel.detect.judges._purpose_train import train_cookies

    file = declared(tmp_path)
    pq.write_table(pq.read_table(file).slice(0, 20), file)
    with pytest.raises(BadInput, match="too few labels"):
        train_cookies(file, seed=3)
    file.write_bytes(b"no table")
    with pytest.raises(BadInput, match="no Parquet file"):
        train_cookies(file, seed=3)
