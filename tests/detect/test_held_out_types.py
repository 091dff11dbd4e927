"""Types told by judges that never saw the family of the recipient, in training and by themselves."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from consentinel.core.errors import BadInput
from consentinel.detect import held_out_types
from consentinel.detect.held_out_types import HeldOutTypes
from consentinel.detect.judges._datum_linear import Linear
from consentinel.detect.judges._datum_table import DATUM_TABLE
from tests.detect.made_visits import data

pytest.importorskip("sklearn", reason="needs consentinel[learn]")

FAMILIES = 20
SECRET = "x-x-x-x-x"


def table() -> pa.Table:
    """Return DATUM_TABLE in which every family calls its identifier by a name of its own, and `imp` is nothing."""
    plain = {"carrier": "query", "shape": SECRET, "type": None, "type_p": None, "n": 3}
    rows = []
    for number in range(FAMILIES):
        own = plain | {"family": f"f{number}"}
        rows += [own | {"key": f"zq{number}zq", "verdict": "types", "types": ["device.id"]}]
        rows += [own | {"key": "visitor.uuid", "verdict": "types", "types": ["device.id"]}]
        rows += [own | {"key": f"imp{at}", "shape": "a", "verdict": "none", "types": []} for at in range(3)]
    return pa.Table.from_pylist(rows, DATUM_TABLE)


def labels(folder: Path) -> Path:
    """Write labels of FAMILIES recipients, the last two of which share a domain, and return the folder."""
    folder.mkdir()
    plain: dict[str, Any] = {"group": "train", "purpose": "advertising"}
    rows = [
        plain | {"family": f"f{at}", "recipient": f"api.r{at}.test", "recipient_domain": f"r{at}.test"}
        for at in range(FAMILIES)
    ]
    rows.append(plain | {"family": "f18", "recipient": "api.r19.test", "recipient_domain": "r19.test"})
    pq.write_table(pa.Table.from_pylist(rows), folder / "labels.parquet")
    return folder


@pytest.fixture
def types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[HeldOutTypes, list[set[str]]]:
    """Return the types, and for each judge the families that it learnt from."""
    learnt: list[set[str]] = []
    trained = held_out_types.fitted

    def watched(rows: pa.Table, seed: int) -> Linear:
        learnt.append(set(rows["family"].to_pylist()))
        return trained(rows, seed)

    monkeypatch.setattr(held_out_types, "fitted", watched)
    return HeldOutTypes(table(), labels(tmp_path / "labels"), seed=1), learnt


def test_no_judge_has_seen_the_families_of_its_recipients(types: tuple[HeldOutTypes, list[set[str]]]) -> None:
    held, learnt = types
    assert len(learnt) == 5
    for at in range(FAMILIES):
        assert f"f{at}" not in learnt[held.fold(f"r{at}.test")]
    assert held.fold("r18.test") == held.fold("r19.test")
    assert "f18" not in learnt[held.fold("r19.test")]
    assert held.fold("api.r3.test") == held.fold("r3.test")


def test_data_are_typed_and_what_is_nothing_is_left_out(types: tuple[HeldOutTypes, list[set[str]]]) -> None:
    held, _ = types
    to = {"type": None, "type_p": None, "shape": SECRET, "recipient": "r3.test"}
    rows = data(
        to | {"key": "visitor.uuid", "seq": 1},
        to | {"key": "imp1", "shape": "a", "seq": 2},
        to | {"key": "kept", "shape": "a", "seq": 3, "action": "stored", "recipient": None},
        to | {"key": "p", "shape": "a", "seq": 4, "type": "user.id", "type_p": 1.0, "planted_id": "a"},
    )  # fmt: skip
    told = held.retyped(rows).to_pylist()
    by_seq = {row["seq"]: row for row in told}
    assert by_seq[1]["type"] == "device.id"
    assert by_seq[1]["type_p"] > 0.5
    assert np.all([row["type_p"] < 0.5 for row in told if row["seq"] == 2])
    assert 3 in by_seq  # what is stored stays, with or without a type
    assert (by_seq[4]["type"], by_seq[4]["type_p"]) == ("user.id", 1.0)


def test_labels_that_are_not_there_are_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"labels\.parquet"):
        HeldOutTypes(table(), tmp_path, seed=1)
