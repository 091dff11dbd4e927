"""The tables that cross rooms: their columns, types and units, and the one check at each door.

Times are int64 microseconds since 1970-01-01 UTC. Repeated strings are dictionary-encoded (int32 codes). Types are
those that Arrow, Parquet, DuckDB and Spark all carry: no unsigned integers, no nested dictionaries. A null means
"not known" or "not applicable"; an empty string is a value.
"""

import pyarrow as pa

from consentinel.core.errors import ContractBroken

__all__ = [
    "AUDITS",
    "CALLS",
    "CONSENT",
    "DATA",
    "EVIDENCE",
    "FINDINGS",
    "INCIDENTS",
    "RELEASES",
    "TABLES",
    "TEXTS",
    "TRAFFIC",
    "VISITS",
    "check",
    "empty",
    "narrow",
]

TEXT = pa.string()
LABEL = pa.dictionary(pa.int32(), pa.string())
MICROS = pa.int64()
BITS = pa.binary()  # a bit set: number n is bit (n-1) % 8 of byte (n-1) // 8, trailing zero bytes trimmed


def _schema(**columns: pa.DataType) -> pa.Schema:
    return pa.schema([pa.field(name, kind) for name, kind in columns.items()])


# One row is one capture of one subject (site, app or table) under one scenario.
VISITS = _schema(
    run_id=LABEL,
    visit_id=LABEL,
    source_kind=LABEL,  # har, requests, browser, mobile, events
    source_name=LABEL,  # base name of the file or table, never a path
    subject=LABEL,  # registrable domain of the site, application id, or table name
    page_template=TEXT,  # path of the first page with variable parts replaced
    started=MICROS,
    scenario=LABEL,  # unknown, no_action, accept, reject, partial, gpc, withdraw
    scenario_proof=LABEL,  # verified, contradicted, unknown
    repeat=pa.int32(),
    region=LABEL,  # ISO 3166 code, EU, or US-XX; null when not known
    locale=LABEL,
    profile_digest=LABEL,  # of the levels: equal where visits had the same draw
    profile_levels=pa.list_(pa.struct([("property", TEXT), ("level", pa.int32())])),  # drawn at random for the visit
)

# One row is one request, response or message seen.
TRAFFIC = _schema(
    run_id=LABEL,
    visit_id=LABEL,
    seq=pa.int32(),  # 0, 1, 2, ... within the visit, in row order
    channel=LABEL,  # http, ws, beacon, dns, app
    direction=LABEL,  # sent, received
    time=MICROS,
    method=LABEL,
    host=LABEL,
    port=pa.int32(),
    path_template=LABEL,  # path with variable parts replaced; no query
    recipient=LABEL,  # registrable domain that the bytes went to
    owner=LABEL,  # company behind the recipient; null when not known
    category=LABEL,  # what the recipient is for (ad, analytics, cdn, ...); null when not known
    party=LABEL,  # first, third
    cnames=pa.list_(TEXT),
    resource_type=LABEL,
    status=pa.int32(),
    body_bytes=pa.int64(),
    truncated=pa.bool_(),
    initiator_url=LABEL,  # script that caused the request: origin and path template
    line=pa.int32(),  # 1-based
    col=pa.int32(),  # 1-based
    frame_site=LABEL,
    parent_seq=pa.int32(),
    gpc=pa.bool_(),  # Sec-GPC: 1 was sent with it
)

# One row is one datum that left, was stored or was read (aggregated where the source is aggregated).
DATA = _schema(
    run_id=LABEL,
    visit_id=LABEL,
    seq=pa.int32(),  # the TRAFFIC row it travelled in; null where there is no request
    time=MICROS,
    action=LABEL,  # sent, stored, read, column, declared (said by an app's label: never judged)
    carrier=LABEL,  # path, query, header, cookie, form, json, multipart, text, body, set-cookie, cookie-store, ...
    key=LABEL,  # name of the field, inner names joined by dots, list positions replaced by []
    decode_path=LABEL,  # decodings applied outside in, joined by ">": "base64>json"; empty when plain
    depth=pa.int32(),  # number of decodings
    length=pa.int32(),  # characters of the decoded value
    shape=LABEL,  # character-class shape of the value, see core/mask.py
    digest=pa.int64(),  # keyed per project; equal values have equal digests inside one project only
    entropy=pa.float32(),  # bits per character, Shannon
    planted_id=LABEL,  # which planted identity was found; null when none
    planted_form=LABEL,  # how it was written: plain, sha256, lower>md5>base64, ...
    matched_bits=pa.int32(),  # information in the matched literal; at least 64 makes proof
    type=LABEL,  # data type; null when not known
    type_p=pa.float32(),  # probability of that type
    lifetime_s=pa.int64(),  # stored data: seconds until expiry; null for a session or not stored
    recipient=LABEL,  # registrable domain that got or set it
    count=pa.int64(),  # rows of the source behind this row
    n_subjects=pa.int64(),  # distinct people behind this row; null when not known
)

# One row is one device-API read seen by instrumentation (aggregated by place).
CALLS = _schema(
    run_id=LABEL,
    visit_id=LABEL,
    time=MICROS,
    api=LABEL,  # for example Navigator.hardwareConcurrency
    script_url=LABEL,  # origin and path template
    script_site=LABEL,  # registrable domain the script came from
    line=pa.int32(),
    col=pa.int32(),
    args_shape=LABEL,
    n=pa.int64(),
)

# One row is one interval [valid_from, valid_until) in which one signal said the same.
CONSENT = _schema(
    run_id=LABEL,
    visit_id=LABEL,  # null when the signal belongs to a subject and not to a visit
    subject=LABEL,
    scope=LABEL,  # whom it covers: "" everybody in the visit, else one recipient
    source=LABEL,  # tcf, gpp, us_privacy, gpc, consent_mode, scenario, cmp, table
    valid_from=MICROS,
    valid_until=MICROS,
    observed=MICROS,  # first time that it was seen
    state=LABEL,  # what it says as a whole: granted, denied, partial, unset, unknown
    gdpr_applies=pa.bool_(),
    purposes_consent=pa.int32(),  # bit p-1: consent for TCF purpose p
    purposes_li=pa.int32(),
    special=pa.int32(),  # bit f-1: special feature f opted in
    vendors_consent=BITS,
    vendors_li=BITS,
    vendors_disclosed=BITS,
    restrictions=pa.list_(pa.struct([("purpose", pa.int32()), ("kind", pa.int32()), ("vendors", BITS)])),
    gpc=pa.bool_(),
    sale_opt_out=pa.bool_(),  # true: opted out; false: did not; null: not stated
    sharing_opt_out=pa.bool_(),
    targeted_opt_out=pa.bool_(),
    ad_storage=pa.bool_(),  # Google Consent Mode: true granted, false denied
    analytics_storage=pa.bool_(),
    ad_user_data=pa.bool_(),
    ad_personalization=pa.bool_(),
    policy_version=pa.int32(),
    string_digest=pa.int64(),
    evidence_id=TEXT,
    quality=LABEL,  # ok, partial, malformed
    reason=LABEL,
)

# One row is one grouped claim: who - what datum - from where - to whom - when - under which consent - for what.
FINDINGS = _schema(
    run_id=LABEL,
    finding_id=TEXT,
    fingerprint=TEXT,  # stable over runs: rule, subject, scenario, recipient, type, carrier, consent state; no value
    rule=LABEL,
    rule_version=LABEL,
    subject=LABEL,
    scenario=LABEL,
    recipient=LABEL,
    owner=LABEL,
    category=LABEL,
    party=LABEL,
    type=LABEL,
    keys=pa.list_(TEXT),  # names of the fields, most frequent first, at most 8
    carrier=LABEL,
    purpose=LABEL,
    consent_state=LABEL,  # granted, denied, before, opted_out, unreadable, none
    consent_source=LABEL,
    basis=TEXT,  # article or section that the default rests on
    outcome=LABEL,  # allowed, potential violation, no signal
    proof=LABEL,  # P0 planted bytes, P1 decoded-signal contradiction, P2 difference, P3 model, P4 hint
    p=pa.float32(),
    severity=LABEL,  # low, medium, high, critical
    first=MICROS,
    last=MICROS,
    n=pa.int64(),
    n_visits=pa.int64(),
    n_subjects=pa.int64(),
    evidence_ids=pa.list_(TEXT),
    location=TEXT,  # initiator script (origin and path template); empty when not known
    line=pa.int32(),
    col=pa.int32(),
    explanation=TEXT,
)

# One row is one minimised record that a finding points to: names, shapes, types, times; no value, no digest of one.
EVIDENCE = _schema(
    run_id=LABEL,
    evidence_id=TEXT,  # hash of the record
    visit_id=LABEL,
    record=TEXT,  # canonical JSON
)

# One row is one noisy value that left the private data, with its interval and the charge that paid for it.
RELEASES = _schema(
    run_id=LABEL,
    question=LABEL,  # SHA-256 of the question (core/contracts.Question.digest)
    group=TEXT,  # canonical JSON object of the group's keys; {} where all rows are one group
    name=LABEL,  # what was asked for, as named by the question; for several values of a group with a label: "x q0.5"
    value=pa.float64(),  # in the unit of the data
    low=pa.float64(),  # ends of the interval: noise, sampling of units and clipping together
    high=pa.float64(),
    level=pa.float64(),  # nominal level of the interval, for example 0.95
    charge=LABEL,  # entry of the ledger
    mechanism=LABEL,  # part of protect/mechanisms
    assumes=pa.list_(TEXT),  # fixed words: honest-but-curious, idealized-numerics, ...
)

# One row is one incident, launch review, request of a person, finding or failed audit. Personal data in it is masked.
INCIDENTS = _schema(
    run_id=LABEL,
    incident_id=TEXT,  # keyed per project: of kind and source_id, or of the whole record where it has no id; stable
    kind=LABEL,  # incident, review, request, finding, audit
    source=LABEL,  # part of understand/sources
    source_name=LABEL,  # base name of the file or folder, never a path
    source_id=TEXT,  # its id there (of a finding: the fingerprint); masked; null when it has none
    source_row=pa.int64(),  # 0, 1, 2, ... in the source
    text_id=TEXT,  # its text in TEXTS; null when it has none
    title=TEXT,  # one masked line; null when it has none
    subject=LABEL,  # what it is about: organisation, site, application, system
    category=LABEL,  # as the source says
    labels=pa.list_(TEXT),  # further classes, as the source says
    severity=LABEL,  # low, medium, high, critical; null when not known
    status=LABEL,  # as the source says, lower case
    owner=LABEL,  # team or person that works on it; only from a column that was asked for
    region=LABEL,
    opened=MICROS,
    closed=MICROS,
    people=pa.int64(),  # people affected
    data_types=pa.list_(TEXT),
    action=TEXT,  # what was done about it, masked
    n=pa.int64(),  # rows of the source behind this row
    facts=pa.list_(pa.struct([("name", TEXT), ("value", TEXT)])),  # other columns that were asked for, masked
)

# One row is one document: of an incident, or one that belongs to none. Personal data in it is masked.
TEXTS = _schema(
    run_id=LABEL,
    text_id=TEXT,  # keyed per project, stable
    incident_id=TEXT,  # null where it belongs to none
    kind=LABEL,  # incident, review, request, finding, audit, app_review, policy, story
    source=LABEL,
    source_name=LABEL,
    source_row=pa.int64(),
    language=LABEL,  # ISO 639-1; null when not known
    received=MICROS,
    text=TEXT,  # masked: [EMAIL_1], [PERSON_2], ... number one value within one document
    characters=pa.int32(),  # of text
    masked=pa.list_(pa.struct([("kind", TEXT), ("n", pa.int32())])),  # spans that were masked, by kind
    labels=pa.list_(TEXT),  # classes that people gave it; null where nobody looked, empty where there are none
    digest=pa.int64(),  # of the text before masking, letters and digits only; keyed per project: equal texts are equal
)

# One row is one thing that an audit measured of a model, with its interval and what it shows.
AUDITS = _schema(
    run_id=LABEL,
    pillar=LABEL,  # fair, explain, robust or private
    probe=LABEL,  # part that measured it
    metric=LABEL,  # in the standard words of the field, for example equalized_odds_difference
    slice=TEXT,  # whom or what it is about, for example "gender=F"; empty: everybody
    against=TEXT,  # what it is compared with, for example "gender=M"; empty: with nothing
    value=pa.float64(),  # null where it could not be measured; `why` says so
    low=pa.float64(),  # ends of the interval; infinite where the data cannot bound it
    high=pa.float64(),
    level=pa.float64(),  # nominal level of the interval
    n=pa.int64(),  # independent units behind it: people, queries or rows
    method=LABEL,  # of the interval
    null=pa.float64(),  # the value that would mean no effect; null where there is none
    p=pa.float64(),  # two-sided, that the truth is `null`
    q=pa.float64(),  # p after Benjamini and Hochberg over all rows of the audit that have one
    detectable=pa.float64(),  # smallest distance from `null` that n units show with 80% power
    better=LABEL,  # lower, higher, zero (near `null`), or empty where neither is better
    verdict=LABEL,  # effect, no effect shown, not measured, or empty; a gate writes pass, fail, insufficient evidence
    why=TEXT,  # what the reader must know: what was left out, what it assumes
)

TABLES = {
    "audits": AUDITS,
    "visits": VISITS,
    "traffic": TRAFFIC,
    "data": DATA,
    "calls": CALLS,
    "consent": CONSENT,
    "findings": FINDINGS,
    "evidence": EVIDENCE,
    "releases": RELEASES,
    "incidents": INCIDENTS,
    "texts": TEXTS,
}


def check(table: pa.Table, schema: pa.Schema, who: str) -> pa.Table:
    """Return TABLE with exactly the columns of SCHEMA, in order; extra columns are dropped.

    A column whose type differs only by dictionary encoding or by a lossless cast is cast.
    Raises ContractBroken naming who, column, wanted and got.
    """
    if table.schema.equals(schema):
        return table
    columns = []
    for field in schema:
        at = table.schema.get_field_index(field.name)
        if at < 0:
            have = ", ".join(table.schema.names)
            raise ContractBroken(f"{who}: column '{field.name}' ({field.type}) is missing; there is: {have}")
        column = table.column(at)
        if column.type != field.type:
            column = _cast(column, field, who)
        columns.append(column)
    return pa.table(columns, schema=schema)


def _cast(column: pa.ChunkedArray, field: pa.Field, who: str) -> pa.ChunkedArray:
    try:
        if pa.types.is_dictionary(field.type) and not pa.types.is_dictionary(column.type):
            encoded = column.cast(field.type.value_type).dictionary_encode()
            return encoded if encoded.type == field.type else encoded.cast(field.type)
        return column.cast(field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):  # its message may quote a value
        raise ContractBroken(f"{who}: column '{field.name}' should be {field.type}, got {column.type}") from None


def empty(schema: pa.Schema) -> pa.Table:
    """Return a table of SCHEMA without rows."""
    return schema.empty_table()


def narrow(schema: pa.Schema, *names: str) -> pa.Schema:
    """Return the part of SCHEMA with the columns NAMES, in that order."""
    return pa.schema([schema.field(name) for name in names])
