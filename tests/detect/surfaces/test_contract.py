"""Every recogniser, new ones included: the shape of what it returns, hostile values, and look-alikes of every kind."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.core.shelf import Shelf
from consentinel.detect.surfaces._pairs import ORDER, Pairs, best, recognise_all

SHELF = Shelf("consentinel.detect.surfaces", "recognise")
PARTS = [SHELF.take(name) for name in SHELF.names()]
UUID = "6f9619ff-8b86-4011-b42d-00c04fc964ff"
MD5 = "9e107d9d372bb6826bd81d3542a419d6"

# None of these says anything about a person or a device, whatever the recogniser.
NOBODY = [
    ("v", "1.2.3"), ("version", "10.15.7"), ("app_version", "14.2.0-beta.1"), ("lib_version", "1.190.2"),
    ("_", "1690000000000"), ("ts", "1690000000"), ("timestamp", "2023-07-22T04:26:40.000Z"),
    ("cb", "8273645192837465"), ("rnd", "0.28818419909680393"), ("ord", "4376591545835678670"),
    ("correlator", "1685303918389160"), ("build", "3a6c8eba6602"),
    ("commit", "6f0908ee5b07e503e10c6040adaebd65ea4f4c0e"), ("hash", MD5), ("etag", f'"{MD5}"'), ("csrf_token", MD5),
    ("_token", "kXw3vJt8QmZ5rLp2Nc9yHb4sGf7dTa6eUi1oPq0x"), ("nonce", "rAnd0mN0nc3Value=="), ("request_id", UUID),
    ("x-amzn-trace-id", "Root=1-64bb5b80-4f2a1c9e7a4d3e8f6b0a1c2d"),
    ("traceparent", f"00-{MD5}-b7ad6b7169203331-01"), ("transaction_id", "T-20230722-0007"), ("auctionId", UUID),
    ("price", "48.13743"), ("bid.price", "1.25"), ("isbn", "9783161484100"), ("ean", "4006381333931"),
    ("sz", "300x250"), ("size", "728x90"), ("w", "300"), ("h", "250"), ("width", "1920"), ("image_height", "1080"),
    ("scroll_y", "1200"), ("src", f"/assets/app.{MD5}.js"), ("path", "/static/js/main.3f2a9c1e.chunk.js"),
    ("img", "logo@2x.png"), ("pkg", "lodash@4.17.21"), ("icon", "data:image/png;base64," + "iVBORw0KGgo" * 12),
    ("euconsent-v2", "CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA"),
    ("gdpr_consent", "CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA"), ("us_privacy", "1YNN"), ("gpp_sid", "7"),
    ("gcs", "G111"), ("gcd", "13r3r3r3r5l1"), ("gdpr", "1"), ("variant", "B"),
    ("experiment", "checkout-button-green"), ("bucket", "7"), ("ab_test", "control"),
    ("cdn", "d111111abcdef8.cloudfront.test"),
    ("integrity", "sha256-" + "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="), ("email", ""), ("email", "true"),
    ("email_opt_in", "1"), ("phone", "false"), ("location", "checkout"), ("city", "true"),
    ("$insert_id", "kq8x2v7m4t9w1z3y"), ("event", "page_view"), ("en", "user_engagement"),
    ("dl", "https://shop.example.test/cart"), ("dt", "Shoes and more"), ("tid", "G-ABC123DEF4"),
    ("page", "Europe/travel"), ("lang_switch", "on"), ("currency", "EUR"), ("quantity", "3"),
    ("order_total", "129.99"), ("color", "#ffffff"), ("font", "Roboto"), ("platform", "web"), ("type", "mobile"),
    ("state", "open"), ("q", "red shoes"), ("callback", "jsonp_1690000000000"), ("content-type", "application/json"),
    ("accept-encoding", "gzip, deflate, br"), ("connection", "keep-alive"), ("cache-control", "max-age=604800"),
]  # fmt: skip


def pairs(*triples: tuple[str | None, str | None, str | None]) -> Pairs:
    keys, values, carriers = zip(*triples, strict=True) if triples else ((), (), ())
    return Pairs(pa.array(keys, pa.string()), pa.array(values, pa.string()), pa.array(carriers, pa.string()))


HOSTILE = {
    "empty": (),
    "null": ((None, None, None),) * 3,
    "blank": (("", "", ""), ("id", "", "query"), (".", " ", "json"), ("[]", "\t\n", "json"), ("..[[", "\x00", "x")),
    "long": (("email", "a" * 1_000_000, "form"), ("lat", "1" * 1_000_000, "form")),
    "long key": (("k" * 100_000, "x@" * 1_000, "query"), ("a." * 10_000 + "lat", "48.13743", "json")),
    "nul": (("email\x00", "probe@example.com\x00", "query"), ("cid", "1\x00.2", "cookie"), ("ip", "\x00" * 20, "json")),
    "odd": (("\U0001f600", "\U0001f600" * 40, "json"), ("lat", "-", "query"), ("lat", "+.", "query")),
    "signs": (("ph", "+" * 20, "query"), ("sr", "\u0663\u0664\u0665x\u0663\u0664\u0665", "query")),
    "numbers": (("lat", "9" * 15 + "." + "9" * 20, "query"), ("tz", "1e400", "query")),
}  # fmt: skip


@pytest.mark.parametrize("part", PARTS, ids=lambda p: p.__name__.rpartition(".")[2])
class TestEveryPart:
    def test_it_is_named_after_its_type(self, part: object) -> None:
        assert part.TYPE.replace(".", "_") == part.__name__.rpartition(".")[2]
        assert part.TYPE in ORDER
        assert part.__doc__.partition("\n")[0].endswith(".")

    @pytest.mark.parametrize("kind", HOSTILE)
    def test_hostile_values_give_scores_of_the_right_shape(self, part: object, kind: str) -> None:
        given = pairs(*HOSTILE[kind])
        scores = part.recognise(given)
        assert scores.dtype == np.float32
        assert scores.shape == (given.n,)
        assert np.all((scores >= 0) & (scores <= 1))

    def test_it_lets_pass_what_says_nothing(self, part: object) -> None:
        scores = part.recognise(pairs(*((key, value, "query") for key, value in NOBODY)))
        assert [NOBODY[at] for at in np.flatnonzero(scores)] == []

    def test_one_by_one_is_the_same_as_together(self, part: object) -> None:
        triples = [(key, value, "cookie") for key, value in NOBODY[:20]]
        triples += [("lat", "53.349805", "query"), ("email", "probe@example.com", "form"), ("device.ifa", UUID, "json")]
        together = part.recognise(pairs(*triples))
        assert together.tolist() == [float(part.recognise(pairs(t))[0]) for t in triples]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(st.none() | st.text(max_size=20), st.none() | st.text(max_size=60), st.text(max_size=6)), max_size=6
    )
)
def test_any_text_is_scored(triples: list[tuple[str | None, str | None, str]]) -> None:
    given = pairs(*triples)
    types, p, names = recognise_all(given, PARTS)
    assert types.dtype == np.int8
    assert p.dtype == np.float32
    assert np.array_equal(types >= 0, p > 0)
    assert len(names) == len(PARTS)


def test_there_is_a_part_for_every_type() -> None:
    assert {part.TYPE for part in PARTS} == set(ORDER)


def test_the_most_probable_type_wins_and_ties_go_to_the_more_specific() -> None:
    given = pairs(
        ("user_id", "probe@example.com", "json"),
        ("em", "5f2b1c9e" * 8, "query"),
        ("distinct_id", UUID, "json"),
        ("lat", "53.35", "query"),
        ("x", "nothing", "query"),
        ("fn", "5f2b1c9e7a4d3e8f" * 4, "query"),
    )
    types, p, names = recognise_all(given, PARTS)
    found = [names[t] if t >= 0 else None for t in types]
    assert found == ["contact.email", "contact.email_hashed", "device.id", "location.coarse", None, "contact.name"]
    assert p[4] == 0


def test_the_order_of_the_parts_does_not_matter() -> None:
    given = pairs(*((key, value, "query") for key, value in NOBODY), ("cid", "878270908.1643952222", "query"))
    forward, backward = recognise_all(given, PARTS), recognise_all(given, PARTS[::-1])
    assert np.array_equal(forward[0], backward[0])
    assert forward[2] == backward[2]


def test_best_takes_the_highest() -> None:
    a, b = np.array([True, True, False]), np.array([False, True, False])
    assert best(3, (b, 0.9), (a, 0.5)).tolist() == pytest.approx([0.5, 0.9, 0.0])


def test_names_are_compared_without_separators_and_with_one_name_above() -> None:
    given = pairs(*((key, "x", "json") for key in ("$device_id", "deviceId", "a.device-id", "device.id", "device[id]",
                                                   "devices[].id", "device.id.value", "mydevice_id")))  # fmt: skip
    assert given.named("deviceid").tolist() == [True, True, True, False, False, False, False, False]
    assert given.named("device.id").tolist() == [False, False, False, True, True, False, True, False]


def test_positions_and_wrappings_are_no_names() -> None:
    keys = (
        "device.0.id",
        "a[device][2][id]",
        "device.value.id",
        "device.id.value.stringValue",
        "[Studio] device.id",
        "0",
    )
    given = pairs(*((key, "x", "json") for key in keys))
    assert given.named("device.id").tolist() == [True] * 5 + [False]
    assert given.named("0").tolist() == [False] * 5 + [True]


def test_a_pattern_sees_the_last_two_names_and_a_dot_before_a_single_one() -> None:
    given = pairs(*((key, "x", "json") for key in ("win_H", "page.win.h", "h", "win.h.top", "Win[h]")))
    assert given.like("win[.]?h$").tolist() == [True, True, False, False, True]
    assert given.like("^[.]").tolist() == [True, False, True, False, False]


def test_dictionaries_slices_and_chunks_are_the_same_as_plain_arrays() -> None:
    keys, values = ["x", "email", "tz", None], ["y", "probe@example.com", "Europe/Berlin", None]
    carriers = pa.array(["json"] * 4)
    plain = Pairs(pa.array(keys)[1:], pa.array(values)[1:], carriers[1:])
    coded = Pairs(
        pa.array(keys).dictionary_encode()[1:],
        pa.chunked_array([pa.array(values, pa.large_string())[1:]]),
        carriers[1:],
    )
    for part in PARTS:
        assert part.recognise(plain).tolist() == part.recognise(coded).tolist()
    assert plain.first.tolist() == coded.first.tolist() == [ord("p"), ord("E"), 0]


def test_entropy_is_that_of_shannon() -> None:
    given = pairs(("a", "aaaa", "q"), ("a", "abab", "q"), ("a", "", "q"), ("a", "abcdefgh", "q"))
    assert given.entropy(np.ones(4, bool)).tolist() == pytest.approx([0, 1, 0, 3])
