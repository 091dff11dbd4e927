"""The words and tones of the reports that people read."""

from collections.abc import Mapping

from consentinel.core.page import Tone

__all__ = [
    "OUTCOME_TEXT", "OUTCOME_TONES", "PROOF_TEXT", "REVIEW_TONES", "SCENARIOS", "SEVERITY_TONES", "SOURCES", "STATES",
    "TCF_PURPOSES",
]  # fmt: skip

SEVERITY_TONES: Mapping[str, Tone] = {"critical": "danger", "high": "warn", "medium": "caution", "low": "info"}
OUTCOME_TONES: Mapping[str, Tone] = {"potential violation": "danger", "no signal": "muted", "allowed": "ok"}
REVIEW_TONES: Mapping[str, Tone] = {
    "not_violation": "ok", "waived": "info", "violation": "danger", "stale": "warn", "expired": "warn",
    "conflict": "warn",
}  # fmt: skip
OUTCOME_TEXT = {
    "potential violation": "The evidence contradicts the policy that was used. It stays potential until a person has "
    "looked at it.",
    "no signal": "The evidence does not decide: no consent signal was seen, or none that covers this recipient and "
    "purpose at that moment. It is neither a pass nor a fail.",
    "allowed": "The policy permits it: consent covers it, or it needs none.",
}
PROOF_TEXT = {
    "P0": "Planted bytes: a value that was planted for the test, of at least 64 bits, was found in what was sent.",
    "P1": "Decoded signal: the consent string itself was decoded and contradicts what was sent.",
    "P2": "Difference: repeated visits under randomised scenarios differ by more than chance.",
    "P3": "Model: a classifier recognised the data; its probability is given.",
    "P4": "Hint: names and shapes of fields suggest it; look before you act.",
}
STATES = {
    "granted": "consent given",
    "denied": "consent denied",
    "before": "before consent",
    "opted_out": "opted out",
    "none": "no consent signal",
    "unreadable": "signal not readable",
}
SCENARIOS = {
    "no_action": "No action",
    "accept": "Accept",
    "reject": "Reject",
    "partial": "Partial",
    "gpc": "GPC",
    "withdraw": "Withdraw",
    "unknown": "Not known",
}
SOURCES = {
    "tcf": "IAB TCF",
    "gpp": "IAB GPP",
    "us_privacy": "US privacy string",
    "gpc": "Global Privacy Control",
    "consent_mode": "Google Consent Mode",
    "scenario": "Recorded scenario",
    "cmp": "Consent manager",
    "table": "Consent table",
}
# IAB Europe TCF Policies, appendix A: names of the purposes.
TCF_PURPOSES = {
    1: "store or access information on a device",
    2: "select basic ads",
    3: "create profiles for personalised ads",
    4: "select personalised ads",
    5: "create profiles to personalise content",
    6: "select personalised content",
    7: "measure advertising performance",
    8: "measure content performance",
    9: "understand audiences",
    10: "develop and improve services",
    11: "select content with limited data",
}
