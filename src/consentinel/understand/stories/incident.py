"""What happened: incidents, findings or failed audits by severity, kind and place, groups, and what to do first."""

from consentinel.understand.stories._incidents import KIND, NAME, ORDER, RECIPIENT, SEVERE, missing, open_cases
from consentinel.understand.stories._next import groups, mitigations
from consentinel.understand.telling.story import Query, Tone, Unit
from consentinel.understand.telling.teller import Teller

__all__ = ["tell"]

LISTED = 8
# Kind of the records -> what one and several of them are called.
NOUNS = {
    "finding": ("potential violation", "potential violations"),
    "audit": ("failed check", "failed checks"),
    "review": ("launch review", "launch reviews"),
    "request": ("request", "requests"),
}


def tell(teller: Teller) -> None:
    """Add what TELLER's incidents say as a whole."""
    day = teller.as_of
    whole = teller.ask(
        "All incidents: how many, how severe, where, when",
        f"""
        SELECT count(*) AS n, count(*) FILTER (severity IN ('critical', 'high')) AS severe, count(severity) AS ranked,
               count(DISTINCT subject) AS subjects, min(subject) AS subject,
               count(DISTINCT {RECIPIENT}) AS recipients,
               sum(people)::BIGINT AS people, sum(n)::BIGINT AS times,
               min(opened)::DATE AS first, max(opened)::DATE AS last,
               count(DISTINCT kind) AS kinds, min(kind) AS kind
        FROM incidents
        WHERE opened IS NULL OR opened < DATE '{day}' + 1
        """,
    )
    one, several = _noun(teller, whole)
    _title(teller, whole, one, several)
    tone: Tone = "danger" if teller.value(whole, "severe") else "muted" if teller.value(whole, "n") else "ok"
    found = f"{{n:{one} was|{several} were}} found"
    facts = {"n": teller.fact(whole, "n")}
    if teller.value(whole, "ranked"):
        facts["severe"] = teller.fact(whole, "severe")
        teller.verdict(f"{found}, {{severe}} of them of high or critical severity.", tone, **facts)
    else:
        teller.verdict(f"{found}. Nothing says how severe they are.", tone, **facts)
    if not teller.value(whole, "n"):
        return
    if teller.value(whole, "first"):
        facts = {"times": teller.fact(whole, "times"), "first": teller.fact(whole, "first", "date")}
        they = "It was" if teller.value(whole, "n") == 1 else "They were"
        if teller.value(whole, "first") == teller.value(whole, "last"):
            teller.say(f"{they} seen {{times:time|times}} on {{first}}.", **facts)
        else:
            teller.say(f"{they} seen {{times:time|times}} between {{first}} and {{last}}.",
                       last=teller.fact(whole, "last", "date"), **facts)  # fmt: skip
    tiles: list[tuple] = [(teller.fact(whole, "n"), several)]
    if teller.value(whole, "subjects") != 1:
        tiles.append((teller.fact(whole, "subjects"), "sites and systems"))
    if teller.value(whole, "severe"):
        tiles.insert(1, (teller.fact(whole, "severe"), "of high or critical severity", "danger"))
    if teller.value(whole, "recipients"):
        tiles.append((teller.fact(whole, "recipients"), "recipients of data"))
    if teller.value(whole, "people"):
        tiles.append((teller.fact(whole, "people"), "people affected, where it is known"))
    teller.tiles(*tiles, *(groups(teller) if teller.value(whole, "n") != 1 else ()))
    mitigations(teller, one, several)
    teller.heading("What was found")
    _charts(teller)
    _list(teller, whole)
    if teller.value(whole, "kind") not in ("finding", "audit"):
        open_cases(teller)
        missing(teller, "Counts are of what was reported, not of what happened.")
    else:
        missing(
            teller, "Counts are of what was looked at: a page, an app or a claim that nobody tested is not in them."
        )


def _noun(teller: Teller, whole: Query) -> tuple[str, str]:
    kinds, kind = teller.value(whole, "kinds"), str(teller.value(whole, "kind"))
    return NOUNS.get(kind, ("incident", "incidents")) if kinds == 1 else ("incident", "incidents")


def _title(teller: Teller, whole: Query, one: str, several: str) -> None:
    noun = f"{one[0].upper()}{one[1:]}" if teller.value(whole, "n") == 1 else f"{several[0].upper()}{several[1:]}"
    subjects = teller.value(whole, "subjects")
    if subjects == 1:
        teller.title(f"{noun} at {{subject}}", subject=teller.fact(whole, "subject", "name"))
    elif subjects:
        teller.title(f"{noun} at {{subjects}} sites and systems", subjects=teller.fact(whole, "subjects"))
    else:
        teller.title(noun)


def _charts(teller: Teller) -> None:
    severities = teller.ask(
        "Incidents by severity",
        f"""
        SELECT coalesce(severity, 'not known') AS severity, count(*) AS n
        FROM incidents GROUP BY severity ORDER BY max({ORDER}) DESC
        """,
    )
    teller.bars("By severity", severities, "severity", "n", tones=SEVERE)
    for title, column in (("By kind", KIND), ("By site or system", "subject"), ("By recipient of data", RECIPIENT)):
        found = teller.ask(
            f"Incidents {title.lower()}",
            f"""
            SELECT label, count(*) AS n, count(*) FILTER (severe) AS severe, count(*) OVER () AS of
            FROM (SELECT {column} AS label, severity IN ('critical', 'high') AS severe FROM incidents)
            WHERE label IS NOT NULL
            GROUP BY label ORDER BY n DESC, label
            LIMIT 8
            """,
        )
        if len(found.rows) > 1 or (column == KIND and found.rows):
            shown = title if len(found.rows) == found.rows[0][3] else f"{title}: the largest"
            teller.bars(shown, found, "label", "n", more=(("severe", "high, critical", "count"),)
                        if any(row[2] for row in found.rows) else ())  # fmt: skip


def _list(teller: Teller, whole: Query) -> None:
    found = teller.ask(
        "The most severe, those seen most often first; equal ones in one row",
        f"""
        SELECT {NAME} AS name, coalesce(severity, 'not known') AS severity, subject, count(*) AS n,
               sum(n)::BIGINT AS times, min(opened)::DATE AS opened,
               (sum(count(*)) OVER ())::BIGINT AS of
        FROM incidents
        GROUP BY ALL
        ORDER BY max({ORDER}) DESC, times DESC, name
        LIMIT {LISTED}
        """,
    )
    teller.heading("The most severe")
    columns: list[tuple[str, str, Unit]] = [("name", "what", "name"), ("severity", "severity", "name")]
    if teller.value(whole, "subjects") != 1:
        columns.append(("subject", "where", "name"))
    columns += [("n", "how many", "count"), ("times", "times seen", "count")]
    if teller.value(whole, "first") != teller.value(whole, "last"):
        columns.append(("opened", "first seen", "date"))
    teller.grid("Equal ones are in one row", found, *columns)
