from collections.abc import Callable
from datetime import date
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentinel.core.errors import ContractBroken, UsageError
from consentinel.detect import policy
from consentinel.detect._policy_file import COUNTRIES, STATES, TYPES, check, known_region, parse

ROOT = Path(__file__).parents[2]
TODAY = date(2026, 10, 1)
DEFAULT = policy.load(on=TODAY)
MEMBERS = [
    *("AT", "BE", "BG", "HR", "CY", "CZ", "DK", "EE", "FI", "FR", "DE", "GR", "HU", "IE", "IT", "LV", "LT", "LU", "MT"),
    *("NL", "PL", "PT", "RO", "SK", "SI", "ES", "SE"),
]
EEA = ["IS", "LI", "NO"]


def ask(text: str, on: date = TODAY) -> policy.Requirement:
    """Ask the default policy: "region type purpose action party"."""
    region, kind, purpose, action, party = text.split()
    return DEFAULT.require(kind, purpose, action, party, region, on)


@pytest.mark.parametrize(
    ("question", "needs", "rule"),
    [
        ("EU device.advertising_id advertising sent third", "opt_in", "advertising"),
        ("EU device.id advertising stored first", "opt_in", "advertising"),
        ("EU device.id analytics stored first", "opt_in", "analytics"),
        ("EU contact.email_hashed social sent third", "opt_in", "advertising"),
        ("EU location.precise functional sent third", "opt_in", "location"),
        ("EU fingerprint.surface functional sent third", "opt_in", "identifiers-to-third"),
        ("EU device.screen unknown sent third", "opt_in", "unknown-recipient"),
        ("EU device.id functional stored third", "opt_in", "storage"),
        ("EU device.screen hosting sent third", "nothing", "processor"),
        ("EU contact.email unknown sent first", "nothing", "own-service"),
        ("EU device.id consent_management stored third", "nothing", "consent-record"),
        ("EU fingerprint.surface security sent third", "nothing", "security"),
        ("EU contact.email security stored third", "opt_in", "storage"),
        ("FR device.id analytics stored first", "opt_out", "audience"),
        ("FR device.id analytics stored third", "opt_in", "analytics"),
        ("DE device.id analytics stored first", "opt_in", "analytics"),
        ("GB device.id analytics stored first", "opt_out", "audience"),
        ("UK device.id analytics stored third", "opt_in", "analytics"),
        ("BR device.id advertising sent third", "opt_in", "advertising"),
        ("CA-QC device.id analytics sent third", "opt_in", "analytics"),
        ("US-CA device.id advertising sent third", "opt_out", "us-targeted-advertising"),
        ("US-CA device.id analytics sent third", "opt_out", "us-sale"),
        ("US-CA location.precise advertising sent third", "opt_out", "us-limit-location"),
        ("US-CA device.id analytics stored first", "nothing", "us-own-use"),
        ("US-TX location.precise analytics sent third", "opt_in", "us-sensitive-location"),
        ("US-CO location.precise unknown sent third", "opt_in", "us-sensitive-location-unknown"),
        ("US-TX location.precise unknown sent first", "nothing", "us-own-use"),
        ("US-UT location.precise advertising sent third", "opt_out", "us-targeted-advertising"),
        ("US-VA device.id analytics sent third", "nothing", "us-own-use"),
        ("US-WY device.id advertising sent third", "nothing", "us-no-law"),
        ("US-WY location.precise advertising sent third", "opt_in", "us-location-sold"),
        ("CH device.id advertising sent third", "opt_in", "advertising"),
        ("nowhere device.id advertising sent third", "opt_in", "advertising"),
    ],
)
def test_default(question: str, needs: str, rule: str) -> None:
    found = ask(question)
    assert (found.needs, found.rule_id) == (needs, rule)


@pytest.mark.parametrize("code", [*MEMBERS, *EEA])
def test_member_states_fall_back_to_the_union(code: str) -> None:
    assert DEFAULT.chain(code) == [code, "EU", "default"]
    assert ask(f"{code} device.id advertising sent third") == ask("EU device.id advertising sent third")


@pytest.mark.parametrize(
    ("code", "chain"),
    [
        ("us-tx", ["US-TX", "US", "default"]),
        ("GB-SCT", ["GB-SCT", "GB", "UK", "default"]),
        ("FR-IDF", ["FR-IDF", "FR", "EU", "default"]),
        ("CA-QC", ["CA-QC", "CA", "default"]),
        ("default", ["default"]),
        ("", ["default"]),
        ("XX", ["XX", "default"]),
    ],
)
def test_chain(code: str, chain: list[str]) -> None:
    assert DEFAULT.chain(code) == chain


@pytest.mark.parametrize(
    ("question", "day", "needs", "gpc"),
    [
        ("US-CO device.id advertising sent third", date(2023, 6, 30), "nothing", False),
        ("US-CO device.id advertising sent third", date(2023, 7, 1), "opt_out", False),
        ("US-CO device.id advertising sent third", date(2024, 7, 1), "opt_out", True),
        ("US-CO location.precise advertising sent third", date(2025, 5, 22), "opt_out", True),
        ("US-CO location.precise advertising sent third", date(2025, 5, 23), "opt_in", False),
        ("US-TX device.id advertising sent third", date(2024, 12, 31), "opt_out", False),
        ("US-TX device.id advertising sent third", date(2025, 1, 1), "opt_out", True),
        ("US-NJ device.id advertising sent third", date(2025, 7, 14), "opt_out", False),
        ("US-NJ device.id advertising sent third", date(2025, 7, 15), "opt_out", True),
        ("US-VA device.id advertising sent third", TODAY, "opt_out", False),
        ("EU device.id advertising sent third", TODAY, "opt_in", False),
        ("UK device.id analytics stored first", date(2026, 2, 4), "opt_in", False),
        ("UK device.id analytics stored first", date(2026, 2, 5), "opt_out", False),
    ],
)
def test_effective_dates(question: str, day: date, needs: str, gpc: bool) -> None:
    found = ask(question, day)
    assert (found.needs, found.gpc) == (needs, gpc)


def test_signals_follow_the_purpose_and_the_need() -> None:
    assert ask("EU device.id advertising sent third").tcf_purposes == (1, 2, 3, 4, 7)
    assert ask("EU device.id advertising sent third").storage == ("ad_storage",)
    assert ask("EU device.id analytics sent third").tcf_purposes == (1, 8)
    assert ask("EU device.id analytics sent third").storage == ("analytics_storage",)
    assert ask("US-CA device.id advertising sent third").tcf_purposes == ()
    nothing = ask("EU device.screen hosting sent third")
    assert (nothing.tcf_purposes, nothing.storage, nothing.legal_bases) == ((), (), ("contract", "legitimate_interest"))


def test_severity_by_type_and_party() -> None:
    assert ask("EU contact.email advertising sent third").severity == "critical"
    assert ask("EU contact.email_hashed advertising sent third").severity == "high"
    assert ask("EU device.browser advertising sent third").severity == "low"
    assert ask("EU device.id advertising stored first").severity == "medium"


def test_every_row_has_a_basis_and_a_date_and_every_default_id_is_used() -> None:
    rows = [rule for rules in DEFAULT.rules.values() for rule in rules]
    assert len(rows) > 100
    assert all(len(rule.basis) > 15 and isinstance(rule.start, date) for rule in rows)
    assert {rule.id for rule in rows} == {rule["id"] for rule in DEFAULT.document["rule"]}


def test_some_rule_speaks_about_every_combination() -> None:
    for region in ("EU", "UK", "BR", "CA-QC", "US", "US-CA", "default"):
        for kind, purpose, action, party in product(policy.TYPES, policy.PURPOSES, policy.ACTIONS, ("first", "third")):
            assert DEFAULT.require(kind, purpose, action, party, region).rule_id != "none"


def test_words_that_are_no_words_break_the_contract() -> None:
    for words in (("device.di", "analytics", "sent", "third"), ("device.id", "ads", "sent", "third")):
        with pytest.raises(ContractBroken, match=r"detect\.policy: unknown"):
            DEFAULT.require(*words)


def test_necessary_storage() -> None:
    keys = [
        "PHPSESSID",
        "phpsessid",
        "_ga",
        "AWSALBCORS",
        "wordpress_logged_in_ab12",
        "xsrf-token",
        "sessionid_tracker",
        "",
    ]
    assert DEFAULT.necessary(keys) == [True, True, False, True, True, True, False, False]
    assert DEFAULT.necessary(["sessionid"] * 3, ["advertising", "functional", "analytics"]) == [False, True, False]
    assert DEFAULT.necessary(["euconsent-v2"], ["advertising"]) == [True]
    assert DEFAULT.necessary([]) == []


def test_the_page_in_the_docs_is_the_policy() -> None:
    page = (ROOT / "docs" / "rooms" / "detect_policy.md").read_text("utf-8")
    assert page == DEFAULT.table_markdown(), "write it again: docs/rooms/detect_policy.md = Policy.table_markdown()"


def own(tmp_path: Path, text: str) -> policy.Policy:
    path = tmp_path / "own.toml"
    path.write_text(text, "utf-8")
    return policy.load(path, on=TODAY)


def test_an_own_policy_changes_a_rule_and_adds_one_in_front(tmp_path: Path) -> None:
    mine = own(
        tmp_path,
        """
        extends = "default"
        [[rule]]
        id = "analytics"
        needs = "opt_out"
        [[rule]]
        id = "ours"
        regions = ["DE"]
        types = ["device.*"]
        purposes = ["advertising"]
        needs = "nothing"
        basis = "Contract with the customer, section 4"
        from = 2026-01-01
        until = 2027-01-01
        [severity.third]
        "device.id" = "critical"
        [[necessary]]
        keys = ["ours_*"]
        basis = "asked for by the person"
        """,
    )
    assert mine.require("device.id", "analytics", "sent", "third", "EU").needs == "opt_out"
    assert mine.require("device.id", "advertising", "sent", "third", "DE").rule_id == "ours"
    assert mine.require("device.id", "advertising", "sent", "third", "FR").rule_id == "advertising"
    assert mine.require("device.id", "advertising", "sent", "third", "DE", date(2027, 1, 1)).rule_id == "advertising"
    assert mine.require("device.id", "social", "sent", "third", "EU").severity == "critical"
    assert mine.necessary(["ours_1", "PHPSESSID"]) == [True, True]
    assert mine.digest != DEFAULT.digest


def test_a_policy_that_extends_nothing_stands_alone(tmp_path: Path) -> None:
    mine = own(tmp_path, '[[rule]]\nid = "all"\nregions = ["EU"]\nneeds = "opt_out"\nbasis = "our own rule"\n')
    assert mine.require("device.id", "advertising", "sent", "third", "IT").rule_id == "all"
    left_out = mine.require("device.id", "advertising", "sent", "third", "BR")
    assert (left_out.rule_id, left_out.needs) == ("none", "opt_in")
    assert mine.necessary(["PHPSESSID"]) == [False]


def test_the_digest_is_that_of_the_content(tmp_path: Path) -> None:
    assert own(tmp_path, 'extends = "default"').digest == own(tmp_path, "# a remark\nextends='default'\n").digest
    assert len(DEFAULT.digest) == 64


RULE = '[[rule]]\nid = "a"\nregions = ["EU"]\nneeds = "opt_in"\nbasis = "some article"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = \ny = 1", r"own.toml: is not valid TOML: .*line 1"),
        ("rules = []", r"top level: unknown key 'rules'; did you mean 'rule'\?"),
        ("version = 2", "version: is not 1"),
        ('extends = "strict"', "extends: 'strict' is unknown; there is: default"),
        ("rule = 3", r"rule: should be written as \[\[rule\]\] blocks"),
        ("[[rule]]\nneeds = 'opt_in'", "rule number 1: 'id' is missing"),
        (RULE.replace("needs", "need"), r"rule number 1: unknown key 'need'; did you mean 'needs'\?"),
        (RULE.replace("opt_in", "optin"), r"rule 'a': needs: unknown 'optin'; did you mean 'opt_in'\?"),
        (RULE.replace("EU", "EUU"), r"rule 'a': regions: unknown region 'EUU'; did you mean 'EU'\?"),
        (RULE.replace("EU", "US-TZ"), "unknown region 'US-TZ'"),
        (RULE.replace('["EU"]', '"EU"'), "rule 'a': regions: should be a list of texts"),
        (RULE.replace('["EU"]', "[]"), "rule 'a': regions: is empty"),
        (RULE.replace("some article", "advertisng"), r"basis 'advertisng' is not under .*did you mean 'advertising'\?"),
        (RULE.replace("EU", "CH"), "no date from which it holds in CH; add 'from'"),
        (RULE + RULE, "rule 'a': is there twice"),
        (RULE + 'types = ["device.idd"]', r"no data type fits 'device.idd'; did you mean 'device.id'\?"),
        (RULE + 'purposes = ["analytic"]', r"unknown 'analytic'; did you mean 'analytics'\?"),
        (RULE + 'actions = ["send"]', r"unknown 'send'; did you mean 'sent'\?"),
        (RULE + 'party = "3rd"', "party: unknown '3rd'"),
        (RULE + 'from = "2026-01-01"', "from: '2026-01-01' is no date; write it as 2026-02-05, without quotes"),
        (RULE + "from = 2026-01-01T00:00:00", "is no date"),
        (RULE + "from = 2026-13-01", "is not valid TOML"),
        (RULE + "from = { EUU = 2026-01-01 }", "unknown region 'EUU'"),
        (RULE + "from = 2026-01-02\nuntil = 2026-01-02", "until: 2026-01-02 is not after from"),
        (RULE + 'gpc = "yes"', "gpc: is neither true nor false"),
        (RULE + 'legal_bases = ["interest"]', "legal_bases: unknown 'interest'"),
        (RULE.replace('needs = "opt_in"\n', ""), "rule 'a': 'needs' is missing"),
        ("[purpose]\nads = { tcf = [1] }", "purpose: unknown 'ads'"),
        ("[purpose]\nanalytics = { tcf = [12] }", "12 is no TCF purpose"),
        ("[purpose]\nanalytics = { tcf = [true] }", "should be a list of numbers"),
        ('[purpose]\nanalytics = { storage = ["ads_storage"] }', r"did you mean 'ad_storage'\?"),
        ('[severity.third]\n"device.id" = "hihg"', r"unknown 'hihg'; did you mean 'high'\?"),
        ('[severity]\nthird = "high"', "severity.third: should be a table"),
        ("[[necessary]]\nbasis = 'b'", "necessary number 1: 'keys' is missing or empty"),
        ("[regions.QQ]\nname = 'x'", "regions.QQ: unknown region 'QQ'"),
        ("a = " + "[" * 5000, "own.toml: is "),
        ("version = " + "9" * 5000, "own.toml: "),
    ],
)
def test_a_wrong_policy_is_told_by_place_and_way_out(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        own(tmp_path, text)
    assert str(caught.value).startswith("own.toml: ")
    assert str(tmp_path) not in str(caught.value)


def test_files_that_are_no_policy(tmp_path: Path) -> None:
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "large.toml").write_bytes(b"#" * 1_000_001)
    for name, message in (("bytes.toml", "not UTF-8"), ("large.toml", "larger"), ("gone.toml", "cannot be read")):
        with pytest.raises(UsageError, match=f"^{name}: .*{message}"):
            policy.load(tmp_path / name)
    with pytest.raises(UsageError, match="cannot be read"):
        policy.load(tmp_path)


def complaint(check: Callable[[], object]) -> str:
    """Return what CHECK complains of, "" when it does not; any other error goes through."""
    try:
        check()
    except UsageError as why:
        return str(why)
    return ""


@given(st.text(max_size=200))
def test_any_text_is_a_policy_or_a_usage_error(text: str) -> None:
    said = complaint(lambda: parse(text, "own.toml"))
    assert not said or said.startswith("own.toml: ")


KEYS = st.sampled_from(["id", "regions", "types", "needs", "basis", "from", "until", "gpc", "party", "severity"])
VALUES = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=5) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)


@given(st.dictionaries(KEYS, VALUES))
def test_any_rule_is_checked_without_another_error(rule: dict[str, object]) -> None:
    said = complaint(lambda: check("own.toml", {"rule": [rule]}))
    assert not said or said.startswith("own.toml: rule ")


@pytest.mark.parametrize("region", ["Germany", "EUR", "US-ZZ", "", "US-"])
def test_an_unknown_region_is_a_usage_error(region: str) -> None:
    with pytest.raises(UsageError, match="unknown region"):
        policy.load(region=region)


def test_region_codes() -> None:
    assert (len(COUNTRIES), len(STATES), len(TYPES)) == (249, 51, 19)
    assert all(known_region(code) for code in ("EU", "UK", "DE", "US-TX", "CA-QC", "default"))
    assert policy.load(region=" de ").region == "DE"
