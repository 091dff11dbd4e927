"""The sentences: one for every combination, plain, and never more certain than the claim."""

import itertools
import re

import pyarrow as pa
import pytest

from consentinel.core.finding_words import TYPES, type_name
from consentinel.core.tables import FINDINGS
from consentinel.detect.explain import explain, title
from tests.detect.reports.made_scans import finding, hostile, many

STATES = ["granted", "denied", "before", "opted_out", "none", None]
OUTCOMES = ["potential violation", "allowed", "no signal", None]
CARRIERS = ["json", "set-cookie", "call", "column", None]
PROOFS = ["P0", "P1", "P2", "P3", "P4", None]


def sentences(*rows: dict[str, object]) -> list[str]:
    return list(explain(pa.Table.from_pylist(list(rows), FINDINGS)).to_pylist())


@pytest.mark.parametrize(
    ("changed", "wanted"),
    [
        ({}, "shop.test sent a device identifier (field distinct_id, in JSON) to posthog.test (PostHog, analytics) "
             "14 times before any consent was given; under the ePrivacy Directive, Art. 5(3), this needs consent."),
        ({"carrier": "set-cookie", "n": 1, "proof": "P0"},
         "posthog.test (PostHog, analytics) stored a device identifier (field distinct_id, in a cookie) on the device "
         "during a visit to shop.test once before any consent was given, shown by the planted value itself; under the "
         "ePrivacy Directive, Art. 5(3), this needs consent."),
        ({"party": "first", "recipient": "shop.test", "carrier": "local-storage", "n": 2, "n_visits": 2},
         "shop.test stored a device identifier (field distinct_id, in local storage) on the device twice in 2 visits "
         "before any consent was given; under the ePrivacy Directive, Art. 5(3), this needs consent."),
        ({"consent_state": "denied", "keys": ["a", "b", "c", "d"], "owner": None, "purpose": "unknown"},
         "shop.test sent a device identifier (fields a, b and 2 more, in JSON) to posthog.test 14 times although "
         "the consent signal in force (IAB TCF) denied it; under the ePrivacy Directive, Art. 5(3), this needs "
         "consent."),
        ({"consent_state": "opted_out", "consent_source": "gpc", "basis": "CCPA § 1798.135", "n": 1200},
         "shop.test sent a device identifier (field distinct_id, in JSON) to posthog.test (PostHog, analytics) 1,200 "
         "times although the person had opted out (Global Privacy Control); under CCPA § 1798.135, the opt-out has to "
         "be honoured."),
        ({"consent_state": "granted", "outcome": "allowed"},
         "shop.test sent a device identifier (field distinct_id, in JSON) to posthog.test (PostHog, analytics) 14 "
         "times with consent recorded as given (IAB TCF); under the ePrivacy Directive, Art. 5(3), that consent covers "
         "this."),
        ({"carrier": "storage", "basis": "ePrivacy Directive 2002/58/EC Art. 5(3); GDPR Art. 4(11); CJEU C-673/17"},
         "posthog.test (PostHog, analytics) stored a device identifier (field distinct_id) on the device during a "
         "visit to shop.test 14 times before any consent was given; under the ePrivacy Directive 2002/58/EC Art. 5(3) "
         "and 2 further sources, this needs consent."),
        ({"carrier": "url", "basis": "GDPR Art. 6(1)(a); the Irish S.I. No. 336/2011"},
         "shop.test sent a device identifier (field distinct_id, in the address) to posthog.test (PostHog, analytics) "
         "14 times before any consent was given; under GDPR Art. 6(1)(a) and 1 further source, this needs consent."),
        ({"consent_state": "none", "outcome": "no signal", "proof": "P4", "basis": None, "n": None},
         "shop.test sent a device identifier (field distinct_id, in JSON) to posthog.test (PostHog, analytics) with no "
         "consent signal present, going by names and shapes only; under the policy in use, the evidence does not "
         "decide whether this was allowed."),
        ({"subject": "events", "recipient": None, "carrier": "column", "keys": ["email"], "type": "contact.email",
          "n_subjects": 120, "consent_state": "denied", "consent_source": "table"},
         "the table events holds an email address (field email, as a column) 14 times from 120 people although consent "
         "was denied (the consent table); under the ePrivacy Directive, Art. 5(3), this needs consent."),
    ],
)  # fmt: skip
def test_it_reads_like_a_person_wrote_it(changed: dict[str, object], wanted: str) -> None:
    assert sentences(finding(0, **changed)) == [wanted]


def test_every_combination_is_one_distinct_sentence() -> None:
    mixed = list(itertools.product(STATES, OUTCOMES, CARRIERS, PROOFS))
    rows = [finding(0, consent_state=s, outcome=o, carrier=c, proof=p) for s, o, c, p in mixed]
    said = sentences(*rows)
    assert len(set(said)) == len(said)
    for text, (state, outcome, _, _) in zip(said, mixed, strict=True):
        assert text.endswith(".")
        assert ("  " in text, "None" in text, "violation" in text) == (False, False, False)
        assert ("does not decide" in text) == (outcome == "no signal")
        if outcome == "potential violation":
            assert re.search("needs consent|has to be honoured|does not cover", text)
        if outcome == "allowed":
            assert not re.search("needs consent|has to be honoured|does not cover", text)
        if state == "denied":
            assert "although the consent signal in force (IAB TCF) denied it" in text


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("tcf", "although the consent signal in force (IAB TCF) denied it;"),
        ("gpp", "although the consent signal in force (IAB GPP) denied it;"),
        ("consent_mode", "although the consent signal in force (Google Consent Mode) denied it;"),
        ("cmp", "although consent was denied (the consent manager);"),
        ("scenario", "although consent was denied (the recorded scenario);"),
        ("table", "although consent was denied (the consent table);"),
        (None, "although consent was denied;"),
    ],
)
def test_a_signal_denies_and_a_person_does_not_need_to_have(source: str | None, wanted: str) -> None:
    [text] = sentences(finding(0, consent_state="denied", consent_source=source))
    assert wanted in text


def test_before_a_choice_no_source_is_said_to_have_denied() -> None:
    for source in ("tcf", "cmp", "scenario", None):
        [text] = sentences(finding(0, consent_state="before", consent_source=source))
        assert "before any consent was given;" in text
        assert "denied" not in text


def test_nulls_everywhere_still_make_a_sentence() -> None:
    nothing = dict.fromkeys(FINDINGS.names)
    assert sentences(nothing) == [
        "a site collected data of a type that was not recognised under a consent state that is not known; this was not "
        "judged."
    ]
    assert explain(pa.Table.from_pylist([], FINDINGS)).to_pylist() == []


def test_hostile_names_are_defused_and_cut() -> None:
    for text in sentences(*hostile()):
        assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
        assert len(text) < 900


def test_chunked_and_dictionary_encoded_tables_read_the_same() -> None:
    table = pa.Table.from_pylist(many(40), FINDINGS)
    assert explain(pa.concat_tables([table.slice(0, 7), table.slice(7)])).equals(explain(table))


def test_every_known_type_has_a_name_and_unknown_ones_keep_theirs() -> None:
    names = {kind: type_name(kind) for kind in TYPES}
    assert len(set(names.values())) == len(TYPES)
    assert not [name for name in names.values() if name.startswith(("a ", "an ", "the "))]
    assert (type_name("new.kind"), type_name(None)) == ("new.kind", "unrecognised data")


def test_a_rule_without_a_file_is_named_by_its_own_words() -> None:
    assert title("no_such_rule_anywhere") == "No such rule anywhere"
    assert title("../../core/errors") == "../../core/errors"
