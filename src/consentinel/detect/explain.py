"""Say each finding in one plain sentence, made from the claim's own fields."""

import re
from functools import lru_cache

import pyarrow as pa

from consentinel.core.columns import values
from consentinel.core.errors import UsageError
from consentinel.core.finding_words import TYPES
from consentinel.core.text import one_line
from consentinel.detect.shelves import RULES

__all__ = ["explain", "title"]

_CARRIERS = {
    "url": "in the address",
    "storage": "",
    "path": "in the address path",
    "query": "in the query string",
    "fragment": "in the address fragment",
    "header": "in a header",
    "cookie": "in a cookie",
    "set-cookie": "in a cookie",
    "cookie-store": "in a cookie",
    "local-storage": "in local storage",
    "session-storage": "in session storage",
    "form": "in a form body",
    "json": "in JSON",
    "multipart": "in a multipart body",
    "text": "in a text body",
    "body": "in the body",
    "column": "as a column",
    "linked": "linked to an identifier",
    "unlinked": "not linked to an identifier",
}
_STORED = {"storage", "set-cookie", "cookie-store", "local-storage", "session-storage"}
_READ = {"api", "call"}
_WHEN = {
    "granted": "with consent recorded as given",
    "denied": "although consent was denied",
    "before": "before any consent was given",
    "opted_out": "although the person had opted out",
    "none": "with no consent signal present",
    "unreadable": "with a consent signal that could not be read",
}
_SOURCES = {
    "tcf": "IAB TCF",
    "gpp": "IAB GPP",
    "us_privacy": "US privacy string",
    "gpc": "Global Privacy Control",
    "consent_mode": "Google Consent Mode",
    "scenario": "the recorded scenario",
    "cmp": "the consent manager",
    "table": "the consent table",
}
_SHOWN_BY = {
    "P0": ", shown by the planted value itself",
    "P1": ", shown by the decoded consent signal",
    "P2": ", shown by the difference between repeated visits",
    "P3": ", as recognised by a model",
    "P4": ", going by names and shapes only",
}
_FIELDS = (
    "rule", "subject", "recipient", "owner", "party", "type", "keys", "carrier", "purpose", "consent_state",
    "consent_source", "basis", "outcome", "proof", "n", "n_visits", "n_subjects",
)  # fmt: skip
# Laws called by a common noun take an article: the ePrivacy Directive, but GDPR or Section 25 TDDDG.
_LAW = re.compile(r"(?!the\b)[^,:(]*\b(Directive|Regulations?|Act)\b", re.IGNORECASE)
_REMEMBERED = 20_000  # pieces of sentences: findings repeat recipients, fields and sources
_LONGEST = 60  # characters of any one name in a sentence

Field = str | None


def explain(findings: pa.Table) -> pa.Array:
    """Return one sentence for each row of FINDINGS (strings, never null); nulls are left out of the sentence.

    A sentence holds names, counts and consent states; never a value. Every text field is made safe to show.
    """
    columns = [values(findings.column(name)) for name in _FIELDS]
    return pa.array([_sentence(*row) for row in zip(*columns, strict=True)], pa.string())


@lru_cache(maxsize=256)
def title(rule: str) -> str:
    """Return the plain name of RULE: the first docstring line of its file, or its own words if it has no file."""
    try:
        known = rule in RULES.names()
    except (UsageError, ModuleNotFoundError):
        known = False
    said = RULES.summary(rule) if known else rule.replace("_", " ").replace("-", " ").capitalize()
    return one_line(said, 120).rstrip(".")


def _sentence(
    rule: Field, subject: Field, recipient: Field, owner: Field, party: Field, kind: Field, keys: list[str] | None,
    carrier: Field, purpose: Field, state: Field, source: Field, basis: Field, outcome: Field, proof: Field,
    n: int | None, n_visits: int | None, n_subjects: int | None,
) -> str:  # fmt: skip
    site = _name(subject) or "a site"
    what = f"{_what(kind)}{_place(tuple(keys or ()), carrier)}"
    whom = _whom(recipient, owner, purpose)
    own = recipient is None or (party == "first" and recipient == subject)
    action = _action(rule, carrier)
    if action == "column":
        does = f"the table {site} holds {what}" + ("" if own else f" for {whom}")
    elif action == "stored":
        does = f"{site if own else whom} stored {what} on the device" + ("" if own else f" during a visit to {site}")
    elif action == "read":
        does = f"{site if own else whom} read {what} from the device" + ("" if own else f" during a visit to {site}")
    else:
        does = f"{site} collected {what}" if own else f"{site} sent {what} to {whom}"
    parts = [does, _times(n, n_visits, n_subjects), _when(state, source)]
    shown_by = _SHOWN_BY.get(proof or "", "")
    return " ".join(p for p in parts if p) + f"{shown_by}; {_judgement(outcome, state, _sources(basis))}."


@lru_cache(maxsize=_REMEMBERED)
def _name(text: Field, longest: int = _LONGEST) -> str:
    return one_line(text, longest) if text else ""


@lru_cache(maxsize=_REMEMBERED)
def _what(kind: Field) -> str:
    if kind is None:
        return "data of a type that was not recognised"
    return TYPES.get(kind) or f"data of the type {_name(kind)}"


@lru_cache(maxsize=_REMEMBERED)
def _place(keys: tuple[str, ...], carrier: Field) -> str:
    named = list(dict.fromkeys(_name(k, 40) for k in keys if k))
    where = "" if not carrier else _CARRIERS.get(carrier, f"in {_name(carrier)}")
    if not named:
        return f" ({where})" if where else ""
    if len(named) == 1:
        fields = f"field {named[0]}"
    elif len(named) <= 3:
        fields = f"fields {', '.join(named[:-1])} and {named[-1]}"
    else:
        fields = f"fields {named[0]}, {named[1]} and {len(named) - 2} more"
    return f" ({fields}, {where})" if where else f" ({fields})"


@lru_cache(maxsize=_REMEMBERED)
def _whom(recipient: Field, owner: Field, purpose: Field) -> str:
    kind = "" if purpose in (None, "unknown") else _name(purpose).replace("_", " ")
    about = ", ".join(x for x in (_name(owner), kind) if x)
    return (_name(recipient) or "an unknown recipient") + (f" ({about})" if about else "")


def _action(rule: Field, carrier: Field) -> str:
    """Return the action behind the claim: FINDINGS keeps it only as the carrier, or as the rule that found it."""
    if carrier == "column":
        return "column"
    if carrier in _STORED or "storage" in (rule or ""):
        return "stored"
    return "read" if carrier in _READ else "sent"


@lru_cache(maxsize=_REMEMBERED)
def _times(n: int | None, n_visits: int | None, n_subjects: int | None) -> str:
    said = "" if n is None else {1: "once", 2: "twice"}.get(n, f"{n:,} times")
    if n_visits is not None and n_visits > 1:
        said += f" in {n_visits:,} visits"
    if n_subjects is not None:
        said += f" from {n_subjects:,} " + ("person" if n_subjects == 1 else "people")
    return said.strip()


@lru_cache(maxsize=_REMEMBERED)
def _when(state: Field, source: Field) -> str:
    said = "under a consent state that is not known" if state is None else _WHEN.get(state, f"under {_name(state)}")
    by = _SOURCES.get(source or "") if state in ("granted", "denied", "opted_out") else None
    if state == "denied" and source in ("tcf", "gpp", "consent_mode"):
        return f"although the consent signal in force ({by}) denied it"
    return f"{said} ({by})" if by else said


@lru_cache(maxsize=_REMEMBERED)
def _judgement(outcome: Field, state: Field, basis: str) -> str:
    under = f"under {basis}" if basis else "under the policy in use"
    if outcome == "potential violation":
        return {
            "granted": f"{under}, that consent does not cover this",
            "opted_out": f"{under}, the opt-out has to be honoured",
        }.get(state or "", f"{under}, this needs consent")
    if outcome == "allowed":
        return {
            "granted": f"{under}, that consent covers this",
            "opted_out": f"{under}, the opt-out does not reach this",
        }.get(state or "", f"{under}, this is allowed without consent")
    if outcome == "no signal":
        return f"{under}, the evidence does not decide whether this was allowed"
    return "this was not judged"


@lru_cache(maxsize=_REMEMBERED)
def _sources(basis: Field) -> str:
    """Return the first of the sources that BASIS lists (separated by ";") and how many more there are."""
    first, *more = [_name(part, 160) for part in (basis or "").split(";") if part.strip()] or [""]
    named = f"the {first}" if _LAW.match(first) else first
    return f"{named} and {len(more)} further source{'s'[: len(more) - 1]}" if more else named
