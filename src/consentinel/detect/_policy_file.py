"""Reads a policy file: its words, its checks, and how one policy extends another."""

import re
import tomllib
from collections.abc import Collection, Iterable
from datetime import date, datetime
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NoReturn

from consentinel.core.errors import UsageError

TYPES = (
    *("device.advertising_id", "device.id", "device.hardware", "device.screen", "device.os", "device.browser"),
    *("device.locale", "device.time_zone", "device.network", "device.ip", "fingerprint.surface"),
    *("location.precise", "location.coarse", "contact.email", "contact.email_hashed", "contact.phone"),
    *("contact.phone_hashed", "contact.name", "user.id"),
)
PURPOSES = (
    *("advertising", "analytics", "social", "tag_management", "customer_support", "video", "security", "hosting"),
    *("consent_management", "functional", "unknown"),
)
ACTIONS = ("sent", "stored", "read", "column")
PARTIES = ("first", "third", "any")
NEEDS = ("opt_in", "opt_out", "nothing")
SEVERITIES = ("low", "medium", "high", "critical")
STORAGE = ("ad_storage", "analytics_storage")
BASES = ("consent", "contract", "legal_obligation", "vital_interest", "public_task", "legitimate_interest")
COUNTRIES = frozenset(  # ISO 3166-1 alpha-2
    re.findall(
        "..",
        "ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCDCFCGCHCICKCLCMCNCOCRCUCVCWCXCYCZ"
        "DEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHUIDIEILIMINIOIQIRISITJEJM"
        "JOJPKEKGKHKIKMKNKPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMUMVMWMXMYMZNANCNENFNGNINLNONP"
        "NRNUNZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURWSASBSCSDSESGSHSISJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTGTHTJTKTLTMTNTO"
        "TRTTTVTWTZUAUGUMUSUYUZVAVCVEVGVIVNVUWFWSYEYTZAZMZW",
    )
)
STATES = frozenset(  # of the United States, and the District of Columbia
    f"US-{code}"
    for code in re.findall(
        "..",
        "ALAKAZARCACOCTDEDCFLGAHIIDILINIAKSKYLAMEMDMAMIMNMSMOMTNENVNHNJNMNYNCNDOHOKORPARISCSDTNTXUTVTVAWAWVWIWY",
    )
)
_LARGEST = 1_000_000  # bytes; the default policy has about 20,000
_TOP = ("version", "extends", "regions", "rule", "purpose", "severity", "necessary")
_REGION = ("name", "from", "gpc_from", "members", "basis")
_RULE = (
    *("id", "regions", "types", "actions", "purposes", "party", "needs", "basis", "legal_bases", "from", "until"),
    *("gpc", "severity"),
)

Document = dict[str, Any]


def known_region(code: str) -> bool:
    """Return whether CODE is EU, UK, default, an ISO 3166 country, a state of the US, or a part of another country."""
    if code in ("EU", "UK", "default") or code in COUNTRIES:
        return True
    country, dash, part = code.partition("-")
    if country == "US":
        return code in STATES
    return bool(dash) and country in COUNTRIES and re.fullmatch("[A-Z0-9]{1,3}", part) is not None


def nearest(word: object, known: Collection[str]) -> str:
    """Return the end of a message: the nearest known word, else all of them."""
    close = get_close_matches(str(word)[:100], list(known), 1, 0.5)
    return f"did you mean '{close[0]}'?" if close else f"there is: {', '.join(known)}"


def read(path: Path) -> Document:
    """Return the checked policy in the TOML file PATH, not yet joined with the one that it extends."""
    name = path.name
    try:
        if path.stat().st_size > _LARGEST:
            raise UsageError(f"{name}: is larger than {_LARGEST:,} bytes; a policy file is a short TOML text")
        text = path.read_bytes().decode("utf-8")
    except OSError as why:
        raise UsageError(f"{name}: cannot be read ({why.strerror or 'no such file'}); give a TOML file") from None
    except (UnicodeDecodeError, ValueError):
        raise UsageError(f"{name}: is not UTF-8 text; a policy file is TOML, see docs/rooms/detect_policy.md") from None
    return parse(text, name)


def parse(text: str, name: str) -> Document:
    """Return the checked policy in TEXT; NAME is used in messages."""
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, ValueError) as why:  # ValueError: a number too long to convert
        raise UsageError(f"{name}: is not valid TOML: {why}; correct that line") from None
    except RecursionError:
        raise UsageError(f"{name}: is nested too deeply; a policy needs three levels") from None
    check(name, document)
    return document


def check(name: str, document: Document) -> None:
    """Raise UsageError for the first thing in DOCUMENT that a policy cannot say; NAME is the file for the message."""
    _Checks(name).document(document)


def extended(base: Document, own: Document, name: str) -> Document:
    """Return OWN joined with BASE: rules with a new id come first, rules with a known id change the rule they name.

    Without `extends = "default"` OWN keeps the facts of BASE (regions, purposes, severities) but none of its rules.
    """
    joined: Document = {"version": 1}
    for table in ("regions", "purpose", "severity"):
        joined[table] = {k: dict(v) for k, v in base[table].items()}
        for key, value in own.get(table, {}).items():
            mine = joined[table].setdefault(key, {})
            # An own severity pattern has to be tried before the patterns of the default.
            joined[table][key] = {**value, **{k: v for k, v in mine.items() if k not in value}}
            if table == "regions" and "basis" in mine:
                joined[table][key]["basis"] = {**mine["basis"], **value.get("basis", {})}
    rules = {rule["id"]: rule for rule in base["rule"]} if "extends" in own else {}
    added = {rule["id"]: rule for rule in own.get("rule", []) if rule["id"] not in rules}
    changed = {rule["id"]: {**rules[rule["id"]], **rule} for rule in own.get("rule", []) if rule["id"] in rules}
    joined["rule"] = [*added.values(), *({**rules, **changed}).values()]
    joined["necessary"] = [*own.get("necessary", []), *(base["necessary"] if "extends" in own else [])]
    for rule in joined["rule"]:
        if missing := [key for key in ("regions", "needs", "basis") if key not in rule]:
            raise UsageError(f"{name}: rule '{rule['id']}': '{missing[0]}' is missing; every rule names it")
    return joined


class _Checks:
    """The checks of one document; each one raises UsageError with the place and the nearest word."""

    def __init__(self, name: str) -> None:
        self.name = name

    def fail(self, where: str, what: str) -> NoReturn:
        raise UsageError(f"{self.name}: {where}: {what}")

    def document(self, document: Document) -> None:
        self.keys("top level", document, _TOP)
        if document.get("version", 1) != 1:
            self.fail("version", "is not 1, the only version there is; take the line out or write 1")
        if document.get("extends", "default") != "default":
            self.fail("extends", f"'{document['extends']}' is unknown; there is: default")
        for code, region in self.table("regions", document.get("regions", {})).items():
            self.region(f"regions.{code}", code, region)
        seen: set[str] = set()
        for number, rule in enumerate(self.tables("rule", document.get("rule", [])), 1):
            self.rule(f"rule number {number}", rule)
            if rule["id"] in seen:
                self.fail(f"rule '{rule['id']}'", "is there twice; give one of them another id")
            seen.add(rule["id"])
        for purpose, signals in self.table("purpose", document.get("purpose", {})).items():
            self.word("purpose", purpose, PURPOSES)
            self.keys(f"purpose.{purpose}", self.table(f"purpose.{purpose}", signals), ("tcf", "storage"))
            for number in self.items(f"purpose.{purpose}.tcf", signals.get("tcf", []), int):
                if not 1 <= number <= 11:
                    self.fail(f"purpose.{purpose}.tcf", f"{number} is no TCF purpose; there are 1 to 11")
            self.words(f"purpose.{purpose}.storage", signals.get("storage", []), STORAGE)
        for party, levels in self.table("severity", document.get("severity", {})).items():
            self.word("severity", party, PARTIES[:2])
            for pattern, level in self.table(f"severity.{party}", levels).items():
                self.pattern(f"severity.{party}", pattern)
                self.word(f"severity.{party}.{pattern}", level, SEVERITIES)
        for number, group in enumerate(self.tables("necessary", document.get("necessary", [])), 1):
            where = f"necessary number {number}"
            self.keys(where, group, ("why", "basis", "keys", "purposes"))
            self.text(where, group, "basis")
            if not self.items(f"{where}: keys", group.get("keys", []), str):
                self.fail(where, "'keys' is missing or empty; list the names, * stands for any text")
            self.words(f"{where}: purposes", group.get("purposes", []), PURPOSES)

    def region(self, where: str, code: str, region: Any) -> None:
        self.code(where, code)
        self.keys(where, self.table(where, region), _REGION)
        for key in ("from", "gpc_from"):
            self.day(f"{where}.{key}", region.get(key))
        for member in self.items(f"{where}.members", region.get("members", []), str):
            self.code(f"{where}.members", member)
        for name in self.table(f"{where}.basis", region.get("basis", {})):
            self.text(f"{where}.basis", region["basis"], name)

    def rule(self, where: str, rule: Document) -> None:
        self.keys(where, rule, _RULE)
        self.text(where, rule, "id")
        where = f"rule '{rule['id']}'"
        for code in self.items(f"{where}: regions", rule.get("regions", ["EU"]), str):
            if not code.endswith("-*") or code[:-2] not in COUNTRIES:
                self.code(f"{where}: regions", code)
        if rule.get("regions") == []:
            self.fail(f"{where}: regions", "is empty; name at least one, or 'default'")
        for pattern in self.items(f"{where}: types", rule.get("types", []), str):
            self.pattern(f"{where}: types", pattern)
        self.words(f"{where}: actions", rule.get("actions", []), ACTIONS)
        self.words(f"{where}: purposes", rule.get("purposes", []), PURPOSES)
        self.words(f"{where}: legal_bases", rule.get("legal_bases", []), BASES)
        for key, known in (("party", PARTIES), ("needs", NEEDS), ("severity", SEVERITIES)):
            if key in rule:
                self.word(f"{where}: {key}", rule[key], known)
        if "basis" in rule:
            self.text(where, rule, "basis")
        if not isinstance(rule.get("gpc", False), bool):
            self.fail(f"{where}: gpc", "is neither true nor false")
        starts = rule["from"] if isinstance(rule.get("from"), dict) else {"": rule.get("from")}
        for code, day in starts.items():
            if code:
                self.code(f"{where}: from", code)
            self.day(f"{where}: from {code}".rstrip(), day)
            self.day(f"{where}: until", rule.get("until"))
            if day and rule.get("until") and rule["until"] <= day:
                self.fail(f"{where}: until", f"{rule['until']} is not after from {day}")

    def keys(self, where: str, table: Document, known: tuple[str, ...]) -> None:
        for key in table:
            if key not in known:
                self.fail(where, f"unknown key '{key[:100]}'; {nearest(key, known)}")

    def table(self, where: str, value: Any) -> Document:
        if not isinstance(value, dict):
            self.fail(where, "should be a table")
        return value

    def tables(self, where: str, value: Any) -> list[Document]:
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self.fail(where, f"should be written as [[{where}]] blocks")
        return value

    def items(self, where: str, value: Any, kind: type) -> list[Any]:
        if not isinstance(value, list) or not all(type(item) is kind for item in value):
            self.fail(where, f"should be a list of {'numbers' if kind is int else 'texts'}, for example [...]")
        return value

    def text(self, where: str, table: Document, key: str) -> None:
        value = table.get(key)
        if not isinstance(value, str) or not value.strip():
            self.fail(where, f"'{key}' is missing or is no text")

    def word(self, where: str, value: object, known: Collection[str]) -> None:
        if value not in known:
            self.fail(where, f"unknown '{str(value)[:100]}'; {nearest(value, known)}")

    def words(self, where: str, value: Any, known: Collection[str]) -> None:
        for item in self.items(where, value, str):
            self.word(where, item, known)

    def pattern(self, where: str, pattern: str) -> None:
        if not any(fnmatchcase(kind, pattern) for kind in TYPES):
            self.fail(where, f"no data type fits '{pattern[:100]}'; {nearest(pattern, TYPES)}")

    def code(self, where: str, code: str) -> None:
        if not known_region(code):
            known = sorted({"EU", "UK", "default", *COUNTRIES, *STATES})
            close = get_close_matches(code[:20].upper(), known, 1, 0.5)
            hint = f"did you mean '{close[0]}'? " if close else ""
            self.fail(where, f"unknown region '{code[:100]}'; {hint}Write EU, UK, default, an ISO 3166 code, or US-TX")

    def day(self, where: str, value: object) -> None:
        if value is not None and (not isinstance(value, date) or isinstance(value, datetime)):
            self.fail(where, f"'{str(value)[:40]}' is no date; write it as 2026-02-05, without quotes and time")


def expanded(patterns: Iterable[str]) -> frozenset[str]:
    """Return the data types that fit any of PATTERNS; all of them when there is no pattern."""
    wanted = list(patterns)
    return frozenset(t for t in TYPES if not wanted or any(fnmatchcase(t, pattern) for pattern in wanted))
