"""Evidence: the minimised records that findings point to, addressed by their content.

A record has names, shapes, types and times; never a value nor a digest of one. Its id is the hash of its canonical
JSON (sorted names, no white space, nulls left out), so that the same evidence has the same id and a changed record is
noticed.
"""

import hashlib

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.core.tables import EVIDENCE

__all__ = ["canonical", "evidence_id", "records", "verify"]


def evidence_id(text: str) -> str:
    """Return the id of a canonical record: "ev_" and 24 hexadecimal digits of its SHA-256."""
    return "ev_" + hashlib.sha256(text.encode()).hexdigest()[:24]


def canonical(table: pa.Table) -> pa.Array:
    """Return each row of TABLE as canonical JSON: texts, whole numbers and booleans; nulls and empty texts left out."""
    fields = [pa.array(["{"] * table.num_rows, pa.string())]
    for name in sorted(table.schema.names):
        written = _written(table[name])
        field = pc.binary_join_element_wise(f',"{name}":', written, "", null_handling="skip")
        fields.append(pc.if_else(pc.is_valid(written), field, ""))
    joined = pc.binary_join_element_wise(*fields, "}", "")
    return pc.replace_substring(joined, "{,", "{", max_replacements=1)


def _written(column: pa.ChunkedArray) -> pa.Array:
    """Each value as JSON; texts are escaped once per distinct text."""
    whole = column.combine_chunks()
    one = whole.chunk(0) if isinstance(whole, pa.ChunkedArray) and whole.num_chunks else whole
    if pa.types.is_string(one.type) or pa.types.is_dictionary(one.type):
        coded = one if pa.types.is_dictionary(one.type) else one.dictionary_encode()
        texts = [msgspec.json.encode(t).decode() if t else None for t in coded.dictionary.to_pylist()]
        return pa.array(texts, pa.string()).take(coded.indices)
    return one.cast(pa.string())


def records(facts: pa.Table, visit_id: pa.Array) -> pa.Table:
    """Return the EVIDENCE rows of FACTS, one row each in the same order; run_id is left null."""
    text = canonical(facts)
    ids = [evidence_id(t) for t in text.to_pylist()]
    columns = [pa.nulls(len(ids), EVIDENCE.field("run_id").type), pa.array(ids, pa.string()), visit_id, text]
    return pa.table(columns, schema=EVIDENCE)


def verify(evidence: pa.Table) -> list[str]:
    """Return the ids in an EVIDENCE table whose record no longer has that id."""
    pairs = zip(evidence["evidence_id"].to_pylist(), evidence["record"].to_pylist(), strict=True)
    return [i for i, text in pairs if evidence_id(text) != i]
