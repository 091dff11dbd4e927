"""What people call tables and columns, and names of places that stand in data as codes.

Nouns and names are our own choice. Columns that are not listed are called as they are named. A name after ~ counts only
in a question that names its table.
"""

import re

__all__ = ["COLUMNS", "LISTED", "NOUNS", "SAME", "STATES", "TIME", "folded", "spelled", "stem"]

NOUNS = {
    "incidents": ("incident", "breach", "case", "report", "record", "event", "data breach", "security incident",
                  "privacy incident", "reported breach", "notification", "entry"),
    "findings": ("finding", "issue", "claim", "result"),
    "audits": ("audit", "audit result", "audit test", "privacy audit", "audit finding"),
    "texts": ("text", "document", "narrative"),
    "visits": ("visit", "page load", "capture"),
    "traffic": ("request", "message"),
    "releases": ("release", "released value"),
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
        "subject": ("mechanism", "subject"),
        "claimed": ("claim", "claimed", "claimed value"),
        "lower_bound": ("lower bound",),
        "claimed_epsilon": ("claimed epsilon", "claimed eps"),
        "lower_bound_epsilon": ("lower bound epsilon", "lower bound of epsilon", "empirical epsilon",
                                "epsilon lower bound", "lower bound on epsilon", "measured epsilon"),
        "n": ("sample", "output", "draw", "sample size", "number of samples"),
        "p": ("p value", "p"),
        "error_rate": ("error rate",),
        "verdict": ("verdict", "outcome", "result"),
        "test": ("test",),
        "delta": ("delta",),
        "measure": ("measure",),
    },
    "texts": {"received": ("received",), "characters": ("character", "length"), "language": ("language",)},
}  # fmt: skip
# The column of times that a bare date is about.
TIME = {"incidents": "opened", "findings": "first", "texts": "received", "visits": "started", "traffic": "time"}
# What is shown of single rows.
LISTED = {
    "incidents": ("subject", "region", "category", "people", "opened"),
    "findings": ("rule", "subject", "recipient", "type", "severity", "first"),
    "audits": ("subject", "test", "claimed_epsilon", "lower_bound_epsilon", "verdict"),
    "texts": ("text_id", "kind", "language", "characters", "received"),
}
SAME = {"stolen": "theft", "lost": "loss", "hacked": "hacking", "hacks": "hacking", "hack": "hacking",
        "thefts": "theft", "losses": "loss"}  # fmt: skip
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
