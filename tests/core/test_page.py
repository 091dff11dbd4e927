"""The page builder: what is not Html is escaped, charts carry their numbers, the policy fits the page."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from math import inf

from hypothesis import given
from hypothesis import strategies as st

from consentinel.core.page import (
    Cell,
    Column,
    Html,
    bars,
    curve,
    h,
    intervals,
    join,
    matrix,
    number,
    page,
    stacked,
    strip,
    table,
)  # fmt: skip


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    return reader


SAFE = st.text(st.characters(exclude_categories=["C", "Z"]))


@given(SAFE, SAFE)
def test_text_and_attributes_come_back_as_they_were(text: str, value: str) -> None:
    got = read(h("p", text, title=value))
    assert got.tags == [("p", {"title": value})]
    assert got.words == text


def test_parts_and_attributes_that_are_nothing_are_left_out() -> None:
    assert h("td", None, 3, h("b", "<"), hidden=False, class_=None, data_k=0, aria_label="a") == (
        '<td data-k="0" aria-label="a">3<b>&lt;</b></td>'
    )
    assert h("option", selected=True) == "<option selected></option>"
    assert join("&", Html("&amp;")) == "&amp;&amp;"


def test_the_policy_names_the_style_and_script_of_the_page() -> None:
    text = page("<title>", h("p", "x"))
    for name in ("style", "script"):
        inner = re.search(f"<{name}>(.*?)</{name}>", text, re.DOTALL)
        assert inner is not None
        digest = base64.b64encode(hashlib.sha256(inner[1].encode()).digest()).decode()
        assert f"{name}-src &#x27;sha256-{digest}&#x27;" in text
    assert "<title>&lt;title&gt;</title>" in text


def test_every_cell_of_a_table_is_labelled_and_sortable() -> None:
    columns = [Column("Severity", choose=True), Column("What", wide=True), Column("Times", numeric=True, screen=True)]
    got = read(table(columns, [[Cell("high", sort=1, label="high"), "said", 1234]], caption="Findings"))
    cells = [attributes for tag, attributes in got.tags if tag in ("td", "th") and "data-l" in attributes]
    assert [c["data-l"] for c in cells] == ["Severity", "What", "Times"]
    assert (cells[0]["data-k"], cells[0]["data-f"], cells[1]["scope"], cells[2]["data-k"]) == (
        "1",
        "high",
        "row",
        "1234",
    )
    assert cells[2]["class"] == "num screen"
    assert "1,234" in got.words
    assert ("caption", {}) in got.tags


def test_an_empty_table_says_so() -> None:
    assert "Nothing to show." in read(table([Column("A"), Column("B")], [], caption="c")).words


def test_bars_are_in_proportion_and_say_their_numbers() -> None:
    got = read(bars([("a", 10), ("b", 5), ("c", 0)], caption="c", tones={"a": "danger"}))
    assert [a["width"] for tag, a in got.tags if tag == "rect"] == ["100.00%", "50.00%"]
    assert re.search("a10.*b5.*c0", got.words)
    assert read(bars([], caption="c")).tags


def test_stacked_parts_lie_side_by_side() -> None:
    got = read(
        stacked([("x", {"bad": 1, "good": 3}), ("y", {"good": 2})], [("bad", "danger"), ("good", "ok")], caption="c")
    )
    drawn = [(a["x"], a["width"]) for tag, a in got.tags if tag == "rect" and "x" in a]
    assert drawn == [("0.00%", "25.00%"), ("25.00%", "75.00%"), ("0.00%", "50.00%")]


def test_a_heat_map_keeps_none_apart_from_little() -> None:
    got = read(matrix(["r"], ["a", "b", "c"], {("r", "a"): 1000, ("r", "b"): 1}, caption="c"))
    assert [a["class"] for tag, a in got.tags if tag == "td" and "class" in a] == ["heat s5", "heat s1", "heat s0"]


@given(st.lists(st.floats(0, 1e7), min_size=1, max_size=8))
def test_points_stay_inside_the_strip(points: list[float]) -> None:
    got = read(strip([("a", [(x, "ok", "w") for x in points], [points[0]])], caption="c", unit="s", mark="choice"))
    places = [float(str(a["cx"]).rstrip("%")) for tag, a in got.tags if tag == "circle"]
    assert len(places) == len(points)
    assert all(0 <= place <= 100 for place in places)
    assert sum(tag == "text" for tag, _ in got.tags) <= 8


def test_numbers_are_grouped() -> None:
    assert [number(1234567), number(1.25), number(3.0), number(0)] == ["1,234,567", "1.2", "3", "0"]


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(0, 1e3), st.floats(0, 1e3)), min_size=1, max_size=6))
def test_intervals_stay_on_their_axis_and_say_their_figures(rows: list[tuple[float, float, float]]) -> None:
    given_ = [(f"m{at}", (x, x - a, x + b), "info", f"figure {at}") for at, (x, a, b) in enumerate(rows)]
    got = read(intervals([*given_, ("open", (0.0, -inf, inf), "warn", "all")], caption="c", null=0.0))
    places = [float(str(a[key]).rstrip("%")) for tag, a in got.tags for key in ("x1", "x2", "cx") if key in a]
    assert all(2 <= place <= 98 for place in places)
    assert sum(tag == "circle" for tag, _ in got.tags) == len(rows) + 1
    assert sum(a.get("class") == "null" for _, a in got.tags) == len(rows) + 1
    assert all(f"figure {at}" in got.words for at in range(len(rows)))
    assert sum(tag == "text" for tag, _ in got.tags) <= 8


def test_a_curve_has_a_band_and_a_name_for_each_series() -> None:
    points = [(0.0, 0.5, 0.4, 0.6), (1.0, 0.2, 0.1, inf), (4.0, 0.1, -inf, 0.2)]
    got = read(curve([("one", points, "info"), ("two", points, "warn")], caption="c", across="budget"))
    assert [a["class"] for tag, a in got.tags if tag == "polygon"] == ["band info", "band warn"]
    drawn = [
        tuple(map(float, pair.split(",")))
        for tag, a in got.tags
        if tag == "polygon"
        for pair in str(a["points"]).split()
    ]
    assert all(0 <= x <= 300 and 0 <= y <= 120 for x, y in drawn)
    assert "budget" in got.words
    assert "one" in got.words
    assert read(curve([("one", points[:1], "info")], caption="c", across="b")).tags
