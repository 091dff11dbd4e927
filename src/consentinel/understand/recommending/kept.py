"""The tables that recommendations are kept in."""

from collections.abc import Sequence

import pyarrow as pa

from consentinel.core.tables import LABEL, MICROS, TEXT
from consentinel.understand.recommending.cases import Case
from consentinel.understand.recommending.ranked import Advice

__all__ = ["RECOMMENDATIONS", "SIMILAR", "tables"]

# One row is one mitigation for one case, the best first.
RECOMMENDATIONS = pa.schema([
    ("run_id", LABEL), ("incident_id", TEXT), ("kind", LABEL), ("title", TEXT), ("subject", LABEL),
    ("rank", pa.int32()),  # 1, 2, 3, ... within the case
    ("mitigation", LABEL), ("name", LABEL), ("does", LABEL),
    ("p", pa.float64()),  # calibrated, that it is done about such a case; of a rule: that it is accepted
    ("rule", LABEL),  # that asks for it; null where past cases do
    ("owner", LABEL), ("owner_from", LABEL),  # similar cases, or catalogue
    ("reviewer", LABEL), ("references", pa.list_(TEXT)),
    ("decision", LABEL),  # what was said of it here: accept or reject; null where nobody has
    ("why", pa.list_(pa.struct([("kind", TEXT), ("cites", TEXT), ("says", TEXT)]))),
])  # fmt: skip
# One row is one past case that is like a case, the most similar first.
SIMILAR = pa.schema([
    ("run_id", LABEL), ("incident_id", TEXT), ("rank", pa.int32()), ("similar_id", TEXT), ("similarity", pa.float64()),
    ("title", TEXT), ("opened", MICROS), ("owner", LABEL), ("done", pa.list_(TEXT)),
])  # fmt: skip


def tables(advised: Sequence[tuple[Case, Advice]]) -> dict[str, pa.Table]:
    """Return the tables recommendations and similar of what was ADVISED; run_id is set when they are kept."""
    rows, near = [], []
    for case, advice in advised:
        for rank, one in enumerate(advice.mitigations, 1):
            what = one.mitigation
            rows.append({
                "incident_id": case.incident_id, "kind": case.kind, "title": case.title,
                "subject": case.subject or None, "rank": rank, "mitigation": what.name, "name": what.title,
                "does": what.does, "p": one.p, "rule": one.rule or None,
                "owner": one.owner, "owner_from": one.owner_from, "reviewer": what.reviewer,
                "references": list(what.references), "decision": one.decision or None,
                "why": [{"kind": why.kind, "cites": why.cites, "says": why.says} for why in one.why],
            })  # fmt: skip
        near += [
            {"incident_id": case.incident_id, "rank": rank, "similar_id": past.incident_id, "similarity": similarity,
             "title": past.title, "opened": None if past.day is None else past.day * 86_400_000_000,
             "owner": past.owner or None, "done": list(past.done)}
            for rank, (past, similarity) in enumerate(advice.similar, 1)
        ]  # fmt: skip
    return {
        "recommendations": pa.Table.from_pylist(rows, RECOMMENDATIONS),
        "similar": pa.Table.from_pylist(near, SIMILAR),
    }
