"""Sketches merge like sets, one person moves one register, and bytes that were not written here are refused."""

import json
from collections.abc import Mapping
from fractions import Fraction
from hashlib import sha256
from itertools import product
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.core.errors import BadInput, NotSupported, UsageError
from consentinel.protect.reach.encoding import MAGIC, decode, digest, encode
from consentinel.protect.reach.exposures import sketch_table
from consentinel.protect.reach.hashing import ReachKey, epoch_key
from consentinel.protect.reach.private import reach_bounds
from consentinel.protect.reach.sketch import Params, Sketch, build, fill, merge, statistics
from consentinel.protect.simulator import DAY, Campaign, simulate
from consentinel.protect.statistic import Statistic, l1, l2_squared

KEY = epoch_key(bytes(range(32)), "2026-W47")
SMALL = Params(registers=16, classes=4, falling=4, frequency=3)
IDS = st.lists(st.integers(0, 30), max_size=25)
SKETCHES = st.builds(
    lambda ids, name: build(pa.array(ids, pa.int64()), KEY, SMALL, source=name), IDS, st.sampled_from("abc")
)


def same(one: Sketch, other: Sketch) -> bool:
    return encode(one) == encode(other)


def counts(sketch: Sketch) -> list[int]:
    return [int(number) for number in statistics(sketch)["registers"]]


@given(SKETCHES, SKETCHES, SKETCHES)
@settings(max_examples=150, deadline=None)
def test_merging_is_associative_commutative_and_idempotent(a: Sketch, b: Sketch, c: Sketch) -> None:
    assert same(merge([merge([a, b]), c]), merge([a, merge([b, c])]))
    assert same(merge([a, b, c]), merge([c, b, a]))
    both = merge([a, b])
    assert same(merge([both, b]), both)
    assert same(merge([both, both, a]), both)
    assert same(decode(encode(both)), both)


@given(IDS, IDS)
@settings(max_examples=80, deadline=None)
def test_the_union_is_that_of_the_people(mine: list[int], yours: list[int]) -> None:
    a, b = (build(pa.array(ids, pa.int64()), KEY, SMALL, source=name) for ids, name in ((mine, "a"), (yours, "b")))
    seen = {one: min(3, mine.count(one) + yours.count(one)) for one in {*mine, *yours}}
    alone = build(pa.array(sorted(seen), pa.int64()), KEY, SMALL, source="everyone")
    found, plain = merge([a, b]), counts(alone)
    assert counts(found)[0] == plain[0], "as many registers are filled as by everybody once"
    assert sum(counts(found)[1:]) == sum(plain[1:])
    own = {one: build([one], KEY, SMALL, source="x").states.argmax() for one in seen}
    single = [one for one in seen if list(own.values()).count(own[one]) == 1]
    assert counts(found)[1:] == [sum(seen[one] == times for one in single) for times in (1, 2, 3)]


def test_no_neighbour_moves_the_statistics_by_more_than_the_sensitivity() -> None:
    """Every set of up to three of eight people, in two registers and with two fingerprints, at two publishers."""
    shape, worst, worst_l1 = Params(registers=2, classes=1, frequency=2), 0, 0

    def of(persons: tuple[int, ...], people: list[tuple[int, int, int]]) -> Sketch:
        """People are a register, a fingerprint, and whether the one, the other or both publishers saw them."""
        parts = []
        for publisher in (0, 1):
            who = [p for p in persons if people[p][2] in (publisher, 2)]
            words = np.array([[0, people[p][0] << 63 | people[p][1], 1000 + p] for p in who], dtype=np.uint64).reshape(
                -1, 3
            )
            parts.append(fill(words, np.ones(len(who), dtype=np.int64), KEY, shape, f"p{publisher}"))
        return merge(parts)

    people = list(product((0, 1), (7, 9), (0, 2)))
    sets = [s for s in product(range(len(people)), repeat=3) if s == tuple(sorted(s))]
    for base in {tuple(sorted(set(s))) for s in sets} | {()}:
        before = np.array(counts(of(base, people)))
        for extra in set(range(len(people))) - set(base):
            moved = np.array(counts(of((*base, extra), people))) - before
            worst, worst_l1 = max(worst, int((moved**2).sum())), max(worst_l1, int(np.abs(moved).sum()))
    statistic = Statistic("registers", "state", Fraction(1), Fraction(1), 3)
    assert worst == l2_squared(statistic, reach_bounds()) == 2, "the sensitivity is reached and not exceeded"
    assert worst_l1 == l1(statistic, reach_bounds()) == 2


@given(IDS, IDS, st.integers(0, 40), st.integers(1, 5), st.sets(st.sampled_from("abc"), min_size=1))
@settings(max_examples=150, deadline=None)
def test_one_person_more_moves_little(mine: list[int], yours: list[int], who: int, times: int, where: set[str]) -> None:
    lists = {"a": mine, "b": yours, "c": []}
    without = {name: [one for one in ids if one != who] for name, ids in lists.items()}
    having = {name: ids + [who] * times * (name in where) for name, ids in without.items()}
    before, after = (
        np.array(counts(merge([build(pa.array(ids, pa.int64()), KEY, SMALL, source=s) for s, ids in table.items()])))
        for table in (without, having)
    )
    assert ((after - before) ** 2).sum() <= 2
    assert np.abs(after - before).sum() <= 2


def test_a_person_at_many_publishers_is_counted_once_and_up_to_the_cap() -> None:
    parts = [build(["anna"] * 3 + ["ben"], KEY, source=f"publisher {at}/monday") for at in range(40)]
    whole = merge(parts)
    assert counts(whole) == [2, 0, 0, 0, 0, 2]
    assert counts(parts[0]) == [2, 1, 0, 1, 0, 0]
    assert whole.sources[:2] == ("publisher 0/monday", "publisher 1/monday")
    assert counts(merge([parts[0], build(["ben"], KEY, source="publisher 0/tuesday")])) == [2, 0, 1, 1, 0, 0]


def test_identifiers_are_the_same_as_text_bytes_and_numbers_and_stand_nowhere() -> None:
    kinds = [pa.array([17, 9_000]), ["17", "9000"], pa.array([b"17", b"9000"]), pa.array(["9000", "17"]).cast("string")]
    found = {digest(build(kind, KEY, source="a")) for kind in kinds}
    found.add(digest(build(pa.array(["17", "9000"]).dictionary_encode(), KEY, source="a")))
    assert len(found) == 1
    assert b"anna@example.com" not in encode(build(["anna@example.com"] * 2, KEY, source="a"))
    assert counts(build(pa.array([], pa.string()), KEY, source="a")) == [0] * 6


def test_what_cannot_be_sketched_is_refused() -> None:
    with pytest.raises(BadInput, match="2 identifiers"):
        build(["a", "", None], KEY, source="a")
    with pytest.raises(UsageError, match="text, bytes or whole numbers"):
        build([1.5], KEY, source="a")
    with pytest.raises(UsageError, match="all of one kind"):
        build([1, "a"], KEY, source="a")
    with pytest.raises(UsageError, match="a source is a name"):
        build(["a"], KEY, source="")
    with pytest.raises(UsageError, match="at least 32 random bytes"):
        epoch_key(b"short", "w")
    with pytest.raises(UsageError, match="an epoch"):
        epoch_key(bytes(32), "")
    for bad in ({"registers": 100}, {"registers": 0}, {"falling": 2, "classes": 64}, {"frequency": 33}):
        with pytest.raises(UsageError):
            Params(**bad)
    with pytest.raises(UsageError, match="at least one"):
        merge([])


def test_other_keys_epochs_and_shapes_are_not_merged() -> None:
    mine = build(["a"], KEY, SMALL, source="a")
    assert b"secret" not in repr(KEY).encode()
    assert KEY.secret.hex() not in repr(KEY)
    other_secret = ReachKey(bytes(32), KEY.epoch)
    for other in (
        build(["a"], epoch_key(bytes(range(32)), "2026-W48"), SMALL, source="a"),
        build(["a"], other_secret, SMALL, source="a"),
        build(["a"], KEY, Params(16, 4, 5, 3), source="a"),
    ):
        with pytest.raises(NotSupported):
            merge([mine, other])
        with pytest.raises(NotSupported, match=r"another key|other params"):
            decode(encode(other), params=SMALL, key_id=KEY.id)


def test_every_machine_finds_the_same_register() -> None:
    """The digest of a fixed sketch; a change of it means that sketches in the field can no longer be merged."""
    fixed = build(pa.array(range(5000)), KEY, source="publisher/day")
    assert digest(fixed) == "c4148a2a067a0b4eb80041a214c16503c0805b61f0b464032381875b14c6285c"
    chances = fixed.params.chances
    assert (np.diff(chances) < 0).all()
    assert chances.sum() * fixed.params.size == pytest.approx(1, abs=1e-12)


@given(SKETCHES, st.data())
@settings(max_examples=200, deadline=None)
def test_damaged_bytes_are_refused(sketch: Sketch, data: st.DataObject) -> None:
    whole = encode(sketch)
    at = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[at] ^= data.draw(st.integers(1, 255))
    for bad in (bytes(changed), whole[:at], whole + b"\0"):
        with pytest.raises((BadInput, NotSupported)):
            decode(bad)


@given(st.binary(max_size=200), st.sampled_from([b"", MAGIC, MAGIC + b"\x02\0\0\0{}"]))
@settings(max_examples=200, deadline=None)
def test_hostile_bytes_are_refused(junk: bytes, start: bytes) -> None:
    with pytest.raises((BadInput, NotSupported)):
        decode(start + junk)


def forged(header: Mapping[str, object], body: bytes) -> bytes:
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    whole = MAGIC + len(text).to_bytes(4, "little") + text + body
    return whole + sha256(whole).digest()


def test_forged_sketches_with_a_right_digest_are_refused_unless_they_are_in_the_one_form() -> None:
    good = {"registers": 4, "classes": 1, "falling": 16, "frequency": 2, "key": KEY.id, "epoch": "w", "sources": ["a"]}
    one, tag, next_tag = b"\x07\0\0\0", b"\x01\0\0\0", b"\x02\0\0\0"
    assert counts(decode(forged(good, b"\x02\0\0\xff" + one + tag + next_tag))) == [2, 0, 1]
    for body in (
        b"\x03\0\0\0" + one + tag * 3,  # a state above the cap
        b"\x02\0\0\0" + one + next_tag + tag,  # impressions out of order
        b"\x02\0\0\0" + one + tag + tag,  # the same one twice
        b"\x01\0\0\0" + one + b"\xff" * 4,  # a tag that is none
        b"\x01\0\0\0" + one,  # one missing
        b"\0\0\0",
    ):
        with pytest.raises(BadInput):
            decode(forged(good, body))
    huge: dict[str, object] = {"registers": 1 << 40, "classes": 2**40, "frequency": 10**30}
    for change in (
        *({name: value} for name, value in huge.items()),
        {"sources": ["b", "a"]},
        {"sources": "ab"},
        {"sources": []},
        {"sources": ["a\n"]},
        {"key": "zz"},
        {"epoch": 7},
        {"registers": True},
        {"more": 1},
    ):
        with pytest.raises(BadInput, match="header"):
            decode(forged({**good, **change}, bytes(4)))
    with pytest.raises(NotSupported, match="another version"):
        decode(b"CSNTRCH2" + bytes(100))


def test_a_table_of_impressions_becomes_a_sketch_for_each_day(tmp_path: Path) -> None:
    touches = simulate(Campaign(people=3000), 2).touches
    day = np.asarray(touches["timestamp"]) // DAY
    pa_csv.write_csv(touches.append_column("day", pa.array(day)), tmp_path / "news.csv")
    found = sketch_table(tmp_path / "news.csv", KEY, publisher="news", by=("day", "ad_id"))
    assert len(found) == len({*zip(day.tolist(), touches["ad_id"].to_pylist(), strict=True)})
    assert found[0].sources == (f"news/{day.min()}/1",)
    whole = build(touches["id"], KEY, source="all of it")
    assert counts(merge(found)) == counts(whole)
    with pytest.raises(BadInput, match="no column week"):
        sketch_table(tmp_path / "news.csv", KEY, publisher="news", by=("week",))
    pa_csv.write_csv(pa.table({"id": ["a", "b"], "day": ["1", "1/2"]}), tmp_path / "bad.csv")
    with pytest.raises(UsageError, match="has no slash"):
        sketch_table(tmp_path / "bad.csv", KEY, publisher="news/uk", by=("day",))
    with pytest.raises(BadInput, match="slash in 1 rows"):
        sketch_table(tmp_path / "bad.csv", KEY, publisher="news", by=("day",))
