"""What several stories ask of incidents, groups and recommendations alike."""

from consentinel.core.finding_words import RULES
from consentinel.understand.telling.story import Tone
from consentinel.understand.telling.teller import Teller

__all__ = ["CLOSED", "KIND", "NAME", "ORDER", "RECIPIENT", "SEVERE", "missing", "open_cases"]

CLOSED = "('archived', 'closed', 'complete', 'completed', 'done', 'fixed', 'rejected', 'resolved')"
ORDER = "CASE severity WHEN 'critical' THEN 4 WHEN 'high' THEN 3 WHEN 'medium' THEN 2 WHEN 'low' THEN 1 ELSE 0 END"
SEVERE: dict[str, Tone] = {
    "critical": "danger",
    "high": "warn",
    "medium": "caution",
    "low": "info",
    "not known": "muted",
}
RECIPIENT = "(SELECT any_value(f.value) FROM (SELECT unnest(facts) AS f) WHERE f.name = 'recipient')"
_NAMED = " ".join(f"WHEN '{rule}' THEN '{words}'" for rule, words in RULES.items())
KIND = f"CASE category {_NAMED} ELSE replace(coalesce(category, 'not known'), '_', ' ') END"
NAME = "coalesce(title, subject, category, 'without a name')"


def open_cases(teller: Teller) -> None:
    """Tell how many cases are open and how long, where their status or their end is known."""
    day = teller.as_of
    found = teller.ask(
        "Cases that are open: no end, and no status that says so",
        f"""
        SELECT count(*) AS known,
               count(*) FILTER (open) AS n,
               count(*) FILTER (open AND opened < DATE '{day}' - 180) AS older,
               date_diff('day', min(opened) FILTER (open), TIMESTAMP '{day}') AS oldest,
               median(date_diff('day', opened, closed)) AS days,
               count(closed) AS ended, 180 AS limit_days
        FROM (
          SELECT opened, closed, closed IS NULL AND coalesce(status, '') NOT IN {CLOSED} AS open
          FROM incidents
          WHERE (status IS NOT NULL OR closed IS NOT NULL) AND opened <= DATE '{day}' + 1
        )
        """,
    )
    if not teller.value(found, "known"):
        teller.note("Nothing says which of the cases are still open.")
        return
    teller.heading("What is still open")
    if not teller.value(found, "n"):
        teller.say("No case is open.")
    else:
        teller.say(
            "{n:case is|cases are} open, of {known} whose state is known; {older} of them for more than {limit}. The "
            "oldest has been open for {oldest}.",
            n=teller.fact(found, "n"), known=teller.fact(found, "known"), older=teller.fact(found, "older"),
            limit=teller.fact(found, "limit_days", "days"), oldest=teller.fact(found, "oldest", "days"),
        )  # fmt: skip
    if teller.value(found, "ended"):
        teller.say(
            "A case that ended took {days} in the middle (median of {n}).",
            days=teller.fact(found, "days", "days"), n=teller.fact(found, "ended"),
        )  # fmt: skip


def missing(teller: Teller, closing: str) -> None:
    """Tell what is not in the tables, and in CLOSING what the reader should not conclude."""
    found = teller.ask(
        "What the records do not say",
        """
        SELECT count(*) AS of, count(*) FILTER (opened IS NULL) AS undated,
               count(*) FILTER (text_id IS NULL) AS silent, count(*) FILTER (severity IS NULL) AS unranked
        FROM incidents
        """,
    )
    teller.heading("What this cannot say")
    clauses = [
        ("undated", "{undated:has|have} no date, which leaves them out of counts by date"),
        ("silent", "{silent:has|have} no text"),
        ("unranked", "{unranked:has|have} no severity"),
    ]
    said = [(name, clause) for name, clause in clauses if teller.value(found, name)]
    if said:
        facts = {name: teller.fact(found, name) for name, _ in said}
        teller.say(f"Of {{of:record|records}}, {'; '.join(clause for _, clause in said)}.", of=teller.fact(found, "of"),
                   **facts)  # fmt: skip
    teller.say(closing)
