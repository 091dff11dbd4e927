"""From leaves to DATA: each row typed, masked and read, whatever else is in the table."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.core import mask
from consentinel.core.tables import DATA, check
from consentinel.detect.decode import LEAVES
from consentinel.detect.observe import Observer
from consentinel.detect.planted import read_planted
from consentinel.detect.shelves import SIGNALS, SURFACES
from tests.detect.made_visits import T0, Row

KEY = b"k" * 32
SURFACE_PARTS = [SURFACES.take(n) for n in SURFACES.names()]
SIGNAL_PARTS = [SIGNALS.take(n) for n in SIGNALS.names()]
EMAIL = "reader.q7w2e9r4@example.com"


def observer(**more: object) -> Observer:
    return Observer(KEY, SURFACE_PARTS, SIGNAL_PARTS, **more)  # type: ignore[arg-type]


def leaves(*rows: Row) -> pa.Table:
    """Return LEAVES; a row names only what differs from an empty query field."""
    plain = {
        "visit_id": "v", "seq": 0, "time": T0, "action": "sent", "carrier": "query", "recipient": "x.test",
        "key": "k", "decode_path": "", "depth": 0, "value": "",
    }  # fmt: skip
    kinds = [f.type.value_type if pa.types.is_dictionary(f.type) else f.type for f in LEAVES]
    arrays = [pa.array([(plain | r).get(f.name) for r in rows], k) for f, k in zip(LEAVES, kinds, strict=True)]
    return pa.table(
        [a.cast(f.type) if a.type != f.type else a for a, f in zip(arrays, LEAVES, strict=True)], schema=LEAVES
    )


VALUES = st.sampled_from(["", EMAIL, "1920x1080", "48.858370913", "1YYN", "3f9c1b62-8d4e-4a57-9b0c-71e2d5a6f813", "é☃"])
KEYS = st.sampled_from(["email", "sr", "lat", "us_privacy", "user.us_privacy[]", "uid", ""])
LEAF_ROWS = st.lists(
    st.fixed_dictionaries({"value": VALUES, "key": KEYS, "carrier": st.sampled_from(["query", "json", "header"])}),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(LEAF_ROWS)
def test_a_row_is_seen_the_same_alone_and_among_others(rows: list[Row]) -> None:
    together, read = observer().observe(leaves(*rows))
    check(together, DATA, "test")
    assert together.num_rows == len(rows)
    for number, row in enumerate(rows):
        alone, _ = observer().observe(leaves(row))
        assert alone.to_pylist() == together.slice(number, 1).to_pylist()
        text = pa.array([row["value"]], pa.large_string())
        assert alone["digest"].to_pylist() == mask.digests(text, KEY).tolist()
        assert alone["shape"].to_pylist() == mask.shapes(text).to_pylist()
        assert alone["length"].to_pylist() == [len(row["value"])]
    named = [r for r in rows if "us_privacy" in r["key"] and r["value"] == "1YYN"]
    assert len(read.visit_id) == len(read.time) == len(read.reading) == len(read.digest) == len(named)


def test_nothing_is_nothing() -> None:
    data, read = observer().observe(LEAVES.empty_table())
    assert data.schema.equals(DATA)
    assert data.num_rows == len(read.visit_id) == 0


@pytest.mark.parametrize(
    ("key", "value", "kind"),
    [("email", EMAIL, "contact.email"), ("sr", "1920x1080", "device.screen"), ("page", "about", None)],
)
def test_types(key: str, value: str, kind: str | None) -> None:
    data, _ = observer().observe(leaves({"key": key, "value": value}))
    assert data["type"].to_pylist() == [kind]
    assert (data["type_p"][0].as_py() is None) == (kind is None)


def test_a_signal_is_read_once_and_told_for_each_row(monkeypatch: pytest.MonkeyPatch) -> None:
    part, calls = SIGNALS.take("us_privacy"), []
    real: Callable[..., object] = part.read
    monkeypatch.setattr(part, "read", lambda key, text: (calls.append(text), real(key, text))[1])
    watching = observer()
    same = {"key": "us_privacy", "value": "1YYN"}
    for start in (0, 10):
        _, read = watching.observe(leaves(*(same | {"time": T0 + start + n, "carrier": c} for n, c in enumerate("ab"))))
        assert read.time.tolist() == [T0 + start, T0 + start + 1]
        assert [watching.readings[i].sale_opt_out for i in read.reading] == [True, True]
    assert calls == ["1YYN"]
    assert len(watching.readings) == 1


def test_a_key_that_only_looks_like_a_signal_says_nothing() -> None:
    _, read = observer().observe(leaves({"key": "usp", "value": "hello"}, {"key": "consent", "value": "yes"}))
    assert read.visit_id == []


def test_a_planted_value_says_its_type_as_far_as_its_bits_reach(tmp_path: Path) -> None:
    planted = {"proof": "reader.6cf9da5511694a251b121328@example.com", "hint": EMAIL, "little": "Ada Q"}
    stated = {"hint": "\nbits = 50"}
    file = tmp_path / "planted.toml"
    file.write_text(
        "".join(
            f'[[planted]]\nid = "{i}"\ntype = "contact.name"\nvalue = "{v}"{stated.get(i, "")}\n'
            for i, v in planted.items()
        )
    )
    screen = {"key": "sr", "value": "1920x1080"}
    rows = [{"key": k, "value": f"({v})"} for v in planted.values() for k in ("note", "email")]
    rows += [{"key": "email", "value": EMAIL}, screen]
    data, _ = observer(planted=read_planted(file)).observe(leaves(*rows))
    got = list(zip(*(data[c].to_pylist() for c in ("planted_id", "type")), strict=True))
    assert got == [
        ("proof", "contact.name"), ("proof", "contact.name"),  # what is stated counts
        ("hint", "contact.name"), ("hint", "contact.name"),  # where nothing was recognised
        ("little", None), ("little", None),
        ("hint", "contact.email"), (None, "device.screen"),
    ]  # fmt: skip
    bits = [b or 0 for b in data["matched_bits"].to_pylist()]
    assert min(bits[:2]) >= 64 > max(bits[2:4]) >= 32 > max(bits[4:6])
    assert max(p for p, b in zip(data["type_p"].to_pylist(), bits, strict=True) if p and b < 64) < 1


def test_no_column_holds_the_value() -> None:
    value = "3f9c1b62-8d4e-4a57-9b0c-71e2d5a6f813"
    data, _ = observer().observe(leaves({"key": "uid", "value": value}))
    assert value not in str(data.to_pylist())
    assert data["shape"].to_pylist() == ["x-x-x-x-x"]


def test_another_key_gives_other_digests() -> None:
    rows = leaves({"key": "uid", "value": "abcdefgh"})
    first, _ = observer().observe(rows)
    second, _ = Observer(b"other" * 8, SURFACE_PARTS, SIGNAL_PARTS).observe(rows)
    assert not np.array_equal(first["digest"].to_numpy(), second["digest"].to_numpy())
