"""What the rules of our own scans are called in a sentence."""

__all__ = ["RULES", "words_of"]

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


def words_of(rule: str) -> str:
    """Return what RULE is called; a rule or category of others by its name."""
    return RULES.get(rule, rule.replace("_", " "))
