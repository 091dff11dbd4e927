"""What people call tables and columns, and names of places that stand in data as codes.

Nouns and names are our own choice. Columns that are not listed are called as they are named. A name after ~ counts only
in a question that names its table.
"""

import re

__all__ = ["COLUMNS", "IMPLIED", "LISTED", "NEGATING", "NOUNS", "SAME", "STATES", "TIME", "WHOLES", "folded", "rows_of",
           "spelled", "stem"]  # fmt: skip

NOUNS = {
    "incidents": ("incident", "breach", "case", "report", "record", "event", "data breach", "security incident",
                  "privacy incident", "reported breach", "notification", "entry"),
    "findings": ("finding", "issue", "claim", "result"),
    "audits": ("measure", "audit measure", "measure of the audit"),
    "texts": ("text", "document", "narrative"),
    "visits": ("visit", "page load", "capture"),
    "traffic": ("request", "response", "message"),
    "releases": ("release", "released value"),
}  # fmt: skip
# What a table is called and its rows are not: one audit has many of them.
WHOLES = {"audits": ("audit", "privacy audit", "audit result")}
# What a noun says of its rows, where the table has others too.
_INCIDENT = ("kind", "incident")
IMPLIED: dict[str, dict[str, tuple[str, str]]] = {
    "incidents": dict.fromkeys(("incident", "breach", "data breach", "security incident", "privacy incident",
                                "reported breach"), _INCIDENT),
    "traffic": {"request": ("direction", "sent"), "response": ("direction", "received")},
}  # fmt: skip
COLUMNS: dict[str, dict[str, tuple[str, ...]]] = {
    "incidents": {
        "subject": ("organization", "entity", "company", "covered entity", "subject", "firm", "institution",
                    "business", "reporter"),
        "category": ("category", "type", "kind of incident", "kind of breach", "type of incident", "type of breach",
                     "incident type", "breach type", "breach category", "incident category", "cause",
                     "breach kind", "incident kind"),
        "people": ("people", "individual", "person", "patient", "victim", "people affected", "affected people",
                   "individual affected", "affected individual", "person affected", "affected person",
                   "affected", "number affected", "impacted people", "people impacted"),
        "opened": ("opened", "reported", "submitted", "filed", "opening date", "report date", "submission date"),
        "closed": ("closed", "resolved", "closing date"),
        "region": ("region", "state", "us state"),
        "text_id": ("text", "description", "narrative"),
        "owner": ("owner", "team", "assignee"),
        "data_types": ("data type", "type of data", "kind of data"),
        "source_name": ("source file", "file"),
    },
    "findings": {
        "subject": ("site", "app", "subject", "website", "application", "site or app"),
        "recipient": ("recipient", "receiver", "recipient domain"),
        "owner": ("owner", "~company", "~organization", "recipient owner", "owning company"),
        "category": ("~category", "recipient category"),
        "type": ("type", "data type", "type of data", "kind of data", "datum type"),
        "consent_state": ("consent state", "state of consent", "consent", "~state"),
        "consent_source": ("consent source",),
        "first": ("first seen", "first observed", "first detected"),
        "last": ("last seen", "last observed", "last detected"),
        "n": ("sighting", "observation", "occurrence"),
        "n_visits": ("visit", "page visit"),
        "n_subjects": ("~people", "~individual", "subject count", "~user", "~people affected", "~affected people",
                       "~data subject"),
        "p": ("probability", "confidence"),
        "proof": ("proof", "proof level", "level of proof", "proof class", "grade of proof"),
        "keys": ("field", "key", "field name"),
        "severity": ("severity", "severity level"),
        "outcome": ("outcome", "verdict"),
        "rule": ("rule",),
    },
    "audits": {
        "slice": ("slice", "group", "subgroup"),
        "against": ("against", "reference", "reference group"),
        "low": ("low", "lower bound", "lower end"),
        "high": ("high", "upper bound", "upper end"),
        "level": ("level", "confidence level"),
        "n": ("sample size", "number of units"),
        "p": ("p", "p value"),
        "q": ("q", "q value", "adjusted p value"),
        "detectable": ("detectable", "detectable effect", "smallest detectable effect"),
        "verdict": ("verdict", "outcome", "result"),
        "why": ("reason",),
    },
    "texts": {"received": ("received",), "characters": ("character", "length"), "language": ("language",)},
}  # fmt: skip
# The column of times that a bare date is about.
TIME = {"incidents": "opened", "findings": "first", "texts": "received", "visits": "started", "traffic": "time"}
# What is shown of single rows.
LISTED = {
    "incidents": ("subject", "region", "category", "people", "opened"),
    "findings": ("rule", "subject", "recipient", "type", "severity", "first"),
    "audits": ("metric", "slice", "value", "low", "high", "verdict"),
    "texts": ("text_id", "kind", "language", "characters", "received"),
}
SAME = {"stolen": "theft", "lost": "loss", "hacked": "hacking", "hacks": "hacking", "hack": "hacking",
        "thefts": "theft", "losses": "loss"}  # fmt: skip
NEGATING = frozenset(["no", "not", "non", "none", "never", "without"])  # words that turn round what stands with them
STATES = {
    "alabama": "AL", "alaska": "AK", "arizona": "AZ", "arkansas": "AR", "california": "CA", "colorado": "CO",
    "connecticut": "CT", "delaware": "DE", "district of columbia": "DC", "washington dc": "DC", "florida": "FL",
    "georgia": "GA", "hawaii": "HI", "idaho": "ID", "illinois": "IL", "indiana": "IN", "iowa": "IA", "kansas": "KS",
    "kentucky": "KY", "louisiana": "LA", "maine": "ME", "maryland": "MD", "massachusetts": "MA", "michigan": "MI",
    "minnesota": "MN", "mississippi": "MS", "missouri": "MO", "montana": "MT", "nebraska": "NE", "nevada": "NV",
    "new hampshire": "NH", "new jersey": "NJ", "new mexico": "NM", "new york": "NY", "north carolina": "NC",
    "north dakota": "ND", "ohio": "OH", "oklahoma": "OK", "oregon": "OR", "pennsylvania": "PA", "puerto rico": "PR",
    "rhode island": "RI", "south carolina": "SC", "south dakota": "SD", "tennessee": "TN", "texas": "TX",
    "utah": "UT", "vermont": "VT", "virginia": "VA", "washington": "WA", "west virginia": "WV", "wisconsin": "WI",
    "wyoming": "WY", "guam": "GU",
}  # fmt: skip
_ONE_OF = {"people": "person", "individuals": "individual", "entries": "entry", "entities": "entity",
           "analyses": "analysis", "data": "data"}  # fmt: skip


def spelled(text: str) -> str:
    """Return TEXT in one spelling: organization for organisation."""
    return re.sub(r"(?<=[a-z]{4})is(e|ed|ing|ation|ations)\b", r"iz\1", text)


def stem(word: str) -> str:
    """Return WORD in the singular, in one spelling."""
    if word in _ONE_OF:
        return _ONE_OF[word]
    word = spelled(word)
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and re.search(r"(?:ss|sh|ch|x)es$", word):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def folded(text: str) -> tuple[str, ...]:
    """Return the words of TEXT as they are compared: lower case, in the singular, in one spelling."""
    return tuple(stem(word) for word in re.findall(r"[a-z0-9]+", text.lower().replace("'s", "")))


def rows_of(table: str) -> str:
    """Return what the rows of TABLE are called, in the plural."""
    return f"{NOUNS[table][0]}s" if table in WHOLES else table.replace("_", " ")
