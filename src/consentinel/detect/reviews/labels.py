"""Decisions as labels to learn from: what reviewers said about a class, on which versions, and with which weight."""

from collections import Counter

import pyarrow as pa

from consentinel.core.state import State
from consentinel.detect.reviews.memory import CLAIMS, Given, recall

__all__ = ["LABELS", "labels"]

_OF_CLAIM = ("rule", "recipient", "party", "type", "carrier", "consent_state", "keys", "basis", "outcome", "p")
# One row is one answer to one claim. `class` joins with reviews.classes.classes(findings)["class"].
LABELS = pa.schema(
    [
        ("claim", pa.string()),  # class and versions
        ("class", pa.string()),
        ("label", pa.string()),  # violation or not_violation
        ("rule_version", pa.string()),
        ("model_version", pa.string()),  # empty: no model took part
        ("weight", pa.float64()),  # share of the reviewers of this claim who said so
        ("n_reviewers", pa.int64()),
        ("decided", pa.int64()),  # the latest decision behind it, microseconds UTC
        *((CLAIMS.field(name).name, CLAIMS.field(name).type) for name in _OF_CLAIM),
    ]
)


def labels(state: State) -> pa.Table:
    """Return the table LABELS of the reviews in STATE, in the order of claim and label.

    Each reviewer counts with the latest decision on a claim. Where reviewers disagree there are two rows with the
    shares of each answer as weights. A waiver says what is tolerated and not what is true, so it is no label, and
    neither is undecided. Decisions on earlier versions stay: what is true of a claim does not age with the rule, and
    `rule_version` lets a trainer leave them out.
    """
    latest: dict[str, dict[str, Given]] = {}
    for line in recall(state).journal:
        latest.setdefault(line.claim, {})[line.reviewer] = line
    with state.read() as now:
        columns = ", ".join(("claim", *_OF_CLAIM))
        claims = {row[0]: row[1:] for row in now.rows(f"SELECT {columns} FROM review_claims")}
    rows = []
    for claim, said in sorted(latest.items()):
        answers = [given for given in said.values() if given.decision in ("violation", "not_violation")]
        for label, n in sorted(Counter(given.decision for given in answers).items()):
            behind = [given for given in answers if given.decision == label]
            rows.append(
                dict(zip(_OF_CLAIM, claims[claim], strict=True))
                | {
                    "claim": claim, "class": behind[0].class_, "label": label,
                    "rule_version": behind[0].rule_version, "model_version": behind[0].model_version,
                    "weight": n / len(answers), "n_reviewers": len(answers),
                    "decided": max(given.decided for given in behind),
                }
            )  # fmt: skip
    return pa.Table.from_pylist(rows, LABELS)
