import hashlib
import json
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.core.evidence import canonical, evidence_id, records, verify
from consentinel.core.tables import EVIDENCE

TEXTS = st.none() | st.text(max_size=12) | st.text(st.sampled_from('",{}\\\n\x00é'), max_size=6)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "rule": TEXTS,
            "key": TEXTS,
            "at": st.none() | st.integers(-(2**62), 2**62),
            "first": st.none() | st.booleans(),
        }
    ),
    max_size=6,
)


def facts(rows: list[dict[str, Any]]) -> pa.Table:
    kinds = {"rule": pa.dictionary(pa.int32(), pa.string()), "key": pa.string(), "at": pa.int64(), "first": pa.bool_()}
    return pa.table({n: pa.array([r[n] for r in rows], k) for n, k in kinds.items()})


@settings(deadline=None)
@given(ROWS)
def test_records_are_json_with_sorted_names_and_nothing_empty(rows: list[dict[str, Any]]) -> None:
    for text, row in zip(canonical(facts(rows)).to_pylist(), rows, strict=True):
        told = {k: v for k, v in sorted(row.items()) if v is not None and v != ""}
        assert json.loads(text) == told
        assert list(json.loads(text)) == list(told)
        assert canonical(facts([row]).select(["first", "at", "key", "rule"])).to_pylist() == [text]


@settings(deadline=None)
@given(ROWS)
def test_ids_are_equal_exactly_when_the_records_are(rows: list[dict[str, Any]]) -> None:
    made = records(facts(rows), pa.array(["v"] * len(rows), EVIDENCE.field("visit_id").type))
    assert made.schema.equals(EVIDENCE)
    assert len(set(made["evidence_id"].to_pylist())) == len(set(made["record"].to_pylist()))
    assert verify(made) == []


def test_an_id_never_changes_and_a_changed_record_is_noticed() -> None:
    text = '{"at":1,"key":"é"}'
    assert evidence_id(text) == "ev_" + hashlib.sha256(text.encode()).hexdigest()[:24]
    assert evidence_id(text) == "ev_e564434a778db2e39d3b5d40"
    rows = [{"rule": "a", "key": "k", "at": n, "first": None} for n in range(3)]
    made = records(facts(rows), pa.array(["v"] * 3, EVIDENCE.field("visit_id").type))
    texts, ids = made["record"].to_pylist(), made["evidence_id"].to_pylist()
    changed = made.set_column(3, EVIDENCE.field(3), pa.array([texts[0], texts[0], texts[2]]))
    assert verify(changed) == [ids[1]]
