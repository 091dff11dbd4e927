"""Which column of a source is which of ours: as its shape says, as people say, or guessed from names and said aloud."""

import re
from collections.abc import Mapping

import pyarrow as pa

from consentinel.core.errors import UsageError

__all__ = ["FACT", "OURS", "asked", "named"]

FACT = "fact "  # before the name of a column that is kept as it is
# Ours -> names that such columns often have, likeliest first, as `_plain` writes them. An owner is never guessed.
OURS: dict[str, tuple[str, ...]] = {
    "source_id": ("incident_id", "id", "record_id", "case_id", "ticket_id", "review_id", "request_id", "issue_key",
                  "reference", "ticket", "key", "number"),
    "text": ("text", "description", "narrative", "content", "body", "summary", "details", "story", "message",
             "comment", "full_text", "what_happened", "review", "policy_text", "segment"),
    "title": ("title", "headline", "short_description", "subject_line"),
    "subject": ("subject", "entity", "organisation", "organization", "company", "app", "application", "product", "site",
                "system", "service", "domain", "victim"),
    "category": ("category", "breach_type", "incident_type", "type", "data_breach_cause", "class"),
    "labels": ("labels", "tags", "classes"),
    "severity": ("severity", "priority", "risk_tier", "risk"),
    "status": ("status", "state_of_case"),
    "region": ("region", "state", "country", "entity_state", "jurisdiction"),
    "opened": ("opened", "opened_at", "submitted", "date_submitted", "reported", "report_date", "received",
               "received_at", "created", "created_at", "incident_date", "added_date", "date", "timestamp", "at"),
    "closed": ("closed", "closed_at", "resolved", "resolved_at", "date_closed"),
    "people": ("people", "people_affected", "individuals_affected", "affected", "records_affected", "pwn_count"),
    "data_types": ("data_types", "data_classes", "data_categories"),
    "action": ("action", "action_taken", "actions_taken", "resolution", "corrective_action", "remediation"),
    "n": ("n", "count"),
    "owner": (),
}  # fmt: skip


def asked(columns: str) -> dict[str, str]:
    """Return COLUMNS ("text=description,opened=submitted") as ours -> theirs; theirs empty: leave ours out.

    Raises UsageError for what is no pair and for a name that is not ours.
    """
    found: dict[str, str] = {}
    for pair in filter(None, (pair.strip() for pair in columns.split(","))):
        ours, sign, theirs = (word.strip() for word in pair.partition("="))
        if not sign or ours not in OURS:
            raise UsageError(f"columns: '{pair[:60]}' is not ours=theirs; ours is one of: {', '.join(OURS)}")
        found[ours] = theirs
    return found


def named(
    table: pa.Table, shape: Mapping[str, str], wanted: Mapping[str, str], facts: list[str], where: str, notes: list[str]
) -> dict[str, pa.ChunkedArray]:
    """Return columns of TABLE by our names; those kept as they are by "fact NAME".

    Arguments: shape, ours -> theirs of a source whose shape is known; wanted, what people said, which goes first;
    facts, columns to keep; where, a base name; notes, to which guesses are added. Raises UsageError.
    """
    there = {_plain(name): name for name in reversed(table.column_names)}
    pairs = dict(shape) | dict(wanted) | {f"{FACT}{name}": name for name in facts}
    found = {}
    for ours, theirs in pairs.items():
        if theirs in table.column_names:
            found[ours] = table[theirs]
        elif theirs and (ours in wanted or theirs in facts):
            names = ", ".join(name[:40] for name in table.column_names[:40] if name != "source_row")
            raise UsageError(f"{where}: there is no column '{theirs[:60]}' for {ours}; there is: {names}")
    if shape:
        return found
    taken = {*pairs.values()}
    guessed = []
    for ours, names in OURS.items():
        theirs = next((there[name] for name in names if name in there and there[name] not in taken), None)
        if ours not in pairs and theirs is not None:
            found[ours] = table[theirs]
            taken.add(theirs)
            guessed.append(f"{ours}={theirs}")
    if guessed:
        notes.append(f"{where}: columns were guessed from their names: {','.join(guessed)} (change with --columns)")
    return found


def _plain(name: str) -> str:
    """Return NAME in lower case with underscores: DateSubmitted and "Date submitted" are date_submitted."""
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()).strip("_")
