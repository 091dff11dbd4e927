"""Planted identifiers: every form is found, in every place; few bits are no proof; bad files are refused."""

import base64
import hashlib
import json
import pickle
import random
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.core.errors import UsageError
from consentinel.detect._planted_bits import estimate
from consentinel.detect.planted import PROOF_BITS, Planted, PlantedValue, read_planted

EMAIL = " Probe.K3q9x7w2m4t8@Example.com"
LOWER = "probe.k3q9x7w2m4t8@example.com"
UUID = "6f9619ff-8b86-4011-b42d-00c04fc964ff"
VALUES = (
    PlantedValue("email", "contact.email", EMAIL, 90),
    PlantedValue("phone", "contact.phone", "+1 (555) 010-0199"),
    PlantedValue("name", "contact.name", "Zoë Probe"),
    PlantedValue("ad", "device.advertising_id", UUID),
    PlantedValue("lat", "location.precise", "48.137154"),
)
PLANTED = Planted(VALUES)


def sha(text: bytes, name: str = "sha256") -> bytes:
    return hashlib.new(name, text).digest()


def hexed(text: str, *names: str) -> str:
    for name in names:
        text = sha(text.encode(), name).hex()
    return text


def best(*texts: str | bytes) -> list[tuple[int, str, str, int]]:
    """Return (row, planted_id, form, bits) of each hit."""
    kind = pa.string() if all(isinstance(t, str) for t in texts) else pa.binary()
    hits = PLANTED.find(pa.array(texts, kind))
    return [
        (int(r), hits.ids[p], hits.forms[f], int(b))
        for r, p, f, b in zip(hits.row, hits.planted, hits.form, hits.bits, strict=True)
    ]


def b64(text: str | bytes) -> str:
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


FORMS = [
    (EMAIL, "email", "plain"),
    (EMAIL.strip(), "email", "trim"),
    (LOWER, "email", "lower"),
    (LOWER.upper(), "email", "upper"),
    ("probek3q9x7w2m4t8@example.com", "email", "gmail"),
    (quote(LOWER, safe=""), "email", "lower>percent"),
    (quote(LOWER, safe="").lower(), "email", "lower>percent"),
    (quote(quote(LOWER, safe=""), safe=""), "email", "lower>percent>percent"),
    (b64(LOWER), "email", "lower>base64"),
    (b64(b64(LOWER)), "email", "lower>base64>base64"),
    (b64(b64(b64(LOWER))), "email", "lower>base64>base64>base64"),
    (quote(b64(quote(LOWER, safe=""))), "email", "lower>percent>base64"),
    (LOWER.encode().hex(), "email", "lower>hex"),
    (LOWER.encode().hex().upper(), "email", "lower>hex>upper"),
    (LOWER.replace("@", "\\u0040").replace(".", "\\u002e"), "email", "lower>json-u"),
    (LOWER[::-1], "email", "lower>reversed"),
    (hexed(LOWER, "md5"), "email", "lower>md5"),
    (hexed(LOWER, "sha1").upper(), "email", "lower>sha1>upper"),
    (b64(sha(LOWER.encode())), "email", "lower>sha256>base64"),
    (base64.urlsafe_b64encode(sha(LOWER.encode(), "sha512")).decode().rstrip("="), "email", "lower>sha512>base64url"),
    (b64(hexed(LOWER, "sha256")), "email", "lower>sha256>base64"),
    (hexed(LOWER, "md5", "sha256"), "email", "lower>md5>sha256"),
    (hexed(LOWER, "sha1", "sha1", "md5"), "email", "lower>sha1>sha1>md5"),
    (hexed(LOWER, "blake2b", "sha3_512", "blake2s"), "email", "lower>blake2b>sha3-512>blake2s"),
    (b64(hexed(LOWER, "sha256", "md5")), "email", "lower>sha256>md5>base64"),
    (sha(sha(LOWER.encode())).hex(), "email", "lower>sha256>raw>sha256"),
    (hexed("15550100199", "sha256"), "phone", "digits>sha256"),
    (hexed("+15550100199", "sha256"), "phone", "e164>sha256"),
    ("+15550100199", "phone", "e164"),
    (json.dumps("Zoë Probe"), "name", "json"),
    (quote("Zoë Probe"), "name", "percent"),
    ("Zo%C3%AB+Probe", "name", "percent"),
    (UUID.replace("-", "").upper(), "ad", "bare-upper"),
    (hexed(UUID.upper(), "md5"), "ad", "upper>md5"),
]


@pytest.mark.parametrize(("text", "planted", "form"), FORMS, ids=[f"{p}:{f}" for _, p, f in FORMS])
def test_every_form_is_found_alone_and_inside_other_text(text: str, planted: str, form: str) -> None:
    found = best("nothing here", text, f'{{"v":"{text}&x=1"}}', "")
    assert [hit[0] for hit in found] == [1, 2]
    assert {hit[1] for hit in found} == {planted}
    assert found[0][2].replace(">base64url", ">base64") == form.replace(">base64url", ">base64")


@pytest.mark.parametrize("hash_name", ["md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3_256", "sha3_384",
                                       "sha3_512", "blake2b", "blake2s"])  # fmt: skip
def test_every_hash_is_found_in_each_writing(hash_name: str) -> None:
    digest = sha(LOWER.encode(), hash_name)
    texts = [digest.hex(), digest.hex().upper(), b64(digest), base64.urlsafe_b64encode(digest).decode()]
    texts += [quote(b64(digest), safe=""), json.dumps(b64(digest)).replace("/", "\\/"), b64(digest.hex())]
    found = best(*texts)
    assert [hit[0] for hit in found] == list(range(len(texts)))
    assert all(hit[3] >= PROOF_BITS for hit in found)


@pytest.mark.parametrize("before", range(6))
@pytest.mark.parametrize("after", range(4))
def test_a_value_inside_a_bigger_base64_text_is_found(before: int, after: int) -> None:
    inside = "a" * before + LOWER + "z" * after
    for text in (b64(inside), b64("x" * after + b64(inside)), b64("y" + b64("x" * after + b64(inside)))):
        ((_, planted, form, bits),) = best(text)
        assert planted == "email"
        assert set(form.split(">")[1:]) <= {"base64", "base64url"}
        assert bits >= PROOF_BITS


def test_few_bits_are_hits_and_no_proof() -> None:
    found = best("lat=48.137154", "tel:+15550100199", "Zoë Probe", hexed("Zoë Probe".lower(), "sha256"))
    assert [hit[1] for hit in found] == ["lat", "phone", "name", "name"]
    assert all(0 < hit[3] < PROOF_BITS for hit in found)


def test_the_hit_with_most_bits_then_the_longest_wins() -> None:
    assert best(f"48.137154 {UUID} +15550100199")[0][1] == "ad"
    assert best(EMAIL)[0][2] == "plain"


def test_nothing_is_found_across_rows() -> None:
    half = len(UUID) // 2
    assert best(UUID[:half], UUID[half:], "", UUID, "") == [(3, "ad", "plain", PLANTED.values[3].information())]
    assert best("481371", "48.13", "7154") == []
    # A match that would begin in the row before does not hide the one that lies wholly inside.
    assert [hit[:2] for hit in best("x ", EMAIL[1:], "+", "15550100199")] == [(1, "email"), (3, "phone")]


def test_short_hits_hidden_by_a_crossing_match_are_found() -> None:
    pool = Planted([PlantedValue("a", "user.id", "abcdefgh"), PlantedValue("b", "user.id", "efgh")])
    hits = pool.find(pa.array(["abcd", "efgh", "ab", "cd", "", "efgh1"]))
    assert hits.row.tolist() == [1, 5]
    assert {hits.ids[p] for p in hits.planted} == {"b"}


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.binary(), pa.large_binary()])
def test_slices_nulls_and_chunks_keep_their_rows(kind: pa.DataType) -> None:
    rows = pa.array([UUID, None, "no", UUID, "", UUID.upper()], pa.string()).cast(kind)
    assert PLANTED.find(rows[1:]).row.tolist() == [2, 4]
    assert PLANTED.find(pa.chunked_array([rows[1:3], rows[3:]])).row.tolist() == [2, 4]
    assert PLANTED.find(rows[:0]).row.tolist() == []
    assert PLANTED.find(pa.nulls(3, kind)).row.tolist() == []
    columns = PLANTED.find(rows).columns(len(rows))
    assert columns["planted_id"].to_pylist() == ["ad", None, None, "ad", None, "ad"]
    assert columns["planted_type"].to_pylist()[0] == "device.advertising_id"
    assert columns["planted_form"].to_pylist()[5] == "upper"
    assert columns["matched_bits"].to_pylist()[1] is None


def test_bytes_under_a_null_do_not_count() -> None:
    valid, hidden = pa.array([1, 0], pa.int8()), pa.array([UUID, UUID])
    masked = pa.Array.from_buffers(
        pa.string(), 2, [pa.py_buffer(bytes([int(valid[0].as_py())])), *hidden.buffers()[1:]], null_count=1
    )
    assert PLANTED.find(masked).row.tolist() == [0]


def test_other_types_are_refused() -> None:
    with pytest.raises(TypeError, match="int64"):
        PLANTED.find(pa.array([1]))


def test_a_sample_of_all_literals_is_found_in_random_text() -> None:
    rng = random.Random(7)
    chosen = rng.sample(range(len(PLANTED.literals)), 3000)
    rows, owner = [], []
    for at in chosen:
        owner.append(at)
        rows.append(rng.randbytes(rng.randrange(20)) + PLANTED.literals[at] + rng.randbytes(rng.randrange(20)))
        rows.append(rng.randbytes(rng.randrange(40)))
    hits = PLANTED.find(pa.array(rows, pa.binary()))
    assert hits.row.tolist() == list(range(0, 6000, 2))
    least = [int(PLANTED._bits[at]) for at in owner]
    assert all(got >= want for got, want in zip(hits.bits.tolist(), least, strict=True))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.binary(max_size=12), st.none() | st.integers(0, len(PLANTED.literals) - 1)), max_size=12))
def test_the_sieve_misses_nothing(parts: list[tuple[bytes, int | None]]) -> None:
    rows = [b"" if at is None else text + PLANTED.literals[at] + text for text, at in parts]
    hits = PLANTED.find(pa.array(rows, pa.binary()))
    assert hits.row.tolist() == [n for n, row in enumerate(rows) if any(t in row for t in _tried(row))]


def _tried(row: bytes) -> list[bytes]:
    return [row[a:b] for a in range(len(row)) for b in range(a + 4, len(row) + 1) if row[a:b] in LITERALS]


LITERALS = frozenset(PLANTED.literals)


def test_the_pool_has_no_duplicates_and_is_the_same_after_pickling() -> None:
    again = pickle.loads(pickle.dumps(PLANTED))
    assert again.literals == PLANTED.literals
    assert len(set(PLANTED.literals)) == len(PLANTED.literals)
    assert np.all(PLANTED._bits > 0)
    assert min(map(len, PLANTED.literals)) >= 4


@pytest.mark.parametrize(
    ("value", "kind", "low", "high"),
    [
        ("jane.doe@example.com", "contact.email", 1, 20),
        ("probe.k3q9x7w2m4t8@example.com", "contact.email", 64, 75),
        ("+1 (555) 010-0199", "contact.phone", 1, 30),
        ("Jane Doe", "contact.name", 1, 20),
        ("JaneDoe1985", "user.id", 1, 32),
        ("48.137154", "location.precise", 10, 27),
        (UUID, "device.id", 80, 122),
        ("38400000-8cf0-11bd-b23e-10b96e4ef00d", "device.id", 30, 60),
        ("0" * 32, "device.id", 1, 32),
        ("0123456789abcdef", "device.id", 1, 24),
        ("123456789012345678901234", "user.id", 1, 40),
        ("Xk9fQ2mZr7TbL4vN", "user.id", 70, 96),
        ("abc123-abc123-abc123", "user.id", 1, 31),
    ],
)
def test_the_estimate_is_low(value: str, kind: str, low: int, high: int) -> None:
    assert low <= estimate(value, kind) <= high


@settings(max_examples=200, deadline=None)
@given(st.text(min_size=1, max_size=40), st.sampled_from(["contact.email", "contact.phone", "user.id"]))
def test_the_estimate_is_never_more_than_the_bytes(value: str, kind: str) -> None:
    assert 0 <= estimate(value, kind) <= 8 * len(value.encode("utf-8"))


def test_digests_and_stated_bits_limit_the_bits() -> None:
    assert PlantedValue("a", "user.id", "abcdefgh", 500).information() == 64
    wide = Planted([PlantedValue("a", "user.id", "k" * 40, 300)])
    found = wide.find(pa.array([hexed("k" * 40, "md5"), hexed("k" * 40, "sha256", "md5"), "k" * 40]))
    assert found.bits.tolist() == [128, 128, 300]


def write(folder: Path, text: str) -> Path:
    path = folder / "planted.toml"
    path.write_text(text)
    return path


def test_a_good_file_is_read(tmp_path: Path) -> None:
    text = f'[[planted]]\nid="ad"\ntype="device.advertising_id"\nvalue="{UUID}"\nbits=80\n'
    planted = read_planted(write(tmp_path, text))
    assert planted.values == (PlantedValue("ad", "device.advertising_id", UUID, 80),)


GOOD = 'id="a"\ntype="user.id"\nvalue="abcdefgh"\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[planted", "planted.toml: is not TOML"),
        ("", "no planted values"),
        ("planted = 3", "no planted values"),
        ("planted = [3]", "no planted values"),
        ("x = 1", "unknown key 'x'"),
        (f"[[planted]]\n{GOOD}colour=1", r"entry 1: unknown key 'colour'; there is: id, type, value, bits"),
        (f"[[planted]]\n{GOOD}bits=true", "'bits' should be a whole number"),
        (f"[[planted]]\n{GOOD}bits=0", "should be 1 or more"),
        ('[[planted]]\nid="a"\ntype="user.id"\nvalue=12345', "'value' should be text in quotes"),
        ('[[planted]]\nid="a"\ntype="user.id"', "'value' is missing"),
        (
            '[[planted]]\nid="a"\ntype="user.shoe"\nvalue="abcdefgh"',
            "unknown type 'user.shoe'; there is: contact",
        ),
        ('[[planted]]\nid="a"\ntype="user.id"\nvalue="abc"', "shorter than 4"),
        (f"[[planted]]\n{GOOD}[[planted]]\n{GOOD}", "entry 2: id 'a' is that of entry 1"),
        (f"[[planted]]\n{GOOD}[[planted]]\n" + GOOD.replace('"a"', '"b"'), "entry 2: the value is that of entry 1"),
    ],
)
def test_a_bad_file_says_what_and_where(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        read_planted(write(tmp_path, text))
    assert str(tmp_path) not in str(caught.value)


def test_a_missing_or_binary_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_planted(tmp_path / "none.toml")
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="is not TOML"):
        read_planted(tmp_path / "x.toml")
