"""Replay recorded events of Attribution Level 1 on a new device and say what differs from the record."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from consentinel.core.errors import BadInput, UsageError
from consentinel.protect.w3c.device import Device, Limits

__all__ = ["limits_of", "play"]

_NAMES = {
    "global_budget": "globalPrivacyBudgetPerEpoch",
    "site_budget": "perSitePrivacyBudget",
    "impression_site_quota": "impressionSiteQuotaPerEpoch",
    "epoch_days": "privacyBudgetEpochDays",
    "lookback_days": "maxLookbackDays",
    "histogram_size": "maxHistogramSize",
    "credit_size": "maxCreditSize",
    "match_values": "maxMatchValues",
    "conversion_sites": "maxConversionSitesPerImpression",
    "conversion_callers": "maxConversionCallersPerImpression",
    "impression_sites": "maxImpressionSitesForConversion",
    "impression_callers": "maxImpressionCallersForConversion",
}


def limits_of(config: Mapping[str, Any]) -> Limits:
    """Return the limits that CONFIG (the standard's names, as in CONFIG.json) sets; raises BadInput for one missing."""
    missing = [name for name in (*_NAMES.values(), "aggregationServices") if name not in config]
    if missing:
        raise BadInput(f"does not set {', '.join(missing)}", where="the configuration", todo="Add what is missing")
    return Limits(
        aggregation_services=frozenset(config["aggregationServices"]),
        **{field: config[name] for field, name in _NAMES.items()},
    )


def play(events: Sequence[Mapping[str, Any]], config: Mapping[str, Any]) -> list[str]:
    """Replay EVENTS under CONFIG and return one line for each that came out otherwise; none means equal.

    epochStart and fairlyAllocateCreditFraction of CONFIG stand in for the random numbers. An expected error is met
    when the raised one carries its name. Raises BadInput for events out of order or of an unknown kind.
    """
    start = Fraction(str(config.get("epochStart", 0)))
    rounding = Fraction(str(config.get("fairlyAllocateCreditFraction", 0)))
    device = Device(limits_of(config), draw_epoch=lambda: start, draw_credit=lambda: rounding)
    wrong, before = [], 0
    for event in events:
        now = event["seconds"]
        if now <= before:
            raise BadInput(f"has second {now} after second {before}", where="the events", todo="Sort them by time")
        before = now
        kind = event["event"]
        wanted: object = event.get("expected") if kind == "measureConversion" else None
        if "expectedError" in event:
            wanted = event["expectedError"]
        try:
            got: object = _step(device, event)
        except UsageError as why:
            got = str(why).partition(":")[0]
        if isinstance(wanted, Mapping):  # a DOMException, by its name
            wanted = wanted["name"]
        if got != wanted:
            wrong.append(f"second {now}, {kind}: wanted {wanted}, got {got}")
    return wrong


def _step(device: Device, event: Mapping[str, Any]) -> list[int] | None:
    now, kind = event["seconds"], event["event"]
    if kind == "saveImpression":
        device.save_impression(now, event["site"], event["options"], intermediary=event.get("intermediarySite"))
    elif kind == "measureConversion":
        return device.measure_conversion(
            now, event["site"], event["options"], intermediary=event.get("intermediarySite")
        )
    elif kind == "clearImpressionsForSite":
        device.clear_impressions(event["site"])
    elif kind == "clearBrowsingHistoryForAttribution":
        device.clear_history(now, event["sites"], forget_visits=event["forgetVisits"])
    elif kind in ("enableAPI", "disableAPI"):
        device.enabled = kind == "enableAPI"
    else:
        raise BadInput(f"has an unknown kind '{kind}'", where="the events", todo="See the event kinds of the player")
    return None
