"""What data types and the rules of our own scans are called in a sentence, the same in every room."""

import re

from consentinel.core.text import one_line

__all__ = ["RULES", "TYPES", "rule_words", "type_name"]

# Data type -> how it is called inside a sentence. Its name without the article is its label elsewhere.
TYPES = {
    "device.advertising_id": "an advertising identifier",
    "device.id": "a device identifier",
    "device.hardware": "hardware details",
    "device.screen": "screen details",
    "device.os": "the operating system",
    "device.browser": "browser details",
    "device.locale": "the language setting",
    "device.time_zone": "the time zone",
    "device.network": "network details",
    "device.ip": "an IP address",
    "fingerprint.surface": "a fingerprinting surface",
    "location.precise": "a precise location",
    "location.coarse": "a coarse location",
    "contact.email": "an email address",
    "contact.email_hashed": "a hashed email address",
    "contact.phone": "a phone number",
    "contact.phone_hashed": "a hashed phone number",
    "contact.name": "a person's name",
    "user.id": "a user identifier",
}
# Rule -> what it found, without subject.
RULES = {
    "advertising_id": "advertising id sent",
    "choice_not_kept": "choice not kept",
    "claim_model": "taken for personal data by a model",
    "coarse_location": "coarse location sent",
    "consent_mode_denied": "sent against Google Consent Mode",
    "contact_data": "contact data sent",
    "device_identifier": "device identifier sent",
    "fingerprint_surface": "fingerprinting",
    "gpc_ignored": "Global Privacy Control ignored",
    "precise_location": "precise location sent",
    "storage_before_consent": "stored without consent",
    "tcf_denied": "sent against a refusal (TCF)",
}
_ARTICLE = re.compile(r"^(an?|the) ")
_LONGEST = 60  # characters of a name


def rule_words(rule: str) -> str:
    """Return what RULE is called; a rule or category of others by its name."""
    return RULES.get(rule, rule.replace("_", " "))


def type_name(kind: str | None) -> str:
    """Return the label of the data type KIND: its name in a sentence without the article."""
    if kind is None:
        return "unrecognised data"
    called = TYPES.get(kind)
    return one_line(kind, _LONGEST) if called is None else _ARTICLE.sub("", called)
